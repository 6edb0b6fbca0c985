import type { AxiosAdapter, AxiosInstance, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { ClosedError, invalidOption } from '../errors.ts';
import { scopeKey } from '../token/endpoint/scope.ts';
import { hostOf, isLoopback, originOf } from '../url.ts';
import { httpAdapter, isAxiosSince, isFetchAdapter, isUsers, resolveAdapter } from './adapter.ts';
import { unlinked } from './bodies/unlinked.ts';
import { concealRequest, concealSockets } from './conceal.ts';
import { Exchange, type ExchangeParts } from './exchange.ts';
import { type Destination, OriginGuard, type Withheld } from './origin.ts';
import { isFetchedByProxy, isReadByProxy } from './proxy.ts';
import { resolveRequestOptions } from './request-options.ts';
import { cleanLaterErrors, restoreError } from './restore.ts';
import { copyConfig } from './sent-config.ts';

/** What an attachment needs to know, from the auth and from the call of `attach`. */
export interface Attachment extends Omit<ExchangeParts, 'destinationOf' | 'send'> {
  /** Tells one auth from another. */
  readonly auth: object;
  readonly scope: readonly string[];
  readonly origins: readonly string[];
  readonly foreignHosts: readonly string[];
  readonly allowInsecureHttp: boolean;
  readonly maxWaitMs: number;
}

type Config = InternalAxiosRequestConfig;
type Send = (config: Config) => Promise<AxiosResponse>;

/** On an attached instance: who is attached, for all copies of this package. */
const ATTACHED: unique symbol = Symbol.for('axios-payu-auth.attached');
/** On our adapter: the user's own. On the function, as older versions of axios drop symbols from a config. */
const ORIGINAL: unique symbol = Symbol.for('axios-payu-auth.original');

/**
 * An axios instance, as far as its type matters. Axios has its types twice, for `import` and for `require`, and they
 * do not fit each other: a client that a CommonJS package made (`@nestjs/axios`) could not be attached in an ES module.
 */
export interface AttachableClient {
  readonly defaults: { readonly baseURL?: string | undefined };
  readonly interceptors: {
    // Parameters that no call could satisfy: any signature is assignable.
    readonly request: { use(...parameters: never[]): number; eject(id: number): void };
  };
  request(...parameters: never[]): Promise<unknown>;
}

interface Attached {
  readonly auth: object;
  readonly signature: string;
  /** False once somebody has cleared the instance's interceptors. */
  readonly isInPlace: () => boolean;
  readonly detach: () => void;
}

type Wrapper = Send & { [ORIGINAL]?: Config['adapter'] };

/** Puts the token on every request of the instance, until detached (A). */
export function attach(attachable: AttachableClient, attachment: Attachment): () => void {
  if (typeof attachable?.interceptors?.request?.use !== 'function') {
    throw invalidOption(
      'client',
      'must be an axios instance, such as axios.create() returns; of a HttpService in NestJS, its "axiosRef".',
    );
  }
  // An instance of either copy of the types is the same at run time.
  const client = attachable as AxiosInstance;
  refuseBaseUrl(client, attachment);
  const holder = client as AxiosInstance & { [ATTACHED]?: Attached };
  const { auth } = attachment;
  const signature = JSON.stringify([attachment.scope, [...new Set(attachment.origins)].sort()]);
  const present = holder[ATTACHED];
  if (present?.isInPlace()) {
    if (present.auth === auth && present.signature === signature) return present.detach;
    throw invalidOption('client', alreadyAttached(present.auth === auth));
  }
  if (!Object.isExtensible(holder)) {
    throw invalidOption(
      'client',
      'is frozen, so that nothing can be attached to it. Attach it before it is frozen.',
    );
  }
  const swapAdapter = adapterSwap(sending(client, attachment), () => handlersOf(client)?.length === 1);
  // Synchronous, so that axios stays on its short path where the user's own interceptors are.
  const id = client.interceptors.request.use(swapAdapter, undefined, { synchronous: true });
  const isInPlace = () => handlersOf(client)?.includes(swapAdapter) ?? true;
  const detach = () => {
    // After a clear(), the id may be somebody else's.
    if (isInPlace()) client.interceptors.request.eject(id);
    if (holder[ATTACHED]?.detach === detach) delete holder[ATTACHED];
  };
  Object.defineProperty(holder, ATTACHED, {
    value: { auth, signature, isInPlace, detach } satisfies Attached,
    configurable: true,
  });
  return detach;
}

/**
 * The interceptor: all it does is to put a wrapper in the adapter's place. Everything else happens in there, below all
 * interceptors and transforms of the user, so that each of them runs once per call (A1).
 */
function adapterSwap(send: Send, isAlone: () => boolean): (config: Config) => Config {
  let last = wrapped(undefined, send);
  return (config) => {
    // Axios rejects it before any adapter is asked, with this config in its error. An interceptor that runs after this
    // one may give it another signal, though: then it must not go bare (A7).
    if ((config.signal?.aborted || config.cancelToken?.reason) && isAlone()) return config;
    const given = config.adapter;
    // A config that came back before it was sent, maybe from an instance with another auth (A2, G4).
    const original = typeof given === 'function' && ORIGINAL in given ? (given as Wrapper)[ORIGINAL] : given;
    if (last[ORIGINAL] !== original) last = wrapped(original, send);
    try {
      config.adapter = last;
    } catch {
      // Frozen: axios 1.21 sends a copy of such a config, too.
      return copyConfig(config, { adapter: last });
    }
    return config;
  };
}

function wrapped(original: Config['adapter'], send: Send): Wrapper {
  const wrapper: Wrapper = (sent) => {
    // Configs that are handed back hold the user's own adapter (A2).
    if (original === undefined) delete (sent as { adapter?: unknown }).adapter;
    else sent.adapter = original;
    return send(sent);
  };
  wrapper[ORIGINAL] = original;
  return wrapper;
}

/** What happens in the adapter's place. */
function sending(client: AxiosInstance, attachment: Attachment): Send {
  const { header, allowInsecureHttp } = attachment;
  const headerIsAuthorization = header.name.toLowerCase() === 'authorization';
  const http = httpAdapter();
  const attachedScopeKey = scopeKey(attachment.scope);
  const tunnelsHttps = isAxiosSince(16, 1);
  const { origins: allowed, foreignHosts } = attachment;
  const guard = new OriginGuard({ allowed, foreignHosts, allowInsecureHttp, headerIsAuthorization }, client);
  const destinationOf = (config: Config, adapter: AxiosAdapter): Destination => {
    const destination = guard.destination(config);
    if (destination.kind === 'withheld') return destination;
    const { origin, isPlain } = destination;
    if (config.auth && headerIsAuthorization) return { kind: 'withheld', reason: 'basic-auth', origin };
    if (allowInsecureHttp || (tunnelsHttps && !isPlain)) return destination;
    const isRead =
      adapter === http
        ? isReadByProxy(origin, config)
        : isFetchedByProxy(origin, config) && isFetchAdapter(adapter, config);
    return isRead ? { kind: 'withheld', reason: 'insecure-http', origin } : destination;
  };
  const withhold = (reason: Withheld['reason'] | 'own-header', origin: string): void => {
    attachment.emit({ type: 'token-withheld', reason, origin });
  };
  const send: Send = (config) => {
    disinherit(config);
    const adapter = resolveAdapter(config.adapter, config);
    if (config.httpAgent || config.httpsAgent) concealSockets(config);
    const payuAuth = Object.hasOwn(config, 'payuAuth') ? config.payuAuth : undefined;
    if (payuAuth === false) return asItIs(adapter, config);
    const destination = destinationOf(config, adapter);
    if (isSet(config.headers, header.name)) {
      withhold('own-header', destination.origin);
      return asItIs(adapter, config);
    }
    const own = payuAuth === undefined ? undefined : resolveRequestOptions(payuAuth);
    if (destination.kind === 'withheld') {
      // Until detached, nothing leaves through a closed auth that would have been bare.
      if (destination.reason !== 'basic-auth' && attachment.source.closed.hasCome) throw new ClosedError();
      withhold(destination.reason, destination.origin);
      return asItIs(adapter, config);
    }
    const { origin, isPlain } = destination;
    return new Exchange(parts, {
      config,
      adapter,
      adapterIsUsers: isUsers(adapter, config),
      mayFetch: adapter !== http,
      origin,
      isPlain,
      scopeKey: own?.scopeKey ?? attachedScopeKey,
      maxWaitMs: own?.maxWaitMs ?? attachment.maxWaitMs,
      replay: own?.replay ?? 'allowed',
    }).run();
  };
  const parts: ExchangeParts = { ...attachment, destinationOf, send };
  return send;
}

/** Axios before 1.15 reads what a polluted `Object.prototype` holds as if it stood in the config (G6). */
function disinherit(config: Config): void {
  if (Object.getPrototypeOf(config) !== Object.prototype || Object.keys(Object.prototype).length === 0)
    return;
  Object.setPrototypeOf(config, null);
  // The fetch adapter copies it onto an object that inherits.
  config.baseURL ??= '';
  config.allowAbsoluteUrls ??= true;
}

/** Sends a call without a token. Its request is hidden all the same (G2). */
async function asItIs(adapter: AxiosAdapter, config: Config): Promise<AxiosResponse> {
  const { data } = config;
  config.data = unlinked(data);
  try {
    const response = concealRequest(await adapter(config), isUsers(adapter, config));
    cleanLaterErrors(response, config, undefined);
    return response;
  } catch (error) {
    throw restoreError(error, undefined);
  } finally {
    config.data = data;
  }
}

/** Whether the caller set this header itself, also to `false`, which is how axios is told to leave it out. */
function isSet(headers: object, name: string): boolean {
  for (const key of Object.keys(headers)) {
    if (
      key.length === name.length &&
      key.toLowerCase() === name.toLowerCase() &&
      (headers as Record<string, unknown>)[key] !== undefined
    ) {
      return true;
    }
  }
  return false;
}

/** What is registered, in a list that axios shows, but does not type. A mock written by hand may have none. */
function handlersOf(client: AxiosInstance): readonly unknown[] | undefined {
  const manager = client.interceptors.request as unknown as {
    forEach?(visit: (handler: { readonly fulfilled?: unknown }) => void): void;
  };
  if (manager.forEach === undefined) return undefined;
  const handlers: unknown[] = [];
  manager.forEach((handler) => void handlers.push(handler.fulfilled));
  return handlers;
}

function alreadyAttached(isSameAuth: boolean): string {
  return isSameAuth
    ? 'is attached to this auth already, with other options. Detach it first.'
    : 'is attached to another auth already. Detach it first, or create another instance.';
}

/** What `baseURL` can never be used with (A9, F4). */
function refuseBaseUrl(client: AxiosInstance, { foreignHosts, allowInsecureHttp }: Attachment): void {
  const baseUrl = client.defaults?.baseURL;
  const host = hostOf(baseUrl);
  if (host === undefined) return;
  if (foreignHosts.includes(host)) {
    throw invalidOption(
      'baseURL',
      `of the instance leads to "${host}", which belongs to PayU's other environment than the option "environment" says. Change one of the two.`,
    );
  }
  if (originOf(baseUrl)?.startsWith('http:') && !isLoopback(host) && !allowInsecureHttp) {
    throw invalidOption(
      'baseURL',
      `of the instance leads to "${host}" by plain http, where no token may go. Use https, or set the option "allowInsecureHttp".`,
    );
  }
}
