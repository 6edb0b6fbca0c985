import { scopeSetKey } from './scopes.ts';

/** One pair of access and refresh token, as the server remembers it. */
export interface TokenEntry {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  readonly clientId: string;
  /** Whose token it is; undefined where a client acts for itself. */
  readonly userUuid: string | undefined;
  readonly scope: readonly string[];
  readonly createdAt: number;
  expiresAt: number;
  revoked: boolean;
  refreshRevoked: boolean;
  /** The pair that dies when this access token is first used (Doorkeeper's `previous_refresh_token`). */
  previous: TokenEntry | undefined;
}

/** `previous`: the old pair works until the new access token is used · `immediate`: it dies at once · `none`: the refresh token stays. */
export type RefreshRotation = 'previous' | 'immediate' | 'none';

/** `same-scope` is what Doorkeeper 5.5 does; `all-scopes` kills every earlier token of the client. */
export type RevokePrevious = 'none' | 'same-scope' | 'all-scopes';

export interface LedgerRules {
  readonly now: () => number;
  readonly nextValue: () => string;
  readonly reuseTokens: boolean;
  readonly revokePrevious: RevokePrevious;
  readonly refreshRotation: RefreshRotation;
}

export interface MintRequest {
  readonly clientId: string;
  readonly userUuid: string | undefined;
  readonly scope: readonly string[];
  readonly refreshable: boolean;
}

export type TokenCheck =
  | { readonly kind: 'valid'; readonly entry: TokenEntry }
  | { readonly kind: 'refused'; readonly why: 'invalid' | 'expired' | 'revoked' };

/** The server's memory of tokens: everything that Doorkeeper keeps in its table. */
export class TokenLedger {
  /** Life of tokens minted from now on, in milliseconds; Infinity for tokens that never expire. */
  lifeMs: number;
  readonly #rules: LedgerRules;
  readonly #byAccess = new Map<string, TokenEntry>();
  readonly #byRefresh = new Map<string, TokenEntry>();
  /** Newest last; what may be reused or revoked by the next mint of the same client. */
  readonly #byOwner = new Map<string, TokenEntry[]>();

  constructor(rules: LedgerRules, lifeMs: number) {
    this.#rules = rules;
    this.lifeMs = lifeMs;
  }

  mint(request: MintRequest): { readonly entry: TokenEntry; readonly reused: boolean } {
    const owned = this.#ownedBy(request);
    const reusable = this.#rules.reuseTokens ? this.#newestMatch(owned, request.scope) : undefined;
    if (reusable !== undefined) return { entry: reusable, reused: true };
    // A user's earlier token is left alone: Doorkeeper has this rule for clients that act for themselves only.
    if (request.userUuid === undefined) this.#revokePrevious(owned, request.scope);
    return { entry: this.#create(request, undefined), reused: false };
  }

  /** A pair of its own, never a reused one. */
  issue(request: MintRequest): TokenEntry {
    return this.#create(request, undefined);
  }

  /** The refresh grant, on a pair that `byRefreshToken` found. */
  refresh(old: TokenEntry, scope: readonly string[]): TokenEntry {
    const request = { clientId: old.clientId, userUuid: old.userUuid, scope, refreshable: true };
    switch (this.#rules.refreshRotation) {
      case 'none':
        return this.#create(request, old.refreshToken);
      case 'immediate':
        this.revoke(old);
        return this.#create(request, undefined);
      case 'previous': {
        const entry = this.#create(request, undefined);
        entry.previous = old;
        return entry;
      }
    }
  }

  /** Looks at a token as a protected resource does; its first use ends the pair it came from. */
  use(accessToken: string | undefined): TokenCheck {
    const entry = accessToken === undefined ? undefined : this.#byAccess.get(accessToken);
    if (entry === undefined) return { kind: 'refused', why: 'invalid' };
    if (entry.revoked) return { kind: 'refused', why: 'revoked' };
    if (this.#expired(entry)) return { kind: 'refused', why: 'expired' };
    if (entry.previous !== undefined) {
      this.revoke(entry.previous);
      entry.previous = undefined;
    }
    return { kind: 'valid', entry };
  }

  byRefreshToken(value: string): TokenEntry | undefined {
    return this.#byRefresh.get(value);
  }

  byAnyToken(value: string): TokenEntry | undefined {
    return this.#byAccess.get(value) ?? this.#byRefresh.get(value);
  }

  /** Both halves: in Doorkeeper's table they are one row. */
  revoke(entry: TokenEntry): void {
    entry.revoked = true;
    entry.refreshRevoked = true;
    // Without rotation a later pair goes on with the same refresh token.
    const holder = entry.refreshToken === undefined ? undefined : this.#byRefresh.get(entry.refreshToken);
    if (holder !== undefined) holder.refreshRevoked = true;
  }

  revokeAll(keep: 'refresh-tokens' | undefined): void {
    for (const entry of this.#byAccess.values()) {
      entry.revoked = true;
      if (keep === undefined) entry.refreshRevoked = true;
    }
    this.#byOwner.clear();
  }

  expireAll(): void {
    const now = this.#rules.now();
    for (const entry of this.#byAccess.values()) entry.expiresAt = Math.min(entry.expiresAt, now);
    this.#byOwner.clear();
  }

  /** Seconds left, rounded half up as Doorkeeper does; undefined for a token that never expires. */
  secondsLeft(entry: TokenEntry): number | undefined {
    if (entry.expiresAt === Number.POSITIVE_INFINITY) return undefined;
    return Math.max(0, Math.round((entry.expiresAt - this.#rules.now()) / 1000));
  }

  #create(request: MintRequest, keptRefreshToken: string | undefined): TokenEntry {
    const now = this.#rules.now();
    const entry: TokenEntry = {
      accessToken: this.#rules.nextValue(),
      refreshToken: keptRefreshToken ?? (request.refreshable ? this.#rules.nextValue() : undefined),
      clientId: request.clientId,
      userUuid: request.userUuid,
      scope: request.scope,
      createdAt: now,
      expiresAt: now + this.lifeMs,
      revoked: false,
      refreshRevoked: false,
      previous: undefined,
    };
    this.#byAccess.set(entry.accessToken, entry);
    if (entry.refreshToken !== undefined) this.#byRefresh.set(entry.refreshToken, entry);
    this.#ownedBy(request).push(entry);
    return entry;
  }

  #ownedBy(owner: { readonly clientId: string; readonly userUuid: string | undefined }): TokenEntry[] {
    const key = JSON.stringify([owner.clientId, owner.userUuid]);
    const known = this.#byOwner.get(key);
    if (known !== undefined) return known;
    const fresh: TokenEntry[] = [];
    this.#byOwner.set(key, fresh);
    return fresh;
  }

  #newestMatch(owned: readonly TokenEntry[], scope: readonly string[]): TokenEntry | undefined {
    const wanted = scopeSetKey(scope);
    return owned.findLast(
      (entry) => !entry.revoked && !this.#expired(entry) && scopeSetKey(entry.scope) === wanted,
    );
  }

  #revokePrevious(owned: TokenEntry[], scope: readonly string[]): void {
    if (this.#rules.revokePrevious === 'none') return;
    const wanted = this.#rules.revokePrevious === 'same-scope' ? scopeSetKey(scope) : undefined;
    const kept = owned.filter((entry) => wanted !== undefined && scopeSetKey(entry.scope) !== wanted);
    for (const entry of owned) if (!kept.includes(entry)) this.revoke(entry);
    owned.splice(0, owned.length, ...kept);
  }

  #expired(entry: TokenEntry): boolean {
    return this.#rules.now() >= entry.expiresAt;
  }
}
