import { randomUUID } from 'node:crypto';
import axios from 'axios';
import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createPayuAuth } from '../../src/index.ts';
import { type RedisTokenStoreOptions, redisTokenStore } from '../../src/redis/index.ts';
import { startSandbox } from '../../src/sandbox/index.ts';
import { never } from './support/fixture.ts';
import { recordNumber } from './support/records.ts';
import { type ClusterNode, clusterClients, ownCluster, type RedisCluster } from './support/redis-cluster.ts';
import { noOwnRedis } from './support/redis-server.ts';

type ClusterClient = (typeof clusterClients)[number];

async function openStore(cluster: RedisCluster, { connect }: ClusterClient, options: RedisTokenStoreOptions) {
  const { client, close } = await connect(cluster.url);
  onTestFinished(async () => {
    await close();
  });
  return redisTokenStore(client, { prefix: `test-${randomUUID()}:`, ...options });
}

/** node-redis 4 and 5 wait for the dead node: docs/fleet.md says so. */
const FIND_THE_NEW_MASTER = ['node-redis 6', 'ioredis 6', 'ioredis 5'];

/** Clients that are told to read from replicas. */
const READ_FROM_REPLICAS: readonly ClusterClient[] = [
  {
    name: 'node-redis 6 with useReplicas',
    connect: async (url) => {
      const client = createCluster({ rootNodes: [{ url }], useReplicas: true }).on('error', () => {});
      await client.connect();
      return { client, close: () => client.destroy() };
    },
  },
  {
    name: 'ioredis 6 with scaleReads',
    connect: async (url) => {
      const client = new Cluster([url], { scaleReads: 'slave' }).on('error', () => {});
      return { client, close: () => client.disconnect() };
    },
  },
];

describe.skipIf(noOwnRedis)('the Redis store on three masters', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await ownCluster({ masters: 3, replicasEach: 0 });
  });
  afterAll(() => cluster?.stop());

  const storeOf = (client: ClusterClient, options?: RedisTokenStoreOptions) =>
    openStore(cluster, client, { timeoutMs: 20_000, ...options });

  describe.each(clusterClients)('with $name', (client) => {
    it.each([
      ['of its own', `test-${randomUUID()}:`],
      ['with a hash tag of the user', `{tag-${randomUUID()}}:`],
      ['that is empty', ''],
    ])(
      '60 of 60 locks, records and deletions, wherever their slots are, with a prefix %s',
      async (_, prefix) => {
        const store = await storeOf(client, { prefix });
        const id = randomUUID();
        const keys = Array.from({ length: 60 }, (_each, n) => `${id}-${n}`);
        await Promise.all(
          keys.map((key) => store.withLock(key, async () => store.set(key, recordNumber(1)), never)),
        );
        const records = await Promise.all(keys.map((key) => store.get(key)));
        expect(records).toEqual(keys.map(() => recordNumber(1)));
        expect((await cluster.keys(id)).filter((key) => key.endsWith(':lock'))).toEqual([]);
        await Promise.all(keys.map((key) => store.delete(key)));
        expect(await cluster.keys(id)).toEqual([]);
      },
    );

    it('a slot that is moved while a task runs under its lock', async () => {
      const prefix = `moving-${randomUUID()}:`;
      const [store, sibling] = [await storeOf(client, { prefix }), await storeOf(client, { prefix })];
      const key = randomUUID(); // in a slot of its own
      await store.set(key, recordNumber(1));
      const recordKey = `${prefix}{${key}}`;
      const from = await cluster.masterOf(recordKey);
      const [to] = cluster.masters.filter(({ id }) => id !== from.id);
      if (to === undefined) throw new Error('There are three masters.');
      const move = await beginMove(recordKey, from, to);
      const minting = store.withLock(key, async () => store.set(key, recordNumber(2)), never);
      // The lock is on the new node, the record on the old one: a script that names both is told to try again.
      await vi.waitFor(async () => expect(await to.admin.cluster('COUNTKEYSINSLOT', move.slot)).toBe(1));
      await move.finish();
      await minting;
      expect(await sibling.get(key)).toEqual(recordNumber(2));
      await expect(sibling.withLock(key, async () => 'free', never)).resolves.toBe('free');
      expect(await to.admin.exists(recordKey)).toBe(1);
    });
  });

  async function beginMove(key: string, from: ClusterNode, to: ClusterNode) {
    const slot = await from.admin.cluster('KEYSLOT', key);
    await to.admin.call('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', from.id);
    await from.admin.call('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', to.id);
    const finish = async () => {
      await from.admin.call('MIGRATE', '127.0.0.1', String(to.port), key, '0', '5000');
      for (const { admin } of [to, from]) await admin.call('CLUSTER', 'SETSLOT', String(slot), 'NODE', to.id);
    };
    return { slot, finish };
  }
});

