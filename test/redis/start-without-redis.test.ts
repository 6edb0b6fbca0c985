import { Redis as IoRedis } from 'ioredis';
import { createClient } from 'redis';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createPayuAuth } from '../../src/index.ts';
import { type RedisClient, redisTokenStore } from '../../src/redis/index.ts';
import { startSandbox } from '../../src/sandbox/index.ts';
import { noOwnRedis, ownRedis } from './support/redis-server.ts';

/** As docs/fleet.md has it: the connection is not awaited. */
const clients: readonly [string, (url: string) => { client: RedisClient; close: () => void }][] = [
  [
    'node-redis',
    (url) => {
      const client = createClient({ url });
      client.on('error', () => {});
      client.connect().catch(() => {});
      return { client, close: () => client.destroy() };
    },
  ],
  [
    'ioredis',
    (url) => {
      const client = new IoRedis(url).on('error', () => {});
      return { client, close: () => client.disconnect() };
    },
  ],
];

describe.skipIf(noOwnRedis)('an application that starts while Redis is out', { timeout: 60_000 }, () => {
  test.each(clients)(
    '%s: tokens are there all the time, and Redis learns of it once it is there',
    async (_, connect) => {
      const server = await ownRedis();
      onTestFinished(() => server.stop());
      await server.shutdown();
      const sandbox = await startSandbox();
      onTestFinished(() => sandbox.close());

      const start = (timeoutMs: number) => {
        const { client, close } = connect(server.url);
        const { clientId, clientSecret, environment } = sandbox;
        const auth = createPayuAuth({
          environment,
          grant: { type: 'client_credentials', clientId, clientSecret },
          scope: 'create_payout_transactions',
          store: redisTokenStore(client, { timeoutMs, outagePauseMs: 0 }),
        });
        onTestFinished(async () => {
          await auth.close();
          close();
        });
        return auth;
      };

      const first = start(300);
      const { value } = await first.getToken();
      expect((await first.getToken()).value).toBe(value);
      expect(sandbox.stats().tokenRequests).toBe(1);

      await server.start();
      expect((await first.getToken()).value).toBe(value);
      const admin = new IoRedis(server.url).on('error', () => {});
      onTestFinished(() => admin.disconnect());
      await vi.waitFor(async () => expect(await admin.keys('payu-auth:*')).toHaveLength(1), {
        timeout: 30_000,
      });

      expect((await start(20_000).getToken()).value).toBe(value);
      expect(sandbox.stats().tokenRequests).toBe(1);
    },
  );
});

test('in a browser-like test environment, where a timer is a number: the failure is told as everywhere', async () => {
  const { setTimeout: nodes } = globalThis;
  vi.stubGlobal('setTimeout', (...timer: Parameters<typeof nodes>) => Number(nodes(...timer)));
  onTestFinished(() => void vi.unstubAllGlobals());
  const store = redisTokenStore({ eval: () => Promise.reject(new Error('Connection is closed.')) });
  const record = { accessToken: 'token', scope: [], obtainedAt: 0, expiresAt: 1, extra: {} };
  await expect(store.set('key', record)).rejects.toMatchObject({ code: 'ERR_REDIS_UNREACHABLE' });
});
