import { setMaxListeners } from 'node:events';
import type { Clock } from '../backoff/clock.ts';
import type { MintGate } from '../backoff/mint-gate.ts';
import { cancellationOf, unlessCancelled } from '../backoff/wait.ts';
import { ClosedError } from '../errors.ts';
import type { Emit, MintCause } from '../events.ts';
import { ExpiringMap } from './expiring-map.ts';
import { Flight, type Patience } from './flight.ts';
import type { GuardedStore } from './guarded-store.ts';
import type { Minted, Minter } from './minter.ts';
import { missingScopes, scopeKey } from './scope.ts';
import { type Standing, TokenState } from './token-state.ts';
import type { TokenRecord } from './token-store.ts';

export interface TokenSourceParts {
  readonly minter: Minter;
  readonly store: GuardedStore;
  readonly gate: MintGate;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  readonly renewAheadMs: number;
  readonly maxWaitMs: number;
}

/** Any refresh has ended by then: `tokenTimeoutMs` and the limits of the store are far below. */
const LONGEST_REFRESH_MS = 24 * 60 * 60 * 1_000;

/** The tokens of one auth: which one to use now, and when to get another. Knows time and no HTTP. */
export class TokenSource {
  readonly #parts: TokenSourceParts;
  readonly #states: ExpiringMap<TokenState>;
  readonly #closing = new AbortController();
  #forgottenAt = Number.NEGATIVE_INFINITY;

  constructor(parts: TokenSourceParts) {
    this.#parts = parts;
    this.#states = new ExpiringMap((state) => state.isDead(parts.clock.now()));
    // Each call that waits for an API listens: any number is no leak, whatever Node.js suspects beyond ten.
    setMaxListeners(0, this.closed);
  }

  /** Aborts with a {@link ClosedError} when the auth is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** All access and refresh tokens that this auth knows, so that they can be kept out of messages. */
  *knownTokens(): Iterable<string> {
    for (const { record } of this.#states.values()) {
      if (record === undefined) continue;
      yield record.accessToken;
      if (record.refreshToken !== undefined) yield record.refreshToken;
    }
  }

  /** The token that can be used without waiting, if there is one. Inside the renew-ahead window a renewal begins (B2). */
  usable(key: string): TokenRecord | undefined {
    const state = this.#states.get(key);
    if (state === undefined) return undefined;
    const now = this.#parts.clock.now();
    if (state.isFresh(now)) return state.record;
    if (!state.isUsable(now)) return undefined;
    if (state.isDue(now)) this.#renewAhead(key, state);
    return state.record;
  }

  /** A token, after waiting for a mint if need be. All who wait for the same one share its mint (C1). */
  async obtain(key: string, patience: Patience): Promise<TokenRecord> {
    this.#throwIfClosed();
    const usable = this.usable(key);
    if (usable !== undefined) return usable;
    const state = this.#state(key);
    const flight = state.flight ?? this.#takeOff(key, state);
    return flight.join(patience);
  }

  /** Says that a request with this token was refused. What to do about it is told by the standing. */
  refuse(key: string, value: string): Standing {
    return this.#state(key).refuse(value, this.#parts.clock.now());
  }

  /** Says that a request with this token succeeded. */
  succeed(key: string, value: string): void {
    const state = this.#states.get(key);
    if (state?.needsProof) state.succeed(value);
  }

  /** Uses a token that was obtained elsewhere. */
  async put(scope: readonly string[], record: TokenRecord): Promise<void> {
    this.#throwIfClosed();
    const { minter, store, renewAheadMs, random } = this.#parts;
    const state = this.#state(scopeKey(scope));
    state.put(record, renewAheadMs, random);
    // With the secrets as they are now: the token belongs to them.
    state.storeKey = undefined;
    await state.decisions.carryOut(async () => {
      const storeKey = await this.#storeKey(scope, state);
      await minter.forgetRefusal(storeKey);
      if (state.record !== undefined) await store.set(storeKey, state.record);
    });
  }

