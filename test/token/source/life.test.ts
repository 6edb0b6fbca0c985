import type { AxiosInstance } from 'axios';
import { describe, expect, test } from 'vitest';
import { type Harness, startHarness } from '../../support/harness.ts';
import { callAccount, eventually, sentTokens, tokenForms, turns } from '../support.ts';

/**
 * A client whose API answers at once, so that thousands of calls cost no sockets, and which remembers how many of
 * them were on their way without waiting.
 */
function countingClient(harness: Harness): {
  readonly api: AxiosInstance;
  readonly counts: { immediate: number };
} {
  const counts = { immediate: 0 };
  const api = harness.client('/payout', {
    adapter: async (config) => {
      counts.immediate++;
      return { status: 200, statusText: 'OK', headers: {}, config, data: {} };
    },
  });
  harness.auth.attach(api);
  return { api, counts };
}

/** Calls once: true where it did not wait for anything but its turn. */
async function callsAtOnce({ api, counts }: ReturnType<typeof countingClient>): Promise<boolean> {
  const before = counts.immediate;
  const call = api.get('/');
  // A call with a token to use reaches the adapter within microtasks; a mint takes at least a socket.
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  const wasImmediate = counts.immediate > before;
  await call;
  return wasImmediate;
}

/** Each token request has a timer as its limit: without one, none is under way any more. */
async function allAnswered({ clock }: Harness): Promise<void> {
  await turns();
  await eventually(() => clock.pending === 0);
}

describe('the life of a token as its reply tells it', () => {
  test.each([
    ['expires_in 7200', { expires_in: 7_200 }, 7_200_000],
    ['"7200" in a string', { expires_in: '7200' }, 7_200_000],
    ['7200.5', { expires_in: 7_200.5 }, 7_200_500],
    ['1', { expires_in: 1 }, 1_000],
    ['0: the grace of 500 ms', { expires_in: 0 }, 500],
    ['-1: the default life', { expires_in: -1 }, 3_600_000],
    ['"3600abc": the default life', { expires_in: '3600abc' }, 3_600_000],
    ['missing: the default life', {}, 3_600_000],
    ['1e15: ten years', { expires_in: 1e15 }, 315_576_000_000],
    ['created_at in the past', { expires_in: 7_200, created_at: 1_585_215_909 }, 7_200_000],
    ['created_at in milliseconds', { expires_in: 7_200, created_at: 1_585_215_909_000 }, 7_200_000],
    ['created_at ten minutes ahead', { expires_in: 7_200, created_at: 1_767_226_200 }, 7_200_000],
  ])('%s', async (_, fields, lifeMs) => {
    const { auth, sandbox, clock } = await startHarness({ renewAheadMs: 0 });
    for (const accessToken of ['first', 'second']) {
      sandbox.replyNext({ body: { access_token: accessToken, ...fields } });
    }
    await auth.getToken();
    clock.advance(lifeMs - 1);
    expect((await auth.getToken()).value).toBe('first');
    clock.advance(1);
    expect((await auth.getToken()).value).toBe('second');
    expect(sandbox.stats().tokenRequests).toBe(2);
  });

  test('counts from when the token request was sent, not from its reply', async () => {
    const { auth, sandbox, clock } = await startHarness({ renewAheadMs: 0 }, { tokenLifeSeconds: 100 });
    const hold = sandbox.hold('token');
    const token = auth.getToken();
    await hold.waitFor(1);
    const sentAt = clock.now();
    clock.advance(5_000);
    hold.release();
    expect((await token).expiresAt.getTime()).toBe(sentAt + 100_000);
    expect((await token).obtainedAt.getTime()).toBe(sentAt);
  });
});

