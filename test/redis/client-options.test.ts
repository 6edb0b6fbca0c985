import { createRequire } from 'node:module';
import { Cluster, Redis } from 'ioredis';
import type { Cluster as Cluster5 } from 'ioredis-5';
import { createClient, createClientPool, createCluster, RESP_TYPES } from 'redis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type RedisClient, redisTokenStore } from '../../src/redis/index.ts';
import { adminOf, untilReady } from './support/clients.ts';
import { never } from './support/fixture.ts';
import { recordNumber } from './support/records.ts';
import { ownCluster, type RedisCluster } from './support/redis-cluster.ts';
import { noOwnRedis, ownRedis, type RedisServer } from './support/redis-server.ts';

/** Has no types of its own. */
const { Cluster: Cluster4 }: { readonly Cluster: typeof Cluster5 } = createRequire(import.meta.url)(
  'ioredis-4',
);

type Open = (url: string) => { readonly client: RedisClient; readonly close: () => unknown };

const ignore = () => {};

function nodeRedis(options: Parameters<typeof createClient>[0] = {}): Open {
  return (url) => {
    const client = createClient({ ...options, url }).on('error', ignore);
    client.connect().catch(ignore);
    return { client: client as RedisClient, close: () => client.destroy() };
  };
}

interface IoRedisLike {
  on(event: 'error', listener: () => void): unknown;
  disconnect(): void;
}

function ioRedis(create: (url: string) => RedisClient & IoRedisLike): Open {
  return (url) => {
    const client = create(url);
    client.on('error', ignore);
    return { client, close: () => client.disconnect() };
  };
}

/** Options under which other users of a client have met surprises; and where the record lies then. */
const cases: readonly [name: string, open: Open, prefix?: string][] = [
  ['ioredis, enableOfflineQueue: false', ioRedis((url) => new Redis(url, { enableOfflineQueue: false }))],
  ['ioredis, lazyConnect', ioRedis((url) => new Redis(url, { lazyConnect: true }))],
  ['ioredis, maxRetriesPerRequest: null', ioRedis((url) => new Redis(url, { maxRetriesPerRequest: null }))],
  ['ioredis, maxRetriesPerRequest: 0', ioRedis((url) => new Redis(url, { maxRetriesPerRequest: 0 }))],
  ['ioredis, enableAutoPipelining', ioRedis((url) => new Redis(url, { enableAutoPipelining: true }))],
  ['ioredis, stringNumbers', ioRedis((url) => new Redis(url, { stringNumbers: true }))],
  ['ioredis, keyPrefix', ioRedis((url) => new Redis(url, { keyPrefix: 'app:' })), 'app:'],
  ['node-redis, disableOfflineQueue', nodeRedis({ disableOfflineQueue: true })],
  ['node-redis, RESP 2', nodeRedis({ RESP: 2 })],
  ['node-redis, RESP 3', nodeRedis({ RESP: 3 })],
  ['node-redis, keyPrefix', nodeRedis({ keyPrefix: 'app:' }), 'app:'],
  [
    'node-redis, replies as buffers and numbers as texts',
    nodeRedis({
      commandOptions: {
        typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.NUMBER]: String },
      },
    }),
  ],
  [
    'node-redis, a pool',
    (url) => {
      const pool = createClientPool({ url }).on('error', ignore);
      pool.connect().catch(ignore);
      return { client: pool as RedisClient, close: () => pool.destroy() };
    },
  ],
];

/** The life of a record and of its lock. As in the auth, what fails while the client is not connected yet is tried again. */
async function use(open: Open, url: string, prefix: string): Promise<void> {
  const { client, close } = open(url);
  onTestFinished(async () => {
    await close();
  });
  const store = redisTokenStore(client, { prefix, outagePauseMs: 0, timeoutMs: 10_000 });
  await expect.poll(async () => store.get('a'), { timeout: 20_000 }).toBeUndefined();
  await store.withLock('a', async () => store.set('a', recordNumber(1)), never);
  expect(await store.get('a')).toEqual(recordNumber(1));
  await expect(store.withLock('a', async () => 'free', never)).resolves.toBe('free');
}

