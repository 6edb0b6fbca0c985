import axios from 'axios';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createPayuAuthIn } from '../../src/payu-auth.ts';
import { redisTokenStore } from '../../src/redis/index.ts';
import { scriptRunnerOf } from '../../src/redis/redis-client.ts';
import { startSandbox } from '../../src/sandbox/index.ts';
import { middling, PAYOUTS_SCOPE } from '../support/harness.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { adminOf, clients, untilReady } from './support/clients.ts';
import { never } from './support/fixture.ts';
import { recordNumber } from './support/records.ts';
import { noOwnRedis, ownRedis, type RedisServer } from './support/redis-server.ts';

const PATIENT = { timeout: 30_000 };

async function startRedis(): Promise<RedisServer> {
  const server = await ownRedis();
  onTestFinished(() => server.stop());
  return server;
}

describe.skipIf(noOwnRedis)('the way back after an outage of Redis', { timeout: 120_000 }, () => {
  it.each(clients)('$name: two seconds at most once it answers', async ({ connect }) => {
    const server = await startRedis();
    const open = async () => {
      const { client, close } = await connect(server.url);
      onTestFinished(async () => {
        await close();
      });
      return client;
    };
    const client = await open();
    const store = redisTokenStore(client, { timeoutMs: 1_000 });
    await store.set('a', recordNumber(1));
    await server.shutdown();
    await expect(store.get('a')).rejects.toThrow();
    expect(store.get('a')).toEqual(recordNumber(1)); // from memory: Redis is left alone
    await server.start();
    const ask = scriptRunnerOf(client);
    await vi.waitFor(() => ask({ script: 'return 1', keys: ['a'], values: [] }), PATIENT);
    await redisTokenStore(await open(), { timeoutMs: 20_000 }).set('a', recordNumber(2));

    // The clock of all pauses; nothing waits for these two seconds.
    const now = performance.now.bind(performance);
    const spy = vi.spyOn(performance, 'now').mockImplementation(() => now() + 2_000);
    onTestFinished(() => spy.mockRestore());
    expect(await store.get('a')).toEqual(recordNumber(2));
    await expect(store.withLock('a', async () => 'locked', never)).resolves.toBe('locked');
  });

  it('on a server that revokes the previous token, refused calls end although each process is in a pause (D5)', async () => {
    const server = await startRedis();
    const clock = new ManualClock();
    const sandbox = await startSandbox({ now: () => clock.now(), revokePrevious: true });
    onTestFinished(() => sandbox.close());
    const { clientId, clientSecret, environment, url: baseURL } = sandbox;
    const start = async () => {
      // Fails at once while Redis is away, so that the store's own limit need not be short.
      const redis = new Redis(server.url, { retryStrategy: () => 20, enableOfflineQueue: false });
      redis.on('error', () => {});
      await untilReady(redis);
      const auth = createPayuAuthIn(
        { clock, random: middling },
        {
          environment,
          grant: { type: 'client_credentials', clientId, clientSecret },
          scope: PAYOUTS_SCOPE,
          store: redisTokenStore(redis, { timeoutMs: 20_000, leaseMs: 60_000, outagePauseMs: 0 }),
        },
      );
      const client = axios.create({ baseURL });
      auth.attach(client);
      onTestFinished(async () => {
        await auth.close();
        redis.disconnect();
      });
      const call = () =>
        client.get('/payout/merchant/getAccountDetail').then(
          () => 'fulfilled',
          ({ response }) => response?.status,
        );
      return { redis, auth, call };
    };
    const [lucky, ...others] = await Promise.all([start(), start(), start(), start()]);
    if (lucky === undefined) throw new Error('There is a first one.');
    for (const { auth } of [lucky, ...others]) await auth.getToken();
    expect(sandbox.stats().tokenRequests).toBe(1);

    await server.shutdown();
    // Each renewal of theirs does not help: the next one is killed before it was used. Pauses of 1 and 2 s.
    for (const pauseMs of [1_000, 1]) {
      for (const { call } of others) {
        sandbox.fail(2, { kind: 'status', status: 401 }, { on: 'api' });
        expect(await call()).toBe(401);
      }
      clock.advance(pauseMs);
    }
    expect(await lucky.call()).toBe('fulfilled');
    const { value } = await lucky.auth.getToken();
    for (const { call } of others) expect(await call()).toBe(401);

    await server.start();
    for (const { redis } of [lucky, ...others]) await untilReady(redis);
    sandbox.resetStats();
    const admin = adminOf(server.url);
    onTestFinished(() => admin.disconnect());
    // Whoever was first: of what they hand in, the one token that is alive stays.
    await vi.waitFor(async () => {
      const [key = ''] = await admin.keys('payu-auth:*}');
      expect(await admin.get(key)).toContain(value);
    }, PATIENT);
    clock.advance(1_000);
    for (const { call } of [lucky, ...others]) expect(await call()).toBe('fulfilled');
    expect(sandbox.stats().tokenRequests).toBe(0);
  });
});
