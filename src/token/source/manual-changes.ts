import { readClock } from '../../time/instant.ts';
import type { Cancellation } from '../../time/wait.ts';
import { endOfOwn } from '../expiry.ts';
import type { MintParts } from '../mint/mint.ts';
import { cacheKey } from '../store/cache-key.ts';
import type { TokenRecord } from '../store/token-store.ts';
import type { TokenState } from './token-state.ts';

/**
 * What users change about one token by hand: it counts here at once, and is in the store before any mint looks there
 * again, so that it wins over a mint that is under way (C5).
 */
export class ManualChanges {
  readonly #parts: MintParts;
  readonly #closed: Cancellation;

  /** `closed`: the end of the auth, and of each wait for a secret. */
  constructor(parts: MintParts, closed: Cancellation) {
    this.#parts = parts;
    this.#closed = closed;
  }

  /** Uses a token that was obtained elsewhere. */
  put(scope: readonly string[], state: TokenState, record: TokenRecord): Promise<void> {
    const { clock, store, refusals, notices } = this.#parts;
    const now = readClock(clock);
    state.put({ record, end: endOfOwn(record, now) }, now, this.#parts);
    // A caller that waits for a mint, or for the end of a cool-down, need not any more.
    if (state.isUsable(now)) state.flight?.resolveAll({ record, how: 'found' });
    // With the secrets as they are now: the token belongs to them.
    state.storeKey = undefined;
    return state.change(async () => {
      const storeKey = await this.#storeKey(scope, state);
      refusals.forget(storeKey);
      await notices.forgetRefusal(storeKey);
      // What was forgotten meanwhile is not written, over a sibling's token at that.
      if (state.record !== undefined && isOfUse(state.record)) await store.set(storeKey, state.record);
    });
  }

  /** Forgets the access token; the refresh token stays. */
  async forgetAccessToken(scope: readonly string[], state: TokenState): Promise<void> {
    const { store } = this.#parts;
    const value = state.record?.accessToken;
    state.forgetAccessToken();
    if (!value) return; // none was held: nothing of ours is in the store
    await state.change(async () => {
      const storeKey = await this.#storeKey(scope, state);
      const stored = await store.get(storeKey);
      // Of a sibling's newer token nothing was decided; and a record with a refresh token stays: without the lock a
      // newer one could be written over, and lost. Its access token is not taken by this auth any more.
      if (stored?.accessToken === value && stored.refreshToken === undefined) await store.delete(storeKey);
    });
  }

  /** Forgets access and refresh token, here and in the store. Returns those that may be alive still. */
  async forgetAll(scope: readonly string[], state: TokenState): Promise<readonly string[]> {
    const { clock, store } = this.#parts;
    const held = state.record;
    const isHeldOver = state.isOverForCertain(readClock(clock));
    state.forgetAll();
    const stored = await state.change(async () => {
      const storeKey = await this.#storeKey(scope, state);
      const record = await store.get(storeKey);
      state.forgetFound(record);
      await store.delete(storeKey);
      return record;
    });
    const alive = [held, stored].flatMap((record) =>
      record === undefined ||
      (record.refreshToken === undefined && isHeldOver && record.accessToken === held?.accessToken)
        ? []
        : [record.accessToken, record.refreshToken ?? ''],
    );
    return [...new Set(alive)].filter((token) => token !== '');
  }

  async #storeKey(scope: readonly string[], state: TokenState): Promise<string> {
    const { tokenUrl, grant, secrets } = this.#parts;
    state.storeKey ??= cacheKey(tokenUrl, grant, await secrets.ask(this.#closed), scope);
    return state.storeKey;
  }
}

function isOfUse({ accessToken, refreshToken }: TokenRecord): boolean {
  return accessToken !== '' || refreshToken !== undefined;
}
