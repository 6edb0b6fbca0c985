import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { SandboxRequest } from '../../src/sandbox/index.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { payment } from '../support/payments.ts';
import { ACCOUNT, thisTurn } from '../token/mint/support.ts';
import { eventually } from '../token/support.ts';

const PAYMENT = [payment('ref-1')];
const ON_API = { on: 'api' } as const;
/** What `retryAfter: 2` comes to with random numbers in the middle. */
const TOLD_2_S = 2_100;

function apiRequests({ sandbox }: Harness): readonly SandboxRequest[] {
  return sandbox.requests().filter(({ kind }) => kind === 'api');
}

/** A harness that holds a token, its counters at 0. */
async function withToken(options: Parameters<typeof startHarness>[0] = {}): Promise<Harness> {
  const harness = await startHarness(options);
  await harness.auth.getToken();
  harness.sandbox.resetStats();
  return harness;
}

describe.each(['http', 'fetch'] as const)('a rate limit of the API over the %s adapter', (adapter) => {
  test('the request waits as told and is sent again, without a mint or a token cool-down', async () => {
    const harness = await withToken();
    const { auth, payouts, clock, sandbox, eventsOf } = harness;
    sandbox.rateLimit(1, { ...ON_API, retryAfter: 2 });
    const call = payouts.post('/v2/payment', PAYMENT, { adapter });
    await clock.waiting(TOLD_2_S, TOLD_2_S);
    await auth.getToken({ scope: 'read_payment_links' }); // another scope mints meanwhile
    clock.advance(TOLD_2_S - 1);
    expect(sandbox.stats().apiRequests).toBe(1);
    clock.advance(1);
    expect((await call).data).toMatchObject({ status: 0 });
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: 2, payments: 1 });
    expect(eventsOf('rate-limited')).toMatchObject([{ source: 'api', delayMs: TOLD_2_S }]);
    expect(eventsOf('request-replayed')).toMatchObject([
      { cause: 'rate-limited', attempt: 2, method: 'POST' },
    ]);
    const [first, second] = apiRequests(harness);
    expect(second?.token).toBe(first?.token);
    expect(second?.rawBody).toEqual(Buffer.from(JSON.stringify(PAYMENT)));
    expect(clock.pending).toBe(0);
  });

  test.each([400, 401, 403])('a %i that says rate_limit_exceeded is one, too', async (status) => {
    const { payouts, clock, sandbox } = await withToken();
    sandbox.rateLimit(1, { ...ON_API, retryAfter: 2, status });
    const call = payouts.get(ACCOUNT, { adapter });
    await clock.waiting(TOLD_2_S, TOLD_2_S);
    clock.advance(TOLD_2_S);
    await call;
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 0, apiRequests: 2 });
  });

  test.each([
    { why: 'a 200', reply: { status: 200, body: { error: 'rate_limit_exceeded', retry_after: 2 } } },
    { why: 'a 500', reply: { status: 500, body: { error: 'rate_limit_exceeded', retry_after: 2 } } },
    { why: 'a 503 with Retry-After', reply: { status: 503, headers: { 'retry-after': '2' }, body: '' } },
    {
      why: 'a 422 whose "error" is an object',
      reply: { status: 422, body: { error: { reason: 'Invalid' } } },
    },
  ])('$why is none: the caller gets it at once', async ({ reply }) => {
    const { payouts, clock, sandbox } = await withToken();
    sandbox.replyNext(reply, ON_API);
    const response = await payouts.post('/v2/payment', PAYMENT, { adapter, validateStatus: () => true });
    expect([response.status, response.data]).toEqual([reply.status, reply.body]);
    expect(sandbox.stats().apiRequests).toBe(1);
    expect(clock.pending).toBe(0);
  });

  test('a body of a stream type is looked into for the wait, and the caller gets the next answer', async () => {
    const { payouts, clock, sandbox } = await withToken();
    sandbox.rateLimit(1, { ...ON_API, retryAfter: 2 });
    const call = payouts.get(ACCOUNT, { adapter, responseType: 'stream' });
    await clock.waiting(TOLD_2_S, TOLD_2_S);
    clock.advance(TOLD_2_S);
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await call).data) chunks.push(chunk);
    expect(JSON.parse(Buffer.concat(chunks).toString())).toMatchObject({ status: 0 });
  });
});

