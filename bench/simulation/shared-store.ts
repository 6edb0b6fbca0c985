import type { TokenRecord, TokenStore } from '../../src/token/store/token-store.ts';
import type { Span } from './payu-model.ts';
import type { SimulatedClock } from './simulated-clock.ts';

/** A command takes 0.5 to 1.5 ms. */
const ROUND_TRIP_MS = 1;
/** How often the Redis store asks again for a lock that somebody else holds; timers are late by up to 5 ms. */
const LOCK_POLL_MS = 50;
const LATE_MS = 5;
/** How often the Redis store hands in what Redis missed. */
const HAND_IN_EVERY_MS = 1_000;

/** A store that all processes share, as far away as a Redis; during an outage each call of it fails. */
export class SharedStore implements TokenStore {
  readonly #clock: SimulatedClock;
  readonly #startsAt: number;
  readonly #outages: readonly Span[];
  readonly #records = new Map<string, TokenRecord>();
  readonly #locks = new Set<string>();
  readonly #random: () => number;

  constructor(clock: SimulatedClock, outages: readonly Span[], random: () => number) {
    this.#clock = clock;
    this.#random = random;
    this.#startsAt = clock.now();
    this.#outages = outages;
  }

  /** As a process sees it whose clock is wrong: Redis tells when a record was written, so that its times are shifted. */
  seenBy(aheadMs: number): TokenStore {
    const shifted = (record: TokenRecord, byMs: number): TokenRecord => ({
      ...record,
      obtainedAt: record.obtainedAt + byMs,
      expiresAt: record.expiresAt + byMs,
    });
    /** What the store could not take: handed in once a second until it can. Of two, the newer one stays. */
    const handInLater = (key: string, record: TokenRecord) =>
      this.#clock.timer(
        HAND_IN_EVERY_MS,
        async () => {
          try {
            const stored = await this.get(key);
            if (pending.get(key) === record && (stored?.obtainedAt ?? 0) < record.obtainedAt)
              await this.set(key, record);
          } catch {
            handInLater(key, record);
          }
        },
        'unref',
      );
    const pending = new Map<string, TokenRecord>();
    return {
      get: async (key) => {
        const record = await this.get(key);
        return record && shifted(record, aheadMs);
      },
      set: async (key, ours) => {
        const record = shifted(ours, -aheadMs);
        pending.set(key, record);
        try {
          await this.set(key, record);
        } catch (error) {
          handInLater(key, record);
          throw error;
        }
      },
      delete: (key) => this.delete(key),
      withLock: (key, task, signal) => this.withLock(key, task, signal),
    };
  }

  async get(key: string): Promise<TokenRecord | undefined> {
    await this.#roundTrip();
    return this.#records.get(key);
  }

  async set(key: string, record: TokenRecord): Promise<void> {
    await this.#roundTrip();
    this.#records.set(key, record);
  }

  async delete(key: string): Promise<void> {
    await this.#roundTrip();
    this.#records.delete(key);
  }

  async withLock<T>(key: string, task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#roundTrip();
    while (this.#locks.has(key)) {
      await this.#clock.sleepUntil(this.#clock.now() + LOCK_POLL_MS + LATE_MS * this.#random());
      if (signal.aborted) throw signal.reason;
      await this.#roundTrip();
    }
    this.#locks.add(key);
    try {
      return await task();
    } finally {
      this.#locks.delete(key);
    }
  }

  async #roundTrip(): Promise<void> {
    await this.#clock.sleepUntil(this.#clock.now() + ROUND_TRIP_MS * (0.5 + this.#random()));
    const elapsed = this.#clock.now() - this.#startsAt;
    if (this.#outages.some(({ from, until }) => elapsed >= from && elapsed < until)) {
      throw new Error('The store is out.');
    }
  }
}
