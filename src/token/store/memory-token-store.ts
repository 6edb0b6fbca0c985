import { Mutex } from 'async-mutex';
import { cancellationOf, unlessCancelled } from '../../time/wait.ts';
import { ExpiringMap } from './expiring-map.ts';
import type { TokenRecord, TokenStore } from './token-store.ts';

/** As in Redis: each renewal starts it anew. */
const UNUSED_REFRESH_TOKEN_MS = 90 * 86_400_000;

function isDead({ refreshToken, obtainedAt, expiresAt }: TokenRecord): boolean {
  const unusedAfterMs = refreshToken === undefined ? 0 : UNUSED_REFRESH_TOKEN_MS;
  return Math.max(expiresAt, obtainedAt + unusedAfterMs) <= Date.now();
}

/**
 * Keeps tokens in this process; the default store. Synchronous, so that reading one costs no turn of the event loop.
 * Share one object between several auths, and they share their tokens.
 *
 * @example
 * const store = new MemoryTokenStore();
 * const auth = createPayuAuth({ environment: 'test', grant, scope: scopes.payouts.create, store });
 */
export class MemoryTokenStore implements TokenStore {
  readonly #records: ExpiringMap<TokenRecord> = new ExpiringMap(isDead);
  #locks: Map<string, Mutex> | undefined;

  get(key: string): TokenRecord | undefined {
    return this.#records.get(key);
  }

  set(key: string, record: TokenRecord): void {
    this.#records.set(key, record);
  }

  delete(key: string): void {
    this.#records.delete(key);
  }

  async withLock<T>(key: string, task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    this.#locks ??= new Map();
    const lock = this.#locks.get(key) ?? new Mutex();
    this.#locks.set(key, lock);
    const place = lock.acquire();
    try {
      await unlessCancelled(place, cancellationOf(signal));
      return await task();
    } finally {
      // A place in the queue can't be given up: a caller that left hands the lock on as soon as it comes.
      void place.then((release) => {
        release();
        if (!lock.isLocked()) this.#locks?.delete(key);
      });
    }
  }
}
