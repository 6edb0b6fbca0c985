import { invalidOption } from './invalid-option.ts';

/** What the store uses of a node-redis client (`redis` 4, 5 and 6; also its cluster, sentinel and pool). */
export interface NodeRedisClient {
  // Methods, not properties: the real signatures are narrower in what they take.
  get(key: string): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** What the store uses of an `ioredis` client (5 and 6; also its cluster). */
export interface IoRedisClient {
  readonly status: string;
  get(key: string): Promise<unknown>;
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** A client that the application already has, connected or about to be. The store never closes it. */
export type RedisClient = NodeRedisClient | IoRedisClient;

/** The two commands that the store needs, the same on every client. */
export interface RedisCommands {
  get(key: string): Promise<unknown>;
  eval(script: string, keys: readonly string[], values: readonly string[]): Promise<unknown>;
}

/** Recognises the client by its shape, because neither package is imported. */
export function commandsOf(client: RedisClient): RedisCommands {
  if (!hasCommands(client)) {
    throw invalidOption(
      '"client" must be a client of "redis" (node-redis 4 to 6) or of "ioredis" (5 or 6). ' +
        'Pass what createClient() or new Redis() returned.',
    );
  }
  // `status` is ioredis' own; node-redis has `isOpen` and `isReady` instead.
  if ('status' in client && typeof client.status === 'string') {
    return {
      get: async (key) => client.get(key),
      eval: async (script, keys, values) => client.eval(script, keys.length, ...keys, ...values),
    };
  }
  const nodeRedis = client as NodeRedisClient;
  return {
    get: async (key) => nodeRedis.get(key),
    eval: async (script, keys, values) => nodeRedis.eval(script, { keys: [...keys], arguments: [...values] }),
  };
}

function hasCommands(client: unknown): client is RedisClient {
  const { get, eval: evaluate } = Object(client) as Partial<RedisClient>;
  return typeof get === 'function' && typeof evaluate === 'function';
}
