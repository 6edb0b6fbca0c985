import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts';
import { noOwnRedis, ownRedis, type RedisServer } from '../redis/support/redis-server.ts';
import { type Fleet, type Member, startFleet, together } from './support/fleet.ts';
import type { CallsReport } from './support/protocol.ts';

const HOUR_MS = 3_600_000;
const LIFE_MS = 2 * HOUR_MS;
const SCOPE = 'create_payout_transactions';

/** Whose clock writes what the others read. */
const writers = [
  ['an hour fast', 0],
  ['right', 1],
  ['an hour slow', 2],
] as const;
const AHEAD_MS = [HOUR_MS, 0, -HOUR_MS];

function expectAll({ fulfilled, failures }: CallsReport, calls: number): void {
  expect({ fulfilled, failures }).toEqual({ fulfilled: calls, failures: {} });
}

/** Another machine's clock is believed for differences only (T3). */
describe.skipIf(noOwnRedis)('clocks that disagree by two hours', { timeout: 240_000 }, () => {
  let redis: RedisServer;
  let fleet: Fleet;
  beforeAll(async () => {
    [redis, fleet] = await Promise.all([ownRedis(), startFleet(AHEAD_MS.length)]);
  }, 240_000);
  afterAll(async () => {
    await fleet?.close();
    await redis?.stop();
  });

  /** `impatient`: the process that does not wait for three seconds. */
  async function opened({ impatient }: { readonly impatient?: number } = {}): Promise<Sandbox> {
    const sandbox = await startSandbox();
    onTestFinished(() => sandbox.close());
    const { clientId, clientSecret, environment } = sandbox;
    const prefix = `clocks-${randomUUID()}:`;
    await Promise.all(
      fleet.members.map((member, index) =>
        member.open({
          environment,
          apiUrl: `${sandbox.url}/payout`,
          grant: { type: 'client_credentials', clientId, clientSecret },
          scope: SCOPE,
          redis: { url: redis.url, prefix, timeoutMs: 20_000, leaseMs: 60_000 },
          clockAheadMs: AHEAD_MS[index] ?? 0,
          ...(index === impatient && { maxWaitMs: 2_500 }),
        }),
      ),
    );
    return sandbox;
  }

  function split(index: number): readonly [writer: Member, siblings: readonly Member[]] {
    const [writer] = fleet.members.slice(index);
    if (writer === undefined) throw new Error('There is such a process.');
    return [writer, fleet.members.filter((member) => member !== writer)];
  }

  const callsOf = (members: readonly Member[], callsEach: number) =>
    together(members.map((member) => member.call(callsEach))).report;

  test.each(writers)(
    'retry_after 3 told by a process whose clock is %s: three seconds for all',
    async (_, index) => {
      const sandbox = await opened();
      sandbox.rateLimit(1, { on: 'token', retryAfter: 3 });
      const [writer, siblings] = split(index);
      const told = writer.call(20).report;
      await sandbox.until(({ rateLimited }) => rateLimited === 1);
      const [own, others] = await Promise.all([told, callsOf(siblings, 20)]);
      expectAll(own, 20);
      expectAll(others, siblings.length * 20);
      expect(sandbox.stats()).toMatchObject({ tokenRequests: 2, mints: 1 });
    },
  );

  test.each(writers)(
    'retry_after 3 told by a process whose clock is %s, which gives up: its siblings wait',
    async (_, index) => {
      const sandbox = await opened({ impatient: index });
      sandbox.rateLimit(1, { on: 'token', retryAfter: 3 });
      const [writer, siblings] = split(index);
      const toldAt = performance.now();
      await expect(writer.call(1).report).resolves.toMatchObject({ fulfilled: 0 });
      expectAll(await callsOf(siblings, 20), siblings.length * 20);
      expect(performance.now() - toldAt).toBeGreaterThan(2_900);
      expect(sandbox.stats()).toMatchObject({ tokenRequests: 2, mints: 1 });
    },
  );

  test.each(writers)(
    'a token minted by a process whose clock is %s lives as long as it lives',
    async (_, index) => {
      const sandbox = await opened();
      const [writer, siblings] = split(index);
      expectAll(await writer.call(1).report, 1);
      expectAll(await callsOf(siblings, 20), siblings.length * 20);
      expect(sandbox.stats().tokenRequests).toBe(1);

      await Promise.all(siblings.map((sibling) => sibling.stepClock(LIFE_MS - 120_000)));
      expectAll(await callsOf(siblings, 20), siblings.length * 20);
      expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, unauthorized: 0 });

      sandbox.expireAllTokens();
      await Promise.all(siblings.map((sibling) => sibling.stepClock(125_000)));
      expectAll(await callsOf(siblings, 20), siblings.length * 20);
      expect(sandbox.stats().tokenRequests).toBe(2);
      expect(sandbox.stats().unauthorized).toBe(0); // nobody sent it beyond its end
    },
  );
});
