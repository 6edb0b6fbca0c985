import { createRequire } from 'node:module';
import { Redis as IoRedis6 } from 'ioredis';
import { Redis as IoRedis5 } from 'ioredis-5';
import { createClient as createClient6 } from 'redis';
import { createClient as createClient4 } from 'redis-4';
import { createClient as createClient5 } from 'redis-5';
import type { RedisClient } from '../../../src/redis/index.ts';

/** Has no types of its own. */
const IoRedis4: typeof IoRedis5 = createRequire(import.meta.url)('ioredis-4');

export interface Connection {
  readonly client: RedisClient;
  /** At once, whatever is under way. */
  close(): unknown;
}

/** The clients that users have, configured as their README says. That each is a `RedisClient` is a test of types. */
export const clients: readonly { readonly name: string; connect(url: string): Promise<Connection> }[] = [
  {
    name: 'node-redis 6',
    connect: async (url) => {
      const client = await createClient6({ url }).on('error', ignore).connect();
      return { client, close: () => client.isOpen && client.destroy() };
    },
  },
  {
    name: 'node-redis 5',
    connect: async (url) => {
      const client = await createClient5({ url }).on('error', ignore).connect();
      return { client, close: () => client.isOpen && client.destroy() };
    },
  },
  {
    name: 'node-redis 4',
    connect: async (url) => {
      const client = await createClient4({ url }).on('error', ignore).connect();
      return { client, close: () => client.disconnect().catch(ignore) };
    },
  },
  { name: 'ioredis 6', connect: async (url) => ioRedis(new IoRedis6(url)) },
  { name: 'ioredis 5', connect: async (url) => ioRedis(new IoRedis5(url)) },
  { name: 'ioredis 4', connect: async (url) => ioRedis(new IoRedis4(url)) },
];

/** For looking at Redis from outside, and for breaking it. */
export function adminOf(url: string): IoRedis6 {
  return new IoRedis6(url).on('error', ignore);
}

/** Not by once(), which rejects at the first error: a client goes on connecting after one. */
export function untilReady(client: {
  readonly status: string;
  once(event: 'ready', listener: () => void): unknown;
}): Promise<void> {
  return new Promise((resolve) => {
    if (client.status === 'ready') resolve();
    else client.once('ready', resolve);
  });
}

function ioRedis(client: IoRedis5 | IoRedis6): Connection {
  client.on('error', ignore);
  return { client, close: () => client.disconnect() };
}

/** The clients report each lost connection as an event, too. */
function ignore(): void {}
