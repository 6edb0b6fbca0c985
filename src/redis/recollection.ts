import type { TokenRecord } from '../token/store/token-store.ts';

/** What this process last knew about one key. */
export interface Memory {
  /** Undefined: deleted. */
  readonly record: TokenRecord | undefined;
  /** Where nothing was seen in Redis, its record is newer than this memory only if it was obtained later. */
  readonly obtainedAt: number;
  /**
   * Digests of the values in Redis that this memory was read from, or may replace: what was seen there, and what was
   * sent since. Another value is a sibling's. Empty: nothing was seen.
   */
  readonly seen: readonly string[];
  /** Redis does not have it yet. */
  readonly isPending: boolean;
}

const FIRST_SWEEP_AT = 1_024;
/** In a long outage each try adds one: only the last ones can be in Redis. */
const MOST_SEEN = 8;

/** The memory in front of Redis. It forgets dead tokens whenever it has doubled. */
export class Recollection {
  readonly #memories = new Map<string, Memory>();
  readonly #now: () => number;
  readonly #keepMs: number;
  #sweepAt = FIRST_SWEEP_AT;

  /** `keepMs`: how long a refresh token is of use, and so a deletion that Redis could not be told of. */
  constructor(parts: { readonly now: () => number; readonly keepMs: number }) {
    this.#now = parts.now;
    this.#keepMs = parts.keepMs;
  }

  get(key: string): Memory | undefined {
    return this.#memories.get(key);
  }

  /** The keys whose changes Redis does not have yet. */
  pending(): readonly string[] {
    return [...this.#memories].flatMap(([key, { isPending }]) => (isPending ? [key] : []));
  }

  keep(key: string, memory: Memory): void {
    this.#memories.set(key, memory);
    if (this.#memories.size < this.#sweepAt) return;
    for (const [other, each] of this.#memories) {
      if (this.#isDead(each)) this.#memories.delete(other);
    }
    this.#sweepAt = Math.max(FIRST_SWEEP_AT, 2 * this.#memories.size);
  }

  /**
   * Adds a value that ours may replace: one that is on its way to Redis, whether it arrives or not, or an older one of a
   * sibling's. Returns the memory as it is now.
   */
  addSeen(key: string, memory: Memory, digest: string): Memory {
    const known: Memory = { ...memory, seen: [...memory.seen, digest].slice(-MOST_SEEN) };
    if (this.#memories.get(key) === memory) this.#memories.set(key, known);
    return known;
  }

  /** Marks it as known to Redis, unless something newer has taken its place. */
  settle(key: string, memory: Memory): void {
    if (this.#memories.get(key) !== memory) return;
    if (memory.record === undefined) this.#memories.delete(key);
    else this.#memories.set(key, { ...memory, seen: memory.seen.slice(-1), isPending: false });
  }

  forget(key: string, memory: Memory | undefined): void {
    if (this.#memories.get(key) === memory) this.#memories.delete(key);
  }

  #isDead({ record, obtainedAt, isPending }: Memory): boolean {
    const isOld = obtainedAt + this.#keepMs <= this.#now();
    if (record === undefined) return !isPending || isOld;
    return record.expiresAt <= this.#now() && (record.refreshToken === undefined || isOld);
  }
}