describe('the renew-ahead window (B2)', () => {
  test.each([
    ['a millisecond before it opens nothing happens', 90_999, 1],
    ['where it opens, one renewal begins', 91_000, 2],
  ])('%s', async (_, ageMs, tokenRequests) => {
    const harness = await startHarness({}, { tokenLifeSeconds: 100 });
    await callAccount(harness.payouts);
    harness.clock.advance(ageMs);
    await callAccount(harness.payouts);
    await allAnswered(harness);
    expect(harness.sandbox.stats().tokenRequests).toBe(tokenRequests);
  });

  test('requests go out at once with the token that is held, while one background mint runs', async () => {
    const { payouts, sandbox, clock, eventsOf } = await startHarness({}, { tokenLifeSeconds: 100 });
    await callAccount(payouts);
    clock.advance(95_000);
    const hold = sandbox.hold('token');
    for (let call = 0; call < 10; call++) await callAccount(payouts);
    await hold.waitFor(1);
    expect(new Set(sentTokens(sandbox)).size).toBe(1);
    hold.release();
    await eventually(() => eventsOf('token-minted').length === 2);
    await callAccount(payouts);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 2, maxConcurrentTokenRequests: 1 });
    expect(new Set(sentTokens(sandbox)).size).toBe(2);
    expect(eventsOf('token-minted').map(({ cause }) => cause)).toEqual(['missing', 'renew-ahead']);
  });

  test('a renewal that failed is followed by the next one half of what is left later, not on the next request', async () => {
    const harness = await startHarness({ tokenAttempts: 1 }, { tokenLifeSeconds: 100 });
    const { payouts, sandbox, clock } = harness;
    await callAccount(payouts);
    clock.advance(95_000);
    sandbox.fail(1, { kind: 'status', status: 503 });
    await callAccount(payouts);
    await allAnswered(harness);
    clock.advance(2_499); // the pause of the token endpoint is over
    await callAccount(payouts);
    await allAnswered(harness);
    expect(sandbox.stats().tokenRequests).toBe(2);
    clock.advance(1);
    await callAccount(payouts);
    await allAnswered(harness);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 3, mints: 2 });
  });

  test('a machine that slept past the end mints first: nothing is sent with the dead token', async () => {
    const { payouts, sandbox, clock, eventsOf } = await startHarness();
    await callAccount(payouts);
    clock.advance(30 * 24 * 3_600_000);
    await callAccount(payouts);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 2, unauthorized: 0 });
    expect(eventsOf('token-minted').map(({ cause }) => cause)).toEqual(['missing', 'expired']);
  });

  test('a background renewal whose lock never comes is given up after "maxWaitMs", and another one begins', async () => {
    let locks = 0;
    const records = new Map();
    const store = {
      get: (key: string) => records.get(key),
      set: (key: string, record: unknown) => void records.set(key, record),
      delete: (key: string) => void records.delete(key),
      withLock: <T>(_key: string, task: () => Promise<T>) =>
        ++locks === 2 ? new Promise<T>(() => {}) : task(),
    };
    const harness = await startHarness({ store, maxWaitMs: 60_000 }, { tokenLifeSeconds: 7_200 });
    await callAccount(harness.payouts);
    harness.clock.advance(7_150_000);
    await callAccount(harness.payouts);
    await turns();
    expect(locks).toBe(2);
    harness.clock.advance(40_000);
    await callAccount(harness.payouts);
    expect(locks).toBe(2); // the token is held still, and so is the flight
    harness.clock.advance(20_000);
    await callAccount(harness.payouts);
    expect(locks).toBe(3);
    expect(harness.sandbox.stats().tokenRequests).toBe(2);
  });
});

describe('a renewal in the background', () => {
  test('does not begin while the token endpoint wants to be left alone', async () => {
    const harness = await startHarness({ maxWaitMs: 1_000_000 }, { tokenLifeSeconds: 7_200 });
    const { auth, clock, eventsOf, payouts, sandbox } = harness;
    await callAccount(payouts);
    sandbox.rateLimit(1, { retryAfter: 600 });
    const other = auth.getToken({ scope: 'read_payment_links' });
    await clock.waiting(600_000, 700_000);
    clock.advance(100_000);
    await auth.setToken({ accessToken: 'by-hand', expiresInSeconds: 100 });
    clock.advance(95_000);
    await auth.getToken();
    expect([sandbox.stats().tokenRequests, eventsOf('token-failed').length]).toEqual([2, 0]);
    clock.advance(600_000);
    await other;
  });

  test('that is rate limited ends there and is told; the next one begins once both have passed: that, and half of what was left', async () => {
    const { auth, clock, eventsOf, sandbox } = await startHarness({}, { tokenLifeSeconds: 1_000 });
    await auth.getToken();
    clock.advance(960_000);
    sandbox.rateLimit(1, { retryAfter: 25 });
    await auth.getToken();
    while (eventsOf('token-failed').length === 0) await turns();
    expect(eventsOf('token-failed')).toMatchObject([
      { cause: 'renew-ahead', error: { code: 'ERR_RATE_LIMITED' } },
    ]);
    expect(auth.status().token).toBe('fresh');
    clock.advance(20_000);
    await auth.getToken();
    await turns();
    expect(sandbox.stats().tokenRequests).toBe(2);
    clock.advance(10_000);
    await auth.getToken();
    while (eventsOf('token-minted').length === 1) await turns();
    expect(sandbox.stats().tokenRequests).toBe(3);
  });

  test('that somebody has joined is not given up after "maxWaitMs": who waits has a limit of its own', async () => {
    const harness = await startHarness(
      { maxWaitMs: 60_000, tokenTimeoutMs: 100_000 },
      { tokenLifeSeconds: 1_000 },
    );
    const { clock, payouts, sandbox } = harness;
    await callAccount(payouts);
    clock.advance(950_000);
    const hold = sandbox.hold('token');
    await callAccount(payouts);
    await hold.waitFor(1);
    clock.advance(50_000);
    const call = callAccount(payouts);
    await turns();
    clock.advance(20_000);
    hold.release();
    await call;
    expect(sandbox.stats().tokenRequests).toBe(2);
  });
});

