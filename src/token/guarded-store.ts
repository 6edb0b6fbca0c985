import type { Clock } from '../backoff/clock.ts';
import { cancellationOf, unlessCancelled } from '../backoff/wait.ts';
import type { Emit } from '../events.ts';
import { isRecord } from '../json.ts';
import { safeError } from '../redact.ts';
import { isTokenValue } from './token-response.ts';
import type { MaybePromise, TokenRecord, TokenStore } from './token-store.ts';

/**
 * A store as the core uses it: whatever it does costs an event, never a request (C4). A store that throws, rejects,
 * answers nonsense or does not answer within `limitMs` is a store that knows nothing.
 */
export class GuardedStore {
  readonly #store: TokenStore;
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #emit: Emit;
  readonly #secrets: () => Iterable<string>;

  constructor(
    store: TokenStore,
    parts: {
      readonly clock: Clock;
      readonly limitMs: number;
      readonly emit: Emit;
      readonly secrets: () => Iterable<string>;
    },
  ) {
    this.#store = store;
    this.#clock = parts.clock;
    this.#limitMs = parts.limitMs;
    this.#emit = parts.emit;
    this.#secrets = parts.secrets;
  }

  async get(key: string): Promise<TokenRecord | undefined> {
    try {
      const record = await this.#limited(this.#store.get(key));
      if (record == null) return undefined;
      if (isTokenRecord(record)) return record;
      throw new Error('The record in the store is not one that this library wrote.');
    } catch (error) {
      this.#failed('get', error);
      return undefined;
    }
  }

  async set(key: string, record: TokenRecord): Promise<void> {
    try {
      await this.#limited(this.#store.set(key, record));
    } catch (error) {
      this.#failed('set', error, [record.accessToken, record.refreshToken ?? '']);
    }
  }

  async delete(key: string): Promise<void> {
    try {
      await this.#limited(this.#store.delete(key));
    } catch (error) {
      this.#failed('delete', error);
    }
  }

  /** Runs the task exactly once, under the store's lock where the store can give one. */
  async withLock<T>(key: string, task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    let running: Promise<T> | undefined;
    const once = () => {
      running ??= task();
      running.catch(() => {});
      return running;
    };
    try {
      await unlessCancelled(this.#store.withLock(key, once, signal), cancellationOf(signal));
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const outcome = running === undefined ? undefined : await settled(running);
      // The task's own failure comes back through the lock: it is none of the store's.
      if (outcome === undefined || !('error' in outcome && outcome.error === error)) {
        this.#failed('lock', error);
      }
    }
    return once();
  }

  #limited<T>(result: MaybePromise<T>): MaybePromise<T> {
    if (!isThenable(result)) return result;
    let cancelTimer = () => {};
    const tooLate = new Promise<never>((_, reject) => {
      cancelTimer = this.#clock.timer(
        this.#limitMs,
        () => reject(new Error(`The store did not answer within ${this.#limitMs} ms.`)),
        'unawaited',
      );
    });
    return Promise.race([result, tooLate]).finally(cancelTimer);
  }

  #failed(operation: 'get' | 'set' | 'delete' | 'lock', error: unknown, more: readonly string[] = []): void {
    this.#emit({
      type: 'store-failed',
      operation,
      error: safeError(error, [...this.#secrets(), ...more]),
    });
  }
}

function isThenable<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof (value as Partial<PromiseLike<T>> | undefined)?.then === 'function';
}

async function settled<T>(promise: Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}

function isTokenRecord(value: unknown): value is TokenRecord {
  return (
    isRecord(value) &&
    (value.accessToken === '' || isTokenValue(value.accessToken)) &&
    (value.refreshToken === undefined || typeof value.refreshToken === 'string') &&
    Array.isArray(value.scope) &&
    typeof value.obtainedAt === 'number' &&
    typeof value.expiresAt === 'number' &&
    isRecord(value.extra)
  );
}
