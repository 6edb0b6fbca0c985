import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clients } from './support/clients.ts';
import { never, useRedis } from './support/fixture.ts';
import { recordNumber } from './support/records.ts';
import { anyRedis, noRedis, type RedisServer } from './support/redis-server.ts';

const oldKey = Buffer.alloc(32, 1);
const newKey = Buffer.alloc(32, 2);
const DAY_MS = 86_400_000;

describe.skipIf(noRedis).each(clients)('the Redis store on $name', (client) => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await anyRedis();
  });
  afterAll(() => server?.stop());
  const redis = useRedis(() => server, client);

  it('shares a record between two processes', async () => {
    const [one, other] = [await redis.store(), await redis.store()];
    await one.set('a', recordNumber(1));
    expect(await other.get('a')).toEqual(recordNumber(1));
    expect(await other.get('b')).toBeUndefined();
    await other.delete('a');
    expect(await one.get('a')).toBeUndefined();
  });

  it('reads what a sibling has renewed, though it holds a fresh record itself', async () => {
    const [one, other] = [await redis.store(), await redis.store()];
    await one.set('a', recordNumber(1));
    await other.set('a', recordNumber(2));
    expect(await one.get('a')).toEqual(recordNumber(2));
  });

  it('keeps apart what has another prefix', async () => {
    const [one, other] = [await redis.store(), await redis.store({ prefix: `${redis.prefix}other:` })];
    await one.set('a', recordNumber(1));
    expect(await other.get('a')).toBeUndefined();
  });

  it.each([
    { what: 'a living token', livesMs: 7_200_000, ttlMs: 7_260_000 },
    { what: 'an expired one', livesMs: 0, ttlMs: 60_000 },
    { what: 'one with a refresh token', livesMs: 7_200_000, refreshToken: 'r', ttlMs: 90 * DAY_MS },
    {
      what: 'one that outlives its refresh token',
      livesMs: 200 * DAY_MS,
      refreshToken: 'r',
      ttlMs: 200 * DAY_MS + 60_000,
    },
  ])('lets Redis forget by itself: $what', async ({ livesMs, ttlMs, ...more }) => {
    const store = await redis.store();
    const startedAt = Date.now();
    await store.set('a', recordNumber(1, { ...more, expiresAt: startedAt + livesMs }));
    const left = await redis.admin.pttl(redis.recordKey('a'));
    expect(left).toBeLessThanOrEqual(ttlMs);
    // However long that took, a busy machine included.
    expect(left).toBeGreaterThanOrEqual(ttlMs - (Date.now() - startedAt) - 1);
  });

  it('keeps refresh tokens as long as it is told', async () => {
    const store = await redis.store({ refreshTokenTtlMs: 10 * DAY_MS });
    await store.set('a', recordNumber(1, { refreshToken: 'r' }));
    const left = await redis.admin.pttl(redis.recordKey('a'));
    expect(left).toBeGreaterThan(9 * DAY_MS);
    expect(left).toBeLessThanOrEqual(10 * DAY_MS);
  });

  it('encrypts with the first key and reads with all', async () => {
    const before = await redis.store({ encryptionKey: oldKey.toString('base64') });
    const rotating = await redis.store({ encryptionKey: [newKey, oldKey] });
    const after = await redis.store({ encryptionKey: newKey });
    await before.set('a', recordNumber(1));
    expect(await redis.admin.get(redis.recordKey('a'))).not.toContain('access_token');
    expect(await rotating.get('a')).toEqual(recordNumber(1));
    await rotating.set('a', recordNumber(2));
    expect(await after.get('a')).toEqual(recordNumber(2));
    await expect(before.get('a')).rejects.toMatchObject({ reason: 'unreadable' });
  });

  it('does not take one value in the place of another', async () => {
    const store = await redis.store({ encryptionKey: oldKey });
    await store.set('a', recordNumber(1));
    await store.set('b', recordNumber(2));
    await redis.admin.copy(redis.recordKey('a'), redis.recordKey('b'), 'REPLACE');
    await expect(store.get('b')).rejects.toMatchObject({
      code: 'ERR_REDIS_UNREADABLE',
      reason: 'unreadable',
    });
  });

  it.each([
    ['garbage', 'unreadable', (key: string) => redis.admin.set(key, 'access_token_in_clear')],
    ['nothing', 'unreadable', (key: string) => redis.admin.set(key, '')],
    ['another type', 'refused', (key: string) => redis.admin.rpush(key, 'access_token_in_clear')],
  ])('rejects on %s in Redis, and replaces it', async (_, reason, spoil) => {
    const store = await redis.store();
    await spoil(redis.recordKey('a'));
    await expect(store.get('a')).rejects.toMatchObject({
      code: `ERR_REDIS_${reason.toUpperCase()}`,
      reason,
    });
    await expect(store.get('a')).rejects.not.toThrow(/access_token/);
    await store.set('a', recordNumber(1));
    expect(await store.get('a')).toEqual(recordNumber(1));
    await spoil(redis.recordKey('b'));
    await store.delete('b');
    expect(await store.get('b')).toBeUndefined();
  });

  it('does not overwrite a record that was obtained later', async () => {
    const [one, late] = [await redis.store(), await redis.store()];
    await one.set('a', recordNumber(2));
    await expect(late.set('a', recordNumber(1))).rejects.toMatchObject({ reason: 'superseded' });
    expect(await one.get('a')).toEqual(recordNumber(2));
    expect(await late.get('a')).toEqual(recordNumber(2));
  });

  it('overwrites a record that was obtained at the same time: what is known of a token may change', async () => {
    const store = await redis.store();
    await store.set('a', recordNumber(1));
    await store.set('a', recordNumber(1, { accessToken: '' }));
    expect(await store.get('a')).toEqual(recordNumber(1, { accessToken: '' }));
  });

  it('deletes what it has seen, and not what a sibling has stored since', async () => {
    const [one, other] = [await redis.store(), await redis.store()];
    await one.set('a', recordNumber(-2));
    await other.set('a', recordNumber(-1));
    await one.delete('a');
    expect(await other.get('a')).toEqual(recordNumber(-1));
    await one.get('a');
    await one.delete('a');
    expect(await other.get('a')).toBeUndefined();
  });

  it('deletes what it has never seen', async () => {
    const [one, other] = [await redis.store(), await redis.store()];
    await one.set('a', recordNumber(-1));
    await other.delete('a');
    expect(await one.get('a')).toBeUndefined();
  });

  it('believes the owner of the lock rather than a clock', async () => {
    const [ahead, right] = [await redis.store(), await redis.store()];
    await ahead.set('a', recordNumber(60));
    await right.withLock('a', async () => right.set('a', recordNumber(1)), never);
    expect(await ahead.get('a')).toEqual(recordNumber(1));
  });
});
