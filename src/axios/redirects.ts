import {
  type AxiosAdapter,
  AxiosError,
  type AxiosHeaders,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import { systemClock } from '../time/clock.ts';
import { fullUrl, parseUrl } from '../url.ts';
import { isAxiosSince, ownAdapter } from './adapter.ts';
import { isLostConnection } from './bodies/peek.ts';
import { classifyBody } from './bodies/replayable.ts';
import { discardBody } from './bodies/response-body.ts';
import { headerOf } from './refusal.ts';
import type { SentRequest } from './restore.ts';
import { asOurs, copyHeaders, deleteHeader } from './sent-config.ts';

/** What redirects need to know of a call, and what they tell about it. */
export interface RedirectWatch extends Pick<SentRequest, 'config' | 'adapterIsUsers'> {
  readonly origin: string;
  readonly header: { readonly name: string };
  readonly headerValue: string;
  /** By the clock of axios' own timers. */
  readonly sentAtMs: number;
  /** A redirect has led to another origin, so the answer says nothing about our token. */
  hasLeftOrigin: boolean;
  /** A redirect has shown that the server may have processed the request (RFC 9110 §9.2). It is not sent again. */
  mayHaveBeenProcessed: boolean;
}

/** The result of one attempt. A response may come either way: `validateStatus` decides what counts as an error. */
export interface AttemptResult {
  readonly response: AxiosResponse | undefined;
  /** Present if the adapter rejected. */
  readonly failure?: { readonly error: unknown };
}

/** The limit of fetch itself (Fetch Standard, HTTP-redirect fetch). The fetch adapter knows no other. */
const MOST_REDIRECTS = 20;

/** What fetch removes on its way to another origin: credentials, and the name of this one. */
const OF_ORIGIN = ['authorization', 'proxy-authorization', 'cookie', 'host'];

/** The hook of follow-redirects, which axios passes on. */
type BeforeRedirect = NonNullable<InternalAxiosRequestConfig['beforeRedirect']>;

/**
 * For the http adapter: removes the token before a redirect leaves the origin. Axios 1.12 to 1.20 keep Authorization on
 * the way to a subdomain and from http to https, and every version keeps headers with other names.
 */
export function redirectHook(watch: RedirectWatch, usersOwn: BeforeRedirect | undefined): BeforeRedirect {
  return (options, ...details) => {
    if (showsProcessing(details[0]?.statusCode, watch.config.method)) watch.mayHaveBeenProcessed = true;
    const place = () => `${options.protocol}//${options.hostname}:${options.port}`;
    const led = place();
    const leaves = new URL(options.href as string).origin !== watch.origin;
    if (leaves) deleteHeader(options.headers, watch.header.name);
    usersOwn?.(options, ...details);
    // The hook may lead elsewhere itself.
    if (!leaves && place() === led) return;
    watch.hasLeftOrigin = true;
    // Many hooks copy the headers of the last request.
    deleteValue(options.headers, watch.headerValue);
  };
}

/** A transport, as axios calls it. */
export interface Transport {
  request(options: { readonly beforeRedirects?: { config?: BeforeRedirect } }, callback: unknown): unknown;
}

/** For a user's transport that uses follow-redirects: axios hands it hooks of its own, and not the config's. */
export function guardedTransport(transport: Transport, hook: BeforeRedirect): Transport {
  return {
    request(options, callback) {
      if (options.beforeRedirects !== undefined) options.beforeRedirects.config = hook;
      return transport.request(options, callback);
    },
  };
}

/**
 * For the fetch adapter, which was told to follow no redirects: follows them by the rules of the Fetch Standard. Fetch
 * itself would keep a header with another name than Authorization, and would not say where it ended.
 */
export async function follow(
  first: AttemptResult,
  sent: InternalAxiosRequestConfig,
  adapter: AxiosAdapter,
  watch: RedirectWatch,
): Promise<AttemptResult> {
  let outcome = first;
  let hop = sent;
  // Before axios 1.20 the fetch adapter ignores it.
  if (sent.maxRedirects === 0 && isAxiosSince(20, 0)) return first;
  for (let hops = 0; ; hops++) {
    const { response } = outcome;
    const location = locationOf(response, adapter, hop);
    if (response === undefined || location === undefined) return outcome;
    discardBody(response);
    const target = parseUrl(location.relative, location.base);
    if (target === undefined) return networkError('Invalid URL', response, hop);
    if (!/^https?:$/.test(target.protocol)) {
      return networkError('URL scheme must be a HTTP(S) scheme', response, hop);
    }
    if (hops === MOST_REDIRECTS) return networkError('redirect count exceeded', response, hop);
    if (target.username + target.password !== '') {
      return networkError('cross origin not allowed for request mode "cors"', response, hop);
    }
    // A stream is gone, and axios makes one of a body whose progress is watched. Fetch refuses it even for a later GET.
    const isStreamed = classifyBody(hop).kind === 'once' || (hop.onUploadProgress && hop.data);
    if (isStreamed && response.status !== 303) return networkError('', response, hop);
    if (showsProcessing(response.status, hop.method)) watch.mayHaveBeenProcessed = true;
    hop = nextHop(hop, response.status, target);
    // The limit is for all hops together, as with fetch itself.
    const passedMs = systemClock.steadyMs() - watch.sentAtMs;
    if (sent.timeout) hop.timeout = Math.max(1, Math.ceil(sent.timeout - passedMs));
    if (target.origin !== watch.origin) {
      watch.hasLeftOrigin = true;
      for (const name of [watch.header.name, ...OF_ORIGIN]) deleteHeader(hop.headers, name);
      delete hop.auth;
    }
    outcome = await Promise.resolve(adapter(hop)).then(
      (response) => ({ response }),
      (error: unknown) => failed(error, watch),
    );
  }
}

/** The fetch adapter's error for a redirect that fetch refuses to follow. */
function networkError(
  why: string,
  { request }: AxiosResponse,
  hop: InternalAxiosRequestConfig,
): AttemptResult {
  const error = new AxiosError('Network Error', AxiosError.ERR_NETWORK, hop, request);
  const cause = { value: new Error(why), writable: true, configurable: true };
  Object.defineProperty(error, 'cause', { ...cause, enumerable: !isAxiosSince(18, 1) });
  return { response: undefined, failure: { error } };
}

/**
 * Whether the request that was answered last has another method than the call. Then a transport or an adapter of the
 * user's has followed a redirect, without any hook of ours.
 */
export function endedAsAnother({ request }: AxiosResponse, method: string | undefined): boolean {
  const last: unknown = (request as { method?: unknown } | null | undefined)?.method;
  return typeof last === 'string' && methodOf(last) !== methodOf(method);
}

/** How a user's adapter that is made of one of axios' own tells that a connection was lost. Other codes are its own. */
const LOST_BY_USERS = /^(?:ERR_BAD_RESPONSE|ERR_STREAM_[A-Z_]+|E[A-Z]+)$/;

/** A failed attempt, with the whole answer that its error holds. Whatever was thrown, reading it throws nothing (A8). */
export function failed(error: unknown, by: Pick<RedirectWatch, 'adapterIsUsers'>): AttemptResult {
  const failure = { error };
  try {
    const { code, response } = error as AxiosError;
    if (response?.data !== undefined || code === undefined || code === AxiosError.ERR_BAD_REQUEST)
      return { response, failure };
    // So axios' http adapter tells that the body broke off (D8). A mock's refusal has a body, or no such code.
    const isLost = by.adapterIsUsers ? LOST_BY_USERS.test(code) : isLostConnection({ code });
    return { response: isLost ? undefined : response, failure };
  } catch {
    return { response: undefined, failure };
  }
}

/** Where a redirect of fetch leads. One from a mock or the http adapter is for the caller. */
function locationOf(
  response: AxiosResponse | undefined,
  adapter: AxiosAdapter,
  hop: InternalAxiosRequestConfig,
): { readonly relative: string; readonly base: string } | undefined {
  if (response === undefined || ![301, 302, 303, 307, 308].includes(response.status)) return undefined;
  const relative = headerOf(response, 'location');
  const { url } = (response.request ?? {}) as { url?: unknown };
  // If `env` has no Request, axios returns none.
  const base =
    typeof url === 'string' ? url : adapter === ownAdapter('fetch', hop) ? fullUrl(hop) : undefined;
  if (relative === undefined || base === undefined) return undefined;
  // Headers show bytes as Latin-1.
  return { relative: Buffer.from(relative, 'latin1').toString(), base };
}

/** Only 307 and 308 promise that nothing was done yet. Any other redirect may follow a payment that was made. */
function showsProcessing(status: number | undefined, method: string | undefined): boolean {
  return !['GET', 'HEAD'].includes(methodOf(method)) && status !== 307 && status !== 308;
}

function methodOf(method: string | undefined): string {
  return method?.toUpperCase() ?? 'GET';
}

function nextHop(
  hop: InternalAxiosRequestConfig,
  status: number | undefined,
  target: URL,
): InternalAxiosRequestConfig {
  const headers = copyHeaders(hop.headers as AxiosHeaders);
  const next = asOurs(hop, { headers, url: target.href, baseURL: undefined, params: undefined });
  const method = methodOf(hop.method);
  const becomesGet =
    status === 303 ? method !== 'HEAD' : (status === 301 || status === 302) && method === 'POST';
  if (!becomesGet) return next;
  for (const name of ['type', 'length', 'encoding', 'language', 'location']) {
    deleteHeader(headers, `content-${name}`);
  }
  return Object.assign(next, { method: 'get', data: undefined });
}

function deleteValue(headers: object | undefined, value: string): void {
  for (const [name, each] of Object.entries(headers ?? {})) {
    if (String(each) === value) delete (headers as Record<string, unknown>)[name];
  }
}
