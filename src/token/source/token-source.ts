import { AsyncResource } from 'node:async_hooks';
import { ClosedError } from '../../errors.ts';
import { isOver, later, msUntil, readClock } from '../../time/instant.ts';
import { Ending } from '../../time/wait.ts';
import { revokeTokens } from '../endpoint/revocation.ts';
import { scopeKey } from '../endpoint/scope.ts';
import { outOfPatienceError } from '../mint/messages.ts';
import { Mint, type MintParts } from '../mint/mint.ts';
import type { CallerLimits, Obtained } from '../mint/single-flight.ts';
import { cacheKey } from '../store/cache-key.ts';
import { ExpiringMap } from '../store/expiring-map.ts';
import type { TokenRecord } from '../store/token-store.ts';
import type { HowHeld } from './refusal-pauses.ts';
import { type Standing, TokenState } from './token-state.ts';

export type { CallerLimits, HowHeld, Obtained, Standing };

/** Tokens that are kept out of a message one by one. */
const MOST_TOKENS_NAMED = 100;
/** In a pause between renewals (D5), whether a sibling has stored a token is asked so often at most. */
const LOOK_EVERY_MS = 1_000;

export interface TokenStatus extends Pick<TokenState, 'record' | 'lastFailure'> {
  readonly token: ReturnType<TokenState['health']>;
  readonly block: { readonly by: 'rate-limit' | 'outage' | 'refusal'; readonly leftMs: number } | undefined;
}

/** The tokens of one auth: which one to use now, and when to get another. Knows time and no HTTP. */
export class TokenSource {
  /** Comes when the auth is closed, with a {@link ClosedError} for each caller. */
  readonly closed: Ending = new Ending(() => new ClosedError());

  readonly #parts: MintParts;
  readonly #states: ExpiringMap<TokenState>;
  /** Where the auth was made: what runs in the background belongs to no request (B2). */
  readonly #background = new AsyncResource('axios-payu-auth');
  /** Whether all tokens were forgotten once: what a store holds for scopes that were not used yet is forgotten, too. */
  #hasForgottenAll = false;
  /** Until a token was refused, no success has anything to prove. */
  #wasRefused = false;
  #allClosed: Promise<unknown> | undefined;

  constructor(parts: MintParts) {
    this.#parts = parts;
    this.#states = new ExpiringMap((state) => state.isDead(readClock(parts.clock)));
  }

  /**
   * Access and refresh tokens that this auth knows, so that they can be kept out of messages: so many that a failure costs
   * the same with 100,000 of them. Those beyond go for looking like tokens.
   */
  *knownTokens(): Iterable<string> {
    let looked = 0;
    for (const { record } of this.#states.values()) {
      if (++looked > MOST_TOKENS_NAMED) return;
      yield record?.accessToken ?? '';
      yield record?.refreshToken ?? '';
    }
  }

  /** Asks nobody, and changes nothing. */
  status(key: string): TokenStatus {
    const { clock, gate, notices } = this.#parts;
    const now = readClock(clock);
    const state = this.#states.get(key);
    const { block } = gate;
    const by = block === undefined ? 'refusal' : block.kind === 'cool-down' ? 'rate-limit' : 'outage';
    const leftMs = block === undefined ? notices.leftMs(state?.askedKey) : msUntil(block.until, now);
    return {
      token: state?.health(now) ?? 'missing',
      record: state?.record,
      block: leftMs > 0 ? { by, leftMs } : undefined,
      lastFailure: state?.lastFailure,
    };
  }

