import { CanceledError } from 'axios';
import { type AttachableClient, type Attachment, attach } from './axios/attach.ts';
import { formTransport } from './axios/form-transport.ts';
import { TokenHeader } from './axios/token-header.ts';
import { ClosedError, invalidOption, type PayuAuthErrorCode } from './errors.ts';
import { emitter, warnOnce } from './events.ts';
import { isPlain } from './json.ts';
import { type PayuAuthOptions, type ResolvedOptions, resolveOptions } from './options/options.ts';
import { type Clock, dateAt, systemClock } from './time/clock.ts';
import { WaitLimit } from './time/limit.ts';
import { cancellationOf, keptAlive } from './time/wait.ts';
import { secretFault } from './token/endpoint/grants.ts';
import { type ScopeInput, scopeKey } from './token/endpoint/scope.ts';
import { isTokenValue } from './token/endpoint/token-response.ts';
import { lifeMs } from './token/expiry.ts';
import { MintGate } from './token/mint/gate.ts';
import { Notices } from './token/mint/notices.ts';
import { Secrets } from './token/mint/secrets.ts';
import { TokenSource } from './token/source/token-source.ts';
import type { MintFailure } from './token/source/token-state.ts';
import { clientKey } from './token/store/cache-key.ts';
import { GuardedStore } from './token/store/guarded-store.ts';
import { MemoryTokenStore } from './token/store/memory-token-store.ts';
import type { TokenRecord } from './token/store/token-store.ts';
import { givenOptions, resolveDuration, resolveOrigins, resolveScope } from './validation.ts';

