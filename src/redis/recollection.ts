import type { TokenRecord } from '../token/store/token-store.ts';

/** What this process last knew about one key. */
export interface Memory {
  /** Undefined: deleted. */
  readonly record: TokenRecord | undefined;
  /** Redis' record is newer than this memory only if it was obtained later. */
  readonly obtainedAt: number;
  /** Redis has yet to hear of it. */
  readonly isPending: boolean;
}

const FIRST_SWEEP_AT = 1_024;

/** The memory in front of Redis. It forgets dead tokens whenever it has doubled. */
export class Recollection {
  readonly #memories = new Map<string, Memory>();
  readonly #now: () => number;
  #sweepAt = FIRST_SWEEP_AT;

  constructor(now: () => number) {
    this.#now = now;
  }

  get(key: string): Memory | undefined {
    return this.#memories.get(key);
  }

  keep(key: string, memory: Memory): void {
    this.#memories.set(key, memory);
    if (this.#memories.size < this.#sweepAt) return;
    for (const [other, { record }] of this.#memories) {
      if (this.#isDead(record)) this.#memories.delete(other);
    }
    this.#sweepAt = Math.max(FIRST_SWEEP_AT, 2 * this.#memories.size);
  }

  /** Marks it as known to Redis, unless something newer has taken its place. */
  settle(key: string, memory: Memory): void {
    if (this.#memories.get(key) !== memory) return;
    if (memory.record === undefined) this.#memories.delete(key);
    else this.#memories.set(key, { ...memory, isPending: false });
  }

  forget(key: string, memory: Memory | undefined): void {
    if (this.#memories.get(key) === memory) this.#memories.delete(key);
  }

  #isDead(record: TokenRecord | undefined): boolean {
    return record === undefined || (record.refreshToken === undefined && record.expiresAt <= this.#now());
  }
}
