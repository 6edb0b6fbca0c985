import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clients } from './support/clients.ts';
import { never, useRedis } from './support/fixture.ts';
import { recordNumber } from './support/records.ts';
import { anyRedis, noRedis, type RedisServer } from './support/redis-server.ts';

const [client] = clients;
if (client === undefined) throw new Error('There is a client.');

describe.skipIf(noRedis)('a process that is stopped while it owns the lock', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await anyRedis();
  });
  afterAll(() => server?.stop());
  const redis = useRedis(() => server, client);

  /** The holder, from the moment when it owns the lock. On a busy machine it may stand still beyond a short lease. */
  async function holder({ leaseMs }: { readonly leaseMs: number }) {
    const script = fileURLToPath(new URL('./support/lock-holder.ts', import.meta.url));
    const record = JSON.stringify(recordNumber(1));
    const settings = [redis.url, redis.prefix, 'a', record, String(leaseMs)];
    const child = spawn(process.execPath, ['--import', 'tsx', script, ...settings], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    process.once('exit', () => child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('locked');
    return {
      child,
      finish: async () => {
        const exit = once(child, 'exit');
        child.stdin.end('finish\n');
        const outcome = JSON.parse((await lines.next()).value);
        expect(await exit).toEqual([0, null]);
        return outcome;
      },
    };
  }

  it('undisturbed, it stores and releases, and ends by itself', async () => {
    const { finish } = await holder({ leaseMs: 60_000 });
    expect(await finish()).toEqual({ set: 'stored', lock: 'released' });
    expect(await (await redis.store()).get('a')).toEqual(recordNumber(1));
  });

  it('beyond its lease, a sibling takes over; the late owner can change nothing of it', async () => {
    const { child, finish } = await holder({ leaseMs: 300 });
    child.kill('SIGSTOP');
    const store = await redis.store({ leaseMs: 60_000 });
    await store.withLock(
      'a',
      async () => {
        await store.set('a', recordNumber(2));
        const owner = await redis.admin.get(redis.lockKey('a'));
        child.kill('SIGCONT');
        expect(await finish()).toMatchObject({
          set: { reason: 'superseded' },
          lock: { reason: 'lock-lost' },
        });
        expect(await redis.admin.get(redis.lockKey('a'))).toBe(owner);
      },
      never,
    );
    expect(await store.get('a')).toEqual(recordNumber(2));
  });

  it('killed, it keeps the others waiting for no longer than its lease', async () => {
    const { child } = await holder({ leaseMs: 300 });
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    expect(await redis.admin.pttl(redis.lockKey('a'))).toBeLessThanOrEqual(300);
    await expect((await redis.store()).withLock('a', async () => 'next', never)).resolves.toBe('next');
  });
});
