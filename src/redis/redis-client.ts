import { invalidOption } from '../errors.ts';

/** What the store uses of a node-redis client (`redis` 4, 5 and 6; also its cluster, sentinel and pool). */
export interface NodeRedisClient {
  // Methods, not properties: the real signatures are narrower in what they take.
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** What the store uses of an `ioredis` client (4, 5 and 6; also its cluster). */
export interface IoRedisClient {
  readonly status: string;
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** A client that the application already has, connected or about to be. The store never closes it. */
export type RedisClient = NodeRedisClient | IoRedisClient;

/** One script, with the keys that it names: all of them in one slot. */
export interface ScriptCall {
  readonly script: string;
  readonly keys: readonly [string, ...string[]];
  readonly values: readonly string[];
}

/**
 * Runs a script in Redis; the same on every client. The store needs no other command, and reads by script as well: a
 * client that sends reads to replicas takes a script for a write, so that no read lags (H2).
 */
export type RunScript = (call: ScriptCall) => Promise<unknown>;

/** Recognises the client by its shape, because neither package is imported. */
export function scriptRunnerOf(client: RedisClient): RunScript {
  if (!hasScripts(client)) {
    throw invalidOption(
      'client',
      `must be a client of ${SUPPORTED}. Pass what createClient() or new Redis() returned.`,
    );
  }
  refuseCallbacks(client);
  // `status` is ioredis' own; node-redis has `isOpen` and `isReady` instead.
  if ('status' in client && typeof client.status === 'string') {
    if (isAutoPipeliningCluster(client)) {
      // Before 5.11 it takes the script's text for the key, and refuses what else is in that node's pipeline: a pipeline of
      // one's own is never mixed.
      return async ({ script, keys, values }) => {
        const results = await client
          .pipeline()
          .eval(script, keys.length, ...keys, ...values)
          .exec();
        const [error, reply] = results?.[0] ?? [new Error('Connection is closed.')];
        if (error) throw error;
        return reply;
      };
    }
    return async ({ script, keys, values }) => client.eval(script, keys.length, ...keys, ...values);
  }
  if (isNodeRedis4Cluster(client)) {
    // Its eval() does not look for the key, and sends the script to any node.
    return async ({ script, keys, values }) =>
      client.sendCommand(keys[0], false, ['EVAL', script, String(keys.length), ...keys, ...values]);
  }
  const nodeRedis = client as NodeRedisClient;
  return async ({ script, keys, values }) =>
    nodeRedis.eval(script, { keys: [...keys], arguments: [...values] });
}

const SUPPORTED = '"redis" (node-redis 4, 5 or 6) or of "ioredis" (4, 5 or 6)';

/** The eval() of `@upstash/redis`, which speaks HTTP, takes its keys in another way. */
function hasScripts(client: unknown): client is RedisClient {
  const { eval: evaluate } = Object(client) as Partial<RedisClient>;
  return typeof evaluate === 'function' && !('createScript' in (client as object));
}

/** A client that takes callbacks gives no promise: each command would seem to have answered at once. */
function refuseCallbacks(client: object): void {
  if ('internal_send_command' in client) {
    throw invalidOption(
      'client',
      `must be a client of ${SUPPORTED}; this one is of "redis" 3 or older. Update it.`,
    );
  }
  if (isLegacy(client)) {
    throw invalidOption(
      'client',
      'must give promises; this one takes callbacks ("legacyMode", or legacy()). Pass the client itself, or its "v4".',
    );
  }
}

/** The two ways of node-redis to be like version 3. Without `legacyMode`, reading `v4` throws. */
function isLegacy(client: object): boolean {
  if (client.constructor?.name === 'RedisLegacyClient') return true;
  try {
    return 'v4' in client && client.v4 !== undefined;
  } catch {
    return false;
  }
}

interface NodeRedis4Cluster {
  sendCommand(firstKey: string, isReadonly: boolean, command: string[]): Promise<unknown>;
}

function isNodeRedis4Cluster(client: object): client is NodeRedis4Cluster {
  return 'nodeClient' in client && 'sendCommand' in client && !('withTypeMapping' in client);
}

interface AutoPipeliningCluster {
  pipeline(): {
    eval(...args: readonly unknown[]): {
      exec(): Promise<readonly (readonly [error: Error | null, reply?: unknown])[] | null>;
    };
  };
}

function isAutoPipeliningCluster(client: object): client is AutoPipeliningCluster {
  const { isCluster, options } = client as {
    isCluster?: unknown;
    options?: { enableAutoPipelining?: unknown };
  };
  return isCluster === true && options?.enableAutoPipelining === true;
}