  /** Forgets access tokens; refresh tokens stay. With a value: only where it is still the one in use. */
  async invalidate(value?: string): Promise<void> {
    this.#throwIfClosed();
    const chosen = [...this.#states.entries()].filter(
      ([, state]) => value === undefined || state.record?.accessToken === value,
    );
    // Scopes that were not used yet may have a token in a shared store: it is not looked up, only never taken.
    if (value === undefined) this.#forgottenAt = this.#parts.clock.now();
    for (const [, state] of chosen) state.forgetAccessToken();
    await Promise.all(
      chosen
        .filter(([, { record }]) => record !== undefined)
        .map(([key, state]) =>
          state.decisions.carryOut(() => this.#forgetStored(key.split(' '), state, value)),
        ),
    );
  }

  /** Forgets access and refresh token, here and in the store. Returns those that may be alive still. */
  async take(scope: readonly string[]): Promise<readonly string[]> {
    this.#throwIfClosed();
    const { clock, store } = this.#parts;
    const state = this.#state(scopeKey(scope));
    const held = state.record;
    state.forgetAll(clock.now());
    const stored = await state.decisions.carryOut(async () => {
      const storeKey = await this.#storeKey(scope, state);
      const record = await store.get(storeKey);
      await store.delete(storeKey);
      return record;
    });
    const alive = [held, stored].flatMap((record) =>
      record !== undefined && (record.expiresAt > clock.now() || record.refreshToken !== undefined)
        ? [record.accessToken, record.refreshToken ?? '']
        : [],
    );
    return [...new Set(alive)].filter((token) => token !== '');
  }

  /** Calls off all that is under way; whoever waits gets a {@link ClosedError}. Settles once refreshes are stored. */
  async close(): Promise<void> {
    this.#callOffAll();
    const { clock, minter } = this.#parts;
    // The wait for a refresh has a limit of its own; this timer only keeps the process alive for it.
    const cancelTimer = clock.timer(LONGEST_REFRESH_MS, () => {}, 'awaited');
    await minter.refreshesStored();
    cancelTimer();
  }

  #callOffAll(): void {
    if (this.closed.aborted) return;
    const reason = new ClosedError();
    for (const state of this.#states.values()) {
      const { flight } = state;
      state.flight = undefined;
      state.forgetAccessToken();
      flight?.callOff(reason);
    }
    this.#closing.abort(reason);
  }