describe('the 429 itself reaches the caller', () => {
  test.each([
    { why: 'after 2 retries by default', options: {}, limits: 3, waits: 2 },
    { why: 'after 1 with rateLimitRetries: 1', options: { rateLimitRetries: 1 }, limits: 2, waits: 1 },
    { why: 'at once with rateLimitRetries: 0', options: { rateLimitRetries: 0 }, limits: 1, waits: 0 },
  ])('$why', async ({ options, limits, waits }) => {
    const { payouts, clock, sandbox, eventsOf } = await withToken(options);
    sandbox.rateLimit(limits, { ...ON_API, retryAfter: 2 });
    const call = payouts.get(ACCOUNT).catch((error) => error);
    for (let n = 0; n < waits; n++) {
      await clock.waiting(TOLD_2_S, TOLD_2_S);
      clock.advance(TOLD_2_S);
    }
    expect(await call).toMatchObject({
      isAxiosError: true,
      response: { status: 429, data: { error: 'rate_limit_exceeded', retry_after: 2 } },
    });
    expect(sandbox.stats()).toMatchObject({ apiRequests: waits + 1, tokenRequests: 0 });
    expect(eventsOf('rate-limited')).toHaveLength(waits + 1);
    expect(clock.pending).toBe(0);
  });

  test.each([
    { maxWaitMs: TOLD_2_S, waits: true },
    { maxWaitMs: TOLD_2_S - 1, waits: false },
    { maxWaitMs: 0, waits: false },
  ])('where the wait does not fit maxWaitMs: $maxWaitMs waits: $waits', async ({ maxWaitMs, waits }) => {
    const { payouts, clock, sandbox, eventsOf } = await withToken();
    sandbox.rateLimit(1, { ...ON_API, retryAfter: 2 });
    const call = payouts.get(ACCOUNT, { payuAuth: { maxWaitMs } }).then(
      ({ status }) => status,
      (error) => error.response.status,
    );
    if (waits) {
      await eventually(() => eventsOf('rate-limited').length === 1);
      await clock.waiting(TOLD_2_S, TOLD_2_S);
      clock.advance(TOLD_2_S);
    }
    expect(await call).toBe(waits ? 200 : 429);
    expect(sandbox.stats().apiRequests).toBe(waits ? 2 : 1);
  });

  test('where all the waiting together does not fit: tokens, cool-downs and rate limits count', async () => {
    const { payouts, clock, sandbox } = await startHarness({ maxWaitMs: 5_000 });
    sandbox.rateLimit(1, { retryAfter: 2 });
    sandbox.rateLimit(2, { ...ON_API, retryAfter: 2 });
    const call = payouts.get(ACCOUNT).catch((error) => error);
    for (let n = 0; n < 2; n++) {
      await clock.waiting(TOLD_2_S, TOLD_2_S);
      clock.advance(TOLD_2_S);
    }
    // 4.2 s are spent: another 2.1 s would be too many.
    expect(await call).toMatchObject({ response: { status: 429 } });
    expect(sandbox.stats().apiRequests).toBe(2);
    expect(clock.pending).toBe(0);
  });

  test.each([
    { why: 'a stream', body: () => Readable.from(['[]']), config: {}, reason: 'body-not-replayable' },
    {
      why: 'replay: false',
      body: () => PAYMENT,
      config: { payuAuth: { replay: false } },
      reason: 'disabled',
    },
  ])('where the body is sent once: $why', async ({ body, config, reason }) => {
    const { payouts, clock, sandbox, eventsOf } = await withToken();
    sandbox.rateLimit(1, { ...ON_API, retryAfter: 2 });
    const error = await payouts
      .post('/v2/payment', body(), { ...config, maxRedirects: 0 })
      .catch((caught) => caught);
    expect(error).toMatchObject({ isAxiosError: true, response: { status: 429 } });
    expect(sandbox.stats()).toMatchObject({ apiRequests: 1, tokenRequests: 0 });
    expect(eventsOf('replay-skipped')).toMatchObject([{ reason }]);
    expect(clock.pending).toBe(0);
  });

  test('as a response where validateStatus says so', async () => {
    const { payouts, sandbox } = await withToken({ rateLimitRetries: 0 });
    sandbox.rateLimit(1, { ...ON_API, retryAfter: 2 });
    const { status } = await payouts.get(ACCOUNT, { validateStatus: () => true });
    expect(status).toBe(429);
  });
});

