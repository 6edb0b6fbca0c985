import { describe, expect, test } from 'vitest';
import { isPayuAuthError, RateLimitedError, TokenUnavailableError } from '../../../src/errors.ts';
import { MemoryTokenStore } from '../../../src/token/store/memory-token-store.ts';
import { atOnce, CREATE_LINKS, fulfilled, READ_LINKS, startHarness } from '../../support/harness.ts';
import { ACCOUNT, steadily, thisTurn } from './support.ts';

function reasons(results: readonly PromiseSettledResult<unknown>[]): unknown[] {
  return results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
}

describe('1,000 calls at once, and a token endpoint that says retry_after: 2 three times', () => {
  test('exactly 4 token requests, at least 2 s between each, and every call succeeds', async () => {
    const { payouts, clock, sandbox } = await startHarness();
    sandbox.rateLimit(3, { retryAfter: 2 });
    const calls = atOnce(1_000, () => payouts.get(ACCOUNT));
    const sentAt: number[] = [];
    for (let n = 1; n <= 3; n++) {
      await clock.waiting(2_000, 2_200);
      expect(sandbox.stats().tokenRequests).toBe(n);
      sentAt.push(clock.now());
      clock.advance(clock.nextInMs ?? 0);
    }
    const results = await calls;
    sentAt.push(clock.now());
    const gaps = sentAt.slice(1).map((at, index) => at - (sentAt[index] as number));
    expect(gaps.every((gap) => gap >= 2_000)).toBe(true);
    expect(fulfilled(results)).toBe(1_000);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 4, apiRequests: 1_000 });
    expect(clock.pending).toBe(0);
  });

  test('with maxWaitMs: 500 1 token request, 1,000 RateLimitedErrors at once, none after the wait, no timer left', async () => {
    const { payouts, clock, sandbox } = await startHarness({ maxWaitMs: 500 });
    sandbox.rateLimit(3, { retryAfter: 2 });
    const errors = reasons(await atOnce(1_000, () => payouts.get(ACCOUNT)));
    expect(errors).toHaveLength(1_000);
    const retryAt = clock.now() + 2_100;
    for (const error of errors) {
      expect(error).toBeInstanceOf(RateLimitedError);
      expect((error as RateLimitedError).retryAt.getTime()).toBe(retryAt);
    }
    expect(new Set(errors).size).toBe(1_000);
    expect(clock.pending).toBe(0);
    clock.advance(10_000);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: 0 });
  });

  test('the patient wait although the impatient leave', async () => {
    const { payouts, clock, sandbox } = await startHarness();
    sandbox.rateLimit(1, { retryAfter: 2 });
    const impatient = atOnce(10, () => payouts.get(ACCOUNT, { payuAuth: { maxWaitMs: 2_100 } }));
    const patient = atOnce(10, () => payouts.get(ACCOUNT, { payuAuth: { maxWaitMs: 2_101 } }));
    expect(reasons(await impatient)).toHaveLength(10);
    clock.advance(2_100);
    expect(fulfilled(await patient)).toBe(10);
    expect(sandbox.stats().tokenRequests).toBe(2);
  });

  test('who comes in the midst of a cool-down that is too long for it fails at once too', async () => {
    const { payouts, clock, sandbox } = await startHarness();
    sandbox.rateLimit(1, { retryAfter: 60 });
    const patient = payouts.get(ACCOUNT);
    await clock.waiting(63_000, 63_000);
    clock.advance(30_000);
    const late = payouts.get(ACCOUNT, { payuAuth: { maxWaitMs: 5_000 } });
    expect(await thisTurn(late)).toMatchObject({
      reason: { code: 'ERR_RATE_LIMITED', retryAfterMs: 33_000 },
    });
    clock.advance(33_000);
    await patient;
    expect(sandbox.stats().tokenRequests).toBe(2);
  });
});

