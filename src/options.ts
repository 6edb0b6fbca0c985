import type { AxiosResponse } from 'axios';
import type { TokenHttpOptions } from './axios/form-transport.ts';
import { invalidOption } from './errors.ts';
import type { PayuAuthEvent } from './events.ts';
import { isRecord } from './json.ts';
import { environments, publicClientIds } from './payu.ts';
import { type Grant, type GrantRequest, grantRequest, secretFault } from './token/grants.ts';
import type { ScopeInput } from './token/scope.ts';
import type { TokenStore } from './token/token-store.ts';
import { isLoopback } from './url.ts';
import {
  refuseUnknown,
  requireText,
  resolveDuration,
  resolveOrigins,
  resolveScope,
  shown,
} from './validation.ts';

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
  /** Limit in milliseconds for one token request. Default 10_000. */
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
   * {@link bbpsTokenRefused}.
   */
  readonly isTokenRefused?: (response: AxiosResponse) => boolean;
  /** Where tokens are kept. Default: in memory, for this auth alone. */
  readonly store?: TokenStore;
  /** Transport of the token and revocation requests only: proxy, agents, adapter, … */
  readonly http?: TokenHttpOptions;
  /** Called with what happens, for logs and metrics; never with a secret. What it throws changes nothing. */
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
  /** Origins of PayU's other environment: attaching to one of them is a mix-up. */
  readonly foreignOrigins: readonly string[];
  readonly grant: GrantRequest;
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
export function resolveOptions(options: PayuAuthOptions): ResolvedOptions {
  if (!isRecord(options)) throw invalidOption('options', 'must be an object; see PayuAuthOptions.');
  refuseUnknown('', options, OPTIONS);
  const allowInsecureHttp = optional(options, 'allowInsecureHttp', 'boolean') ?? false;
  const environment = resolveEnvironment(options.environment, allowInsecureHttp);
  return {
    ...environment,
    grant: resolveGrant(options.grant, options.environment),
    scope: resolveScope('scope', options.scope),
    origins: [...environment.origins, ...resolveOrigins('origins', options.origins)],
    ...resolveHeader(options.header),
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

type Environment = Pick<ResolvedOptions, 'tokenUrl' | 'revokeUrl' | 'origins' | 'foreignOrigins'>;

function resolveEnvironment(environment: unknown, allowInsecureHttp: boolean): Environment {
  if (environment === 'test' || environment === 'production') {
    const other = environment === 'test' ? environments.production : environments.test;
    return { ...environments[environment], foreignOrigins: other.origins };
  }
  if (!isRecord(environment)) {
    throw invalidOption('environment', 'must be "test", "production" or { tokenUrl, revokeUrl? }.');
  }
  refuseUnknown('environment.', environment, ['tokenUrl', 'revokeUrl']);
  const { tokenUrl, revokeUrl } = environment;
  return {
    tokenUrl: resolveUrl('environment.tokenUrl', tokenUrl, allowInsecureHttp),
    revokeUrl:
      revokeUrl === undefined ? undefined : resolveUrl('environment.revokeUrl', revokeUrl, allowInsecureHttp),
    origins: [],
    foreignOrigins: [],
  };
}

function resolveUrl(option: string, url: unknown, allowInsecureHttp: boolean): string {
  const example = 'such as "https://accounts.payu.in/oauth/token"';
  if (typeof url !== 'string' || !URL.canParse(url)) throw invalidOption(option, `must be a URL ${example}.`);
  if (/[\s{}<>"'\\^`|]/.test(url)) {
    throw invalidOption(
      option,
      'holds white space, braces or other debris: a placeholder that nobody filled in?',
    );
  }
  const { protocol, username, password, hash } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:') {
    throw invalidOption(option, `must begin with https://, ${example}.`);
  }
  if (username !== '' || password !== '' || hash !== '') {
    throw invalidOption(option, 'must hold neither user name, password nor fragment.');
  }
  if (protocol === 'http:' && !allowInsecureHttp && !isLoopback(new URL(url).hostname)) {
    throw invalidOption(
      option,
      'must begin with https://: over plain http, anybody on the way reads the secret. For a host that you trust all the same, set "allowInsecureHttp".',
    );
  }
  return url;
}

function resolveGrant(grant: unknown, environment: PayuAuthOptions['environment']): GrantRequest {
  if (!isRecord(grant))
    throw invalidOption('grant', 'must be an object such as { type: "client_credentials", … }.');
  const known = GRANT_OPTIONS[grant.type as Grant['type']];
  if (known === undefined) {
    throw invalidOption('grant.type', `must be one of ${Object.keys(GRANT_OPTIONS).join(', ')}.`);
  }
  refuseUnknown('grant.', grant, known);
  const checked = grant as unknown as Grant;
  const clientId = resolveClientId(checked, environment);
  if (checked.type === 'password') requireText('grant.username', checked.username);
  if (checked.type === 'custom') {
    requireText('grant.grantType', checked.grantType);
    refuseReserved(checked.parameters);
  }
  const request = grantRequest(checked, clientId);
  for (const [option, secret] of secretsOf(checked)) {
    if (typeof secret === 'function') continue;
    const fault = secretFault(secret);
    if (fault !== undefined) throw invalidOption(option, `${fault}.`);
  }
  return request;
}

const GRANT_OPTIONS: Readonly<Record<Grant['type'], readonly string[]>> = {
  client_credentials: ['type', 'clientId', 'clientSecret'],
  password: ['type', 'username', 'password', 'clientId', 'clientSecret'],
  refresh_token: ['type', 'refreshToken', 'clientId', 'clientSecret'],
  custom: ['type', 'grantType', 'clientId', 'clientSecret', 'parameters'],
};

function secretsOf(grant: Grant): readonly (readonly [option: string, secret: unknown])[] {
  const clientSecret =
    grant.clientSecret === undefined && grant.type !== 'client_credentials'
      ? []
      : [['grant.clientSecret', grant.clientSecret] as const];
  switch (grant.type) {
    case 'client_credentials':
      return clientSecret;
    case 'password':
      return [['grant.password', grant.password], ...clientSecret];
    case 'refresh_token':
      return [['grant.refreshToken', grant.refreshToken], ...clientSecret];
    case 'custom':
      return [
        ...Object.entries(grant.parameters ?? {}).map(
          ([name, secret]) => [`grant.parameters.${name}`, secret] as const,
        ),
        ...clientSecret,
      ];
    default:
      throw grant satisfies never;
  }
}

/** Parameters that have an option of their own, or that the library sets. */
function refuseReserved(parameters: unknown): void {
  if (parameters === undefined) return;
  if (!isRecord(parameters)) throw invalidOption('grant.parameters', 'must be an object of form parameters.');
  const reserved = ['grant_type', 'client_id', 'client_secret', 'scope'].find((name) => name in parameters);
  if (reserved !== undefined) {
    throw invalidOption(`grant.parameters.${reserved}`, 'has an option of its own: use that one.');
  }
}

function resolveClientId(grant: Grant, environment: PayuAuthOptions['environment']): string | undefined {
  const ofPayu = typeof environment === 'string';
  const { clientId } = grant;
  if (clientId === undefined) {
    if (grant.type === 'custom') return undefined;
    if (grant.type === 'client_credentials')
      throw invalidOption('grant.clientId', 'must be given: PayU shared it.');
    if (!ofPayu) throw invalidOption('grant.clientId', 'must be given with a custom "environment".');
    if (grant.clientSecret !== undefined) {
      throw invalidOption(
        'grant.clientSecret',
        'needs "grant.clientId": the public client, which is the default, has no secret.',
      );
    }
    return publicClientIds[environment];
  }
  requireText('grant.clientId', clientId);
  // The documents print the production id broken by a space.
  const stripped = clientId.replace(/\s+/g, '');
  const other = environment === 'test' ? 'production' : 'test';
  if (ofPayu && stripped === publicClientIds[other]) {
    throw invalidOption(
      'grant.clientId',
      `is PayU's public client id of the ${other} environment, but "environment" is "${environment}". Leave it out.`,
    );
  }
  return stripped;
}

function resolveHeader(header: unknown): Pick<ResolvedOptions, 'headerName' | 'headerPrefix'> {
  if (header === undefined) return { headerName: 'Authorization', headerPrefix: 'Bearer ' };
  if (!isRecord(header)) throw invalidOption('header', 'must be { name, prefix? }.');
  refuseUnknown('header.', header, ['name', 'prefix']);
  const { name, prefix = 'Bearer' } = header;
  // RFC 9110 §5.6.2 token.
  if (typeof name !== 'string' || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
    throw invalidOption('header.name', 'must be a header name such as "X-Partner-Token".');
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
    throw invalidOption('store', `must be a TokenStore; it has no method "${missing}".`);
  return store as TokenStore;
}

function resolveHttp(http: unknown): TokenHttpOptions {
  if (http === undefined) return {};
  if (!isRecord(http)) throw invalidOption('http', 'must be an object such as { proxy, httpsAgent }.');
  refuseUnknown('http.', http, [
    'adapter',
    'proxy',
    'httpAgent',
    'httpsAgent',
    'family',
    'lookup',
    'socketPath',
  ]);
  return http;
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
  const value = options[name] ?? fallback;
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
    throw invalidOption(name, `must be a ${type}; got ${shown(value)}.`);
  }
  return value;
}
