import { isRecord } from '../../json.ts';
import type { GuardedStore } from '../store/guarded-store.ts';
import type { TokenRecord } from '../store/token-store.ts';
import type { RememberedRefusal } from './refusal-memory.ts';

/** What one process learned of the token endpoint, told to those that share its store: each would learn it the hard way. */
export interface Notices {
  coolDown(until: number): Promise<void>;
  /** When the client's cool-down ends, as far as a sibling knows. */
  readCoolDown(): Promise<number | undefined>;
  /** `key`: the token's in the store, or undefined where the whole client was refused. */
  refusal(key: string | undefined, refusal: RememberedRefusal): Promise<void>;
  readRefusal(key: string | undefined): Promise<RememberedRefusal | undefined>;
  /** Something was done by hand: what was refused before says nothing any more. */
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

/**
 * Notices as records of the token store, under keys of their own: any store can keep them, and forgets them by itself.
 * They hold no token: `accessToken` is empty.
 */
export class StoredNotices implements Notices {
  readonly #store: GuardedStore;
  readonly #clientKey: string;
  readonly #now: () => number;

  constructor(store: GuardedStore, clientKey: string, now: () => number) {
    this.#store = store;
    this.#clientKey = clientKey;
    this.#now = now;
  }

  coolDown(until: number): Promise<void> {
    return this.#write(`${this.#clientKey}:cool-down`, until, {});
  }

  async readCoolDown(): Promise<number | undefined> {
    return (await this.#read(`${this.#clientKey}:cool-down`))?.expiresAt;
  }

  refusal(key: string | undefined, { until, fingerprint, refusal }: RememberedRefusal): Promise<void> {
    return this.#write(this.#refusalKey(key), until, { fingerprint, ...refusal });
  }

  async readRefusal(key: string | undefined): Promise<RememberedRefusal | undefined> {
    const record = await this.#read(this.#refusalKey(key));
    if (record === undefined) return undefined;
    const { fingerprint, error, errorDescription, status } = record.extra;
    if (typeof fingerprint !== 'string' || typeof status !== 'number') return undefined;
    const refusal = { error: textOf(error), errorDescription: textOf(errorDescription), status };
    return { fingerprint, refusal, until: record.expiresAt };
  }

  async forgetRefusal(key: string): Promise<void> {
    await Promise.all([key, undefined].map((each) => this.#store.delete(this.#refusalKey(each))));
  }

  #refusalKey(key: string | undefined): string {
    return `${key ?? this.#clientKey}:refusal`;
  }

  #write(key: string, until: number, extra: TokenRecord['extra']): Promise<void> {
    return this.#store.set(key, {
      accessToken: '',
      scope: [],
      obtainedAt: this.#now(),
      expiresAt: until,
      extra,
    });
  }

  async #read(key: string): Promise<TokenRecord | undefined> {
    const record = await this.#store.get(key);
    return record !== undefined && isRecord(record.extra) && record.expiresAt > this.#now()
      ? record
      : undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