describe('a token endpoint that is dead for 10 minutes, under 10 calls per second', () => {
  test('at most 40 token requests, typed errors that name the cause, and recovery', async () => {
    const { payouts, clock, sandbox, events } = await startHarness();
    sandbox.fail({ share: 1 }, { kind: 'reset-before-read' });
    const outcomes = await steadily(clock, { count: 6_000, everyMs: 100, longestBackOffMs: 5_000 }, () =>
      payouts.get(ACCOUNT),
    );
    const { tokenRequests, apiRequests } = sandbox.stats();
    expect(tokenRequests).toBeLessThanOrEqual(40);
    expect(apiRequests).toBe(0);
    const [first] = outcomes as TokenUnavailableError[];
    expect(first?.cause).toMatchObject({ code: 'ECONNRESET' });
    expect(first?.message).toContain('ECONNRESET');
    const typed = outcomes.filter(
      (error) => error instanceof TokenUnavailableError && error.cause instanceof Error,
    );
    expect(typed).toHaveLength(6_000);
    // Events tell of what was asked, not of each call that failed.
    expect(events.length).toBeLessThanOrEqual(tokenRequests);

    sandbox.clearFaults();
    clock.advance(30_000);
    expect((await payouts.get(ACCOUNT)).status).toBe(200);
    expect(sandbox.stats().tokenRequests).toBe(tokenRequests + 1);
    expect(clock.pending).toBe(0);
  });

  test('hanging: each try is given up in time, and the callers too', async () => {
    const { payouts, clock, sandbox } = await startHarness({ tokenTimeoutMs: 1_000, maxWaitMs: 3_000 });
    sandbox.fail({ share: 1 }, { kind: 'hang' });
    const outcomes: Promise<unknown>[] = [];
    for (let second = 0; second < 600; second++) {
      outcomes.push(payouts.get(ACCOUNT).catch((error) => error));
      const { tokenRequests } = sandbox.stats();
      // Before time goes on: a call that began a token request has sent it.
      if ((await thisTurn(outcomes.at(-1) as Promise<unknown>)) === 'pending' && clock.nextInMs === 1_000) {
        await sandbox.until(
          (stats) => stats.tokenRequests > tokenRequests || stats.tokenRequestsInFlight > 0,
        );
      }
      clock.advance(1_000);
    }
    clock.advance(10_000);
    const codes = new Set((await Promise.all(outcomes)).map((error) => isPayuAuthError(error) && error.code));
    expect(codes).toEqual(new Set(['ERR_TOKEN_UNAVAILABLE']));
    expect(sandbox.stats().tokenRequests).toBeLessThanOrEqual(40);
  });
});

describe('a wrong secret, under 10 calls per second for a minute', () => {
  test('at most 7 token requests', async () => {
    const { createAuth, client, clock, sandbox } = await startHarness();
    const payouts = client('/payout');
    createAuth({
      grant: { type: 'client_credentials', clientId: sandbox.clientId, clientSecret: 'wrong-secret' },
    }).attach(payouts);
    const outcomes = await steadily(clock, { count: 600, everyMs: 100, longestBackOffMs: 5_000 }, () =>
      payouts.get(ACCOUNT),
    );
    expect(
      outcomes.filter((error) => isPayuAuthError(error) && error.code === 'ERR_TOKEN_REFUSED'),
    ).toHaveLength(600);
    expect(sandbox.stats().tokenRequests).toBe(6);
    expect(sandbox.stats().apiRequests).toBe(0);
  });
});

