import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { redisTokenStore } from '../../src/redis/index.ts';
import { adminOf } from './support/clients.ts';
import { never } from './support/fixture.ts';
import { recordNumber } from './support/records.ts';
import { noOwnRedis, ownRedis, type RedisServer } from './support/redis-server.ts';

/** As docs/fleet.md names them. */
const RIGHTS = ['+eval', '+get', '+set', '+del', '+pttl', '+pexpire'] as const;
const PREFIX = 'payu-auth:';

describe.skipIf(noOwnRedis)('the rights of an ACL user', () => {
  let server: RedisServer;
  let admin: Redis;
  beforeAll(async () => {
    server = await ownRedis();
    admin = adminOf(server.url);
  });
  afterAll(async () => {
    admin?.disconnect();
    await server?.stop();
  });

  async function storeWith(...rules: readonly string[]) {
    const username = `user-${randomUUID()}`;
    await admin.call('ACL', 'SETUSER', username, 'on', '>password', ...rules);
    const { hostname, port } = new URL(server.url);
    // INFO, which ioredis asks for when it connects, is no right of the store's.
    const client = new Redis({
      host: hostname,
      port: Number(port),
      username,
      password: 'password',
      enableReadyCheck: false,
    });
    client.on('error', () => {});
    onTestFinished(() => client.disconnect());
    return redisTokenStore(client, { leaseMs: 300 });
  }

  /** All that the store ever does, with a lock that needs an extension. */
  async function useAll(store: Awaited<ReturnType<typeof storeWith>>): Promise<void> {
    const key = randomUUID();
    await store.withLock(
      key,
      async () => {
        const lock = `${PREFIX}{${key}}:lock`;
        const owner = await admin.get(lock);
        await store.set(key, recordNumber(1));
        await vi.waitFor(async () => expect(await admin.pttl(lock)).toBeLessThan(250), { interval: 5 });
        const before = await admin.pttl(lock);
        await vi.waitFor(async () => {
          const isExtended = (await admin.pttl(lock)) > before;
          if (!isExtended && (await admin.get(lock)) === owner) throw new Error('Neither extended nor over.');
        });
      },
      never,
    );
    expect(await store.get(key)).toEqual(recordNumber(1));
    await store.delete(key);
    await admin.set(`${PREFIX}{${key}}:lock`, 'debris');
    await store.withLock(key, async () => {}, never);
  }

  it('these are enough', async () => {
    await useAll(await storeWith(`~${PREFIX}*`, ...RIGHTS));
  });

  it.each(RIGHTS)('without %s, an error names the command', async (right) => {
    const others = RIGHTS.filter((each) => each !== right);
    const outcome = useAll(await storeWith(`~${PREFIX}*`, ...others));
    const command = right.slice(1).toUpperCase();
    await expect(outcome).rejects.toMatchObject({
      code: 'ERR_REDIS_REFUSED',
      message: `Redis answered with the error NOPERM: its user has no right to the command ${command}. See "Rights" in docs/fleet.md.`,
    });
  });

  it('without the keys, an error names the option', async () => {
    const store = await storeWith('~other:*', ...RIGHTS);
    await expect(store.set('a', recordNumber(1))).rejects.toMatchObject({
      code: 'ERR_REDIS_REFUSED',
      message: expect.stringContaining('no right to the keys that the option "prefix" begins'),
    });
  });
});