describe('a renewal in the background that failed costs no call its tries (E6)', () => {
  /** A token of 100 s, 5 s before its end, whose renewal was answered by a 503. */
  async function failedRenewal() {
    const harness = await startHarness({ tokenAttempts: 3 }, { tokenLifeSeconds: 100 });
    const { auth, clock, eventsOf, sandbox } = harness;
    await auth.getToken();
    clock.advance(95_000);
    sandbox.fail(1, { kind: 'status', status: 503 });
    await auth.getToken();
    while (eventsOf('token-failed').length === 0) await turns();
    return harness;
  }
  const DEAD = { code: 'ERR_TOKEN_UNAVAILABLE', status: 503 };

  test('a call with another scope waits for the next try', async () => {
    const { auth, clock, sandbox } = await failedRenewal();
    const call = auth.getToken({ scope: 'read_bills' });
    await clock.waiting(150, 150);
    clock.advance(150);
    await call;
    expect(sandbox.stats().tokenRequests).toBe(3);
  });

  test('a call that comes once the token is over has the other tries', async () => {
    const { auth, clock, sandbox } = await failedRenewal();
    clock.advance(5_001);
    sandbox.fail(1, { kind: 'status', status: 503 });
    const call = auth.getToken();
    await clock.waiting(300, 300);
    clock.advance(300);
    await call;
    expect(sandbox.stats().tokenRequests).toBe(4);
  });

  test('it counts as one of the tries in a row, and a pause follows the last', async () => {
    const { auth, clock, sandbox } = await failedRenewal();
    sandbox.fail({ share: 1 }, { kind: 'status', status: 503 });
    const call = auth.getToken({ scope: 'read_payment_links' });
    for (const backOffMs of [150, 300]) {
      await clock.waiting(backOffMs, backOffMs);
      clock.advance(backOffMs);
    }
    await expect(call).rejects.toMatchObject({ ...DEAD, attempts: 3 });
    await expect(auth.getToken({ scope: 'read_bills' })).rejects.toMatchObject(DEAD);
    expect(sandbox.stats().tokenRequests).toBe(4);
    clock.advance(1_000);
    sandbox.clearFaults();
    await auth.getToken({ scope: 'read_bills' });
  });

  test('a call that can not wait for the next try fails at once', async () => {
    const { auth, sandbox } = await failedRenewal();
    await expect(auth.getToken({ scope: 'read_bills', maxWaitMs: 150 })).rejects.toMatchObject(DEAD);
    expect(sandbox.stats().tokenRequests).toBe(2);
  });
});