describe('several scopes during a cool-down', () => {
  test('nobody sends in it; after it one probe, then the rest, one mint each', async () => {
    const { auth, clock, sandbox } = await startHarness();
    sandbox.rateLimit(1, { retryAfter: 2 });
    const scopes = ['create_payout_transactions', READ_LINKS, CREATE_LINKS, 'update_payment_links'];
    const first = auth.getToken({ scope: scopes[0] as string });
    await clock.waiting(2_100, 2_100);
    const rest = atOnce(30, (index) => auth.getToken({ scope: scopes[index % 4] as string }));
    const hold = sandbox.hold('token');
    clock.advance(2_100);
    await hold.waitFor(1);
    // What was sent beside it would have come by the end of a few round trips.
    for (let n = 0; n < 3; n++) await fetch(sandbox.url);
    expect(hold.arrived).toBe(1);
    hold.release(1);
    await hold.waitFor(4);
    hold.release();
    await first;
    expect(fulfilled(await rest)).toBe(30);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 5, maxConcurrentTokenRequests: 3 });
  });

  test('a probe that is limited again keeps the rest waiting, in the new cool-down', async () => {
    const { auth, clock, sandbox } = await startHarness();
    sandbox.rateLimit(2, { retryAfter: 2 });
    const calls = atOnce(4, (index) => auth.getToken({ scope: index < 2 ? READ_LINKS : CREATE_LINKS }));
    await sandbox.until(({ rateLimited }) => rateLimited === 2); // side by side: both scopes found out
    await clock.waiting(2_100, 2_100);
    sandbox.rateLimit(1, { retryAfter: 5 });
    clock.advance(2_100);
    await clock.waiting(5_250, 5_250);
    expect(sandbox.stats().tokenRequests).toBe(3);
    clock.advance(5_250);
    expect(fulfilled(await calls)).toBe(4);
    expect(sandbox.stats().tokenRequests).toBe(5);
  });

  test('instances and callers of one auth share it', async () => {
    const { payouts, links, clock, sandbox } = await startHarness();
    sandbox.rateLimit(1, { retryAfter: 60 });
    const patient = payouts.get(ACCOUNT);
    await clock.waiting(63_000, 63_000);
    await expect(links.get('/', { payuAuth: { maxWaitMs: 5_000 } })).rejects.toMatchObject({
      code: 'ERR_RATE_LIMITED',
    });
    expect(sandbox.stats().tokenRequests).toBe(1);
    clock.advance(63_000);
    await patient;
  });

  test('another client is not in it', async () => {
    const other = { clientId: 'another-client', clientSecret: 'another-secret' };
    const { auth, createAuth, clock, sandbox } = await startHarness({}, { clients: [other] });
    sandbox.rateLimit(1, { retryAfter: 60 });
    const limited = auth.getToken();
    await clock.waiting(63_000, 63_000);
    await createAuth({ grant: { type: 'client_credentials', ...other } }).getToken();
    clock.advance(63_000);
    await limited;
  });

  test('a token that is held goes on being used, and is not renewed ahead of time', async () => {
    const { payouts, auth, clock, sandbox, eventsOf } = await startHarness({}, { tokenLifeSeconds: 100 });
    await payouts.get(ACCOUNT);
    clock.advance(50_000);
    sandbox.rateLimit(1, { retryAfter: 60 });
    const limited = auth.getToken({ scope: READ_LINKS });
    await clock.waiting(63_000, 63_000);
    clock.advance(45_000); // inside the window of the token that is held
    for (let n = 0; n < 20; n++) await payouts.get(ACCOUNT);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 2, apiRequests: 21 });
    expect(eventsOf('token-failed')).toHaveLength(0);
    clock.advance(18_000);
    await limited;
  });

  test('a renewal in the background that fails is not tried again, and keeps no process alive', async () => {
    const { payouts, clock, sandbox, eventsOf } = await startHarness({}, { tokenLifeSeconds: 100 });
    await payouts.get(ACCOUNT);
    clock.advance(95_000);
    sandbox.fail(1, { kind: 'status', status: 502 });
    await payouts.get(ACCOUNT);
    while (eventsOf('token-failed').length === 0) {
      expect(clock.keepingAlive).toBe(0);
      await new Promise(setImmediate);
    }
    expect([clock.pending, sandbox.stats().tokenRequests]).toEqual([0, 2]);
    clock.advance(2_500);
    await payouts.get(ACCOUNT);
    await sandbox.until(({ mints }) => mints === 2);
  });

  test('who wakes looks into the store before anyone mints', async () => {
    const store = new MemoryTokenStore();
    const { auth, createAuth, clock, sandbox } = await startHarness({ store });
    sandbox.rateLimit(1, { retryAfter: 2 });
    const waiting = auth.getToken();
    await clock.waiting(2_100, 2_100);
    const issued = sandbox.issueToken({ clientId: sandbox.clientId });
    await createAuth().setToken({ accessToken: issued.accessToken, expiresInSeconds: 60 });
    clock.advance(2_100);
    expect((await waiting).value).toBe(issued.accessToken);
    expect(sandbox.stats().tokenRequests).toBe(1);
  });
});
