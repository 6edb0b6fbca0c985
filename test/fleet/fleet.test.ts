import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/index.ts';
import type { Grant } from '../../src/token/endpoint/grants.ts';
import { noOwnRedis, ownRedis, type RedisServer } from '../redis/support/redis-server.ts';
import { type Fleet, type Member, startFleet, together } from './support/fleet.ts';
import type { CallsReport, MemberOptions } from './support/protocol.ts';

const SIZE = 8;
const CALLS_EACH = 200;
const CALLS = SIZE * CALLS_EACH;
const SCOPE = 'create_payout_transactions';

/** Nothing to fall back to: a refresh token that is lost is an error of each call from then on. */
function refreshTokenOnly({ publicClientId, issueToken }: Sandbox): Grant {
  const { refreshToken } = issueToken({ scope: SCOPE });
  return { type: 'refresh_token', clientId: publicClientId, refreshToken };
}

/** Not one call failed; if some did, says how. */
function expectAll({ fulfilled, failures }: CallsReport, calls: number): void {
  expect({ fulfilled, failures }).toEqual({ fulfilled: calls, failures: {} });
}

describe.skipIf(noOwnRedis)(`${SIZE} processes with one Redis`, { timeout: 240_000 }, () => {
  let redis: RedisServer;
  let fleet: Fleet;
  beforeAll(async () => {
    [redis, fleet] = await Promise.all([ownRedis(), startFleet(SIZE)]);
  }, 240_000);
  afterAll(async () => {
    await fleet?.close();
    await redis?.stop();
  });

  /** A sandbox of its own, and the members opened for it as if they had just been started. */
  async function opened(
    options: SandboxOptions = {},
    more: {
      readonly grant?: (sandbox: Sandbox) => Grant;
      readonly redis?: Partial<MemberOptions['redis']>;
      readonly maxWaitMs?: number;
    } = {},
  ): Promise<Sandbox> {
    const sandbox = await startSandbox({ requestLogLimit: 0, ...options });
    onTestFinished(() => sandbox.close());
    const { clientId, clientSecret, environment } = sandbox;
    await fleet.open({
      environment,
      apiUrl: `${sandbox.url}/payout`,
      grant: more.grant?.(sandbox) ?? { type: 'client_credentials', clientId, clientSecret },
      scope: SCOPE,
      // On a busy machine a Redis that runs may be slow, and an owner of the lock may stand still for longer than its
      // lease, so that a sibling mints as well: only where Redis or an owner is stopped are the limits of their own.
      redis: {
        url: redis.url,
        prefix: `fleet-${randomUUID()}:`,
        timeoutMs: 20_000,
        leaseMs: 60_000,
        ...more.redis,
      },
      ...(more.maxWaitMs !== undefined && { maxWaitMs: more.maxWaitMs }),
    });
    return sandbox;
  }

  /** With a token that all members hold, and the counters at 0. */
  async function warm(sandbox: Sandbox): Promise<void> {
    expectAll(await fleet.call(1).report, SIZE);
    sandbox.resetStats();
  }

  /** All calls are on their way with the old token when it is revoked. */
  async function revokedInFlight(sandbox: Sandbox, callsEach: number) {
    const hold = sandbox.hold('api', undefined, { process: 'after' });
    const { report } = fleet.call(callsEach);
    await hold.waitFor(SIZE * callsEach);
    sandbox.revokeAllTokens();
    hold.release();
    return report;
  }

  test(`a cold start makes exactly 1 token request for ${CALLS} calls`, async () => {
    const sandbox = await opened();
    const hold = sandbox.hold('token');
    const { started, report } = fleet.call(CALLS_EACH);
    await started;
    await hold.waitFor(1); // one process asks, and all calls of all processes wait
    hold.release();
    const outcome = await report;
    expectAll(outcome, CALLS);
    expect(outcome.events['token-minted']).toBe(1);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: CALLS, unauthorized: 0 });
  });

  test('a process that starts later takes the token that is there', async () => {
    const sandbox = await opened();
    const [first, ...others] = fleet.members;
    await first?.call(1).report;
    expectAll(await together(others.map((member) => member.call(20))).report, (SIZE - 1) * 20);
    expect(sandbox.stats().tokenRequests).toBe(1);
  });

  test('all tokens revoked with every call in flight: exactly 1 token request more', async () => {
    const sandbox = await opened();
    await warm(sandbox);
    expectAll(await revokedInFlight(sandbox, CALLS_EACH), CALLS);
    expect(sandbox.stats()).toMatchObject({
      tokenRequests: 1,
      apiRequests: 2 * CALLS,
      unauthorized: CALLS,
    });
  });

  test('all tokens revoked in the middle of the load: exactly 1 token request more', async () => {
    const sandbox = await opened();
    await warm(sandbox);
    const { report } = fleet.call(CALLS_EACH, { concurrency: 20 });
    await sandbox.until(({ apiRequests }) => apiRequests >= CALLS / 2);
    sandbox.revokeAllTokens();
    expectAll(await report, CALLS);
    const { tokenRequests, unauthorized } = sandbox.stats();
    expect(tokenRequests).toBe(1);
    expect(unauthorized).toBeGreaterThan(0);
  });

  /** No call is lost, whoever held which token (D3). Why the processes renew apart; and how many tokens that brings. */
  describe('each process holds another token, and then all tokens are revoked', () => {
    test.each<[string, number, (sandbox: Sandbox, member: Member) => Promise<void>]>([
      ['invalidate() by hand', 1, async (_, member) => member.invalidate()],
      [
        'a stray 401 of a gateway',
        1,
        async (sandbox) => sandbox.fail(1, { kind: 'status', status: 401, body: 'html' }, { on: 'api' }),
      ],
    ])('after %s', async (_, tokens, renewApart) => {
      const sandbox = await opened();
      await warm(sandbox);
      for (const member of fleet.members) {
        await renewApart(sandbox, member);
        expectAll(await member.call(1).report, 1);
      }
      expect(sandbox.stats().tokenRequests).toBe(tokens);
      sandbox.resetStats();
      expectAll(await revokedInFlight(sandbox, 20), SIZE * 20);
      expect(sandbox.stats().tokenRequests).toBeLessThanOrEqual(SIZE);
    });

    test('after an outage of Redis', async () => {
      const sandbox = await opened({}, { redis: { timeoutMs: 200, outagePauseMs: 0 } });
      await warm(sandbox);
      await redis.shutdown();
      sandbox.revokeAllTokens();
      expectAll(await fleet.call(1).report, SIZE);
      await redis.start();
      await fleet.redisReady();
      expect(sandbox.stats().tokenRequests).toBe(SIZE);
      sandbox.resetStats();
      expectAll(await revokedInFlight(sandbox, 20), SIZE * 20);
      expect(sandbox.stats().tokenRequests).toBeLessThanOrEqual(SIZE);
    });

    test('after a holder of the lock was stopped beyond its lease', async () => {
      const sandbox = await opened({}, { redis: { leaseMs: 5_000 } });
      const [stopped, ...others] = fleet.members;
      if (stopped === undefined) throw new Error('There is a first process.');
      const hold = sandbox.hold('token', undefined, { process: 'after' });
      const { report } = stopped.call(1);
      await hold.waitFor(1);
      stopped.freeze();
      const siblings = together(others.map((member) => member.call(1)));
      await hold.waitFor(2); // its lease is over, and a sibling mints
      hold.release();
      expectAll(await siblings.report, SIZE - 1);
      stopped.resume();
      expectAll(await report, 1);
      sandbox.resetStats();
      expectAll(await revokedInFlight(sandbox, 20), SIZE * 20);
      expect(sandbox.stats().tokenRequests).toBeLessThanOrEqual(2);
    });
  });

  describe('a server that revokes the previous token with each mint', () => {
    test(`${CALLS_EACH / 20} revocations: 1 token request for each`, async () => {
      const sandbox = await opened({ revokePrevious: true });
      await warm(sandbox);
      for (let revocation = 1; revocation <= CALLS_EACH / 20; revocation++) {
        expectAll(await revokedInFlight(sandbox, 20), SIZE * 20);
        expect(sandbox.stats().tokenRequests).toBe(revocation);
      }
    });

    test('one process renews, which kills the token of all others: they take the new one', async () => {
      const sandbox = await opened({ revokePrevious: true });
      await warm(sandbox);
      const [first, ...others] = fleet.members;
      if (first === undefined) throw new Error('There is a first process.');
      await first.invalidate();
      expectAll(await first.call(1).report, 1);
      expectAll(await together(others.map((member) => member.call(20))).report, (SIZE - 1) * 20);
      const { tokenRequests, unauthorized } = sandbox.stats();
      expect(tokenRequests).toBe(1);
      expect(unauthorized).toBeGreaterThanOrEqual(SIZE - 1);
    });
  });

  describe('a server that revokes the previous token, and Redis away: what cannot be promised (docs/fleet.md)', () => {
    const REFUSED = 'ERR_BAD_REQUEST: Request failed with status code 401';

    /** Refusals are lost calls; nothing else is. */
    function refusedOf({ fulfilled, failures }: CallsReport, calls: number): number {
      const refused = failures[REFUSED] ?? 0;
      expect({ failures, answered: fulfilled + refused }).toEqual({
        failures: refused === 0 ? {} : { [REFUSED]: refused },
        answered: calls,
      });
      return refused;
    }

    test('calls are refused, and no process mints per call; none is lost once Redis is back', async () => {
      const sandbox = await opened({ revokePrevious: true }, { redis: { timeoutMs: 200, outagePauseMs: 0 } });
      await warm(sandbox);
      await redis.shutdown();
      onTestFinished(async () => {
        if (!redis.isRunning()) await redis.start();
      });
      sandbox.revokeAllTokens();
      const refused = refusedOf(await fleet.call(40, { concurrency: 4 }).report, SIZE * 40);
      expect(refused).toBeGreaterThan(0);
      const { tokenRequests } = sandbox.stats();
      expect(tokenRequests).toBeLessThan((SIZE * 40) / 4);

      await redis.start();
      await fleet.redisReady();
      // The newest token is handed in, and the others find it: also in a pause (D5), as test/redis/way-back.test.ts shows.
      // A process that was refused with one that was handed in before mints once more (D3), and then they find that.
      await vi.waitFor(
        async () => {
          sandbox.resetStats();
          expect(refusedOf(await fleet.call(1).report, SIZE)).toBe(0);
          expect(sandbox.stats().unauthorized).toBe(0);
        },
        { timeout: 120_000, interval: 50 },
      );
      expectAll(await fleet.call(20).report, SIZE * 20);
      expect(sandbox.stats()).toMatchObject({ tokenRequests: 0, unauthorized: 0 });
    });
  });

  test.each([
    ['immediate', CALLS_EACH / 4],
    ['previous', CALLS_EACH / 10],
  ] as const)(
    'a rotating refresh token (%s) is not lost in %i rotations',
    async (refreshRotation, rotations) => {
      const sandbox = await opened({ refreshRotation }, { grant: refreshTokenOnly });
      for (let rotation = 0; rotation < rotations; rotation++) {
        sandbox.revokeAllTokens({ keep: 'refresh-tokens' });
        expectAll(await fleet.call(1).report, SIZE);
      }
      expect(sandbox.stats()).toMatchObject({ tokenRequests: rotations, refreshes: rotations });
    },
  );

  test('a process that missed rotations of the refresh token comes back', async () => {
    const sandbox = await opened({ refreshRotation: 'immediate' }, { grant: refreshTokenOnly });
    await warm(sandbox);
    const [idle, ...others] = fleet.members;
    for (let rotation = 1; rotation <= 5; rotation++) {
      sandbox.revokeAllTokens({ keep: 'refresh-tokens' });
      expectAll(await together(others.map((member) => member.call(1))).report, SIZE - 1);
    }
    if (idle === undefined) throw new Error('There is a first process.');
    expectAll(await idle.call(CALLS_EACH).report, CALLS_EACH);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 5, refreshes: 5 });
  });

  describe('Redis stops', () => {
    test('in the middle of a mint: no call fails, and each process mints at most once per life', async () => {
      const sandbox = await opened({}, { redis: { timeoutMs: 200 } });
      const hold = sandbox.hold('token');
      const { started, report } = fleet.call(CALLS_EACH);
      await started;
      await hold.waitFor(1);
      await redis.shutdown();
      onTestFinished(() => redis.start());
      hold.release();
      const first = await report;
      expectAll(first, CALLS);
      expect(first.events['store-failed']).toBeGreaterThan(0);
      const { tokenRequests } = sandbox.stats();
      expect(tokenRequests).toBeGreaterThanOrEqual(1);
      expect(tokenRequests).toBeLessThanOrEqual(SIZE);

      sandbox.resetStats();
      sandbox.revokeAllTokens();
      const reports = await Promise.all(fleet.members.map((member) => member.call(CALLS_EACH).report));
      for (const each of reports) {
        expectAll(each, CALLS_EACH);
        expect(each.events['token-minted']).toBe(1);
      }
      expect(sandbox.stats().tokenRequests).toBe(SIZE);
    });

    test('and comes back empty: the fleet shares one token again', async () => {
      // For the whole storm of all processes: one that finds Redis too slow mints for itself.
      const sandbox = await opened({}, { redis: { timeoutMs: 2_000, outagePauseMs: 0 } });
      await warm(sandbox);
      await redis.shutdown();
      sandbox.revokeAllTokens();
      expectAll(await fleet.call(CALLS_EACH).report, CALLS);
      expect(sandbox.stats().tokenRequests).toBe(SIZE);
      await redis.start();
      await fleet.redisReady();
      await Promise.all(fleet.members.map((member) => member.invalidate()));
      sandbox.resetStats();
      expectAll(await fleet.call(CALLS_EACH).report, CALLS);
      expect(sandbox.stats().tokenRequests).toBe(1);
      sandbox.resetStats();
      expectAll(await revokedInFlight(sandbox, CALLS_EACH), CALLS);
      expect(sandbox.stats().tokenRequests).toBe(1);
    });
  });

  test('a rate limit with retry_after 2: one process finds out, the others wait', async () => {
    const sandbox = await opened();
    sandbox.rateLimit(1, { on: 'token', retryAfter: 2 });
    const outcome = await fleet.call(CALLS_EACH).report;
    expectAll(outcome, CALLS);
    expect(outcome.events['rate-limited']).toBe(1);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 2, rateLimited: 1, mints: 1 });
  });

  test('the holder of the lock is killed in a cold mint: no call of a sibling that waits 5/3 of its lease is lost', async () => {
    // As 5 s are to the lease of 3 s that is the default; a busy machine is slower than that.
    const sandbox = await opened({}, { maxWaitMs: 20_000, redis: { leaseMs: 12_000 } });
    const [doomed, ...others] = fleet.members;
    if (doomed === undefined) throw new Error('There is a first process.');
    const hold = sandbox.hold('token');
    void doomed.call(1).report.catch(() => {});
    await hold.waitFor(1);
    const { started, report } = together(others.map((member) => member.call(20)));
    await started;
    await doomed.kill();
    await hold.waitFor(2);
    hold.release();
    expectAll(await report, (SIZE - 1) * 20);
    expect(sandbox.stats().tokenRequests).toBe(2);
  });
});
