import type { AxiosAdapter, AxiosInstance, InternalAxiosRequestConfig } from 'axios';
import { hostOf, isBehindBaseUrl, isLoopback, originOf, parseUrl } from '../url.ts';
import { givenOption } from '../validation.ts';
import { isAxiosSince, ownAdapter } from './adapter.ts';
import { isFetchedByProxy, isReadByProxy } from './proxy.ts';
import type { TokenHeader } from './token-header.ts';

/** Where a request goes, and whether the token may go there (G1). */
export interface Destination {
  readonly origin: string;
  /** By plain http to this machine. The environment's proxy must not see that (G5). */
  readonly isPlain: boolean;
  /** Why the token may not go there. */
  readonly withheld?: 'origin' | 'insecure-http' | 'basic-auth';
}

/** The most verdicts that are remembered. Beyond it, all are forgotten. */
const MOST_REMEMBERED = 1_000;

/** Scheme and authority. A backslash ends an authority as well; it stays in, for the parser to see. */
const SCHEME_AND_AUTHORITY = /^https?:\/\/[^/?#]*/i;

export interface OriginRules {
  /** Origins that are allowed besides the instance's own. */
  readonly origins: readonly string[];
  /** Hosts that never count as the instance's own. */
  readonly foreignHosts: readonly string[];
  readonly allowInsecureHttp: boolean;
  readonly header: TokenHeader;
}

/** Decides where the token may go. To parse each URL would cost more than all else, so verdicts are remembered. */
export class OriginGuard {
  readonly #rules: OriginRules;
  /** A mock written by hand may have no defaults. */
  readonly #client: { readonly defaults?: { readonly baseURL?: string | undefined } };
  /** Axios replaces this header by Basic credentials. */
  readonly #headerIsAuthorization: boolean;
  readonly #http = ownAdapter('http');
  readonly #tunnelsHttps = isAxiosSince(16, 1);
  readonly #remembered = new Map<string, Destination>();
  #baseUrl: string | undefined;
  #ownOrigin: string | undefined;

  constructor(rules: OriginRules, client: AxiosInstance) {
    this.#rules = rules;
    this.#client = client;
    this.#headerIsAuthorization = rules.header.name.toLowerCase() === 'authorization';
  }

  /** Where a call goes, by its config as it is now (G6). */
  destination(config: InternalAxiosRequestConfig, adapter: AxiosAdapter): Destination {
    const destination = this.#byUrl(config);
    const { origin, isPlain, withheld } = destination;
    if (withheld !== undefined) return destination;
    if (config.auth && this.#headerIsAuthorization) return { ...destination, withheld: 'basic-auth' };
    if (this.#rules.allowInsecureHttp || (this.#tunnelsHttps && !isPlain)) return destination;
    const isRead =
      adapter === this.#http
        ? isReadByProxy(origin, config)
        : isFetchedByProxy(origin, config) && adapter === ownAdapter('fetch', config);
    return isRead ? { ...destination, withheld: 'insecure-http' } : destination;
  }

  #byUrl(config: InternalAxiosRequestConfig): Destination {
    const { defaults } = this.#client;
    if (defaults?.baseURL !== this.#baseUrl) {
      this.#baseUrl = defaults?.baseURL;
      this.#ownOrigin = originOf(givenOption(defaults ?? {}, 'baseURL') as string | undefined);
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
    if (url === undefined) return { origin: 'null', isPlain: false, withheld: 'origin' };
    const { origin, protocol, hostname, username, password } = url;
    const { origins, foreignHosts, allowInsecureHttp } = this.#rules;
    const isPlain = protocol === 'http:' && isLoopback(hostname);
    const isOwn = origin === this.#ownOrigin && !foreignHosts.includes(String(hostOf(origin)));
    const isHttp = protocol === 'https:' || protocol === 'http:';
    if (!isHttp || !(isOwn || origins.includes(origin))) return { origin, isPlain, withheld: 'origin' };
    if (protocol === 'http:' && !isPlain && !allowInsecureHttp) {
      return { origin, isPlain, withheld: 'insecure-http' };
    }
    const isBasic = this.#headerIsAuthorization && username + password !== '';
    return isBasic ? { origin, isPlain, withheld: 'basic-auth' } : { origin, isPlain };
  }
}

/** The part of `baseURL` and `url` that decides about the origin. */
function decidingPart(config: InternalAxiosRequestConfig): string {
  const { baseURL, url, allowAbsoluteUrls = true } = config;
  // Versions of axios disagree about what any other value means.
  if (typeof allowAbsoluteUrls !== 'boolean') return '';
  // What follows a baseURL stands behind a slash, and can't change the origin.
  if (isBehindBaseUrl({ baseURL, url, allowAbsoluteUrls })) return String(baseURL);
  const full = String(url);
  return SCHEME_AND_AUTHORITY.exec(full)?.[0] ?? full;
}