  /** The token that can be used without waiting, if there is one. Inside the renew-ahead window a renewal begins (B2). */
  usable(key: string): TokenRecord | undefined {
    const state = this.#states.get(key);
    if (state === undefined) return undefined;
    const now = readClock(this.#parts.clock);
    if (state.isFresh(now)) return state.record;
    if (!state.isUsable(now)) return undefined;
    if (state.isDue(now)) this.#renewAhead(state);
    return state.record;
  }

  /** A token, after waiting for a mint if need be. All who wait for the same one share its mint (C1). */
  async obtain(key: string, limits: CallerLimits): Promise<Obtained> {
    this.#throwIfClosed();
    const record = this.usable(key);
    if (record !== undefined) return { kind: 'found', record };
    // Nothing is minted for a caller that has left (C3).
    const cancelled = limits.cancellation?.reason();
    if (cancelled !== undefined) throw cancelled;
    const state = this.#state(key);
    return (state.mint ?? new Mint(this.#parts, state).start()).join(limits);
  }

  /** To be told of each token that was refused. */
  refuse(key: string, value: string, how: HowHeld): Standing {
    this.#wasRefused = true;
    const state = this.#state(key);
    const now = readClock(this.#parts.clock);
    const standing = state.refuse(value, now, how);
    if (standing === 'paused' && isOver(state.nextLookAt, now)) {
      state.nextLookAt = later(now, LOOK_EVERY_MS);
      state.look = this.#background.runInAsyncScope(() => this.#lookForSibling(state, value));
    }
    return standing;
  }

  /** Settles when the store was asked for a token that helps where renewing did not. Never rejects. */
  async looked(key: string): Promise<void> {
    await this.#state(key).look;
  }

  /** To be told of each token that a request succeeded with. */
  succeed(key: string, value: string, how: HowHeld): void {
    if (this.#wasRefused) this.#states.get(key)?.succeed(value, readClock(this.#parts.clock), how);
  }

  /**
   * Uses a token that was obtained elsewhere. As each change by hand it counts here at once, and is in the store before any
   * mint looks there again, so that it wins over a mint that is under way (C5).
   */
  async put(record: TokenRecord): Promise<void> {
    this.#throwIfClosed();
    const { clock, store, notices } = this.#parts;
    const state = this.#state(scopeKey(record.scope));
    const now = readClock(clock);
    state.receive(record, 'by-hand', now);
    // A caller that waits for a mint, or for the end of a cool-down, need not any more.
    if (state.isUsable(now)) state.mint?.resolveAll({ kind: 'found', record });
    // With the secrets as they are now: the token belongs to them.
    state.storeKey = undefined;
    await state.change(async () => {
      const storeKey = await this.#storeKey(state);
      await notices.forgetRefusals(storeKey);
      // What was forgotten meanwhile is not written, over a sibling's token at that.
      const { record: held } = state;
      if (held?.accessToken || held?.refreshToken) await store.set(storeKey, held);
    });
  }

  /** With a value: only where it is still the one in use. */
  async invalidate(value?: string): Promise<void> {
    this.#throwIfClosed();
    if (value === undefined) this.#hasForgottenAll = true;
    const now = readClock(this.#parts.clock);
    const all = [...this.#states.values()];
    const chosen = value === undefined ? all : all.filter((state) => state.isInUse(value, now));
    await Promise.all(chosen.map((state) => this.#forgetAccessToken(state)));
  }

  async #forgetAccessToken(state: TokenState): Promise<void> {
    const { store } = this.#parts;
    const value = state.record?.accessToken;
    state.forgetAccessToken();
    if (!value) return state.forgetFirstFound();
    await state.change(async () => {
      const storeKey = await this.#storeKey(state);
      const stored = await store.get(storeKey);
      // Of a sibling's newer token nothing was decided; and a record with a refresh token stays: without the lock a
      // newer one could be written over, and lost. Its access token is not taken by this auth any more.
      if (stored?.accessToken === value && stored.refreshToken === undefined) await store.delete(storeKey);
    });
  }

  /** The tokens are forgotten also where revoking fails. */
  async revoke(revokeUrl: string, key: string): Promise<void> {
    this.#throwIfClosed();
    const tokens = await this.#forgetAll(this.#state(key));
    if (tokens.length === 0) return;
    const secrets = await this.#parts.secrets.ask(this.closed);
    await revokeTokens({ ...this.#parts, revokeUrl }, tokens, secrets, this.closed);
  }

  /** Here and in the store. Returns the tokens that were there. */
  async #forgetAll(state: TokenState): Promise<readonly string[]> {
    const { store } = this.#parts;
    const held = state.record;
    state.forgetAll();
    const stored = await state.change(async () => {
      const storeKey = await this.#storeKey(state);
      const record = await store.get(storeKey);
      state.forgetFound(record);
      await store.delete(storeKey);
      return record;
    });
    const tokens = [held, stored].flatMap((record) => [
      record?.accessToken ?? '',
      record?.refreshToken ?? '',
    ]);
    return [...new Set(tokens)].filter((token) => token !== '');
  }

  /** Settles once refreshes that are under way are stored (C3). */
  async close(): Promise<void> {
    if (!this.closed.hasCome) {
      const refreshes = [...this.#states.values()].map((state) => {
        const { mint } = state;
        const stored = mint?.refreshStored;
        state.forgetAccessToken();
        mint?.abort(new ClosedError());
        return stored;
      });
      this.closed.come();
      // Tools that look for what a test has left behind take it for a leak.
      this.#background.emitDestroy();
      this.#allClosed = Promise.allSettled(refreshes);
    }
    await this.#allClosed;
  }

  #throwIfClosed(): void {
    if (this.closed.hasCome) throw new ClosedError();
  }

  #state(key: string): TokenState {
    let state = this.#states.get(key);
    if (state === undefined) {
      state = new TokenState(key, this.#parts);
      if (this.#hasForgottenAll) state.forgetFirstFound();
      this.#states.set(key, state);
    }
    return state;
  }

  /** A sibling's token is used as in any mint, unless ours has changed meanwhile (C5). */
  async #lookForSibling(state: TokenState, refused: string): Promise<void> {
    if (state.storeKey === undefined) return;
    const record = await this.#parts.store.get(state.storeKey);
    const now = readClock(this.#parts.clock);
    if (state.isInUse(refused, now) && state.mayAdopt(record, now)) state.receive(record, 'found', now);
  }

  /** Whatever comes of it, the requests go on with the token they have. */
  #renewAhead(state: TokenState): void {
    if (state.mint !== undefined || this.closed.hasCome || this.#parts.gate.block !== undefined) return;
    this.#background.runInAsyncScope(() => {
      const mint = new Mint(this.#parts, state).start();
      const { clock, maxWaitMs } = this.#parts;
      // A store whose lock never comes must not hold up renewals for ever.
      const since = clock.now();
      const giveUp = () => {
        if (!mint.isAwaited && mint.sending === undefined) mint.abort(outOfPatienceError(since, 0));
      };
      const limit = clock.limit(maxWaitMs, giveUp, 'unref');
      void mint.over.then(() => limit.cancel());
    });
  }

  async #storeKey(state: TokenState): Promise<string> {
    const { tokenUrl, grant, secrets } = this.#parts;
    state.storeKey ??= cacheKey(tokenUrl, grant, await secrets.ask(this.closed), state.scope);
    return state.storeKey;
  }
}
