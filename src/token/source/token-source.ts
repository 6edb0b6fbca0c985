import { setMaxListeners } from 'node:events';
import { ClosedError } from '../../errors.ts';
import type { Emit } from '../../events.ts';
import type { Clock } from '../../time/clock.ts';
import { scopeKey } from '../endpoint/scope.ts';
import { outOfPatienceError } from '../mint/messages.ts';
import type { MintGate } from '../mint/mint-gate.ts';
import type { Minter } from '../mint/minter.ts';
import { Renewal } from '../mint/renewal.ts';
import type { GuardedStore } from '../store/guarded-store.ts';
import type { TokenRecord } from '../store/token-store.ts';
import { ByHand } from './by-hand.ts';
import { ExpiringMap } from './expiring-map.ts';
import { Flight, type Patience } from './flight.ts';
import type { Obtained } from './refusal-pauses.ts';
import { type Standing, TokenState } from './token-state.ts';

export type { Obtained };

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

/** The tokens of one auth: which one to use now, and when to get another. Knows time and no HTTP. */
export class TokenSource {
  readonly #parts: TokenSourceParts;
  readonly #states: ExpiringMap<TokenState>;
  readonly #closing = new AbortController();
  #forgottenAt = Number.NEGATIVE_INFINITY;
  /** Until a token was refused, no success has anything to prove. */
  #wasRefused = false;

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
  refuse(key: string, value: string, obtained: Obtained): Standing {
    this.#wasRefused = true;
    return this.#state(key).refuse(value, this.#parts.clock.now(), obtained);
  }

  /** Says that a request with this token succeeded. */
  succeed(key: string, value: string, obtained: Obtained): void {
    if (!this.#wasRefused) return;
    const state = this.#states.get(key);
    if (state?.needsProof) state.succeed(value, this.#parts.clock.now(), obtained);
  }

  /** Uses a token that was obtained elsewhere. */
  async put(scope: readonly string[], record: TokenRecord): Promise<void> {
    this.#throwIfClosed();
    const { renewAheadMs, random } = this.#parts;
    await this.#byHand(scopeKey(scope)).put(record, renewAheadMs, random);
  }

  /** Forgets access tokens; refresh tokens stay. With a value: only where it is still the one in use. */
  async invalidate(value?: string): Promise<void> {
    this.#throwIfClosed();
    // Scopes that were not used yet may have a token in a shared store: it is not looked up, only never taken.
    const now = this.#parts.clock.now();
    if (value === undefined) this.#forgottenAt = now;
    const chosen = [...this.#states.entries()].filter(
      ([, state]) => value === undefined || state.isInUse(value, now),
    );
    await Promise.all(chosen.map(([key]) => this.#byHand(key).forgetAccessToken()));
  }

  /** Forgets access and refresh token, here and in the store. Returns those that may be alive still. */
  async take(scope: readonly string[]): Promise<readonly string[]> {
    this.#throwIfClosed();
    return this.#byHand(scopeKey(scope)).take();
  }

  /** Calls off all that is under way; whoever waits gets a {@link ClosedError}. Settles once refreshes are stored. */
  async close(): Promise<void> {
    this.#callOffAll();
    await this.#parts.minter.refreshesStored();
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

  #byHand(key: string): ByHand {
    return new ByHand({ ...this.#parts, closed: this.closed }, key.split(' '), this.#state(key));
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
      'unref',
    );
    void flight.over.then(cancelTimer);
  }

  #takeOff(key: string, state: TokenState): Flight<TokenRecord> {
    const flight: Flight<TokenRecord> = new Flight(this.#parts.clock, (since) =>
      outOfPatienceError(since, renewal.attempts),
    );
    state.flight = flight;
    const land = () => {
      if (state.flight === flight) state.flight = undefined;
    };
    // Who comes after the last one has left must not join a mint that is being aborted.
    flight.signal.addEventListener('abort', land, { once: true });
    const renewal = new Renewal(this.#parts, {
      scope: key.split(' '),
      state,
      flight,
      usable: () => this.usable(key),
      forgottenAt: () => this.#forgottenAt,
    });
    flight.run(() => renewal.run().finally(land));
    return flight;
  }
}
