import { createRequire } from 'node:module';
import { Redis as IoRedis6 } from 'ioredis';
import { Redis as IoRedis5 } from 'ioredis-5';
import { createSentinel as createSentinel6 } from 'redis';
import { createSentinel as createSentinel5 } from 'redis-5';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type RedisClient, type RedisTokenStoreOptions, redisTokenStore } from '../../src/redis/index.ts';
import type { Connection } from './support/clients.ts';
import { never } from './support/fixture.ts';
import { recordNumber } from './support/records.ts';
import { ownSentinel, type RedisSentinel } from './support/redis-sentinel.ts';
import { noOwnRedis } from './support/redis-server.ts';

/** With no types of its own. */
const IoRedis4: typeof IoRedis5 = createRequire(import.meta.url)('ioredis-4');

type SentinelClient = (sentinel: RedisSentinel) => Promise<Connection>;

interface SentinelOptions {
  readonly name: string;
  readonly sentinels: { host: string; port: number }[];
}

interface IoRedisLike {
  on(event: 'error', listener: () => void): unknown;
  disconnect(): void;
}

function ioRedis(create: (options: SentinelOptions) => RedisClient & IoRedisLike): SentinelClient {
  return async ({ port, masterName }) => {
    const client = create({ name: masterName, sentinels: [{ host: '127.0.0.1', port }] });
    client.on('error', () => {});
    return { client, close: () => client.disconnect() };
  };
}

/** node-redis 4 has none. */
const clients: readonly { readonly name: string; readonly connect: SentinelClient }[] = [
  {
    name: 'node-redis 6',
    connect: async ({ port, masterName: name }) => {
      const sentinel = createSentinel6({ name, sentinelRootNodes: [{ host: '127.0.0.1', port }] });
      const client = await sentinel.on('error', () => {}).connect();
      return { client, close: () => client.destroy() };
    },
  },
  {
    name: 'node-redis 5',
    connect: async ({ port, masterName: name }) => {
      const sentinel = createSentinel5({ name, sentinelRootNodes: [{ host: '127.0.0.1', port }] });
      const client = await sentinel.on('error', () => {}).connect();
      return { client, close: () => client.destroy() };
    },
  },
  { name: 'ioredis 6', connect: ioRedis((options) => new IoRedis6(options)) },
  { name: 'ioredis 5', connect: ioRedis((options) => new IoRedis5(options)) },
  { name: 'ioredis 4', connect: ioRedis((options) => new IoRedis4(options)) },
];

describe.skipIf(noOwnRedis)('the Redis store behind a Sentinel', { timeout: 120_000 }, () => {
  it.each(clients)(
    '$name, the master is killed in mid-mint: the task runs once, and its record is there after the failover',
    async ({ connect }) => {
      const sentinel = await ownSentinel();
      onTestFinished(() => sentinel.stop());
      const open = async (options: RedisTokenStoreOptions) => {
        const { client, close } = await connect(sentinel);
        onTestFinished(async () => {
          await close();
        });
        return redisTokenStore(client, options);
      };
      const store = await open({ timeoutMs: 2_000, outagePauseMs: 100 });
      await vi.waitFor(async () => store.set('a', recordNumber(1)), { timeout: 20_000 });
      let runs = 0;
      const minting = store.withLock(
        'a',
        async () => {
          runs += 1;
          await sentinel.master.stop();
          await Promise.resolve(store.set('a', recordNumber(2))).catch(() => {});
        },
        never,
      );
      await minting.catch(() => {});
      expect(runs).toBe(1);
      await vi.waitFor(
        async () => {
          const sibling = await open({ timeoutMs: 5_000 });
          expect(await sibling.get('a')).toEqual(recordNumber(2));
          await expect(sibling.withLock('a', async () => 'free', never)).resolves.toBe('free');
        },
        { timeout: 60_000, interval: 200 },
      );
    },
  );
});
