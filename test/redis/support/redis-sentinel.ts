import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { vi } from 'vitest';
import { adminOf } from './clients.ts';
import { freePort, ownRedis, type RedisServer } from './redis-server.ts';

/** A master with a replica, and one Sentinel that watches them. */
export interface RedisSentinel {
  readonly port: number;
  readonly masterName: string;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  stop(): Promise<void>;
}

const MASTER_NAME = 'payu';

export async function ownSentinel(): Promise<RedisSentinel> {
  const master = await ownRedis('--repl-diskless-sync-delay', '0');
  const masterPort = new URL(master.url).port;
  const replica = await ownRedis('--replicaof', '127.0.0.1', masterPort);
  await untilInfo(replica.url, 'master_link_status:up');
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'sentinel-'));
  const file = join(folder, 'sentinel.conf'); // it is rewritten by the Sentinel
  writeFileSync(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} 1`,
      `sentinel down-after-milliseconds ${MASTER_NAME} 1000`,
      `sentinel failover-timeout ${MASTER_NAME} 5000`,
      '',
    ].join('\n'),
  );
  const child = spawn('redis-server', [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  for await (const line of createInterface({ input: child.stdout })) if (line.includes('+monitor')) break;
  child.stdout.resume();
  const sentinel = adminOf(`redis://127.0.0.1:${port}`);
  await vi.waitFor(
    async () => {
      const replicas = (await sentinel.call('SENTINEL', 'REPLICAS', MASTER_NAME)) as unknown[];
      if (replicas.length !== 1) throw new Error('The Sentinel does not know the replica yet.');
    },
    { timeout: 30_000, interval: 100 },
  );
  sentinel.disconnect();
  return {
    port,
    masterName: MASTER_NAME,
    master,
    replica,
    stop: async () => {
      process.off('exit', kill);
      const exit = once(child, 'exit');
      kill();
      await exit;
      rmSync(folder, { recursive: true, force: true });
      await Promise.all([master.stop(), replica.stop()]);
    },
  };
}

async function untilInfo(url: string, text: string): Promise<void> {
  const admin = adminOf(url);
  await vi.waitFor(
    async () => {
      if (!(await admin.info('replication')).includes(text)) throw new Error(`Not ${text} yet.`);
    },
    { timeout: 30_000, interval: 50 },
  );
  admin.disconnect();
}
