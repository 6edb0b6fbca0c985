import type { AxiosAdapter, AxiosHeaders, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { headerOf } from './refusal.ts';
import { classifyBody } from './replayable.ts';
import { discardBody } from './response-body.ts';
import { asOurs, copyHeaders, deleteHeader } from './sent-config.ts';

/** What a redirect must not carry to another origin, and who wants to know that one led there. */
export interface RedirectRules {
  readonly origin: string;
  readonly headerName: string;
  readonly onAstray: () => void;
}

/** What fetch itself allows (Fetch Standard, HTTP-redirect fetch). */
const MOST_REDIRECTS = 20;

/** Credentials that fetch takes off on its way to another origin. */
const CREDENTIALS = ['authorization', 'proxy-authorization', 'cookie'];

/** The hook of follow-redirects, as axios hands it on. */
type BeforeRedirect = NonNullable<InternalAxiosRequestConfig['beforeRedirect']>;

/**
 * For the http adapter: takes the token off before a redirect leaves the origin. Axios 1.12 to 1.20 keep Authorization
 * on the way to a subdomain and from http to https, and every version keeps headers of other names.
 */
export function beforeRedirect(rules: RedirectRules, usersOwn: BeforeRedirect | undefined): BeforeRedirect {
  return (options, ...details) => {
    if (new URL(options.href as string).origin !== rules.origin) {
      rules.onAstray();
      deleteHeader(options.headers, rules.headerName);
    }
    usersOwn?.(options, ...details);
  };
}

/**
 * For the fetch adapter, which follows by itself, with headers of other names than Authorization, and without saying
 * where it ended: follows redirects in its place, by the rules of the Fetch Standard.
 */
export async function fetchFollowing(
  adapter: AxiosAdapter,
  sent: InternalAxiosRequestConfig,
  rules: RedirectRules,
): Promise<AxiosResponse> {
  const mode = sent.fetchOptions?.redirect;
  if (mode === 'error' || mode === 'manual') return adapter(sent);
  const most = sent.maxRedirects ?? MOST_REDIRECTS;
  let hop = asOurs(sent, { fetchOptions: { ...sent.fetchOptions, redirect: 'manual' } });
  let from = rules.origin;
  for (let hops = 0; ; hops++) {
    let response: AxiosResponse | undefined;
    try {
      response = await adapter(hop);
      if (hops >= most || targetOf(response) === undefined) return response;
    } catch (error) {
      response = (error as { response?: AxiosResponse } | undefined)?.response;
      if (hops >= most || response === undefined || targetOf(response) === undefined) throw error;
      if (!mayFollow(response.status, hop)) throw error;
    }
    if (!mayFollow(response.status, hop)) return response;
    const target = targetOf(response) as URL;
    discardBody(response);
    hop = nextHop(hop, response.status, target);
    if (target.origin !== from) {
      rules.onAstray();
      for (const name of [rules.headerName, ...CREDENTIALS]) deleteHeader(hop.headers, name);
    }
    from = target.origin;
  }
}

/** Where a redirect leads; undefined where the response is none that can be followed. */
function targetOf(response: AxiosResponse): URL | undefined {
  const location = headerOf(response, 'location');
  if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined) return undefined;
  const base = (response.request as { url?: unknown } | undefined)?.url;
  const target =
    typeof base === 'string' && URL.canParse(location, base) ? new URL(location, base) : undefined;
  return target?.protocol === 'https:' || target?.protocol === 'http:' ? target : undefined;
}

/** A body that was a stream is gone: what would have to send it again is not followed. */
function mayFollow(status: number, hop: InternalAxiosRequestConfig): boolean {
  return becomesGet(status, hop.method) || classifyBody(hop.data, undefined).kind !== 'once';
}

function becomesGet(status: number, method: string | undefined): boolean {
  const upper = method?.toUpperCase() ?? 'GET';
  return status === 303 ? upper !== 'HEAD' : (status === 301 || status === 302) && upper === 'POST';
}

function nextHop(hop: InternalAxiosRequestConfig, status: number, target: URL): InternalAxiosRequestConfig {
  const headers = copyHeaders(hop.headers as AxiosHeaders);
  const next = asOurs(hop, { headers, url: target.href, baseURL: undefined, params: undefined });
  if (!becomesGet(status, hop.method)) return next;
  for (const name of ['content-type', 'content-length', 'content-encoding', 'content-language']) {
    deleteHeader(headers, name);
  }
  return Object.assign(next, { method: 'get', data: undefined });
}
