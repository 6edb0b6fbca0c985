import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RedisStoreError, redisTokenStore } from '../../src/redis/index.ts';
import { clients } from './support/clients.ts';
import { never, useRedis } from './support/fixture.ts';
import { recordNumber } from './support/records.ts';
import { freePort, noOwnRedis, ownRedis, type RedisServer } from './support/redis-server.ts';

const secret = recordNumber(1, { accessToken: 'secret_access_token', refreshToken: 'secret_refresh_token' });

/** A store that asks each time, so that a test need not wait for the end of a pause. */
const asking = { outagePauseMs: 0, timeoutMs: 200 };

describe.skipIf(noOwnRedis).each(clients)('when Redis fails: $name', (client) => {
  let server: RedisServer;
  beforeEach(async () => {
    server = await ownRedis();
  });
  afterEach(() => server?.stop());
  const redis = useRedis(() => server, client);

  async function failure(promise: unknown): Promise<RedisStoreError> {
    const error = await Promise.resolve(promise).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(RedisStoreError);
    expect(inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toMatch(/secret_/);
    return error as RedisStoreError;
  }

  it('slow: every method rejects in time, and the task does not start', async () => {
    const store = await redis.store(asking);
    await redis.admin.client('PAUSE', 60_000, 'ALL');
    const task = vi.fn(async () => {});
    expect(await failure(store.get('a'))).toMatchObject({ reason: 'timeout' });
    expect(await failure(store.set('a', secret))).toMatchObject({ reason: 'timeout' });
    expect(await failure(store.delete('a'))).toMatchObject({ reason: 'timeout' });
    expect(await failure(store.withLock('a', task, never))).toMatchObject({ reason: 'timeout' });
    expect(task).not.toHaveBeenCalled();
  });

  it('slow: a lock that Redis gives too late is given back', async () => {
    const store = await redis.store({ timeoutMs: 50 });
    await redis.admin.ping();
    server.freeze();
    expect(await failure(store.withLock('a', async () => {}, never))).toMatchObject({ reason: 'timeout' });
    server.resume();
    await vi.waitFor(
      async () => {
        expect(await redis.admin.info('commandstats')).toMatch(/cmdstat_del:calls=1,/);
        expect(await redis.admin.exists(redis.lockKey('a'))).toBe(0);
      },
      { timeout: 30_000 },
    );
  });

  it('slow: an abort does not wait for it', async () => {
    const store = await redis.store({ timeoutMs: 60_000 });
    await redis.admin.client('PAUSE', 60_000, 'ALL');
    const abort = new AbortController();
    const left = store.withLock('a', async () => {}, abort.signal);
    abort.abort(new Error('the caller left'));
    await expect(left).rejects.toBe(abort.signal.reason);
  });

  it('gone: it is asked once, and then memory answers without a promise', async () => {
    const store = await redis.store({ timeoutMs: 100, outagePauseMs: 600_000 });
    await store.set('a', secret);
    await server.stop();
    const { reason } = await failure(store.get('a'));
    expect(['timeout', 'unreachable']).toContain(reason);
    expect(store.get('a')).toEqual(secret);
    expect(store.get('b')).toBeUndefined();
    const newer = recordNumber(2, { refreshToken: 'secret_refresh_token_2' });
    expect(await failure(store.set('a', newer))).toMatchObject({ reason: 'paused' });
    expect(store.get('a')).toEqual(newer);
    const task = vi.fn(async () => {});
    expect(await failure(store.withLock('a', task, never))).toMatchObject({ reason: 'paused' });
    expect(task).not.toHaveBeenCalled();
    expect(await failure(store.delete('a'))).toMatchObject({ reason: 'paused' });
    expect(store.get('a')).toBeUndefined();
  });

  it('shut down in mid-lock: the task runs once to its end, and its record is handed in later', async () => {
    const [store, sibling] = [await redis.store(asking), await redis.store(asking)];
    let runs = 0;
    const minting = store.withLock(
      'a',
      async () => {
        runs += 1;
        await server.shutdown();
        await failure(store.set('a', secret));
      },
      never,
    );
    await failure(minting);
    expect(runs).toBe(1);
    await server.start();
    await vi.waitFor(async () => expect(await store.get('a')).toEqual(secret), { timeout: 30_000 });
    await vi.waitFor(async () => expect(await sibling.get('a')).toEqual(secret), { timeout: 30_000 });
    await expect(sibling.withLock('a', async () => 'free', never)).resolves.toBe('free');
  });

  it("after an outage a sibling's newer record is taken, and ours dropped", async () => {
    const [store, sibling] = [await redis.store(asking), await redis.store(asking)];
    await readOnly();
    expect(await failure(store.set('a', recordNumber(1)))).toMatchObject({ reason: 'refused' });
    expect(await failure(store.delete('b'))).toMatchObject({ reason: 'refused' });
    await writable();
    await sibling.set('a', recordNumber(2));
    expect(await store.get('a')).toEqual(recordNumber(2));
    expect(await sibling.get('a')).toEqual(recordNumber(2));
  });

  it.each([
    ['the older one', ['older', 'newer']],
    ['the newer one', ['newer', 'older']],
  ] as const)(
    'of what two processes could not hand in, the newer record stays: %s is first',
    async (_, order) => {
      const stores = { newer: await redis.store(asking), older: await redis.store(asking) };
      await stores.newer.set('a', recordNumber(1));
      await stores.older.get('a');
      await readOnly();
      expect(await failure(stores.older.set('a', recordNumber(2)))).toMatchObject({ reason: 'refused' });
      expect(await failure(stores.newer.set('a', recordNumber(3)))).toMatchObject({ reason: 'refused' });
      await writable();
      for (const which of order) await stores[which].get('a');
      expect(await stores.older.get('a')).toEqual(recordNumber(3));
      expect(await stores.newer.get('a')).toEqual(recordNumber(3));
    },
  );

  it('after an outage a record that was deleted meanwhile stays deleted', async () => {
    const [store, sibling] = [await redis.store(asking), await redis.store(asking)];
    await store.set('a', recordNumber(1));
    await readOnly();
    expect(await failure(store.delete('a'))).toMatchObject({ reason: 'refused' });
    expect(await store.get('a')).toBeUndefined();
    await writable();
    expect(await store.get('a')).toBeUndefined();
    expect(await sibling.get('a')).toBeUndefined();
  });

  it('read-only: reads go on, writes reject, and Redis is not left alone for it', async () => {
    const store = await redis.store({ outagePauseMs: 600_000 });
    await store.set('a', recordNumber(1));
    await readOnly();
    expect(await store.get('a')).toEqual(recordNumber(1));
    const error = await failure(store.set('a', secret));
    expect(error).toMatchObject({ reason: 'refused', message: expect.stringContaining('READONLY') });
    const task = vi.fn(async () => {});
    expect(await failure(store.withLock('a', task, never))).toMatchObject({ reason: 'refused' });
    expect(task).not.toHaveBeenCalled();
    // What Redis could not take is what this process goes on with.
    expect(await store.get('a')).toEqual(secret);
    await writable();
    await expect(store.withLock('a', async () => store.get('a'), never)).resolves.toEqual(secret);
    expect(await (await redis.store()).get('a')).toEqual(secret);
  });

  it('flushed in mid-lock: the late owner tells, and does not write over a newer record', async () => {
    const [late, sibling] = [await redis.store(), await redis.store()];
    const lost = late.withLock(
      'a',
      async () => {
        await redis.admin.flushall();
        await sibling.withLock('a', async () => sibling.set('a', recordNumber(2)), never);
        expect(await failure(late.set('a', recordNumber(1)))).toMatchObject({ reason: 'superseded' });
      },
      never,
    );
    expect(await failure(lost)).toMatchObject({ reason: 'lock-lost' });
    expect(await late.get('a')).toEqual(recordNumber(2));
  });

  it('flushed: what Redis forgot is missing, for siblings may have deleted it', async () => {
    const store = await redis.store();
    await store.set('a', recordNumber(1));
    await redis.admin.flushall();
    expect(await store.get('a')).toBeUndefined();
  });

  it('slow in mid-lock: an extension that gets no answer costs nothing, and the next one is tried', async () => {
    const { client: connected } = await redis.connection();
    const store = redisTokenStore(connected, {
      prefix: redis.prefix,
      leaseMs: 6_000,
      timeoutMs: 100,
      outagePauseMs: 0,
    });
    // The connection is there.
    await vi.waitFor(() => store.set('b', secret), { timeout: 30_000 });
    await store.withLock(
      'a',
      async () => {
        const owner = await redis.admin.get(redis.lockKey('a'));
        const commands = vi.spyOn(connected, 'eval');
        server.freeze();
        await vi.waitFor(() => expect(commands).toHaveBeenCalled(), { timeout: 60_000, interval: 20 });
        await failure(store.get('b')); // and so the extension, which was sent before, has been given up
        server.resume();
        let lastLeftMs = Number.POSITIVE_INFINITY;
        const extended = async () => {
          const leftMs = await redis.admin.pttl(redis.lockKey('a'));
          const isLonger = leftMs > lastLeftMs;
          lastLeftMs = leftMs;
          expect(isLonger).toBe(true);
        };
        await vi.waitFor(extended, { timeout: 60_000, interval: 20 });
        expect(await redis.admin.get(redis.lockKey('a'))).toBe(owner);
      },
      never,
    );
  });

  it('is told of what it missed once it is back, whether somebody asks for it or not', async () => {
    const store = await redis.store();
    await store.set('a', recordNumber(1));
    await readOnly();
    await failure(store.delete('a'));
    await failure(store.set('b', secret));
    await writable();
    await vi.waitFor(
      async () => {
        expect(await redis.admin.exists(redis.recordKey('a'))).toBe(0);
        expect(await redis.admin.exists(redis.recordKey('b'))).toBe(1);
      },
      { timeout: 30_000 },
    );
  });

  async function readOnly(): Promise<void> {
    await redis.admin.replicaof('127.0.0.1', await freePort());
  }

  async function writable(): Promise<void> {
    await redis.admin.replicaof('NO', 'ONE');
  }
});
