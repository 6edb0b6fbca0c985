import type { AxiosResponse } from 'axios';
import type { TokenHttpOptions } from '../axios/form-transport.ts';
import { invalidOption } from '../errors.ts';
import type { PayuAuthEvent } from '../events.ts';
import { gotInstead, isPlain } from '../json.ts';
import { environments, type PayuEnvironment } from '../payu.ts';
import type { Grant, WireGrant } from '../token/endpoint/grants.ts';
import type { ScopeInput } from '../token/endpoint/scope.ts';
import type { TokenStore } from '../token/store/token-store.ts';
import { hostOf } from '../url.ts';
import {
  givenOptions,
  resolveDuration,
  resolveOrigins,
  resolveScope,
  resolveUrl,
  shown,
} from '../validation.ts';
import { type GrantEnvironment, resolveGrant } from './grant-options.ts';
import { resolveHttp } from './http-options.ts';

/** Options of {@link createPayuAuth}. Read and checked once, at construction. */
export interface PayuAuthOptions {
  /** PayU's test or production environment, or token and revocation URLs of your own. */
  readonly environment: 'test' | 'production' | { readonly tokenUrl: string; readonly revokeUrl?: string };
  /** How tokens are got, with the credentials for it. */
  readonly grant: Grant;
  /** What the tokens are for; a string may hold several scopes, split by spaces. */
  readonly scope: ScopeInput;
  /**
   * Further origins the token may be sent to. Always allowed: the origin of the attached instance's `baseURL`; with a
   * PayU environment also that environment's API hosts.
   */
  readonly origins?: readonly string[];
  /**
   * Where the token goes. Default `{ name: 'Authorization', prefix: 'Bearer' }`. Partner QR:
   * `{ name: 'X-Partner-Token' }`, or with `prefix: ''` for the bare token.
   */
  readonly header?: { readonly name: string; readonly prefix?: string };
  /**
   * Milliseconds before expiry at which renewing in the background starts. Default 60_000, and never more than 10 %
   * of the token's life. 0: never early.
   */
  readonly renewAheadMs?: number;
  /** Life in milliseconds of a token whose reply has no `expires_in`. Default 3_600_000. */
  readonly defaultLifeMs?: number;
  /**
   * Limit in milliseconds for one token request, and for each answer of a store and of a function that gives a secret.
   * Default 10_000.
   */
  readonly tokenTimeoutMs?: number;
  /**
   * Limit in milliseconds for all the waiting that one API request may do for tokens, cool-downs and back-offs
   * together. Default 120_000.
   */
  readonly maxWaitMs?: number;
  /** Tries of one mint against passing faults, the first included. Default 4. */
  readonly tokenAttempts?: number;
  /** How often one API request is sent again after a rate limit. Default 2. 0: never. */
  readonly rateLimitRetries?: number;
  /**
   * Does this response mean that the token was refused? Its `data` is the parsed body where that is JSON. Default: a
   * 401, unless it says `insufficient_scope` or challenges for another scheme than Bearer. For BBPS pass
   * {@link bbpsTokenRefused}. A yes is `true` alone; after a promise or an object the default decides.
   */
  readonly isTokenRefused?: (response: AxiosResponse) => boolean;
  /** Where tokens are kept. Default: in memory, for this auth alone. */
  readonly store?: TokenStore;
  /** Transport of the token and revocation requests only: proxy, agents, adapter, … */
  readonly http?: TokenHttpOptions;
  /**
   * Called with what happens, for logs and metrics; never with a secret. What it throws, or rejects with, changes
   * nothing. Without code, the same is written by `NODE_DEBUG=axios-payu-auth`, and published to the diagnostics channel
   * `axios-payu-auth:event`.
   */
  readonly onEvent?: (event: PayuAuthEvent) => void;
  /** Allow plain http to hosts other than loopback. Looks ugly on purpose. */
  readonly allowInsecureHttp?: boolean;
}

