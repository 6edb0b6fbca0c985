import { describe, expect, test } from 'vitest';
import type { RawReply } from '../../../src/sandbox/index.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

/** What follows from each kind of reply; which replies are of which kind is in the tests of the endpoint. */
describe('what follows from a reply of the token endpoint', () => {
  test('a rate limit that tells a wait: a cool-down for all', async () => {
    const harness = await startHarness();
    harness.sandbox.replyNext({ status: 401, body: { error: 'rate_limit_exceeded', retry_after: 2 } });
    await expectCoolDown(harness, 2_100);
  });

  test('a rate limit that tells none: a back-off, half of 1 s and half of the other half', async () => {
    const harness = await startHarness();
    harness.sandbox.replyNext({ status: 429, body: '' });
    await expectCoolDown(harness, 750);
  });

  test('a passing fault: another try', async () => {
    const harness = await startHarness();
    harness.sandbox.replyNext({ status: 503, body: '' });
    await expectBackOff(harness);
  });

  test.each(['invalid_client', undefined])('a refusal: the same answer for 10 s (%s)', async (error) => {
    const harness = await startHarness();
    harness.sandbox.replyNext({ status: 400, body: error === undefined ? '' : { error } });
    await expectRefusal(harness, 400, error);
  });

  test('a success status without a token: asked again at once, after as many as tries a pause', async () => {
    const harness = await startHarness({ tokenAttempts: 2 });
    const reply = { status: 200, body: 'Too Many Requests' };
    harness.sandbox.replyNext(reply);
    await expectUnusable(harness, reply);
  });
});

/** No caller sends before its end; then one mint. */
async function expectCoolDown({ auth, clock, sandbox, eventsOf }: Harness, delayMs: number): Promise<void> {
  const first = auth.getToken();
  await clock.waiting(delayMs, delayMs);
  const second = auth.getToken();
  const [event] = eventsOf('rate-limited');
  expect(event).toMatchObject({ source: 'token-endpoint', delayMs });
  expect(event?.retryAt.getTime()).toBe(clock.now() + delayMs);
  clock.advance(delayMs - 1);
  expect(sandbox.stats().tokenRequests).toBe(1);
  clock.advance(1);
  await Promise.all([first, second]);
  expect(sandbox.stats().tokenRequests).toBe(2);
}

async function expectBackOff({ auth, clock, sandbox, eventsOf }: Harness): Promise<void> {
  const call = auth.getToken();
  await clock.waiting(150, 150);
  expect([eventsOf('rate-limited').length, eventsOf('token-failed').length]).toEqual([0, 0]);
  clock.advance(150);
  await call;
  expect(sandbox.stats().tokenRequests).toBe(2);
}

async function expectRefusal(
  { auth, clock, sandbox }: Harness,
  status: number,
  error: string | undefined,
): Promise<void> {
  const refusal = { code: 'ERR_TOKEN_REFUSED', error, status };
  await expect(auth.getToken()).rejects.toMatchObject(refusal);
  clock.advance(9_999);
  await expect(auth.getToken()).rejects.toMatchObject(refusal);
  expect(sandbox.stats().tokenRequests).toBe(1);
  clock.advance(1);
  await auth.getToken();
  expect(sandbox.stats().tokenRequests).toBe(2);
}

/** The next mint asks at once; a second such reply in a row is followed by a pause. */
async function expectUnusable({ auth, clock, sandbox }: Harness, reply: RawReply): Promise<void> {
  const failure = { code: 'ERR_TOKEN_RESPONSE', status: reply.status };
  await expect(auth.getToken()).rejects.toMatchObject(failure);
  sandbox.replyNext(reply);
  await expect(auth.getToken()).rejects.toMatchObject(failure);
  expect(sandbox.stats().tokenRequests).toBe(2);
  clock.advance(999);
  await expect(auth.getToken()).rejects.toMatchObject(failure);
  expect(sandbox.stats().tokenRequests).toBe(2);
  clock.advance(1);
  await auth.getToken();
  expect(sandbox.stats().tokenRequests).toBe(3);
}

