import type { InternalAxiosRequestConfig } from 'axios';
import { hostOf, isBehindBaseUrl, isLoopback, originOf, parseUrl } from '../url.ts';

/** Where a request goes, and whether the token may go there (G1). */
export type Destination =
  /** Plain http to this machine is no way for a proxy of the environment (G5). */
  { readonly kind: 'allowed'; readonly origin: string; readonly isPlain: boolean } | Withheld;

export interface Withheld {
  readonly kind: 'withheld';
  readonly reason: 'origin' | 'insecure-http' | 'basic-auth';
  readonly origin: string;
}

/** The most prefixes remembered; beyond it all are forgotten and worked out anew. */
const MOST_REMEMBERED = 1_000;

/** Scheme and authority; a backslash, which ends an authority too, is for the parser to see. */
const SCHEME_AND_AUTHORITY = /^https?:\/\/[^/?#]*/i;

export interface OriginRules {
  /** Allowed besides the instance's own origin. */
  readonly allowed: readonly string[];
  /** Never taken for the instance's own. */
  readonly foreignHosts: readonly string[];
  readonly allowInsecureHttp: boolean;
  /** Axios sets Basic credentials from a URL in place of the Authorization header. */
  readonly headerIsAuthorization: boolean;
}

/**
 * Decides where the token may go, for one attached instance. Asked on each request: working out the full URL would
 * cost more than all else, so verdicts are remembered by the part of the URL that decides.
 */
export class OriginGuard {
  readonly #rules: OriginRules;
  readonly #defaultBaseUrl: () => string | undefined;
  readonly #remembered = new Map<string, Destination>();
  #ownBaseUrl: string | undefined;

  constructor(rules: OriginRules, defaultBaseUrl: () => string | undefined) {
    this.#rules = rules;
    this.#defaultBaseUrl = defaultBaseUrl;
  }

  destination(config: InternalAxiosRequestConfig): Destination {
    const ownBaseUrl = this.#defaultBaseUrl();
    if (ownBaseUrl !== this.#ownBaseUrl) {
      this.#ownBaseUrl = ownBaseUrl;
      this.#remembered.clear();
    }
    const prefix = decidingPart(config);
    const known = this.#remembered.get(prefix);
    if (known !== undefined) return known;
    const destination = this.#judge(prefix);
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(prefix, destination);
    return destination;
  }

  #judge(prefix: string): Destination {
    const url = parseUrl(prefix);
    if (url === undefined) return { kind: 'withheld', reason: 'origin', origin: 'null' };
    const { origin, protocol, hostname, username, password } = url;
    const { allowed, foreignHosts, allowInsecureHttp, headerIsAuthorization } = this.#rules;
    const isOwn = origin === originOf(this.#ownBaseUrl) && !foreignHosts.includes(String(hostOf(origin)));
    const isHttp = protocol === 'https:' || protocol === 'http:';
    if (!isHttp || !(isOwn || allowed.includes(origin)))
      return { kind: 'withheld', reason: 'origin', origin };
    if (protocol === 'http:' && !allowInsecureHttp && !isLoopback(hostname)) {
      return { kind: 'withheld', reason: 'insecure-http', origin };
    }
    if (headerIsAuthorization && (username !== '' || password !== '')) {
      return { kind: 'withheld', reason: 'basic-auth', origin };
    }
    return { kind: 'allowed', origin, isPlain: protocol === 'http:' && isLoopback(hostname) };
  }
}

/** The part of baseURL and url that decides about the origin. */
function decidingPart(config: InternalAxiosRequestConfig): string {
  const { baseURL, url, allowAbsoluteUrls = true } = config;
  // Neither true nor false: versions of axios disagree about what it means.
  if (typeof allowAbsoluteUrls !== 'boolean') return '';
  // Whatever follows a baseURL stands behind its slash: it can't change the origin.
  if (isBehindBaseUrl({ baseURL, url, allowAbsoluteUrls })) return String(baseURL);
  const full = String(url);
  return SCHEME_AND_AUTHORITY.exec(full)?.[0] ?? full;
}
