import type { Emit } from '../../events.ts';
import { isRecord } from '../../json.ts';
import { safeError } from '../../redact.ts';
import type { Clock } from '../../time/clock.ts';
import { type Instant, isOver, LONG_AGO, later, readClock } from '../../time/instant.ts';
import { cancellationOf, unlessCancelled, withinLimit } from '../../time/wait.ts';
import { isTokenValue } from '../endpoint/token-response.ts';
import { LONGEST_LIFE_MS } from '../expiry.ts';
import type { MaybePromise, TokenRecord, TokenStore } from './token-store.ts';

const LONGEST_WRITE_MS = 1_000;

export interface GuardedStoreParts {
  readonly clock: Clock;
  /** For one answer of the store. */
  readonly limitMs: number;
  readonly emit: Emit;
  readonly secrets: () => Iterable<string>;
}

/**
 * A store as the core uses it: one that throws, rejects, answers nonsense or does not answer in time counts as empty, and
 * costs an event (C4). Operations on one key run in the order of the calls, so that no slow write overtakes what was
 * decided after it (C5).
 */
export class GuardedStore {
  readonly #store: TokenStore;
  readonly #parts: GuardedStoreParts;
  /** The last operation on each key that is not over yet. */
  #underWay: Map<string, Promise<unknown>> | undefined;
  /** Until then the store is not asked: who waits for one that hangs waits once (C4). */
  #hungUntil: Instant = LONG_AGO;

  constructor(store: TokenStore, parts: GuardedStoreParts) {
    this.#store = store;
    this.#parts = parts;
  }

  /** Null where the store holds none; undefined where it did not answer. */
  async get(key: string): Promise<TokenRecord | null | undefined> {
    return this.#attempt('get', [], async () => {
      this.#throwIfHung();
      const found = await this.#inOrder(key, () => this.#store.get(key));
      return found == null ? null : checkedRecord(found);
    });
  }

  async set(key: string, record: TokenRecord): Promise<void> {
    const tokens = [record.accessToken, record.refreshToken ?? ''];
    await this.#attempt('set', tokens, () => this.#inOrder(key, () => this.#store.set(key, copyOf(record))));
  }

  /** The same for a mint: a write that takes longer than a second goes on by itself, and keeps nobody waiting (C4). */
  async setSoon(key: string, record: TokenRecord): Promise<void> {
    const limit = { clock: this.#parts.clock, limitMs: LONGEST_WRITE_MS };
    await withinLimit(this.set(key, record), limit, () => new Error('slow')).catch(() => {});
  }

  async delete(key: string): Promise<void> {
    await this.#attempt('delete', [], () => this.#inOrder(key, () => this.#store.delete(key)));
  }

  /**
   * Runs the task exactly once, under the store's lock where the store can give one. Rejects at once with the signal's
   * reason when that aborts, and waits for the lock, but not for its release.
   */
  withLock<T>(key: string, task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    let running: Promise<T> | undefined;
    const result = new Promise<T>((resolve, reject) => {
      const runOnce = () => {
        // A store may call back late: nobody wants the task then.
        running ??= signal.aborted ? Promise.reject(signal.reason) : task();
        running.then(resolve, reject);
        return running;
      };
      const lock = async () => {
        this.#throwIfHung();
        await this.#store.withLock(key, runOnce, signal);
        if (running === undefined) throw new Error('The store gave its lock back without running the task.');
      };
      lock().catch(async (error: unknown) => {
        if (signal.aborted) return;
        // The task's own failure comes back through the lock: the store is not to blame.
        if (running === undefined || (await running.catch((own: unknown) => own)) !== error)
          this.#failed('lock', error);
        runOnce();
      });
    });
    return unlessCancelled(result, cancellationOf(signal));
  }

  #throwIfHung(): void {
    const { clock, limitMs } = this.#parts;
    if (!isOver(this.#hungUntil, readClock(clock)))
      throw new Error(`The store is not asked, as it did not answer within ${limitMs} ms a moment ago.`);
  }

  async #attempt<T>(
    operation: 'get' | 'set' | 'delete',
    tokens: readonly string[],
    work: () => MaybePromise<T>,
  ): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#failed(operation, error, tokens);
      return undefined;
    }
  }

  /** Each has its own limit, from when it begins; it waits for those before it as long at most. */
  #inOrder<T>(key: string, operate: () => MaybePromise<T>): MaybePromise<T> {
    const before = this.#underWay?.get(key);
    const begin = () => {
      const result = operate();
      return isThenable(result) ? this.#limited(result) : result;
    };
    const limited = before === undefined ? begin() : this.#limited(before).then(begin, begin);
    if (!isThenable(limited)) return limited;
    const over = Promise.allSettled([limited]).then(() => {
      if (this.#underWay?.get(key) === over) this.#underWay.delete(key);
    });
    this.#underWay ??= new Map();
    this.#underWay.set(key, over);
    return limited;
  }

  #limited<T>(promise: Promise<T>): Promise<T> {
    const { clock, limitMs } = this.#parts;
    return withinLimit(promise, this.#parts, () => {
      this.#hungUntil = later(readClock(clock), limitMs);
      return new Error(`The store did not answer within ${limitMs} ms.`);
    });
  }

  #failed(
    operation: 'get' | 'set' | 'delete' | 'lock',
    error: unknown,
    tokens: readonly string[] = [],
  ): void {
    const { emit, secrets } = this.#parts;
    emit({ type: 'store-failed', operation, error: safeError(error, [...secrets(), ...tokens]) });
  }
}

function isThenable<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof (value as Partial<PromiseLike<T>> | undefined)?.then === 'function';
}

/** A record of our own: a store may change the object that it hands out later, or encrypt in place the one that it gets. */
function copyOf(record: TokenRecord): TokenRecord {
  return { ...record, scope: [...record.scope], extra: { ...record.extra } };
}

/** Each field is read once, and no token lives longer than one that was minted (B1). */
function checkedRecord(found: TokenRecord): TokenRecord {
  const { accessToken, refreshToken, scope, obtainedAt, expiresAt, extra } = found;
  const isOurs =
    (accessToken === '' || isTokenValue(accessToken)) &&
    (refreshToken === undefined || (typeof refreshToken === 'string' && refreshToken !== '')) &&
    Array.isArray(scope) &&
    scope.every((each) => typeof each === 'string') &&
    Number.isFinite(obtainedAt) &&
    Number.isFinite(expiresAt) &&
    isRecord(extra);
  if (!isOurs) throw new Error('The record in the store is not one that this library wrote.');
  return copyOf({
    accessToken,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    scope,
    obtainedAt,
    expiresAt: Math.min(expiresAt, obtainedAt + LONGEST_LIFE_MS),
    extra,
  });
}
