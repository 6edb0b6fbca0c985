import type { AxiosInstance, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { invalidOption } from '../errors.ts';
import { type ScopeInput, scopeKey } from '../token/scope.ts';
import { originOf } from '../url.ts';
import { refuseUnknown, resolveDuration, resolveScope } from '../validation.ts';
import { isFetchAdapter, resolveAdapter } from './adapter.ts';
import { Exchange, type ExchangeParts } from './exchange.ts';
import { OriginGuard } from './origin.ts';

/** What a single request may say about its token. */
export interface PayuAuthRequestOptions {
  /** Another scope for this request. */
  readonly scope?: ScopeInput;
  /** Another limit in milliseconds for all the waiting of this request. */
  readonly maxWaitMs?: number;
  /** False: send exactly once, whatever comes back. */
  readonly replay?: boolean;
}

declare module 'axios' {
  interface AxiosRequestConfig {
    /** axios-payu-auth: options for this request's token; `false` leaves the request alone. */
    payuAuth?: false | PayuAuthRequestOptions;
  }
}

/** What an attachment needs to know, from the auth and from the call of `attach`. */
export interface Attachment extends ExchangeParts {
  /** Tells one auth from another. */
  readonly auth: object;
  readonly scope: readonly string[];
  readonly origins: readonly string[];
  readonly foreignOrigins: readonly string[];
  readonly allowInsecureHttp: boolean;
  readonly maxWaitMs: number;
}

type Adapter = NonNullable<InternalAxiosRequestConfig['adapter']>;
type Config = InternalAxiosRequestConfig;

/** On an attached instance: who is attached, for all copies of this package. */
const ATTACHED: unique symbol = Symbol.for('axios-payu-auth.attached');
/** On our adapter: the user's own. On the function, as older versions of axios drop symbols from a config. */
const ORIGINAL: unique symbol = Symbol.for('axios-payu-auth.original');

interface Attached {
  readonly auth: object;
  readonly signature: string;
  readonly detach: () => void;
}

type Wrapper = ((config: Config) => Promise<AxiosResponse>) & { [ORIGINAL]?: Config['adapter'] };

/** Puts the token on every request of the instance, until detached (A). */
export function attach(client: AxiosInstance, attachment: Attachment): () => void {
  if (typeof client?.interceptors?.request?.use !== 'function') {
    throw invalidOption('client', 'must be an axios instance, such as axios.create() returns.');
  }
  refuseMixUp(client, attachment);
  const holder = client as AxiosInstance & { [ATTACHED]?: Attached };
  const signature = JSON.stringify([attachment.scope, attachment.origins]);
  const present = holder[ATTACHED];
  if (present !== undefined) {
    if (present.auth === attachment.auth && present.signature === signature) return present.detach;
    throw invalidOption(
      'client',
      present.auth === attachment.auth
        ? 'is attached to this auth already, with other options. Detach it first.'
        : 'is attached to another auth already. Detach it first, or create another instance.',
    );
  }
  const guard = new OriginGuard(
    {
      allowed: attachment.origins,
      foreign: attachment.foreignOrigins,
      allowInsecureHttp: attachment.allowInsecureHttp,
      headerIsAuthorization: isAuthorization(attachment.headerName),
    },
    () => client.defaults.baseURL,
  );
  const key = scopeKey(attachment.scope);
  const swapAdapter = (config: Config): Config => {
    const original = config.adapter as (Wrapper & Adapter) | undefined;
    // A config of ours that came back before it was sent, as a retry plugin may do.
    if (typeof original === 'function' && ORIGINAL in original) return config;
    const wrapper: Wrapper = (sent) => {
      if (original === undefined) delete (sent as { adapter?: unknown }).adapter;
      else sent.adapter = original;
      return send(sent, attachment, guard, key);
    };
    wrapper[ORIGINAL] = original;
    config.adapter = wrapper;
    return config;
  };
  // Synchronous, so that axios stays on its short path where the user's own interceptors are.
  const id = client.interceptors.request.use(swapAdapter, undefined, { synchronous: true });
  const detach = () => {
    if (holder[ATTACHED]?.detach !== detach) return;
    client.interceptors.request.eject(id);
    delete holder[ATTACHED];
  };
  Object.defineProperty(holder, ATTACHED, {
    value: { auth: attachment.auth, signature, detach } satisfies Attached,
    configurable: true,
  });
  return detach;
}

function send(
  config: Config,
  attachment: Attachment,
  guard: OriginGuard,
  key: string,
): Promise<AxiosResponse> {
  const adapter = resolveAdapter(config.adapter, config);
  const { payuAuth } = config;
  if (payuAuth === false || hasHeader(config.headers, attachment.headerName)) {
    return adapter(config) as Promise<AxiosResponse>;
  }
  const own = payuAuth === undefined ? undefined : requestOptions(payuAuth);
  const destination = guard.destination(config);
  if (destination.kind === 'withheld' || (config.auth && isAuthorization(attachment.headerName))) {
    const reason = destination.kind === 'withheld' ? destination.reason : 'basic-auth';
    attachment.emit({ type: 'token-withheld', reason, origin: destination.origin });
    return adapter(config) as Promise<AxiosResponse>;
  }
  return new Exchange(attachment, {
    config,
    adapter,
    follows: isFetchAdapter(adapter, config.adapter, config) ? 'by-itself' : 'by-hook',
    scopeKey: own?.scopeKey ?? key,
    origin: destination.origin,
    maxWaitMs: own?.maxWaitMs ?? attachment.maxWaitMs,
    replay: own?.replay === false ? 'disabled' : 'allowed',
  }).run();
}

/** Checks what a request says: it was not read when the auth was made. */
function requestOptions(options: PayuAuthRequestOptions): {
  readonly scopeKey: string | undefined;
  readonly maxWaitMs: number | undefined;
  readonly replay: boolean | undefined;
} {
  if (typeof options !== 'object' || options === null) {
    throw invalidOption('payuAuth', 'must be false or { scope?, maxWaitMs?, replay? }.');
  }
  refuseUnknown('payuAuth.', options, ['scope', 'maxWaitMs', 'replay']);
  const { scope, maxWaitMs, replay } = options;
  if (replay !== undefined && typeof replay !== 'boolean') {
    throw invalidOption('payuAuth.replay', 'must be true or false.');
  }
  return {
    scopeKey: scope === undefined ? undefined : scopeKey(resolveScope('payuAuth.scope', scope)),
    maxWaitMs: maxWaitMs === undefined ? undefined : resolveDuration('payuAuth.maxWaitMs', maxWaitMs, 0),
    replay,
  };
}

/** Whether the caller set this header itself, also to `false`, which is how axios is told to leave it out. */
function hasHeader(headers: object, name: string): boolean {
  for (const key of Object.keys(headers)) {
    if (key.length === name.length && key.toLowerCase() === name.toLowerCase()) {
      return (headers as Record<string, unknown>)[key] !== undefined;
    }
  }
  return false;
}

function isAuthorization(headerName: string): boolean {
  return headerName.toLowerCase() === 'authorization';
}

function refuseMixUp(client: AxiosInstance, { foreignOrigins }: Attachment): void {
  const origin = originOf(client.defaults?.baseURL);
  if (origin === undefined || !foreignOrigins.includes(origin)) return;
  throw invalidOption(
    'baseURL',
    `of the instance is "${origin}", which belongs to PayU's other environment than the option "environment" says. Change one of the two.`,
  );
}
