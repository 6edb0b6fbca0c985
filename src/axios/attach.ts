import http from 'node:http';
import https from 'node:https';
import type { AxiosAdapter, AxiosInstance, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { ClosedError, invalidOption } from '../errors.ts';
import { scopeKey } from '../token/endpoint/scope.ts';
import { hostOf, isLoopback, originOf } from '../url.ts';
import { isUsers, ownAdapter, resolveAdapter } from './adapter.ts';
import { unlinked } from './bodies/copied-stream.ts';
import { concealSockets } from './conceal.ts';
import { Exchange, type ExchangeParts } from './exchange.ts';
import { OriginGuard, type OriginRules } from './origin.ts';
import { type ResolvedRequestOptions, resolveRequestOptions } from './request-options.ts';
import { restoreError, restoreResponse } from './restore.ts';
import { copyConfig, namesOf } from './sent-config.ts';

/** What one attachment works with: parts of the auth, and the options of `attach`. */
export interface Attachment extends OriginRules, Omit<ExchangeParts, 'guard' | 'send'> {
  readonly scope: readonly string[];
  readonly maxWaitMs: number;
}

type Config = InternalAxiosRequestConfig;
type Send = (config: Config) => Promise<AxiosResponse>;

/** On an attached instance: its attachment. All copies of this package see it. */
const ATTACHED: unique symbol = Symbol.for('axios-payu-auth.attached');
/** On our adapter: the user's own. It stands on the function, as old versions of axios drop symbols from a config. */
const ORIGINAL: unique symbol = Symbol.for('axios-payu-auth.original');

/**
 * An axios instance, of either copy of axios' types. Axios has one copy for `import` and one for `require`, and they do
 * not fit each other: an ES module could not attach a client of a CommonJS package (`@nestjs/axios`).
 */
export interface AttachableClient {
  readonly defaults: { readonly baseURL?: string | undefined };
  readonly interceptors: {
    // With `never`, any signature is assignable.
    readonly request: { use(...parameters: never[]): number; eject(id: number): void };
  };
  request(...parameters: never[]): Promise<unknown>;
}

interface Attached extends Pick<Attachment, 'source'> {
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
  // At run time both copies are the same.
  const client = attachable as AxiosInstance;
  refuseBaseUrl(client, attachment);
  const holder = client as AxiosInstance & { [ATTACHED]?: Attached };
  const { source } = attachment;
  const signature = JSON.stringify([attachment.scope, [...new Set(attachment.origins)].sort()]);
  const present = holder[ATTACHED];
  // An instance may outlive whoever has closed its auth, such as a test's application: it is free for another one.
  if (present?.isInPlace() && !present.source.closed.hasCome) {
    if (present.source === source && present.signature === signature) return present.detach;
    throw invalidOption(
      'client',
      present.source === source
        ? 'is attached to this auth already, with other options. Detach it first.'
        : 'is attached to another auth already. Detach it first, or create another instance.',
    );
  }
  if (!Object.isExtensible(holder)) {
    throw invalidOption(
      'client',
      'is frozen, so that nothing can be attached to it. Attach it before it is frozen.',
    );
  }
  present?.detach();
  const swapAdapter = adapterSwap(sending(client, attachment), () => handlersOf(client)?.length === 1);
  // Synchronous, so that axios keeps its fast path if the user's interceptors are synchronous.
  const id = client.interceptors.request.use(swapAdapter, undefined, { synchronous: true });
  const isInPlace = () => handlersOf(client)?.includes(swapAdapter) ?? true;
  const detach = () => {
    // After a clear(), the id may belong to another interceptor.
    if (isInPlace()) client.interceptors.request.eject(id);
    if (holder[ATTACHED]?.detach === detach) delete holder[ATTACHED];
  };
  Object.defineProperty(holder, ATTACHED, {
    value: { source, signature, isInPlace, detach } satisfies Attached,
    configurable: true,
  });
  return detach;
}

/** The interceptor. Everything happens in its wrapper, below all interceptors and transforms of the user (A1). */
function adapterSwap(send: Send, isAlone: () => boolean): (config: Config) => Config {
  let last = wrapped(undefined, send);
  return (config) => {
    // Axios rejects a cancelled call before it calls any adapter, with this config in the error. A later interceptor could
    // still replace the signal, and then the call must not go bare (A7).
    if ((config.signal?.aborted || config.cancelToken?.reason) && isAlone()) return config;
    const given = config.adapter;
    // This config may have been through an attached instance already, maybe one with another auth (A2, G4).
    const original = typeof given === 'function' && ORIGINAL in given ? (given as Wrapper)[ORIGINAL] : given;
    if (last[ORIGINAL] !== original) last = wrapped(original, send);
    try {
      config.adapter = last;
    } catch {
      // The config is frozen. Axios 1.21 sends a copy of such a config as well.
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
    try {
      return send(sent);
    } catch (error) {
      // Whoever takes its place relies on a promise.
      return Promise.reject(error);
    }
  };
  wrapper[ORIGINAL] = original;
  return wrapper;
}

/** What the wrapper does in place of the adapter. */
function sending(client: AxiosInstance, attachment: Attachment): Send {
  const { emit, header, source, scope, maxWaitMs } = attachment;
  const httpAdapter = ownAdapter('http');
  const usual: ResolvedRequestOptions = { scopeKey: scopeKey(scope), maxWaitMs, replay: 'allowed' };
  const guard = new OriginGuard(attachment, client);
  /** Tests, and tools for proxies, replace Node's. */
  let globalAgents: { readonly httpAgent?: unknown; readonly httpsAgent?: unknown } = {};
  const send: Send = (config) => {
    disinherit(config);
    const adapter = resolveAdapter(config.adapter, config);
    if (globalAgents.httpAgent !== http.globalAgent || globalAgents.httpsAgent !== https.globalAgent) {
      globalAgents = { httpAgent: http.globalAgent, httpsAgent: https.globalAgent };
      concealSockets(globalAgents);
    }
    if (config.httpAgent || config.httpsAgent || config.fetchOptions) concealSockets(config);
    const payuAuth = Object.hasOwn(config, 'payuAuth') ? config.payuAuth : undefined;
    if (payuAuth === false) return asItIs(adapter, config);
    const { origin, isPlain, withheld } = guard.destination(config, adapter);
    // `false` counts as well: it tells axios to leave the header out.
    const isOwn = namesOf(config.headers, header.name).some((name) => config.headers[name] !== undefined);
    const options = payuAuth === undefined || isOwn ? usual : resolveRequestOptions(payuAuth, usual);
    const reason = isOwn ? 'own-header' : withheld;
    if (reason !== undefined) {
      // Until it is detached, a closed auth lets nothing out that was to have a token (A7).
      const wasMeant = reason === 'origin' || reason === 'insecure-http';
      if (wasMeant && source.closed.hasCome) throw new ClosedError();
      emit({ type: 'token-withheld', reason, origin });
      return asItIs(adapter, config);
    }
    return new Exchange(parts, {
      config,
      adapter,
      adapterIsUsers: isUsers(adapter, config),
      mayFetch: adapter !== httpAdapter,
      origin,
      isPlain,
      options,
    }).run();
  };
  const parts: ExchangeParts = { ...attachment, guard, send };
  return send;
}

/** Axios before 1.15 reads properties of a polluted `Object.prototype` as if the config had them (G6). */
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
  const sent = { config, headerValue: undefined, token: undefined, adapterIsUsers: isUsers(adapter, config) };
  config.data = unlinked(data);
  try {
    return restoreResponse(await adapter(config), sent);
  } catch (error) {
    throw restoreError(error, sent);
  } finally {
    config.data = data;
  }
}

/** The registered interceptors. Axios has no types for the list, and a mock written by hand may have no list. */
function handlersOf(client: AxiosInstance): readonly unknown[] | undefined {
  const manager = client.interceptors.request as unknown as {
    forEach?(visit: (handler: { readonly fulfilled?: unknown }) => void): void;
  };
  if (manager.forEach === undefined) return undefined;
  const handlers: unknown[] = [];
  manager.forEach((handler) => void handlers.push(handler.fulfilled));
  return handlers;
}

/** Refuses a `baseURL` that no request could carry a token to (A9, F4). */
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