describe.skipIf(noOwnRedis)('the Redis store on three masters, each with a replica', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await ownCluster({ masters: 3, replicasEach: 1 });
  });
  afterAll(() => cluster?.stop());

  it.each(READ_FROM_REPLICAS)(
    '$name: no read goes to a replica, however far behind that is',
    async (client) => {
      const prefix = `lagging-${randomUUID()}:`;
      const store = await openStore(cluster, client, { prefix, timeoutMs: 20_000 });
      const sibling = await openStore(cluster, client, { prefix, timeoutMs: 20_000 });
      for (const { server } of cluster.replicas) server.freeze();
      onTestFinished(() => {
        for (const { server } of cluster.replicas) server.resume();
      });
      const keys = Array.from({ length: 20 }, (_each, n) => `a${n}`);
      for (const key of keys) {
        await store.withLock(key, async () => store.set(key, recordNumber(1)), never);
        expect(await sibling.get(key)).toEqual(recordNumber(1));
      }
    },
  );

  it.each(READ_FROM_REPLICAS)(
    '$name: two processes and one mint, however far behind replicas are',
    async (client) => {
      const sandbox = await startSandbox();
      onTestFinished(() => sandbox.close());
      const prefix = `one-mint-${randomUUID()}:`;
      const { clientId, clientSecret, environment } = sandbox;
      const start = async () => {
        const store = await openStore(cluster, client, { prefix, timeoutMs: 20_000 });
        const grant = { type: 'client_credentials', clientId, clientSecret } as const;
        const auth = createPayuAuth({ environment, grant, scope: 'create_payout_transactions', store });
        onTestFinished(() => auth.close());
        return auth;
      };
      const auths = [await start(), await start()] as const;
      for (const { server } of cluster.replicas) server.freeze();
      onTestFinished(() => {
        for (const { server } of cluster.replicas) server.resume();
      });
      for (let mint = 1; mint <= 5; mint += 1) {
        const [one, other] = await Promise.all(auths.map((auth) => auth.getToken()));
        expect(one?.value).toBe(other?.value);
        expect(sandbox.stats().tokenRequests).toBe(mint);
        for (const auth of auths) await auth.invalidate();
      }
    },
  );

  it.each(clusterClients.filter(({ name }) => FIND_THE_NEW_MASTER.includes(name)))(
    '$name, a master is killed in mid-mint: the task runs once, and its record is there after the failover',
    async (client) => {
      const options = { prefix: 'killed:', timeoutMs: 500, outagePauseMs: 100 };
      const store = await openStore(cluster, client, options);
      const { key, master } = await keyThatSurvives();
      let runs = 0;
      const minting = store.withLock(
        key,
        async () => {
          runs += 1;
          await master.server.stop();
          await Promise.resolve(store.set(key, recordNumber(2))).catch(() => {});
        },
        never,
      );
      await minting.catch(() => {});
      expect(runs).toBe(1);
      await cluster.replace(master);
      await vi.waitFor(
        async () => {
          const { admin } = await cluster.masterOf(`killed:{${key}}`);
          expect(await admin.exists(`killed:{${key}}`)).toBe(1);
        },
        { timeout: 60_000, interval: 100 },
      );
      const sibling = await openStore(cluster, client, { ...options, timeoutMs: 20_000 });
      expect(await sibling.get(key)).toEqual(recordNumber(2));
      await expect(sibling.withLock(key, async () => 'free', never)).resolves.toBe('free');
    },
  );

  async function keyThatSurvives() {
    for (let n = 0; n < 1_000; n += 1) {
      const key = randomUUID();
      const master = await cluster.masterOf(`killed:{${key}}`);
      if (master.hasReplica) return { key, master };
    }
    throw new Error('A master has a replica.');
  }
});

describe.skipIf(noOwnRedis)(
  'a master dies, and not every client finds the new one',
  { timeout: 120_000 },
  () => {
    it('no call fails, with any client: at the worst each process mints for itself', async () => {
      const cluster = await ownCluster({ masters: 3, replicasEach: 1 });
      onTestFinished(() => cluster.stop());
      const sandbox = await startSandbox();
      onTestFinished(() => sandbox.close());
      const { clientId, clientSecret, environment, url } = sandbox;
      const processes = await Promise.all(
        clusterClients.map(async (client) => {
          const store = await openStore(cluster, client, {
            prefix: 'dead:',
            timeoutMs: 500,
            outagePauseMs: 0,
          });
          const grant = { type: 'client_credentials', clientId, clientSecret } as const;
          const auth = createPayuAuth({ environment, grant, scope: 'create_payout_transactions', store });
          onTestFinished(() => auth.close());
          const payouts = axios.create({ baseURL: `${url}/payout` });
          auth.attach(payouts);
          const call = () => payouts.get('/merchant/getAccountDetail').then(() => 'fulfilled', String);
          return [client.name, call] as const;
        }),
      );
      const callAll = async () =>
        Object.fromEntries(await Promise.all(processes.map(async ([name, call]) => [name, await call()])));
      const allFulfilled = Object.fromEntries(processes.map(([name]) => [name, 'fulfilled']));
      expect(await callAll()).toEqual(allFulfilled);
      const [recordKey = ''] = await cluster.keys('dead:');
      const dead = await cluster.masterOf(recordKey);
      await dead.server.stop();
      const revokeAndCall = async () => {
        sandbox.revokeAllTokens();
        sandbox.resetStats();
        expect(await callAll()).toEqual(allFulfilled);
        expect(sandbox.stats().tokenRequests).toBeLessThanOrEqual(processes.length);
      };
      await revokeAndCall(); // nobody has taken its place yet
      await cluster.replace(dead);
      await revokeAndCall();
    });
  },
);