describe('how long the request waits', () => {
  test.each([
    { limit: { retryAfter: 2 }, delayMs: 2_100 },
    { limit: { retryAfter: '2' }, delayMs: 2_100 },
    { limit: { body: 'none' }, delayMs: 750 },
    { limit: { body: 'html' }, delayMs: 750 },
    { limit: { body: 'none', retryAfterHeader: '3' }, delayMs: 3_150 },
    { limit: { body: 'html', retryAfterHeader: 'Fri, 01 Jan 2100 00:00:04 GMT' }, delayMs: 4_200 },
    { limit: { retryAfter: 2, retryAfterHeader: '3' }, delayMs: 3_150 },
    { limit: { retryAfter: '0x10', retryAfterHeader: '1e3' }, delayMs: 750 },
  ] as const)('$limit: $delayMs ms', async ({ limit, delayMs }) => {
    const { payouts, clock, sandbox } = await withToken();
    sandbox.rateLimit(1, { ...ON_API, ...limit });
    const call = payouts.get(ACCOUNT);
    await clock.waiting(delayMs, delayMs);
    clock.advance(delayMs);
    await call;
    expect(sandbox.stats().apiRequests).toBe(2);
  });

  test('told nothing twice in a row: twice as long', async () => {
    const { payouts, clock, sandbox } = await withToken();
    sandbox.rateLimit(2, { ...ON_API, body: 'none' });
    const call = payouts.get(ACCOUNT);
    for (const delayMs of [750, 1_500]) {
      await clock.waiting(delayMs, delayMs);
      clock.advance(delayMs);
    }
    await call;
  });

  test('told 0: at once; the second time in a row: a back-off', async () => {
    const { payouts, clock, sandbox, eventsOf } = await withToken();
    sandbox.rateLimit(2, { ...ON_API, retryAfter: 0 });
    const call = payouts.get(ACCOUNT);
    await clock.waiting(0, 0);
    clock.advance(0);
    await clock.waiting(1_500, 1_500);
    expect(eventsOf('rate-limited').map(({ delayMs }) => delayMs)).toEqual([0, 1_500]);
    clock.advance(1_500);
    await call;
  });

  test('a token that expires meanwhile is replaced before the request goes out again', async () => {
    const harness = await startHarness({}, { tokenLifeSeconds: 10 });
    const { payouts, clock, sandbox } = harness;
    sandbox.rateLimit(1, { ...ON_API, retryAfter: 20 });
    const call = payouts.get(ACCOUNT);
    await clock.waiting(21_000, 21_000);
    clock.advance(21_000);
    await call;
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 2, apiRequests: 2, unauthorized: 0 });
  });

  test('a refused token is still replayed after a rate limit, and a rate limit after a refused token', async () => {
    const { payouts, clock, sandbox } = await withToken();
    sandbox.revokeAllTokens();
    sandbox.rateLimit(1, { ...ON_API, retryAfter: 2 });
    const call = payouts.get(ACCOUNT);
    await clock.waiting(TOLD_2_S, TOLD_2_S);
    const hold = sandbox.hold('api');
    clock.advance(TOLD_2_S);
    await hold.waitFor(1); // the 401
    sandbox.rateLimit(1, { ...ON_API, retryAfter: 2 });
    hold.release();
    await clock.waiting(TOLD_2_S, TOLD_2_S);
    clock.advance(TOLD_2_S);
    await call;
    expect(sandbox.stats()).toMatchObject({
      apiRequests: 4,
      tokenRequests: 1,
      unauthorized: 1,
      rateLimited: 2,
    });
  });

  test('each call waits by itself: one that is not limited goes on', async () => {
    const { payouts, clock, sandbox } = await withToken();
    sandbox.rateLimit(1, { ...ON_API, retryAfter: 60 });
    const limited = payouts.get(ACCOUNT);
    await clock.waiting(63_000, 63_000);
    await payouts.get(ACCOUNT);
    expect(await thisTurn(limited)).toBe('pending');
    clock.advance(63_000);
    await limited;
  });
});