/** An access token as it is handed out. */
export interface AccessToken {
  /** What stands behind `Bearer`. Not enumerable: logging a token does not print it. */
  readonly value: string;
  /** As granted; as requested where the reply was silent. */
  readonly scope: readonly string[];
  readonly obtainedAt: Date;
  readonly expiresAt: Date;
  /** What else the reply held: `user_uuid`, `created_at` (seconds since the epoch), … */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** What is known of a token, for health checks. It holds no secret. */
export interface AuthStatus {
  /**
   * `renewing`: a usable token is held and a renewal runs. `expired`: one is held and is over, or was refused.
   * `missing`: none is held. With the last two the next request mints.
   */
  readonly token: 'fresh' | 'renewing' | 'expired' | 'missing';
  /** When the token that is held expires, or when it did. */
  readonly expiresAt?: Date;
  /**
   * Present while nobody may ask the token endpoint (`rate-limit`, `outage`), or while a refusal is answered from memory;
   * that ends earlier where the secret changes. A token that is held is used meanwhile.
   */
  readonly blocked?: { readonly by: 'rate-limit' | 'outage' | 'refusal'; readonly until: Date };
  /** The last mint that failed, also where another one has succeeded since. */
  readonly lastFailure?: { readonly at: Date; readonly code: PayuAuthErrorCode; readonly message: string };
}

/** Tokens for one client of PayU, and the axios instances that use them. */
export interface PayuAuth {
  /**
   * Puts a token on each request of the instance. Any number of instances may share one auth. Returns what detaches
   * it; requests in flight finish. `scope`: in place of the auth's; `origins`: besides the auth's.
   *
   * It works below the instance's interceptors and transforms: each runs once per call, whatever was installed first.
   * Good to know: an instance that `create()` makes from this one is not attached. A request that has the header
   * already, be it from the instance's defaults, is left alone. A response cache such as axios-cache-interceptor is
   * best set up before: then what it answers needs no token. Errors may come from another copy of axios than the
   * instance: ask `isAxiosError`, not `instanceof`. An adapter of your own is trusted to keep the token to itself; what
   * it hands on as a redirect is yours. An interceptor that was registered before runs after this one: one that puts
   * another `adapter` into the config, or builds a config without it, sends the call without a token.
   *
   * @throws TypeError where the instance is attached to another auth, or with other options.
   */
  attach(
    client: AttachableClient,
    options?: { readonly scope?: ScopeInput; readonly origins?: readonly string[] },
  ): () => void;
  /**
   * The token that a request would use now; minted if need be. Rejects with an error of this library where none can be
   * had, and with axios' CanceledError on abort. `maxWaitMs`: the most that this call may wait, in milliseconds; default:
   * that of the auth.
   */
  getToken(options?: {
    readonly scope?: ScopeInput;
    readonly signal?: AbortSignal;
    readonly maxWaitMs?: number;
  }): Promise<AccessToken>;
  /**
   * What is known of a token now, for health checks. It asks nobody, changes nothing, starts no mint, and holds no secret.
   *
   * @example
   * const auth = createPayuAuth({ environment: 'test', grant, scope: scopes.payouts.create });
   * const { token, blocked } = auth.status();
   * const isHealthy = token === 'fresh' || token === 'renewing' || blocked === undefined;
   * if (!isHealthy) console.warn(`no token before ${blocked?.until.toISOString()}: ${blocked?.by}`);
   */
  status(options?: { readonly scope?: ScopeInput }): AuthStatus;
  /**
   * Uses a token obtained elsewhere: the partner OTP flow, a persisted refresh token. With only the latter, pass an
   * empty `accessToken`; the next request refreshes. Without `expiresInSeconds` it lives for `defaultLifeMs`.
   *
   * @throws TypeError (it rejects) for a token that no header can hold, such as one with the word "Bearer".
   */
  setToken(
    token: {
      readonly accessToken: string;
      readonly expiresInSeconds?: number;
      readonly refreshToken?: string;
    },
    options?: { readonly scope?: ScopeInput },
  ): Promise<void>;
  /**
   * Forgets access tokens, so that the next request renews; refresh tokens stay. With a token: only if it is still
   * the one in use. Without: all of this auth.
   */
  invalidate(token?: AccessToken): Promise<void>;
  /**
   * Revokes at PayU and forgets access and refresh token: also where PayU can't be reached, which rejects. A custom
   * environment needs `revokeUrl` for it.
   *
   * @see https://www.rfc-editor.org/rfc/rfc7009
   */
  revoke(options?: { readonly scope?: ScopeInput }): Promise<void>;
  /**
   * Aborts what is under way and rejects who waits. Attached instances stay attached, and reject with ClosedError
   * until detached: no request goes out bare. Idempotent.
   */
  close(): Promise<void>;
  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

declare global {
  /** Each Node.js that the package runs on has it; not so the types of a project without `esnext.disposable`. */
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

/** What tests put in place of time and chance. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: () => number;
}

/**
 * Creates the auth for one client of PayU. Nothing is sent before the first token is needed.
 *
 * @throws TypeError with `code: 'ERR_INVALID_OPTION'` for a wrong option.
 * @example
 * const auth = createPayuAuth({
 *   environment: 'test',
 *   grant: { type: 'client_credentials', clientId, clientSecret },
 *   scope: scopes.payouts.create,
 * });
 * const payouts = axios.create({ baseURL: 'https://uatoneapi.payu.in/payout' });
 * auth.attach(payouts);
 */
export function createPayuAuth(options: PayuAuthOptions): PayuAuth {
  return createPayuAuthIn({ clock: systemClock, random: Math.random }, options);
}

/** The same with a clock and chance of the caller's choice. */
export function createPayuAuthIn({ clock, random }: Surroundings, options: PayuAuthOptions): PayuAuth {
  const resolved = resolveOptions(options);
  const emit = emitter(resolved.onEvent);
  const post = formTransport(resolved.http);
  const { tokenUrl, grant, tokenTimeoutMs, tokenAttempts } = resolved;
  const secrets = new Secrets(grant, clock, tokenTimeoutMs);
  const store: GuardedStore = new GuardedStore(resolved.store ?? new MemoryTokenStore(), {
    clock,
    emit,
    limitMs: tokenTimeoutMs,
    secrets: () => [...secrets.lastAsked, ...source.knownTokens()],
  });
  const source: TokenSource = new TokenSource({
    tokenUrl,
    grant,
    renewAheadMs: resolved.renewAheadMs,
    defaultLifeMs: resolved.defaultLifeMs,
    tokenTimeoutMs,
    maxWaitMs: resolved.maxWaitMs,
    tokenAttempts,
    store,
    notices: new Notices(
      clock,
      clientKey(tokenUrl, grant),
      resolved.store?.sharesNotices === true ? store : undefined,
    ),
    gate: new MintGate(clock, random, tokenAttempts),
    secrets,
    post,
    clock,
    random,
    emit,
  });
  return new Auth(resolved, {
    source,
    clock,
    random,
    emit,
    header: new TokenHeader(resolved.headerName, resolved.headerPrefix),
    rateLimitRetries: resolved.rateLimitRetries,
    isTokenRefused: resolved.isTokenRefused,
  });
}

/** What all attached instances share. */
type SharedByInstances = Pick<
  Attachment,
  'source' | 'clock' | 'random' | 'emit' | 'header' | 'rateLimitRetries' | 'isTokenRefused'
>;

const METHODS = ['attach', 'getToken', 'status', 'setToken', 'invalidate', 'revoke', 'close'] as const;

class Auth implements PayuAuth {
  readonly #options: ResolvedOptions;
  readonly #parts: SharedByInstances;

  constructor(options: ResolvedOptions, parts: SharedByInstances) {
    this.#options = options;
    this.#parts = parts;
    // As a callback, or taken off by name, a method still knows its auth.
    for (const name of METHODS) Object.assign(this, { [name]: (this[name] as () => void).bind(this) });
  }

  attach(
    client: AttachableClient,
    options: { scope?: ScopeInput; origins?: readonly string[] } = {},
  ): () => void {
    if (this.#parts.source.closed.hasCome) throw new ClosedError();
    const checked = checkedOptions('attach', options, ['scope', 'origins']);
    return attach(client, {
      ...this.#parts,
      emit: this.#options.onEvent === undefined ? warnOnce(this.#parts.emit) : this.#parts.emit,
      scope: this.#scope(checked.scope),
      origins: [
        ...this.#options.origins,
        ...resolveOrigins('origins', checked.origins, this.#options.foreignHosts),
      ],
      foreignHosts: this.#options.foreignHosts,
      allowInsecureHttp: this.#options.allowInsecureHttp,
      maxWaitMs: this.#options.maxWaitMs,
    });
  }

  async getToken(
    options: { scope?: ScopeInput; signal?: AbortSignal; maxWaitMs?: number } = {},
  ): Promise<AccessToken> {
    const checked = checkedOptions('getToken', options, ['scope', 'signal', 'maxWaitMs']);
    const { scope, signal, maxWaitMs = this.#options.maxWaitMs } = checked;
    resolveDuration('maxWaitMs', maxWaitMs, 0);
    if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
      throw invalidOption('signal', 'must be an AbortSignal, such as an AbortController has, or left out.');
    }
    if (signal?.aborted) throw new CanceledError();
    const { record } = await this.#parts.source.obtain(scopeKey(this.#scope(scope)), {
      limit: new WaitLimit(this.#parts.clock, maxWaitMs),
      cancellation: signal === undefined ? undefined : cancellationOf(signal, () => new CanceledError()), // like axios
    });
    return accessToken(record);
  }

  status(options: { scope?: ScopeInput } = {}): AuthStatus {
    const scope = this.#scope(checkedOptions('status', options, ['scope']).scope);
    const { clock, source } = this.#parts;
    const { token, record, block, lastFailure } = source.status(scopeKey(scope));
    const isHeld = record !== undefined && token !== 'missing';
    return {
      token,
      ...(isHeld ? { expiresAt: dateAt(record.expiresAt) } : {}),
      ...(block === undefined
        ? {}
        : { blocked: { by: block.by, until: dateAt(clock.now() + block.leftMs) } }),
      ...(lastFailure === undefined ? {} : { lastFailure: shownFailure(lastFailure) }),
    };
  }

  async setToken(
    token: { accessToken: string; expiresInSeconds?: number; refreshToken?: string },
    options: { scope?: ScopeInput } = {},
  ): Promise<void> {
    const scope = this.#scope(checkedOptions('setToken', options, ['scope']).scope);
    const { clock, source } = this.#parts;
    const record = givenToken(token, scope, clock.now(), this.#options.defaultLifeMs);
    await keptAlive(clock, source.put(record));
  }

  async invalidate(token?: AccessToken): Promise<void> {
    if (token !== undefined && typeof token?.value !== 'string') {
      throw invalidOption('token', 'must be a token that getToken() returned, or left out for all tokens.');
    }
    const { clock, source } = this.#parts;
    await keptAlive(clock, source.invalidate(token?.value));
  }

  async revoke(options: { scope?: ScopeInput } = {}): Promise<void> {
    const scope = this.#scope(checkedOptions('revoke', options, ['scope']).scope);
    const { revokeUrl } = this.#options;
    if (revokeUrl === undefined) {
      throw invalidOption('environment.revokeUrl', 'is needed for revoke(); give it next to "tokenUrl".');
    }
    const { clock, source } = this.#parts;
    await keptAlive(clock, source.revoke(revokeUrl, scopeKey(scope)));
  }

  async close(): Promise<void> {
    await keptAlive(this.#parts.clock, this.#parts.source.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #scope(scope: ScopeInput | undefined): readonly string[] {
    return scope === undefined ? this.#options.scope : resolveScope('scope', scope);
  }
}

function shownFailure({ at, error }: MintFailure): NonNullable<AuthStatus['lastFailure']> {
  return { at: new Date(at), code: error.code, message: error.message };
}

function checkedOptions<T extends object>(
  method: string,
  options: T,
  known: readonly (keyof T & string)[],
): T {
  if (!isPlain(options)) throw invalidOption(`options of ${method}()`, 'must be an object.');
  return givenOptions('', options, known);
}

const NOTHING_ELSE: TokenRecord['extra'] = Object.freeze({});

function givenToken(
  token: { accessToken: string; expiresInSeconds?: number; refreshToken?: string },
  scope: readonly string[],
  now: number,
  defaultLifeMs: number,
): TokenRecord {
  if (!isPlain(token))
    throw invalidOption('token', 'must be { accessToken, expiresInSeconds?, refreshToken? }.');
  const { accessToken, expiresInSeconds, refreshToken } = givenOptions('token.', token, [
    'accessToken',
    'expiresInSeconds',
    'refreshToken',
  ]);
  if (!isTokenValue(accessToken) && !(accessToken === '' && refreshToken !== undefined)) {
    throw invalidOption(
      'token.accessToken',
      'must be a bearer token without the word "Bearer": letters, digits, -._~+/ and trailing =; or empty next to a refresh token.',
    );
  }
  if (expiresInSeconds !== undefined && !(Number.isFinite(expiresInSeconds) && expiresInSeconds >= 0)) {
    throw invalidOption('token.expiresInSeconds', 'must be a number of seconds, 0 or more.');
  }
  const fault = refreshToken === undefined ? undefined : secretFault(refreshToken);
  if (fault !== undefined) throw invalidOption('token.refreshToken', `${fault}.`);
  return {
    accessToken,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    scope,
    obtainedAt: now,
    expiresAt: accessToken === '' ? now : now + lifeMs(expiresInSeconds, undefined, defaultLifeMs),
    extra: NOTHING_ELSE,
  };
}

function accessToken(record: TokenRecord): AccessToken {
  const token: Omit<AccessToken, 'value'> = {
    // Copies: what a caller does to them must not change what is asked for next.
    scope: [...record.scope],
    obtainedAt: dateAt(record.obtainedAt),
    expiresAt: dateAt(record.expiresAt),
    extra: { ...record.extra },
  };
  Object.defineProperty(token, 'value', { value: record.accessToken, enumerable: false });
  return token as AccessToken;
}
