import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisTokenStore } from '../../src/redis/index.ts';
import { clients } from './support/clients.ts';
import { defer, never, useRedis } from './support/fixture.ts';
import { recordNumber } from './support/records.ts';
import { anyRedis, noRedis, type RedisServer } from './support/redis-server.ts';

describe.skipIf(noRedis).each(clients)('the lock on $name', (client) => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await anyRedis();
  });
  afterAll(() => server?.stop());
  const redis = useRedis(() => server, client);

  it('gives back what the task gives, and its error', async () => {
    const store = await redis.store();
    const fault = new Error('mint failed');
    await expect(store.withLock('a', async () => 7, never)).resolves.toBe(7);
    await expect(store.withLock('a', () => Promise.reject(fault), never)).rejects.toBe(fault);
    await expect(store.withLock('a', async () => 8, never)).resolves.toBe(8);
  });

  it('lets one in at a time, over many rounds and stores', async () => {
    const stores = await Promise.all([redis.store(), redis.store(), redis.store()]);
    let inside = 0;
    let counter = 0;
    const round = async () => {
      inside += 1;
      expect(inside).toBe(1);
      const seen = counter;
      // A trip to Redis, so that others have the chance to come in.
      await redis.admin.ping();
      counter = seen + 1;
      inside -= 1;
    };
    await Promise.all(
      stores.map(async (store) => {
        for (let n = 0; n < 8; n += 1) await store.withLock('a', round, never);
      }),
    );
    expect(counter).toBe(24);
  });

  it('lets tasks of different keys run together', async () => {
    const [one, other] = [await redis.store(), await redis.store()];
    const started = defer();
    const first = one.withLock('a', () => started.promise, never);
    await other.withLock('b', async () => started.resolve(), never);
    await first;
  });

  it('shows the waiting one what the owner has stored', async () => {
    const [one, other] = [await redis.store(), await redis.store()];
    const owned = defer();
    const minted = defer();
    const first = one.withLock(
      'a',
      async () => {
        owned.resolve();
        await minted.promise;
        await one.set('a', recordNumber(1));
      },
      never,
    );
    await owned.promise;
    const second = other.withLock('a', async () => other.get('a'), never);
    minted.resolve();
    await first;
    expect(await second).toEqual(recordNumber(1));
  });

  it('lets go of a wait when the signal aborts, without the task, and leaves the lock to others', async () => {
    const [one, other] = [await redis.store(), await redis.store()];
    const owned = defer();
    const done = defer();
    const first = one.withLock(
      'a',
      async () => {
        owned.resolve();
        await done.promise;
      },
      never,
    );
    await owned.promise;
    const reason = new Error('the caller left');
    const abort = new AbortController();
    let ran = 0;
    const second = other.withLock('a', async () => (ran += 1), abort.signal);
    abort.abort(reason);
    await expect(second).rejects.toBe(reason);
    await expect(other.withLock('a', async () => (ran += 1), abort.signal)).rejects.toBe(reason);
    done.resolve();
    await first;
    await expect(other.withLock('a', async () => 'next', never)).resolves.toBe('next');
    expect(ran).toBe(0);
  });

  it('gives back a lock that came when nobody wanted it any more', async () => {
    const store = await redis.store();
    const abort = new AbortController();
    const reason = new Error('the caller left');
    const left = store.withLock('a', async () => {}, abort.signal);
    // The command is on its way by now.
    abort.abort(reason);
    await expect(left).rejects.toBe(reason);
    await expect((await redis.store()).withLock('a', async () => 'next', never)).resolves.toBe('next');
  });

  it('always expires', async () => {
    const { client: connected } = await redis.connection();
    const store = redisTokenStore(connected, { prefix: redis.prefix, timeoutMs: 20_000 });
    const left = await store.withLock('a', () => redis.admin.pttl(redis.lockKey('a')), never);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(3_000);
  });

  it.each([
    ['a value that never expires', () => redis.admin.set(redis.lockKey('a'), 'debris')],
    ['another type', () => redis.admin.rpush(redis.lockKey('a'), 'debris')],
  ])('is not kept from us by %s', async (_, spoil) => {
    const store = await redis.store();
    await spoil();
    await expect(store.withLock('a', async () => store.set('a', recordNumber(1)), never)).resolves.toBe(
      undefined,
    );
  });

  it.each([
    ['flushed away', 'ERR_REDIS_LOCK_LOST', () => redis.admin.del(redis.lockKey('a'))],
    [
      "another owner's",
      'ERR_REDIS_LOCK_LOST',
      () => redis.admin.set(redis.lockKey('a'), 'sibling', 'PX', 5_000),
    ],
    [
      'of another type',
      'ERR_REDIS_REFUSED',
      () => redis.admin.pipeline().del(redis.lockKey('a')).rpush(redis.lockKey('a'), 'x').exec(),
    ],
  ])('tells after the task that it was lost: %s', async (_, code, lose) => {
    const store = await redis.store();
    let ran = 0;
    const lost = store.withLock(
      'a',
      async () => {
        ran += 1;
        await lose();
      },
      never,
    );
    await expect(lost).rejects.toMatchObject({ code });
    expect(ran).toBe(1);
  });

  it('of another type does not keep a record from being stored', async () => {
    const store = await redis.store();
    await redis.admin.rpush(redis.lockKey('a'), 'debris');
    await store.set('a', recordNumber(1));
    expect(await store.get('a')).toEqual(recordNumber(1));
  });

  it('notices during the task that it was lost, and tells after it', async () => {
    const store = await redis.store({ leaseMs: 150 });
    const lost = store.withLock(
      'a',
      async () => {
        await redis.admin.set(redis.lockKey('a'), 'sibling', 'PX', 5_000);
        const before = Date.now();
        while (Date.now() - before < 450) await redis.admin.ping();
        return redis.admin.del(redis.lockKey('a'));
      },
      never,
    );
    await expect(lost).rejects.toMatchObject({ reason: 'lock-lost' });
  });

  it('keeps no listener on the signal', async () => {
    const store = await redis.store();
    const { signal } = new AbortController();
    await store.withLock('a', async () => expect(getEventListeners(signal, 'abort')).toEqual([]), signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it("does not free another owner's lock, nor write over what that one has stored", async () => {
    const [late, sibling] = [await redis.store(), await redis.store()];
    const done = defer();
    const lost = late.withLock(
      'a',
      async () => {
        await redis.admin.del(redis.lockKey('a'));
        const owned = defer();
        const next = sibling.withLock(
          'a',
          async () => {
            await sibling.set('a', recordNumber(2));
            owned.resolve();
            await done.promise;
          },
          never,
        );
        await owned.promise;
        await expect(late.set('a', recordNumber(1))).rejects.toMatchObject({ reason: 'superseded' });
        return { next };
      },
      never,
    );
    await expect(lost).rejects.toMatchObject({ reason: 'lock-lost' });
    expect(await redis.admin.exists(redis.lockKey('a'))).toBe(1);
    done.resolve();
    expect(await sibling.get('a')).toEqual(recordNumber(2));
    await expect(sibling.withLock('a', async () => 'free', never)).resolves.toBe('free');
  });
});

/** The same with each client, as the extension is ours: one is enough. */
describe.skipIf(noRedis).each(clients.slice(0, 1))('the lease, on $name', (client) => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await anyRedis();
  });
  afterAll(() => server?.stop());
  const redis = useRedis(() => server, client);

  it('is extended again and again while the task runs, and nobody else gets in', async () => {
    const [one, other] = [await redis.store({ leaseMs: 4_000 }), await redis.store()];
    const order: string[] = [];
    let second: Promise<unknown> | undefined;
    await one.withLock(
      'a',
      async () => {
        second = other.withLock('a', async () => order.push('second'), never);
        const owner = await redis.admin.get(redis.lockKey('a'));
        let leftMs = await redis.admin.pttl(redis.lockKey('a'));
        // At a third and at two thirds of the lease: a busy machine may be late.
        for (let extensions = 0; extensions < 2; ) {
          const nowLeftMs = await redis.admin.pttl(redis.lockKey('a'));
          if (nowLeftMs > leftMs) extensions += 1;
          leftMs = nowLeftMs;
        }
        expect(await redis.admin.get(redis.lockKey('a'))).toBe(owner);
        order.push('first');
      },
      never,
    );
    await second;
    expect(order).toEqual(['first', 'second']);
  });
});