  #throwIfClosed(): void {
    if (this.closed.aborted) throw new ClosedError();
  }

  #state(key: string): TokenState {
    let state = this.#states.get(key);
    if (state === undefined) {
      state = new TokenState();
      this.#states.set(key, state);
    }
    return state;
  }

  /** Begins a renewal that nobody waits for. Whatever becomes of it, the requests go on with the token they have. */
  #renewAhead(key: string, state: TokenState): void {
    const { clock, gate, maxWaitMs } = this.#parts;
    if (state.flight !== undefined || this.closed.aborted) return;
    if (!gate.isOpen) return;
    const flight = this.#takeOff(key, state);
    // A store whose lock never comes must not hold up renewals for ever.
    const cancelTimer = clock.timer(
      maxWaitMs,
      () => {
        if (!flight.isAwaited) flight.callOff(new Error('The renewal in the background took too long.'));
      },
      'unawaited',
    );
    void flight.over.then(cancelTimer);
  }

  #takeOff(key: string, state: TokenState): Flight<TokenRecord> {
    const flight = new Flight<TokenRecord>(this.#parts.clock);
    state.flight = flight;
    const land = () => {
      if (state.flight === flight) state.flight = undefined;
    };
    // Who comes after the last one has left must not join a mint that is being aborted.
    flight.signal.addEventListener('abort', land, { once: true });
    flight.run(async () => {
      try {
        return await this.#renew(key, state, flight);
      } finally {
        land();
      }
    });
    return flight;
  }

  /** Mints until the result counts. */
  async #renew(key: string, state: TokenState, flight: Flight<TokenRecord>): Promise<TokenRecord> {
    const { clock, emit, minter } = this.#parts;
    const scope = key.split(' ');
    const deadRefreshTokens = new Set<string>();
    const whenTakenOff = state.begin();
    for (;;) {
      await unlessCancelled(state.decisions.carriedOut, cancellationOf(flight.signal));
      const decided = state.isCurrent(whenTakenOff) ? undefined : this.usable(key);
      if (decided !== undefined) return decided;
      const beginning = state.begin();
      const cause = state.mintCause(clock.now());
      let wasAsked = false;
      try {
        const minted = await minter.mint({
          scope,
          flight,
          deadRefreshTokens,
          held: (storeKey) => state.heldUnder(storeKey),
          remainder: (record) => state.remainder(record, beginning),
          noteAsked: () => {
            wasAsked = true;
          },
          mayAdopt: (record) =>
            record.obtainedAt > this.#forgottenAt &&
            state.mayAdopt(record, clock.now()) &&
            this.#isNews(state, record, cause),
        });
        if (flight.signal.aborted) throw flight.signal.reason;
        // Somebody has decided by hand meanwhile: what is left of it is not for those who wait.
        if (state.remainder(minted.record, beginning) !== minted.record) continue;
        state.storeKey = minted.storeKey;
        // Begun before its result was refused: the answer to the refusal is one more (D3).
        if (state.broughtRefused(minted.record, beginning)) continue;
        return this.#receive(state, minted, scope, cause);
      } catch (error) {
        if (flight.signal.aborted) throw flight.signal.reason;
        if (cause === 'renew-ahead') state.postponeRenewal(clock.now());
        // What was answered from memory is no news: in a pause there is one such error per request.
        if (wasAsked) emit({ type: 'token-failed', cause, error: error as Error });
        throw error;
      }
    }
  }

  /** A renewal ahead of time looks for another token than the one we hold; a sibling may have stored one. */
  #isNews(state: TokenState, record: TokenRecord, cause: MintCause): boolean {
    return cause !== 'renew-ahead' || record.accessToken !== state.record?.accessToken;
  }

  #receive(state: TokenState, minted: Minted, scope: readonly string[], cause: MintCause): TokenRecord {
    const { clock, emit, random, renewAheadMs } = this.#parts;
    const now = clock.now();
    const origin = minted.kind === 'stored' ? 'stored' : cause;
    const sameToken = state.receive(minted.record, now, { origin, renewAheadMs, random });
    const record = state.record as TokenRecord;
    if (minted.kind === 'stored') return record;
    emit({
      type: 'token-minted',
      grant: minted.grant,
      scope: record.scope,
      cause,
      durationMs: minted.durationMs,
      expiresInMs: record.expiresAt - now,
      sameToken,
    });
    const missing = missingScopes(scope, record.scope);
    if (missing.length > 0) emit({ type: 'scope-missing', missing });
    return record;
  }

  async #storeKey(scope: readonly string[], state: TokenState): Promise<string> {
    const { minter } = this.#parts;
    state.storeKey ??= minter.storeKey(await minter.askSecrets(this.closed, 'awaited'), scope);
    return state.storeKey;
  }

  async #forgetStored(scope: readonly string[], state: TokenState, value: string | undefined): Promise<void> {
    const { store } = this.#parts;
    const storeKey = await this.#storeKey(scope, state);
    const stored = await store.get(storeKey);
    if (stored === undefined || (value !== undefined && stored.accessToken !== value)) return;
    // A record with a refresh token stays: without the lock a sibling's newer one could be written over, and lost. Its
    // access token is not taken by this auth any more.
    if (stored.refreshToken === undefined) await store.delete(storeKey);
  }
}
