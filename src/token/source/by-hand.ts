import type { Clock } from '../../time/clock.ts';
import type { Minter } from '../mint/minter.ts';
import type { GuardedStore } from '../store/guarded-store.ts';
import type { TokenRecord } from '../store/token-store.ts';
import type { TokenState } from './token-state.ts';

export interface ByHandParts {
  readonly minter: Minter;
  readonly store: GuardedStore;
  readonly clock: Clock;
  /** Aborts when the auth is closed. */
  readonly closed: AbortSignal;
}

/**
 * What users decide about one token: it counts here at once, and in the store before any mint looks there again, so
 * that it wins over a mint that is under way (C5).
 */
export class ByHand {
  readonly #parts: ByHandParts;
  readonly #scope: readonly string[];
  readonly #state: TokenState;

  constructor(parts: ByHandParts, scope: readonly string[], state: TokenState) {
    this.#parts = parts;
    this.#scope = scope;
    this.#state = state;
  }

  /** Uses a token that was obtained elsewhere. */
  put(record: TokenRecord, renewAheadMs: number, random: () => number): Promise<void> {
    const state = this.#state;
    const now = this.#parts.clock.now();
    state.put(record, now, { renewAheadMs, random });
    // Who waits for a mint, or for the end of a cool-down, need not any more.
    if (state.isUsable(now)) state.flight?.land(record);
    // With the secrets as they are now: the token belongs to them.
    state.storeKey = undefined;
    return state.decisions.carryOut(async () => {
      const { minter, store } = this.#parts;
      const storeKey = await this.#storeKey();
      await minter.forgetRefusal(storeKey);
      // What was forgotten meanwhile is not written, over a sibling's token at that.
      if (state.record !== undefined && isOfUse(state.record)) await store.set(storeKey, state.record);
    });
  }

  /** Forgets the access token; the refresh token stays. */
  async forgetAccessToken(): Promise<void> {
    const value = this.#state.record?.accessToken;
    this.#state.forgetAccessToken();
    if (value === undefined) return; // never minted here: there is no key to look under
    await this.#state.decisions.carryOut(async () => {
      const { store } = this.#parts;
      const storeKey = await this.#storeKey();
      const stored = await store.get(storeKey);
      // Of a sibling's newer token nothing was decided; and a record with a refresh token stays: without the lock a
      // newer one could be written over, and lost. Its access token is not taken by this auth any more.
      if (stored?.accessToken === value && stored.refreshToken === undefined) await store.delete(storeKey);
    });
  }

  /** Forgets access and refresh token. Returns those that may be alive still. */
  async take(): Promise<readonly string[]> {
    const { clock, store } = this.#parts;
    const held = this.#state.record;
    this.#state.forgetAll(clock.now());
    const stored = await this.#state.decisions.carryOut(async () => {
      const storeKey = await this.#storeKey();
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

  async #storeKey(): Promise<string> {
    const { minter, closed } = this.#parts;
    this.#state.storeKey ??= minter.storeKey(await minter.askSecrets(closed), this.#scope);
    return this.#state.storeKey;
  }
}

function isOfUse({ accessToken, refreshToken }: TokenRecord): boolean {
  return accessToken !== '' || refreshToken !== undefined;
}
