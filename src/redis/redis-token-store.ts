import { createHash } from 'node:crypto';
import { systemClock } from '../time/clock.ts';
import type { MaybePromise, TokenRecord, TokenStore } from '../token/store/token-store.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { Envelope, type WrittenRecord } from './envelope.ts';
import { GuardedCommands } from './guarded-commands.ts';
import { type ReadOptions, type RedisTokenStoreOptions, readOptions } from './options.ts';
import { type Memory, Recollection } from './recollection.ts';
import { type RedisClient, scriptRunnerOf } from './redis-client.ts';
import { RedisLock } from './redis-lock.ts';
import { isYes, RedisStoreError } from './redis-store-error.ts';
import { DELETE_RECORD, GET_RECORD, SET_RECORD } from './scripts.ts';

/** Dead records stay for a moment, so that a process whose clock is behind still finds what was valid for it. */
const MARGIN_MS = 60_000;
/** How often a change is handed in again that Redis could not take. */
const HAND_IN_EVERY_MS = 1_000;
/** Clocks that are this near to each other are right. */
const TRUSTED_CLOCK_MS = 5_000;

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
 * const redis = createClient({ url: REDIS_URL }).on('error', (error) => console.error(error.message));
 * redis.connect().catch(() => {}); // not awaited: the application starts while Redis is out as well
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
  readonly #memories: Recollection;
  /** Who owns the lock of a key, while a task of this process runs under it. */
  readonly #owners = new Map<string, string>();
  #handsInLater = false;
  #isHandingIn = false;

  constructor(client: RedisClient, options: ReadOptions) {
    this.#options = options;
    this.#envelope = new Envelope(options.envelope);
    this.#memories = new Recollection({ now: () => Date.now(), keepMs: options.refreshTokenTtlMs });
    this.#commands = new GuardedCommands(scriptRunnerOf(client), {
      breaker: new CircuitBreaker({
        pauseMs: options.outagePauseMs,
        now: () => systemClock.steadyMs(),
        onRecovered: () => void this.#handInAll(),
      }),
      timeoutMs: options.timeoutMs,
    });
  }

  get(key: string): MaybePromise<TokenRecord | undefined> {
    if (this.#commands.isPaused) return this.#memories.get(key)?.record;
    return this.#read(key);
  }

  async set(key: string, record: TokenRecord): Promise<void> {
    const seen = this.#memories.get(key)?.seen ?? [];
    const memory: Memory = { record, obtainedAt: record.obtainedAt, seen, isPending: true };
    this.#memories.keep(key, memory);
    if (await this.#handIn(key, memory)) return;
    throw new RedisStoreError(
      'superseded',
      'A sibling has stored another token since this process looked, and it stays. This one was late.',
    );
  }

  async delete(key: string): Promise<void> {
    // What is meant is the record that the caller has seen: one that a sibling has stored since then stays.
    const { obtainedAt = Date.now(), seen = [] } = this.#memories.get(key) ?? {};
    const memory: Memory = { record: undefined, obtainedAt, seen, isPending: true };
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
    const recordKey = this.#recordKey(key);
    const reply = await this.#commands.eval({ script: GET_RECORD, keys: [recordKey], values: [] });
    const stored = storedOf(reply);
    const memory = this.#memories.get(key);
    if (memory?.isPending) return this.#reconcile(key, memory, stored);
    if (stored === undefined) {
      this.#memories.forget(key, memory);
      return undefined;
    }
    // The same value once more is the same record, to the millisecond.
    if (memory?.seen.includes(stored.digest)) return memory.record;
    return this.#learn(key, stored);
  }

  #learn(key: string, { value, digest, leftMs }: Stored): TokenRecord {
    const record = byOurClock(this.#envelope.open(this.#recordKey(key), value), leftMs);
    this.#memories.keep(key, { record, obtainedAt: record.obtainedAt, seen: [digest], isPending: false });
    return record;
  }

  /** Redis missed something. Ours is right, unless a sibling has written something newer since we looked. */
  async #reconcile(
    key: string,
    memory: Memory,
    stored: Stored | undefined,
  ): Promise<TokenRecord | undefined> {
    const { record, obtainedAt, seen } = memory;
    let ours = memory;
    if (stored !== undefined && !seen.includes(stored.digest)) {
      const sibling = this.#openIfReadable(key, stored);
      if (sibling !== undefined) {
        // Of tokens that were minted apart, a server that revokes the previous one has left the newest alive. A deletion
        // means only what was seen.
        const isOlder = sibling.obtainedAt <= obtainedAt && (record !== undefined || seen.length === 0);
        if (!isOlder) return this.#learn(key, stored);
        ours = this.#memories.addSeen(key, memory, stored.digest);
      }
    }
    // Whether it succeeds now or with the next read: the answer is the same.
    await this.#handIn(key, ours).catch(() => {});
    return record;
  }

  /** Tells Redis of a change. False: a sibling's record is there, and stays. */
  async #handIn(key: string, memory: Memory): Promise<boolean> {
    try {
      const [reply, sent] = await this.#tell(key, memory);
      const isDone = isYes(reply);
      if (isDone) this.#memories.settle(key, sent);
      else this.#memories.forget(key, sent);
      return isDone;
    } catch (error) {
      this.#handInLater();
      throw error;
    }
  }

  async #tell(key: string, memory: Memory): Promise<readonly [reply: unknown, sent: Memory]> {
    const keys = [this.#recordKey(key), this.#lockKey(key)] as const;
    const obtainedAt = String(Math.max(0, Math.floor(memory.obtainedAt)));
    const fence = [this.#owners.get(key) ?? '', memory.seen.join(' '), obtainedAt];
    if (memory.record === undefined) {
      return [await this.#commands.eval({ script: DELETE_RECORD, keys, values: fence }), memory];
    }
    const ttlMs = this.#ttlMs(memory.record);
    const value = this.#envelope.seal(keys[0], { record: memory.record, writtenAt: Date.now(), ttlMs });
    const sent = this.#memories.addSeen(key, memory, digestOf(value));
    const values = [...fence, value, String(ttlMs)];
    return [await this.#commands.eval({ script: SET_RECORD, keys, values }), sent];
  }

  /** Hands in what Redis missed once it is back, also if no call asks for it; with many keys that takes a while. */
  async #handInAll(): Promise<void> {
    if (this.#isHandingIn) return;
    this.#isHandingIn = true;
    try {
      for (const key of this.#memories.pending()) await this.#read(key);
    } catch {
      // Not back after all.
    }
    this.#isHandingIn = false;
    if (this.#memories.pending().length > 0) this.#handInLater();
  }

  #handInLater(): void {
    if (this.#handsInLater) return;
    this.#handsInLater = true;
    const handIn = () => {
      this.#handsInLater = false;
      // The answer to what still waits for a connection will tell that Redis is back.
      if (this.#commands.hasUnanswered) this.#handInLater();
      else void this.#handInAll();
    };
    systemClock.timer(Math.max(HAND_IN_EVERY_MS, this.#options.outagePauseMs), handIn, 'unref');
  }

  #ttlMs(record: TokenRecord): number {
    const life = Math.max(0, Math.ceil(record.expiresAt - Date.now())) + MARGIN_MS;
    return record.refreshToken === undefined ? life : Math.max(life, this.#options.refreshTokenTtlMs);
  }

  #openIfReadable(key: string, { value, leftMs }: Stored): TokenRecord | undefined {
    try {
      return byOurClock(this.#envelope.open(this.#recordKey(key), value), leftMs);
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

/** A value as Redis has it. */
interface Stored {
  readonly value: string;
  readonly digest: string;
  /** Its life in Redis from now on. */
  readonly leftMs: number;
}

function storedOf(reply: unknown): Stored | undefined {
  if (reply === null || reply === undefined) return undefined;
  const [, leftMs, value = ''] = /^(-?\d+)\.(.*)$/s.exec(String(reply)) ?? [];
  return { value, digest: digestOf(value), leftMs: Number(leftMs ?? -1) };
}

/** As the scripts compute it; it tells values apart, and keeps nothing secret. */
function digestOf(value: string): string {
  return createHash('sha1').update(value).digest('hex');
}

/**
 * The record's times by our clock, where the writer's clock disagrees with it: Redis has measured how long ago it was
 * written, so that only differences of the writer's times are believed (T3). What the way to Redis may take is no
 * disagreement.
 */
function byOurClock({ record, writtenAt, ttlMs }: WrittenRecord, leftMs: number): TokenRecord {
  if (writtenAt === undefined || ttlMs === undefined || leftMs < 0) return record;
  const shiftMs = Date.now() - (ttlMs - leftMs) - writtenAt;
  if (Math.abs(shiftMs) < TRUSTED_CLOCK_MS) return record;
  return { ...record, obtainedAt: record.obtainedAt + shiftMs, expiresAt: record.expiresAt + shiftMs };
}
