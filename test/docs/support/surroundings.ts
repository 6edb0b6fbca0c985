/** What the hidden parts of a snippet may use: the world that stands in for PayU, Redis and the terminal. */
import nock from 'nock';
import { vi } from 'vitest';
import { type MockPayu, type MockPayuOptions, mockPayu } from '../../../src/testing/index.ts';
import type { RedisServer } from '../../redis/support/redis-server.ts';

export { expect } from 'vitest';

/** A snippet's environment, as its reader would have set it. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  PAYU_CLIENT_ID: 'client-1',
  PAYU_CLIENT_SECRET: 'secret-1',
  PAYU_USERNAME: '9999999999',
  PAYU_PASSWORD: 'password-1',
  TOKEN_KEY: Buffer.alloc(32, 7).toString('base64'),
};

const ends: (() => unknown)[] = [];

/** PayU's hosts, mocked: all that is declared must be used by the end. */
export function payu(options: Partial<MockPayuOptions> = {}): MockPayu {
  const kit = mockPayu({ environment: 'test', ...options });
  ends.push(() => {
    kit.restore();
    kit.done();
  });
  return kit;
}

/** A Redis at REDIS_URL. */
export async function redisServer(): Promise<RedisServer> {
  const { anyRedis } = await import('../../redis/support/redis-server.ts');
  const server = await anyRedis();
  vi.stubEnv('REDIS_URL', server.url);
  ends.push(() => server.stop());
  return server;
}

let lines: string[] = [];

/** What the snippet printed, line by line. */
export function printed(): readonly string[] {
  return lines;
}

/** Runs a snippet in these surroundings; nothing leaves this machine. */
export async function run(
  load: () => Promise<unknown>,
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  lines = [];
  for (const [name, value] of Object.entries({ ...ENVIRONMENT, ...environment })) vi.stubEnv(name, value);
  for (const method of ['log', 'warn', 'error'] as const) {
    vi.spyOn(console, method).mockImplementation((...values: unknown[]) => {
      lines.push(values.map(String).join(' '));
    });
  }
  nock.disableNetConnect();
  nock.enableNetConnect('127.0.0.1');
  const failures: unknown[] = [];
  await load().catch((error: unknown) => failures.push(error));
  for (const end of ends.splice(0).reverse()) {
    try {
      await end();
    } catch (error) {
      failures.push(error);
    }
  }
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  nock.cleanAll();
  nock.enableNetConnect();
  if (failures.length > 0) throw failures[0];
}
