import { randomUUID } from 'node:crypto';
import { Mutex } from 'redis-semaphore';
import type { GuardedCommands } from './guarded-commands.ts';
import { isYes, RedisStoreError } from './redis-store-error.ts';
import { DROP_LOCK, EXTEND_LOCK, TAKE_LOCK } from './scripts.ts';

const RETRY_INTERVAL_MS = 50;

type MutexClient = ConstructorParameters<typeof Mutex>[0];

/** One attempt to own a lock: redis-semaphore's `Mutex` on our commands. */
export class RedisLock {
  readonly owner: string = randomUUID();
  readonly #commands: GuardedCommands;
  readonly #key: string;
  readonly #mutex: Mutex;
  #isLost = false;
  /** Redis refused to extend the lease: more telling than the loss that follows from it. */
  #refusal: RedisStoreError | undefined;

  constructor(commands: GuardedCommands, key: string, leaseMs: number) {
    this.#commands = commands;
    this.#key = key;
    this.#mutex = new ExtendedMutex(this.#clientOfMutex(), key, {
      identifier: this.owner,
      lockTimeout: leaseMs,
      refreshInterval: Math.ceil(leaseMs / 3),
      retryInterval: RETRY_INTERVAL_MS,
      // The caller's signal ends the wait, and each try has its own limit.
      acquireTimeout: Number.POSITIVE_INFINITY,
      // Told by release(): a listener that throws, the library's default, would end the process.
      onLockLost: () => {},
    });
  }

  /** Rejects at once with the signal's reason when that aborts; a lock that comes later is given back. */
  acquire(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => reject(signal.reason);
      signal.addEventListener('abort', leave, { once: true });
      const acquiring = this.#mutex.acquire(signal).catch((error: unknown) => {
        // Where a test environment plays a browser, the timer of the extension is a number, and has no unref().
        if (!this.#mutex.isAcquired) throw error;
      });
      acquiring.then(
        () => {
          signal.removeEventListener('abort', leave);
          if (signal.aborted) this.release().catch(() => {});
          else resolve();
        },
        (error: unknown) => {
          signal.removeEventListener('abort', leave);
          reject(error);
        },
      );
    });
  }

  /** Gives the lock back, or rejects when it was not ours any more: then a sibling may have minted as well. */
  async release(): Promise<void> {
    await this.#mutex.release();
    if (this.#refusal !== undefined) throw this.#refusal;
    if (!this.#isLost) return;
    throw new RedisStoreError(
      'lock-lost',
      'The lock was lost before the work under it was done. Was the process stopped, or Redis flushed?',
    );
  }

  /**
   * The library speaks ioredis and names its key itself; here it speaks our commands, on our key. A try that Redis
   * carries out after its time limit gives the lock back: else nobody could take it for a whole lease.
   */
  #clientOfMutex(): MutexClient {
    const set = async (_key: string, owner: string, _px: 'PX', leaseMs: number) => {
      const call = { script: TAKE_LOCK, keys: [this.#key], values: [owner, String(leaseMs)] } as const;
      const reply = await this.#commands.eval(call, { onLate: () => this.#dropLate() });
      return isYes(reply) ? 'OK' : null;
    };
    // Its two scripts, with a lease to extend, without one to give back: ours say which right is missing.
    const evaluate = (_script: string, _keys: number, _key: string, owner: string, leaseMs?: number) =>
      leaseMs === undefined ? this.#drop(owner) : this.#extend(owner, leaseMs);
    // Locks are taken once per mint: the cache of scripts would save nothing.
    const evalsha = async () => {
      throw new Error('NOSCRIPT');
    };
    return { set, eval: evaluate, evalsha } as unknown as MutexClient;
  }

  /** Asks Redis also in a pause: a lease does not wait for its end. */
  async #extend(owner: string, leaseMs: number): Promise<0 | 1> {
    const values = [owner, String(leaseMs)];
    const call = { script: EXTEND_LOCK, keys: [this.#key], values } as const;
    try {
      return this.#noteWhose(await this.#commands.evalAnyway(call));
    } catch (error) {
      if (error instanceof RedisStoreError && error.reason === 'refused') this.#refusal = error;
      throw error;
    }
  }

  async #drop(owner: string): Promise<0 | 1> {
    let isRepeated = false;
    const onRepeat = () => {
      isRepeated = true;
    };
    const call = { script: DROP_LOCK, keys: [this.#key], values: [owner] } as const;
    const reply = await this.#commands.evalAnyway(call, { onRepeat });
    // The first try gave it back, and its answer was lost.
    return isRepeated ? 1 : this.#noteWhose(reply);
  }

  #noteWhose(reply: unknown): 0 | 1 {
    if (isYes(reply)) return 1;
    this.#isLost = true;
    return 0;
  }

  #dropLate(): void {
    this.#commands.evalAnyway({ script: DROP_LOCK, keys: [this.#key], values: [this.owner] }).catch(() => {});
  }
}

/** The library would let an extension that Redis did not answer become an unhandled rejection. */
class ExtendedMutex extends Mutex {
  protected override async _refresh(): Promise<boolean> {
    try {
      return await super._refresh();
    } catch {
      // Not known to be lost: the next extension tries again.
      return true;
    }
  }
}
