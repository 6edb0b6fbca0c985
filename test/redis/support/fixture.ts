import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach } from 'vitest';
import { type RedisTokenStoreOptions, redisTokenStore } from '../../../src/redis/index.ts';
import type { TokenStore } from '../../../src/token/store/token-store.ts';
import { adminOf, type Connection, type clients } from './clients.ts';
import type { RedisServer } from './redis-server.ts';

export interface Fixture {
  readonly admin: Redis;
  readonly prefix: string;
  readonly url: string;
  /**
   * Each store has a connection of its own, like each process of a fleet. Limits are short only where a test says so:
   * on a busy machine a Redis that runs may be slow, and an owner of the lock stand still beyond its lease.
   */
  store(options?: RedisTokenStoreOptions): Promise<TokenStore>;
  connection(): Promise<Connection>;
  /** What Redis calls the record and the lock of a key. */
  recordKey(key: string): string;
  lockKey(key: string): string;
}

/** One prefix per test, and all connections closed after it. */
export function useRedis(server: () => RedisServer, client: (typeof clients)[number]): Fixture {
  let open: (() => unknown)[] = [];
  let admin: Redis | undefined;
  let prefix = '';
  beforeEach(() => {
    prefix = `test-${randomUUID()}:`;
    admin = adminOf(server().url);
  });
  afterEach(async () => {
    for (const close of open) close();
    open = [];
    if (!server().isOwn) await forget(admin, prefix);
    admin?.disconnect();
  });
  const recordKey = (key: string) => `${prefix}{${key}}`;
  const connection = async () => {
    const opened = await client.connect(server().url);
    open.push(opened.close);
    return opened;
  };
  return {
    get admin() {
      if (admin === undefined) throw new Error('Only within a test.');
      return admin;
    },
    get prefix() {
      return prefix;
    },
    get url() {
      return server().url;
    },
    store: async (options) =>
      redisTokenStore((await connection()).client, {
        prefix,
        timeoutMs: 20_000,
        leaseMs: 60_000,
        ...options,
      }),
    connection,
    recordKey,
    lockKey: (key) => `${recordKey(key)}:lock`,
  };
}

async function forget(admin: Redis | undefined, prefix: string): Promise<void> {
  for (const key of (await admin?.keys(`${prefix}*`)) ?? []) await admin?.unlink(key);
}

export const never: AbortSignal = new AbortController().signal;

export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
}

export function defer<T = void>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
