import { createRequire } from 'node:module';
import { Cluster as Cluster6, type Redis } from 'ioredis';
import { Cluster as Cluster5 } from 'ioredis-5';
import { createCluster as createCluster6 } from 'redis';
import { createCluster as createCluster4 } from 'redis-4';
import { createCluster as createCluster5 } from 'redis-5';
import { vi } from 'vitest';
import { adminOf, type Connection, untilReady } from './clients.ts';
import { ANOTHER_PORT, ownRedis, type RedisServer } from './redis-server.ts';

export interface ClusterNode {
  readonly server: RedisServer;
  readonly admin: Redis;
  readonly id: string;
  readonly port: number;
  readonly busPort: number;
}

/** Several masters on this machine, each with its share of the slots, and as many replicas of each as asked for. */
export interface RedisCluster {
  /** Of a node that runs. */
  readonly url: string;
  readonly masters: readonly ClusterNode[];
  readonly replicas: readonly ClusterNode[];
  /** The node that has this key now, and whether a replica of it runs that can take its place. */
  masterOf(key: string): Promise<ClusterNode & { readonly hasReplica: boolean }>;
  /** Has a replica of this node take its place at once: how long others need to find it dead is not ours to test. */
  replace(dead: ClusterNode): Promise<void>;
  /** All keys with this in their name, wherever they are. */
  keys(part: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

const SLOTS = 16_384;

export async function ownCluster(size: {
  readonly masters: number;
  readonly replicasEach: number;
}): Promise<RedisCluster> {
  const count = size.masters * (1 + size.replicasEach);
  const nodes = await Promise.all(Array.from({ length: count }, startNode));
  const masters = nodes.slice(0, size.masters);
  const replicas = nodes.slice(size.masters);
  const [first] = masters;
  if (first === undefined) throw new Error('A cluster has a master.');
  for (const [index, { admin }] of masters.entries()) {
    const [from, until] = [index, index + 1].map((part) => Math.floor((part * SLOTS) / size.masters));
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', String(from), String(Number(until) - 1));
    await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
  }
  for (const { port, busPort } of nodes.slice(1)) {
    await first.admin.call('CLUSTER', 'MEET', '127.0.0.1', String(port), String(busPort));
  }
  await untilAll(
    nodes,
    async ({ admin }) => String(await admin.cluster('NODES')).match(/connected/g)?.length === count,
  );
  for (const [index, { admin }] of replicas.entries()) {
    await admin.call('CLUSTER', 'REPLICATE', String(masters[index % masters.length]?.id));
  }
  await untilAll(nodes, async ({ admin }) =>
    String(await admin.cluster('INFO')).includes('cluster_state:ok'),
  );
  await untilAll(replicas, async ({ admin }) =>
    (await admin.info('replication')).includes('master_link_status:up'),
  );
  const alive = () => nodes.filter(({ server }) => server.isRunning());
  /** By its own word: what the others know of it is gossip, and may be old. */
  const replicaOf = async (master: ClusterNode) => {
    for (const node of alive()) {
      const told = await node.admin.info('replication');
      if (told.includes('role:slave') && told.includes(`master_port:${master.port}\r`)) return node;
    }
    return undefined;
  };
  return {
    get url() {
      return String(alive()[0]?.server.url);
    },
    masters,
    replicas,
    masterOf: async (key) => {
      const [asked] = alive();
      const slot = Number(await asked?.admin.cluster('KEYSLOT', key));
      // From, until, master, replicas; of each node its address and id.
      const ranges = (await asked?.admin.call('CLUSTER', 'SLOTS')) as [
        number,
        number,
        [string, number, string],
      ][];
      const id = ranges.find(([from, until]) => from <= slot && slot <= until)?.[2][2];
      const master = nodes.find((each) => each.id === id);
      if (master === undefined) throw new Error('Every slot has a master.');
      return { ...master, hasReplica: (await replicaOf(master)) !== undefined };
    },
    replace: async (dead) => {
      const replica = await replicaOf(dead);
      if (replica === undefined) throw new Error('It has no replica that runs.');
      await replica.admin.call('CLUSTER', 'FAILOVER', 'TAKEOVER');
      await untilAll(alive(), async ({ admin }) => {
        const lines = String(await admin.cluster('NODES')).split('\n');
        return lines.some((line) => line.startsWith(replica.id) && line.includes('master'));
      });
    },
    keys: async (part) => {
      const all = await Promise.all(alive().map(({ admin }) => admin.keys(`*${part}*`)));
      return [...new Set(all.flat())];
    },
    stop: async () => {
      for (const { admin } of nodes) admin.disconnect();
      await Promise.all(nodes.map(({ server }) => server.stop()));
    },
  };
}

/** Each in the words of its README, for a cluster. */
export const clusterClients: readonly { readonly name: string; connect(url: string): Promise<Connection> }[] =
  [
    {
      name: 'node-redis 6',
      connect: async (url) => {
        const client = createCluster6({ rootNodes: [{ url }] }).on('error', ignore);
        await client.connect();
        return { client, close: () => client.destroy() };
      },
    },
    {
      name: 'node-redis 5',
      connect: async (url) => {
        const client = createCluster5({ rootNodes: [{ url }] }).on('error', ignore);
        await client.connect();
        return { client, close: () => client.destroy() };
      },
    },
    {
      name: 'node-redis 4',
      connect: async (url) => {
        const client = createCluster4({ rootNodes: [{ url }] });
        client.on('error', ignore);
        await client.connect();
        return { client, close: () => client.disconnect().catch(ignore) };
      },
    },
    { name: 'ioredis 6', connect: async (url) => ioRedis(new Cluster6([url])) },
    { name: 'ioredis 5', connect: async (url) => ioRedis(new Cluster5([url])) },
    {
      name: 'ioredis 4',
      connect: async (url) => {
        const { Cluster: Cluster4 } = createRequire(import.meta.url)('ioredis-4');
        return ioRedis(new Cluster4([url]));
      },
    },
  ];

async function ioRedis(client: Cluster5 | Cluster6): Promise<Connection> {
  client.on('error', ignore);
  await untilReady(client);
  return { client, close: () => client.disconnect() };
}

/** After this silence a master counts as dead. No test waits for it: a busy machine is silent, too. */
const NODE_TIMEOUT_MS = 120_000;

async function startNode(): Promise<ClusterNode> {
  const quick = ['--cluster-node-timeout', String(NODE_TIMEOUT_MS), '--repl-diskless-sync-delay', '0'];
  const options = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', ...quick];
  const server = await ownRedis(...options, '--cluster-port', ANOTHER_PORT);
  const admin = adminOf(server.url);
  const [id, [, busPort]] = await Promise.all([admin.cluster('MYID'), admin.config('GET', 'cluster-port')]);
  const port = Number(new URL(server.url).port);
  return { server, admin, id: String(id), busPort: Number(busPort), port };
}

/** Nodes tell each other by gossip. */
async function untilAll(
  nodes: readonly ClusterNode[],
  is: (node: ClusterNode) => Promise<boolean>,
): Promise<void> {
  await vi.waitFor(
    async () => {
      for (const node of nodes) if (!(await is(node))) throw new Error('The cluster is not ready yet.');
    },
    { timeout: 30_000, interval: 50 },
  );
}

function ignore(): void {}