describe.skipIf(noOwnRedis)('a client with options of its own', { timeout: 60_000 }, () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await ownRedis();
  });
  afterAll(() => server?.stop());

  it.each(cases)('%s', async (name, open, keyPrefix = '') => {
    const prefix = `${name}:`;
    await use(open, server.url, prefix);
    const admin = adminOf(server.url);
    onTestFinished(() => admin.disconnect());
    expect(await admin.keys(`*${prefix}*`)).toEqual([`${keyPrefix}${prefix}{a}`]);
  });

  it.each([
    ['memory is used up', ['maxmemory', '1'], 'OOM'],
    ['replicas are missing', ['min-replicas-to-write', '3'], 'NOREPLICAS'],
  ])(
    'a Redis that answers with an error, as %s: it is told, and not left alone',
    async (_, [option = '', value = ''], word) => {
      const { client, close } = ioRedis((url) => new Redis(url))(server.url);
      onTestFinished(() => void close());
      const store = redisTokenStore(client, { prefix: `${word}:`, outagePauseMs: 600_000 });
      await store.set('a', recordNumber(1));
      const admin = adminOf(server.url);
      const [, before = ''] = (await admin.config('GET', option)) as string[];
      onTestFinished(async () => {
        await admin.config('SET', option, before);
        admin.disconnect();
      });
      await admin.config('SET', option, value);
      expect(await store.get('a')).toEqual(recordNumber(1));
      await expect(store.set('a', recordNumber(2))).rejects.toThrow(word);
      await expect(store.withLock('a', async () => {}, never)).rejects.toThrow(word);
      await admin.config('SET', option, before);
      expect(await store.get('a')).toEqual(recordNumber(2));
      await expect(store.withLock('a', async () => 'free', never)).resolves.toBe('free');
    },
  );
});

describe.skipIf(noOwnRedis)('a cluster client with options of its own', { timeout: 60_000 }, () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await ownCluster({ masters: 3, replicasEach: 0 });
  });
  afterAll(() => cluster?.stop());

  it.each<[string, Open, string?]>([
    ['ioredis, keyPrefix', ioRedis((url) => new Cluster([url], { keyPrefix: 'app:' })), 'app:'],
    ['ioredis, enableAutoPipelining', ioRedis((url) => new Cluster([url], { enableAutoPipelining: true }))],
    [
      'ioredis, enableOfflineQueue: false',
      ioRedis((url) => new Cluster([url], { enableOfflineQueue: false })),
    ],
    [
      'node-redis, keyPrefix',
      (url) => {
        const client = createCluster({ rootNodes: [{ url }], keyPrefix: 'app:' }).on('error', ignore);
        client.connect().catch(ignore);
        return { client: client as RedisClient, close: () => client.destroy() };
      },
      'app:',
    ],
  ])('%s', async (name, open, keyPrefix = '') => {
    const prefix = `${name}:`;
    await use(open, cluster.url, prefix);
    expect(await cluster.keys(prefix)).toEqual([`${keyPrefix}${prefix}{a}`]);
  });

  it.each([
    ['4', () => new Cluster4([cluster.url], { enableAutoPipelining: true })],
    ['6', () => new Cluster([cluster.url], { enableAutoPipelining: true })],
  ])(
    'ioredis %s, enableAutoPipelining: keys of several masters at once, beside commands of the application',
    async (version, create) => {
      const client = create().on('error', ignore);
      onTestFinished(() => client.disconnect());
      await untilReady(client);
      const store = redisTokenStore(client, {
        prefix: `mixed-${version}:`,
        timeoutMs: 10_000,
        outagePauseMs: 0,
      });
      const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
      const ours = () => keys.map(async (key) => store.withLock(key, async () => store.get(key), never));
      const theirs = () => keys.map((key) => client.get(`theirs:${key}`));
      await expect(Promise.all([...ours(), ...theirs()])).resolves.toHaveLength(12);
    },
  );

  it('one that is no cluster client is told which to pass', async () => {
    const { client, close } = ioRedis((url) => new Redis(url))(cluster.url);
    onTestFinished(() => void close());
    const store = redisTokenStore(client, { timeoutMs: 10_000 });
    const everywhere = ['a', 'b', 'c', 'd', 'e', 'f'].map(async (key) => store.get(key));
    await expect(Promise.all(everywhere)).rejects.toThrow(
      'MOVED. It is part of a cluster: pass a cluster client.',
    );
  });
});