describe('how long a cool-down takes (E2)', () => {
  const NOW_PLUS_5_S = new Date(Date.UTC(2100, 0, 1, 0, 0, 5)).toUTCString();
  test.each([
    { retryAfter: 2, delayMs: 2_100 },
    { retryAfter: '2', delayMs: 2_100 },
    { retryAfter: 1e3, delayMs: 1_050_000 },
    { retryAfter: false, header: NOW_PLUS_5_S, delayMs: 5_250 },
    { retryAfter: 2, header: NOW_PLUS_5_S, delayMs: 5_250 },
    { retryAfter: 2, header: '1', delayMs: 2_100 },
    { retryAfter: -1, delayMs: 750 },
    { retryAfter: 'NaN', delayMs: 750 },
    { retryAfter: '0x10', delayMs: 750 },
    { retryAfter: '1e3', delayMs: 750 },
    { retryAfter: false, header: '0x10', delayMs: 750 },
    { retryAfter: false, header: '-5', delayMs: 750 },
  ] as const)('$retryAfter $header: $delayMs ms', async ({ delayMs, ...given }) => {
    const harness = await startHarness({ maxWaitMs: 2_000_000 });
    const header = 'header' in given ? { retryAfterHeader: given.header } : {};
    harness.sandbox.rateLimit(1, { retryAfter: given.retryAfter, ...header });
    await expectCoolDown(harness, delayMs);
  });

  test.each([
    { why: 'told 0', limit: { retryAfter: 0 } },
    {
      why: 'told a date in the past',
      limit: { retryAfter: false, retryAfterHeader: 'Thu, 01 Jan 1970 00:00:00 GMT' },
    },
  ] as const)('$why: at once; the second time in a row: a back-off', async ({ limit }) => {
    const { auth, clock, sandbox, eventsOf } = await startHarness();
    sandbox.rateLimit(2, limit);
    const call = auth.getToken();
    await clock.waiting(750, 750);
    expect(eventsOf('rate-limited').map(({ delayMs }) => delayMs)).toEqual([0, 750]);
    expect(sandbox.stats().tokenRequests).toBe(2);
    clock.advance(750);
    await call;
    expect(sandbox.stats().tokenRequests).toBe(3);
  });

  /** A moment of the manual clock, as a server may tell it. */
  const inSeconds = (clock: Harness['clock'], aheadMs: number) => (clock.now() + aheadMs) / 1_000;

  test.each([
    ['a point in time, in seconds', (clock: Harness['clock']) => inSeconds(clock, 60_000)],
    ['a point in time, in milliseconds', (clock: Harness['clock']) => clock.now() + 60_000],
    ['as a string', (clock: Harness['clock']) => String(inSeconds(clock, 60_000))],
  ])('%s: about a minute', async (_, retryAfter) => {
    const { auth, clock, sandbox } = await startHarness({ maxWaitMs: 1_000 });
    sandbox.rateLimit(1, { retryAfter: retryAfter(clock) as number });
    await expect(auth.getToken()).rejects.toMatchObject({ code: 'ERR_RATE_LIMITED', retryAfterMs: 63_000 });
    expect(clock.pending).toBe(0);
  });

  test.each([
    ['an hour', 3_600],
    ['59 minutes, with jitter', 59 * 60],
    ['a day', 86_400],
    ['31 years', 999_999_999],
    ['a point in time that no Date can hold', 1e300],
  ])('told %s: an hour at most before one request asks again', async (_, retryAfter) => {
    const { auth, clock, sandbox } = await startHarness({ maxWaitMs: 1_000 });
    sandbox.rateLimit(1, { retryAfter });
    const error = await auth.getToken().catch((caught) => caught);
    expect(error).toMatchObject({ code: 'ERR_RATE_LIMITED', retryAfterMs: 3_600_000 });
    expect(error.retryAt.getTime()).toBe(clock.now() + 3_600_000);
    clock.advance(3_599_000);
    await expect(auth.getToken()).rejects.toMatchObject({ code: 'ERR_RATE_LIMITED' });
    expect(sandbox.stats().tokenRequests).toBe(1);
    clock.advance(1_000);
    await auth.getToken();
    expect(sandbox.stats().tokenRequests).toBe(2);
  });
});

