import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A real Redis. One that we started may be stopped, frozen and flushed at will. */
export interface RedisServer {
  readonly url: string;
  /** Started by us: nobody minds what is left in it. */
  readonly isOwn: boolean;
  stop(): Promise<void>;
  /** As an administrator would: with the SHUTDOWN command. */
  shutdown(): Promise<void>;
  /** On the same port again, with nothing in it. */
  start(): Promise<void>;
}

const isInstalled = spawnSync('redis-server', ['--version']).status === 0;

/** Why tests that need any Redis cannot run; undefined: they can. */
export const noRedis: string | undefined =
  isInstalled || process.env.REDIS_URL ? undefined : 'no REDIS_URL and no redis-server program';

/** Why tests that break their Redis cannot run: they never do that to the one at REDIS_URL. */
export const noOwnRedis: string | undefined = isInstalled ? undefined : 'no redis-server program';

for (const reason of new Set([noRedis, noOwnRedis])) {
  if (reason === undefined) continue;
  if (process.env.REDIS_TESTS === 'required')
    throw new Error(`Redis tests are required, but there is ${reason}.`);
  process.stderr.write(`Redis tests are skipped: ${reason}.\n`);
}

/** The Redis at REDIS_URL, or one of our own. */
export async function anyRedis(): Promise<RedisServer> {
  const url = process.env.REDIS_URL;
  if (!url) return ownRedis();
  return { url, isOwn: false, stop: async () => {}, shutdown: notOurs, start: notOurs };
}

export async function ownRedis(...more: readonly string[]): Promise<RedisServer> {
  const port = await freePort();
  let child = await launch(port, more);
  return {
    url: `redis://127.0.0.1:${port}`,
    isOwn: true,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
    shutdown: async () => {
      const exit = once(child, 'exit');
      connect(port, '127.0.0.1').end('SHUTDOWN NOSAVE\r\n');
      await exit;
    },
    start: async () => {
      child = await launch(port, more);
    },
  };
}

async function notOurs(): Promise<void> {
  throw new Error('The Redis at REDIS_URL is left alone.');
}

const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

async function launch(port: number, more: readonly string[]): Promise<ChildProcess> {
  // Nothing is persisted; a cluster node insists on a file all the same.
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...more],
    { stdio: ['ignore', 'pipe', 'ignore'], cwd: folder },
  );
  children.add(child);
  child.once('exit', () => {
    children.delete(child);
    rmSync(folder, { recursive: true, force: true });
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes('Ready to accept connections')) {
      child.stdout.resume();
      return child;
    }
  }
  throw new Error(`redis-server did not start on port ${port}.`);
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