/** The options as everything else uses them: checked, defaults filled in, wire names where it matters. */
export interface ResolvedOptions {
  readonly tokenUrl: string;
  readonly revokeUrl: string | undefined;
  /** Where the token may go, besides the attached instance's own origin. */
  readonly origins: readonly string[];
  /** Hosts of PayU's other environment: a token sent there is a mix-up. */
  readonly foreignHosts: readonly string[];
  readonly grant: WireGrant;
  readonly scope: readonly string[];
  readonly headerName: string;
  readonly headerPrefix: string;
  readonly renewAheadMs: number;
  readonly defaultLifeMs: number;
  readonly tokenTimeoutMs: number;
  readonly maxWaitMs: number;
  readonly tokenAttempts: number;
  readonly rateLimitRetries: number;
  readonly isTokenRefused: ((response: AxiosResponse) => boolean) | undefined;
  readonly store: TokenStore | undefined;
  readonly http: TokenHttpOptions;
  readonly onEvent: PayuAuthOptions['onEvent'];
  readonly allowInsecureHttp: boolean;
}

/** @throws TypeError with `code: 'ERR_INVALID_OPTION'` that names the first wrong option. */
export function resolveOptions(given: PayuAuthOptions): ResolvedOptions {
  if (!isPlain(given))
    throw invalidOption('options', 'must be an object such as { environment, grant, scope }.');
  const options = givenOptions('', given, OPTIONS);
  const allowInsecureHttp = optional(options, 'allowInsecureHttp', 'boolean') ?? false;
  const environment = resolveEnvironment(options.environment, allowInsecureHttp);
  const { headerName, headerPrefix } = resolveHeader(options.header);
  // No spreads: an object that is put together by one has a shape of its own, and takes three times as much memory.
  return {
    tokenUrl: environment.tokenUrl,
    revokeUrl: environment.revokeUrl,
    foreignHosts: environment.foreignHosts,
    grant: resolveGrant(options.grant, environment),
    scope: resolveScope('scope', options.scope),
    origins: environment.origins.concat(resolveOrigins('origins', options.origins, environment.foreignHosts)),
    headerName,
    headerPrefix,
    renewAheadMs: duration(options, 'renewAheadMs', 60_000, 0),
    defaultLifeMs: duration(options, 'defaultLifeMs', 3_600_000, 1),
    tokenTimeoutMs: duration(options, 'tokenTimeoutMs', 10_000, 1),
    maxWaitMs: duration(options, 'maxWaitMs', 120_000, 0),
    tokenAttempts: count(options, 'tokenAttempts', 4, 1),
    rateLimitRetries: count(options, 'rateLimitRetries', 2, 0),
    isTokenRefused: optional(options, 'isTokenRefused', 'function'),
    store: resolveStore(options.store),
    http: resolveHttp(options.http),
    onEvent: optional(options, 'onEvent', 'function'),
    allowInsecureHttp,
  };
}

const OPTIONS: readonly string[] = [
  'environment',
  'grant',
  'scope',
  'origins',
  'header',
  'renewAheadMs',
  'defaultLifeMs',
  'tokenTimeoutMs',
  'maxWaitMs',
  'tokenAttempts',
  'rateLimitRetries',
  'isTokenRefused',
  'store',
  'http',
  'onEvent',
  'allowInsecureHttp',
] satisfies (keyof PayuAuthOptions)[];

type Environment = Pick<ResolvedOptions, 'tokenUrl' | 'revokeUrl' | 'origins' | 'foreignHosts'> &
  GrantEnvironment;

/** Made once: a parsed URL holds on to the text it came from, and there may be an auth for each of many merchants. */
const TEST: Environment = {
  ...environments.test,
  foreignHosts: hostsOf(environments.production),
  payu: 'test',
  given: 'by-name',
};
const PRODUCTION: Environment = {
  ...environments.production,
  foreignHosts: hostsOf(environments.test),
  payu: 'production',
  given: 'by-name',
};

function hostsOf({ tokenUrl, origins }: PayuEnvironment): readonly string[] {
  return [tokenUrl, ...origins].map((url) => new URL(url).hostname);
}

