import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import { createCluster as createCluster4 } from 'redis-4';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RedisClient, redisTokenStore } from '../../src/redis/index.ts';
import { adminOf } from './support/clients.ts';
import { never } from './support/fixture.ts';
import { recordNumber } from './support/records.ts';
import { noOwnRedis, ownRedis, type RedisServer } from './support/redis-server.ts';

/** One node that owns all slots refuses a script whose keys are in two of them, as a large cluster would. */
describe.skipIf(noOwnRedis)('the Redis store on a cluster', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await ownRedis('--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1');
    const admin = adminOf(server.url);
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await vi.waitFor(async () => expect(await admin.cluster('INFO')).toContain('cluster_state:ok'), {
      timeout: 9_000,
    });
    admin.disconnect();
  });
  afterAll(() => server?.stop());

  const connect: Readonly<Record<string, (url: string) => Promise<[RedisClient, () => unknown]>>> = {
    'node-redis 6': async (url) => {
      const client = await createCluster({ rootNodes: [{ url }] }).connect();
      return [client, () => client.destroy()];
    },
    'node-redis 4': async (url) => {
      const client = createCluster4({ rootNodes: [{ url }] });
      await client.connect();
      return [client, () => client.disconnect()];
    },
    'ioredis 6': async (url) => {
      const client = new Cluster([url]);
      return [client, () => client.disconnect()];
    },
  };

  it.each([
    ...Object.keys(connect).map((name) => ({ name, prefix: 'payu-auth:' })),
    { name: 'ioredis 6', prefix: '{tag of the user}:' },
    { name: 'ioredis 6', prefix: '' },
  ])('$name, prefix "$prefix": records and locks work', async ({ name, prefix }) => {
    const [client, close] = (await connect[name]?.(server.url)) ?? [];
    if (client === undefined) throw new Error('There is a client.');
    const store = redisTokenStore(client, { prefix });
    const key = `key of ${name}`;
    await store.withLock(key, async () => store.set(key, recordNumber(1)), never);
    expect(await store.get(key)).toEqual(recordNumber(1));
    await store.delete(key);
    expect(await store.get(key)).toBeUndefined();
    await close?.();
  });
});
