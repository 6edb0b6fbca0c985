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
  isRunning(): boolean;
  stop(): Promise<void>;
  /** Stands still until it is resumed: connections stay, and get no answer. */
  freeze(): void;
  resume(): void;
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
  const isRunning = () => true;
  const stop = async () => {};
  const freeze = () => void notOurs();
  return { url, isOwn: false, isRunning, stop, freeze, resume: freeze, shutdown: notOurs, start: notOurs };
}

/** In the options of a server: one more port of its own. */
export const ANOTHER_PORT = '<another port>';

export async function ownRedis(...options: readonly string[]): Promise<RedisServer> {
  const { port, more, child: first } = await launchAnywhere(options);
  let child = first;
  return {
    url: `redis://127.0.0.1:${port}`,
    isOwn: true,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    freeze: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
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

/** A port that was free a moment ago may be taken by now, on a busy machine. */
async function launchAnywhere(options: readonly string[]) {
  for (let left = 5; ; left -= 1) {
    const port = await freePort();
    const another = String(await freePort());
    const more = options.map((option) => (option === ANOTHER_PORT ? another : option));
    try {
      return { port, more, child: await launch(port, more) };
    } catch (error) {
      if (left === 0) throw error;
    }
  }
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
