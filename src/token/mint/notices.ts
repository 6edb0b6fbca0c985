import { isRecord, type JsonObject } from '../../json.ts';
import type { Clock } from '../../time/clock.ts';
import { LONGEST_BELIEVED_MS } from '../../time/delays.ts';
import { type Instant, isOver, later, msUntil, readClock } from '../../time/instant.ts';
import { endOfFound } from '../expiry.ts';
import { ExpiringMap } from '../store/expiring-map.ts';
import type { GuardedStore } from '../store/guarded-store.ts';
import type { TokenRecord } from '../store/token-store.ts';
import type { KnownRefusal } from './refusal-memory.ts';

/** A store may show a notice for a while after it is over, above all where its writer's clock is fast. */
const SEEN_FOR_MS = 24 * 60 * 60 * 1_000;

/**
 * What one process learned of the token endpoint, told to those that share its store: each would learn it the hard way.
 * Times are told as what is left, in milliseconds: another machine's clock is believed for differences only (T3).
 */
export interface Notices {
  coolDown(leftMs: number): Promise<void>;
  /** What is left of the client's cool-down, as far as a sibling knows. */
  readCoolDown(): Promise<number | undefined>;
  /** `key`: the token's in the store, or undefined where the whole client was refused. */
  refusal(key: string | undefined, refusal: KnownRefusal): Promise<void>;
  readRefusal(key: string | undefined): Promise<KnownRefusal | undefined>;
  /** Something was changed by hand: what was refused before says nothing any more. */
  forgetRefusal(key: string): Promise<void>;
}

/** For a store that nobody shares. */
export const NO_NOTICES: Notices = {
  coolDown: async () => {},
  readCoolDown: async () => undefined,
  refusal: async () => {},
  readRefusal: async () => undefined,
  forgetRefusal: async () => {},
};

/** A notice as it was first seen: read again, it does not count anew. */
interface Seen {
  readonly writtenAt: number;
  readonly end: Instant;
}

/**
 * Notices as records of the token store, under keys of their own: any store can keep them, and forgets them by itself.
 * They hold no token: `accessToken` is empty.
 */
export class StoredNotices implements Notices {
  readonly #store: GuardedStore;
  readonly #clientKey: string;
  readonly #clock: Clock;
  readonly #seen: ExpiringMap<Seen>;

  constructor(store: GuardedStore, clientKey: string, clock: Clock) {
    this.#store = store;
    this.#clientKey = clientKey;
    this.#clock = clock;
    this.#seen = new ExpiringMap(({ end }) => isOver(later(end, SEEN_FOR_MS), readClock(clock)));
  }

  coolDown(leftMs: number): Promise<void> {
    return this.#write(`${this.#clientKey}:cool-down`, leftMs, {});
  }

  async readCoolDown(): Promise<number | undefined> {
    const notice = await this.#read(`${this.#clientKey}:cool-down`);
    return notice === undefined ? undefined : Math.min(notice.leftMs, LONGEST_BELIEVED_MS);
  }

  refusal(key: string | undefined, { leftMs, fingerprint, refusal }: KnownRefusal): Promise<void> {
    return this.#write(this.#refusalKey(key), leftMs, { fingerprint, ...refusal });
  }

  async readRefusal(key: string | undefined): Promise<KnownRefusal | undefined> {
    const notice = await this.#read(this.#refusalKey(key));
    if (notice === undefined) return undefined;
    const { fingerprint, error, errorDescription, status, isJson } = notice.extra;
    if (typeof fingerprint !== 'string' || typeof status !== 'number') return undefined;
    const refusal = {
      error: textOf(error),
      errorDescription: textOf(errorDescription),
      status,
      isJson: isJson === true,
    };
    return { fingerprint, refusal, leftMs: notice.leftMs };
  }

  async forgetRefusal(key: string): Promise<void> {
    await Promise.all([key, undefined].map((each) => this.#store.delete(this.#refusalKey(each))));
  }

  #refusalKey(key: string | undefined): string {
    return `${key ?? this.#clientKey}:refusal`;
  }

  #write(key: string, leftMs: number, extra: TokenRecord['extra']): Promise<void> {
    const now = this.#clock.now();
    return this.#store.set(key, {
      accessToken: '',
      scope: [],
      obtainedAt: now,
      expiresAt: now + leftMs,
      extra,
    });
  }

  async #read(key: string): Promise<{ leftMs: number; extra: JsonObject } | undefined> {
    const record = await this.#store.get(key);
    if (record === undefined || !isRecord(record.extra)) return undefined;
    const now = readClock(this.#clock);
    const seen = this.#seen.get(key);
    const end = seen?.writtenAt === record.obtainedAt ? seen.end : endOfFound(record, now);
    this.#seen.set(key, { writtenAt: record.obtainedAt, end });
    const leftMs = msUntil(end, now);
    return leftMs > 0 ? { leftMs, extra: record.extra } : undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
