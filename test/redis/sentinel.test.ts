import { Redis as IoRedis } from 'ioredis';
import { createSentinel } from 'redis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type RedisTokenStoreOptions, redisTokenStore } from '../../src/redis/index.ts';
import type { Connection } from './support/clients.ts';
import { never } from './support/fixture.ts';
import { recordNumber } from './support/records.ts';
import { ownSentinel, type RedisSentinel } from './support/redis-sentinel.ts';
import { noOwnRedis } from './support/redis-server.ts';

const clients: readonly { readonly name: string; connect(sentinel: RedisSentinel): Promise<Connection> }[] = [
  {
    name: 'node-redis 6',
    connect: async ({ port, masterName }) => {
      const sentinel = createSentinel({ name: masterName, sentinelRootNodes: [{ host: '127.0.0.1', port }] });
      const client = await sentinel.on('error', () => {}).connect();
      return { client, close: () => client.destroy() };
    },
  },
  {
    name: 'ioredis 6',
    connect: async ({ port, masterName }) => {
      const client = new IoRedis({ name: masterName, sentinels: [{ host: '127.0.0.1', port }] });
      client.on('error', () => {});
      return { client, close: () => client.disconnect() };
    },
  },
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
