import type { MaybePromise, TokenRecord, TokenStore } from '../token/store/token-store.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { Envelope } from './envelope.ts';
import { GuardedCommands } from './guarded-commands.ts';
import { type ReadOptions, type RedisTokenStoreOptions, readOptions } from './options.ts';
import { type Memory, Recollection } from './recollection.ts';
import { commandsOf, type RedisClient } from './redis-client.ts';
import { RedisLock } from './redis-lock.ts';
import { RedisStoreError } from './redis-store-error.ts';
import { DELETE_RECORD, SET_RECORD } from './scripts.ts';

/** Dead records stay for a moment, so that a process whose clock is behind still finds what was valid for it. */
const MARGIN_MS = 60_000;

/**
 * Shares tokens between processes through the Redis client that the application already has.
 *
 * `get` asks Redis each time, because it is called when a sibling may have renewed; a token in use is held by the
 * auth itself and costs no call. Only while Redis is left alone after an outage does `get` answer from memory, and
 * then synchronously. A record that Redis could not take is kept and handed in later, so that an outage loses no
 * rotated refresh token.
 *
 * All methods reject with {@link RedisStoreError}, within `timeoutMs`; an auth turns that into a `store-failed`
 * event and goes on without Redis. Wrong options throw a `TypeError` with `code: 'ERR_INVALID_OPTION'`.
 *
 * @example
 * import { createPayuAuth, scopes } from 'axios-payu-auth';
 * import { redisTokenStore } from 'axios-payu-auth/redis';
 * import { createClient } from 'redis';
 *
 * const { REDIS_URL = 'redis://localhost:6379', TOKEN_KEY = '' } = process.env;
 * const redis = await createClient({ url: REDIS_URL }).connect();
 * const store = redisTokenStore(redis, { encryptionKey: TOKEN_KEY });
 * const auth = createPayuAuth({ environment: 'test', grant, scope: scopes.payouts.create, store });
 */
export function redisTokenStore(client: RedisClient, options: RedisTokenStoreOptions = {}): TokenStore {
  return new RedisTokenStore(client, readOptions(options));
}

class RedisTokenStore implements TokenStore {
  readonly sharesNotices = true;
  readonly #options: ReadOptions;
  readonly #commands: GuardedCommands;
  readonly #envelope: Envelope;
  readonly #memories: Recollection = new Recollection(() => Date.now());
  /** Who owns the lock of a key, while a task of this process runs under it. */
  readonly #owners = new Map<string, string>();

  constructor(client: RedisClient, options: ReadOptions) {
    this.#options = options;
    this.#envelope = new Envelope(options.encryptionKeys);
    this.#commands = new GuardedCommands(commandsOf(client), {
      breaker: new CircuitBreaker({ pauseMs: options.outagePauseMs, now: () => Date.now() }),
      timeoutMs: options.timeoutMs,
    });
  }

  get(key: string): MaybePromise<TokenRecord | undefined> {
    if (this.#commands.isPaused) return this.#memories.get(key)?.record;
    return this.#read(key);
  }

  async set(key: string, record: TokenRecord): Promise<void> {
    const memory: Memory = { record, obtainedAt: record.obtainedAt, isPending: true };
    this.#memories.keep(key, memory);
    if (await this.#handIn(key, memory)) return;
    throw new RedisStoreError(
      'superseded',
      'A token that was obtained later is in Redis already, and stays. This one was late, or a clock is wrong.',
    );
  }

  async delete(key: string): Promise<void> {
    // What is meant is the record that the caller has seen: one that a sibling has stored since then stays.
    const obtainedAt = this.#memories.get(key)?.obtainedAt ?? Date.now();
    const memory: Memory = { record: undefined, obtainedAt, isPending: true };
    this.#memories.keep(key, memory);
    await this.#handIn(key, memory);
  }

  async withLock<T>(key: string, task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const lock = new RedisLock(this.#commands, this.#lockKey(key), this.#options.leaseMs);
    await lock.acquire(signal);
    this.#owners.set(key, lock.owner);
    let result: T;
    try {
      result = await task();
    } catch (error) {
      this.#disown(key, lock);
      await lock.release().catch(() => {});
      throw error;
    }
    this.#disown(key, lock);
    await lock.release();
    return result;
  }

  async #read(key: string): Promise<TokenRecord | undefined> {
    const value = await this.#commands.get(this.#recordKey(key));
    const memory = this.#memories.get(key);
    if (memory?.isPending) return this.#reconcile(key, memory, value);
    const record = this.#open(key, value);
    if (record === undefined) this.#memories.forget(key, memory);
    else this.#memories.keep(key, { record, obtainedAt: record.obtainedAt, isPending: false });
    return record;
  }

  /** Redis missed something: the later of its record and ours is right. */
  async #reconcile(key: string, memory: Memory, value: unknown): Promise<TokenRecord | undefined> {
    const stored = this.#openIfReadable(key, value);
    if (stored !== undefined && stored.obtainedAt > memory.obtainedAt) {
      this.#memories.keep(key, { record: stored, obtainedAt: stored.obtainedAt, isPending: false });
      return stored;
    }
    // Whether it succeeds now or with the next read: the answer is the same.
    await this.#handIn(key, memory).catch(() => {});
    return memory.record;
  }

  /** Tells Redis of a change. False: a newer record is there, and stays. */
  async #handIn(key: string, memory: Memory): Promise<boolean> {
    const keys = [this.#recordKey(key), this.#lockKey(key)];
    const fence = [this.#owners.get(key) ?? '', String(Math.max(0, Math.floor(memory.obtainedAt)))];
    const reply =
      memory.record === undefined
        ? await this.#commands.eval(DELETE_RECORD, { keys, values: fence })
        : await this.#commands.eval(SET_RECORD, {
            keys,
            values: [...fence, this.#seal(key, memory.record), String(this.#ttlMs(memory.record))],
          });
    const isDone = Number(reply) === 1;
    if (isDone) this.#memories.settle(key, memory);
    else this.#memories.forget(key, memory);
    return isDone;
  }

  #ttlMs(record: TokenRecord): number {
    const life = Math.max(0, Math.ceil(record.expiresAt - Date.now())) + MARGIN_MS;
    return record.refreshToken === undefined ? life : Math.max(life, this.#options.refreshTokenTtlMs);
  }

  #seal(key: string, record: TokenRecord): string {
    return this.#envelope.seal(this.#recordKey(key), record);
  }

  #open(key: string, value: unknown): TokenRecord | undefined {
    if (value === null || value === undefined) return undefined;
    return this.#envelope.open(this.#recordKey(key), String(value));
  }

  #openIfReadable(key: string, value: unknown): TokenRecord | undefined {
    try {
      return this.#open(key, value);
    } catch {
      return undefined;
    }
  }

  #disown(key: string, lock: RedisLock): void {
    if (this.#owners.get(key) === lock.owner) this.#owners.delete(key);
  }

  #recordKey(key: string): string {
    return `${this.#options.prefix}{${key}}`;
  }

  #lockKey(key: string): string {
    return `${this.#recordKey(key)}:lock`;
  }
}