describe('a server that reuses tokens (B4)', () => {
  test('10,000 calls over the last 10 s of a token of 100 s: at most 8 token requests, and nobody waits', async () => {
    const harness = await startHarness({}, { reuseTokens: true, tokenLifeSeconds: 100 });
    const client = countingClient(harness);
    await client.api.get('/');
    harness.clock.advance(90_000);
    harness.sandbox.resetStats();
    const mintedBefore = harness.eventsOf('token-minted').length;
    let waited = 0;
    for (let call = 0; call < 10_000; call++) {
      if (!(await callsAtOnce(client))) waited++;
      if (harness.clock.pending > 0) await allAnswered(harness);
      harness.clock.advance(1);
    }
    expect(waited).toBe(0);
    expect(harness.sandbox.stats().tokenRequests).toBeLessThanOrEqual(8);
    expect(harness.sandbox.stats().tokenRequests).toBeGreaterThan(1);
    const minted = harness.eventsOf('token-minted').slice(mintedBefore);
    expect(minted.every(({ sameToken, cause }) => sameToken && cause === 'renew-ahead')).toBe(true);
  }, 180_000);

  test('a token with 20 s left: it is used to its end, and 100 calls cause a bounded number of mints', async () => {
    const harness = await startHarness({}, { reuseTokens: true, tokenLifeSeconds: 200 });
    const other = harness.createAuth();
    await other.getToken();
    harness.clock.advance(180_000);
    const client = countingClient(harness);
    await client.api.get('/'); // hands out the rest of the other one's token
    for (let call = 0; call < 99; call++) {
      harness.clock.advance(200);
      await client.api.get('/');
      await allAnswered(harness);
    }
    expect(harness.sandbox.stats().mints).toBe(1);
    expect(harness.sandbox.stats().reused).toBeLessThanOrEqual(6);
  });

  test('the last second, which the server rounds to 0: one mint for 500 ms, not one per call (B5)', async () => {
    const harness = await startHarness({}, { reuseTokens: true, tokenLifeSeconds: 100 });
    await harness.createAuth().getToken();
    harness.clock.advance(99_600); // 400 ms are left, which is 0 s
    const client = countingClient(harness);
    for (let call = 0; call < 50; call++) await client.api.get('/');
    harness.clock.advance(399);
    await client.api.get('/');
    expect(harness.sandbox.stats().tokenRequests).toBe(2);
  });

  test('a refusal within that grace is cured by a renewal (D)', async () => {
    const { createAuth, payouts, sandbox, clock } = await startHarness(
      {},
      { reuseTokens: true, tokenLifeSeconds: 100 },
    );
    await createAuth().getToken();
    clock.advance(99_600);
    await callAccount(payouts);
    clock.advance(450); // the server's token is dead, ours in its grace
    await callAccount(payouts);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 3, mints: 2, unauthorized: 1 });
  });
});

describe('a server that does not reuse tokens', () => {
  test('a steady stream of calls over 50 token lives: nobody waits but the first', async () => {
    const harness = await startHarness({}, { tokenLifeSeconds: 100 });
    const client = countingClient(harness);
    let waited = 0;
    for (let call = 0; call < 50 * 100; call++) {
      if (!(await callsAtOnce(client))) waited++;
      if (harness.clock.pending > 0) await allAnswered(harness);
      harness.clock.advance(1_000);
    }
    expect(waited).toBe(1);
    const causes = harness.eventsOf('token-minted').map(({ cause }) => cause);
    expect(causes[0]).toBe('missing');
    expect(new Set(causes.slice(1))).toEqual(new Set(['renew-ahead']));
    expect(causes.length).toBeGreaterThanOrEqual(50);
    expect(causes.length).toBeLessThanOrEqual(56);
  }, 180_000);
});

describe('a token as it is handed out', () => {
  test('its value is not printed with it', async () => {
    const { auth } = await startHarness();
    const token = await auth.getToken();
    expect(token.value).toMatch(/\S/);
    expect(Object.keys(token)).toEqual(['scope', 'obtainedAt', 'expiresAt', 'extra']);
    expect(JSON.stringify(token)).not.toContain(token.value);
  });

  test.each(['minted', 'by hand'])(
    'may be changed by its owner, and nothing else changes: %s',
    async (how) => {
      const { auth, sandbox } = await startHarness();
      if (how === 'by hand') await auth.setToken({ accessToken: 'token-by-hand', expiresInSeconds: 600 });
      const token = await auth.getToken();
      (token.scope as string[]).push('another_scope');
      Object.assign(token.extra, { mid: 1 });
      token.expiresAt.setTime(0);
      const { value, scope, extra } = await auth.getToken();
      expect(value).toBe(token.value);
      expect([scope, 'mid' in extra]).toEqual([['create_payout_transactions'], false]);
      await auth.invalidate();
      await auth.getToken();
      expect(tokenForms(sandbox).at(-1)?.scope).toBe('create_payout_transactions');
    },
  );
});