describe('a passing fault (E6)', () => {
  test.each([
    { fault: { kind: 'reset-before-read' } },
    { fault: { kind: 'reset-in-body' } },
    { fault: { kind: 'garbage' } },
    { fault: { kind: 'status', status: 502, body: 'html' } },
    { fault: { kind: 'oauth-error', error: 'server_error', status: 400 } },
  ] as const)('$fault: 4 tries with growing delays, then a typed error with its cause', async ({ fault }) => {
    const { auth, clock, sandbox, eventsOf } = await startHarness();
    sandbox.fail({ share: 1 }, fault);
    const since = clock.now();
    const call = auth.getToken().catch((error) => error);
    for (const delayMs of [150, 300, 600]) {
      await clock.waiting(delayMs, delayMs);
      clock.advance(delayMs);
    }
    const error = await call;
    expect(error).toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE', attempts: 4 });
    expect(error.cause).toBeInstanceOf(Error);
    expect(error.message).toContain(new Date(since).toISOString());
    expect(sandbox.stats().tokenRequests).toBe(4);
    expect(eventsOf('token-failed')).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test.each([{ kind: 'hang' }, { kind: 'hang-in-body' }] as const)(
    '$kind: given up after tokenTimeoutMs, and tried again',
    async (fault) => {
      const { auth, clock, sandbox } = await startHarness({ tokenTimeoutMs: 3_000 });
      sandbox.fail(1, fault);
      const call = auth.getToken();
      await clock.waiting(3_000, 3_000);
      await sandbox.until(({ tokenRequests }) => tokenRequests === 1);
      clock.advance(3_000);
      await clock.waiting(150, 150);
      clock.advance(150);
      await call;
      expect(sandbox.stats().tokenRequests).toBe(2);
    },
  );

  test('with tokenAttempts: 1 there is one try, and a rate limit does not count as one', async () => {
    const { auth, clock, sandbox } = await startHarness({ tokenAttempts: 1 });
    sandbox.rateLimit(2, { retryAfter: 2 });
    const limited = auth.getToken();
    for (let n = 0; n < 2; n++) {
      await clock.waiting(2_100, 2_100);
      clock.advance(2_100);
    }
    await limited;
    await auth.invalidate();
    sandbox.resetStats();
    sandbox.fail(1, { kind: 'status', status: 502 });
    await expect(auth.getToken()).rejects.toMatchObject({ attempts: 1, status: 502 });
    expect(sandbox.stats().tokenRequests).toBe(1);
  });

  test('a rate limit in the midst of the tries is waited out, and the tries go on', async () => {
    const { auth, clock, sandbox } = await startHarness();
    sandbox.fail(3, { kind: 'status', status: 502 });
    sandbox.rateLimit(1, { retryAfter: 2 });
    const call = auth.getToken();
    for (const delayMs of [150, 300, 600, 2_100]) {
      await clock.waiting(delayMs, delayMs);
      clock.advance(delayMs);
    }
    await call;
    expect(sandbox.stats().tokenRequests).toBe(5);
  });
});

describe('a remembered refusal (E7)', () => {
  test.each([
    { error: 'invalid_client', otherScopes: 'refused' },
    { error: 'unauthorized_client', otherScopes: 'refused' },
    { error: 'invalid_scope', otherScopes: 'minted' },
    { error: 'invalid_request', otherScopes: 'minted' },
  ])('$error: other scopes of the client are $otherScopes meanwhile', async ({ error, otherScopes }) => {
    const { auth, sandbox } = await startHarness();
    sandbox.fail(1, { kind: 'oauth-error', error });
    await expect(auth.getToken()).rejects.toMatchObject({ error });
    const other = await auth.getToken({ scope: 'read_payment_links' }).then(
      () => 'minted',
      () => 'refused',
    );
    expect(other).toBe(otherScopes);
    expect(sandbox.stats().tokenRequests).toBe(otherScopes === 'minted' ? 2 : 1);
  });

  test('ends when the secret changes', async () => {
    let secret = 'wrong-secret';
    const { createAuth, sandbox } = await startHarness();
    const auth = createAuth({
      grant: { type: 'client_credentials', clientId: sandbox.clientId, clientSecret: () => secret },
    });
    await expect(auth.getToken()).rejects.toMatchObject({ error: 'invalid_client' });
    await expect(auth.getToken()).rejects.toMatchObject({ error: 'invalid_client' });
    expect(sandbox.stats().tokenRequests).toBe(1);
    secret = sandbox.clientSecret;
    await auth.getToken();
    expect(sandbox.stats().tokenRequests).toBe(2);
  });
});
