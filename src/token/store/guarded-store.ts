import type { Emit } from '../../events.ts';
import { isRecord } from '../../json.ts';
import { safeError } from '../../redact.ts';
import type { Clock } from '../../time/clock.ts';
import { cancellationOf, unlessCancelled, withinLimit } from '../../time/wait.ts';
import { isTokenValue } from '../endpoint/token-response.ts';
import type { MaybePromise, TokenRecord, TokenStore } from './token-store.ts';

/**
 * A store as the core uses it: whatever it does costs an event, never a request (C4). A store that throws, rejects,
 * answers nonsense or does not answer within `limitMs` is a store that knows nothing. What concerns one key happens in
 * the order of the calls, so that no slow write overtakes what was decided after it (C5).
 */
export class GuardedStore {
  readonly #store: TokenStore;
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #emit: Emit;
  readonly #secrets: () => Iterable<string>;
  /** The last operation on each key that is not over yet. */
  readonly #underWay = new Map<string, Promise<unknown>>();

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
      const record = await this.#inOrder(key, () => this.#store.get(key));
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
      await this.#inOrder(key, () => this.#store.set(key, record));
    } catch (error) {
      this.#failed('set', error, [record.accessToken, record.refreshToken ?? '']);
    }
  }

  async delete(key: string): Promise<void> {
    try {
      await this.#inOrder(key, () => this.#store.delete(key));
    } catch (error) {
      this.#failed('delete', error);
    }
  }

  /**
   * Runs the task exactly once, under the store's lock where the store can give one. Rejects at once with the signal's
   * reason when that aborts, and waits for the lock, but not for its release.
   */
  withLock<T>(key: string, task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    let running: Promise<T> | undefined;
    const outcome = new Promise<T>((resolve, reject) => {
      const once = () => {
        // A store may call back late: nobody wants the task then.
        running ??= signal.aborted ? Promise.reject(signal.reason) : task();
        running.then(resolve, reject);
        return running;
      };
      this.#lock(key, once, signal).catch(async (error: unknown) => {
        if (signal.aborted) return;
        // The task's own failure comes back through the lock: it is none of the store's.
        const isTasks = running !== undefined && (await rejection(running)) === error;
        if (!isTasks) this.#failed('lock', error);
        once();
      });
    });
    return unlessCancelled(outcome, cancellationOf(signal));
  }

  async #lock<T>(key: string, task: () => Promise<T>, signal: AbortSignal): Promise<void> {
    let hasRun = false;
    await this.#store.withLock(
      key,
      () => {
        hasRun = true;
        return task();
      },
      signal,
    );
    if (!hasRun) throw new Error('The store gave its lock back without running the task.');
  }

  #inOrder<T>(key: string, operate: () => MaybePromise<T>): MaybePromise<T> {
    const before = this.#underWay.get(key);
    const result = before === undefined ? operate() : before.then(operate);
    if (!isThenable(result)) return result;
    const limited = withinLimit(
      result,
      { clock: this.#clock, limitMs: this.#limitMs },
      () => new Error(`The store did not answer within ${this.#limitMs} ms.`),
    );
    const over = limited.then(ignore, ignore).then(() => {
      if (this.#underWay.get(key) === over) this.#underWay.delete(key);
    });
    this.#underWay.set(key, over);
    return limited;
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

function ignore(): void {}

/** What the promise rejects with; undefined where it does not. */
function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(ignore, (error: unknown) => error);
}

function isTokenRecord(value: unknown): value is TokenRecord {
  return (
    isRecord(value) &&
    (value.accessToken === '' || isTokenValue(value.accessToken)) &&
    (value.refreshToken === undefined ||
      (typeof value.refreshToken === 'string' && value.refreshToken !== '')) &&
    Array.isArray(value.scope) &&
    value.scope.every((scope) => typeof scope === 'string') &&
    Number.isFinite(value.obtainedAt) &&
    Number.isFinite(value.expiresAt) &&
    isRecord(value.extra)
  );
}
