import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { redisTokenStore } from '../../src/redis/index.ts';
import { type Connection, clients } from './support/clients.ts';
import { never, useRedis } from './support/fixture.ts';
import { recordNumber } from './support/records.ts';
import { anyRedis, noRedis, type RedisServer } from './support/redis-server.ts';

const TIMEOUT_MS = 1_000;
/** Longer than `timeoutMs` and than the clients' own limits. */
const STALL_MS = 1_200;

/** As users set their clients up who do not wait for ever: each has a limit of its own, too. */
const impatient: readonly { readonly name: string; connect(url: string): Promise<Connection> }[] = [
  {
    name: 'ioredis 6 with commandTimeout',
    connect: async (url) => {
      const client = new Redis(url, { commandTimeout: TIMEOUT_MS });
      return { client, close: () => client.disconnect() };
    },
  },
  {
    name: 'node-redis 6 with a timeout',
    connect: async (url) => {
      const client = await createClient({ url, commandOptions: { timeout: TIMEOUT_MS } }).connect();
      return { client, close: () => client.destroy() };
    },
  },
];

/** The whole process stands still, as with SIGSTOP or a long calculation. */
function standStill(forMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);
}

describe.skipIf(noRedis).each([...clients, ...impatient])('a stall of this process, with $name', (client) => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await anyRedis();
  });
  afterAll(() => server?.stop());
  const redis = useRedis(() => server, client);

  // Where the stall begins: before the client has written the command, or after Redis has answered.
  it.each([
    ['before the command is written', async () => {}],
    ['after it was written', () => new Promise(setImmediate)],
  ])('is no outage (T2, case 51): %s', async (_, untilThen) => {
    const { client: connected, close } = await client.connect(server.url);
    onTestFinished(async () => {
      await close();
    });
    const store = redisTokenStore(connected, { prefix: redis.prefix, timeoutMs: TIMEOUT_MS });
    await store.set('a', recordNumber(1));
    const operations = Promise.all([
      store.get('a'),
      store.set('b', recordNumber(2)),
      store.withLock('c', async () => store.delete('b'), never),
    ]);
    await untilThen();
    standStill(STALL_MS);
    expect((await operations)[0]).toEqual(recordNumber(1));
    await store.delete('a');
    expect(await redis.admin.keys(`${redis.prefix}*`)).toEqual([]);
  });
});