function resolveEnvironment(environment: unknown, allowInsecureHttp: boolean): Environment {
  if (environment === 'test') return TEST;
  if (environment === 'production') return PRODUCTION;
  if (!isPlain(environment)) {
    throw invalidOption(
      'environment',
      `must be "test" or "production", exactly so, or { tokenUrl, revokeUrl? }; ${gotInstead(environment)}.`,
    );
  }
  const { tokenUrl: given, revokeUrl } = givenOptions('environment.', environment, ['tokenUrl', 'revokeUrl']);
  const tokenUrl = resolveUrl('environment.tokenUrl', given, allowInsecureHttp);
  // Its tokens are PayU's, and a mix-up with the other environment is the same one, however it was given (F4).
  const payus = [TEST, PRODUCTION].find((each) => hostOf(each.tokenUrl) === hostOf(tokenUrl));
  const resolvedRevokeUrl =
    revokeUrl === undefined ? undefined : resolveUrl('environment.revokeUrl', revokeUrl, allowInsecureHttp);
  if (payus?.foreignHosts.includes(String(hostOf(resolvedRevokeUrl)))) {
    throw invalidOption(
      'environment.revokeUrl',
      'is a host of PayU\'s other environment than "environment.tokenUrl". Change one of the two.',
    );
  }
  return {
    tokenUrl,
    revokeUrl: resolvedRevokeUrl,
    origins: [],
    foreignHosts: payus?.foreignHosts ?? [],
    payu: payus?.payu,
    given: 'by-url',
  };
}

/** Headers with another meaning, and names of properties that all of axios' header objects have. */
const TAKEN_NAMES =
  /^(?:host|content-.*|accept(?:-.*)?|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|__proto__|constructor|prototype|set|get|has|delete|clear|normalize|concat|tojson|tostring|valueof|hasownproperty)$/i;

function resolveHeader(header: unknown): Pick<ResolvedOptions, 'headerName' | 'headerPrefix'> {
  if (header === undefined) return { headerName: 'Authorization', headerPrefix: 'Bearer ' };
  if (!isPlain(header))
    throw invalidOption('header', 'must be { name, prefix? } such as { name: "X-Partner-Token" }.');
  const { name, prefix = 'Bearer' } = givenOptions('header.', header, ['name', 'prefix']);
  // RFC 9110 §5.6.2 token.
  if (typeof name !== 'string' || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
    throw invalidOption('header.name', 'must be a header name such as "X-Partner-Token".');
  }
  if (TAKEN_NAMES.test(name)) {
    throw invalidOption(
      'header.name',
      `must be a header that can carry a token; "${name}" has another meaning.`,
    );
  }
  if (typeof prefix !== 'string' || !/^[\x21-\x7E]*$/.test(prefix.trim())) {
    throw invalidOption(
      'header.prefix',
      'must be an auth-scheme such as "Bearer", or "" for the bare token.',
    );
  }
  return { headerName: name, headerPrefix: prefix.trim() === '' ? '' : `${prefix.trim()} ` };
}

function resolveStore(store: unknown): TokenStore | undefined {
  if (store === undefined) return undefined;
  const methods = ['get', 'set', 'delete', 'withLock'] as const;
  const missing = methods.find((name) => typeof (store as Partial<TokenStore> | null)?.[name] !== 'function');
  if (missing !== undefined)
    throw invalidOption(
      'store',
      `must be a TokenStore such as new MemoryTokenStore() or redisTokenStore(client); it has no method "${missing}".`,
    );
  return store as TokenStore;
}

function duration(
  options: PayuAuthOptions,
  name: keyof PayuAuthOptions,
  fallback: number,
  leastMs: number,
): number {
  return options[name] === undefined ? fallback : resolveDuration(name, options[name], leastMs);
}

function count(
  options: PayuAuthOptions,
  name: keyof PayuAuthOptions,
  fallback: number,
  least: number,
): number {
  const value = options[name] === undefined ? fallback : options[name];
  if (!Number.isInteger(value) || (value as number) < least) {
    throw invalidOption(name, `must be a whole number, ${least} or more; got ${shown(value)}.`);
  }
  return value as number;
}

function optional<K extends keyof PayuAuthOptions>(
  options: PayuAuthOptions,
  name: K,
  type: 'function' | 'boolean',
): PayuAuthOptions[K] {
  const value = options[name];
  if (value !== undefined && typeof value !== type) {
    const rule = type === 'boolean' ? 'true or false' : 'a function';
    throw invalidOption(name, `must be ${rule}; got ${shown(value)}.`);
  }
  return value;
}
