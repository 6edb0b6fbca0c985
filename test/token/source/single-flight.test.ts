import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { PayuAuth } from '../../../src/index.ts';
import { atOnce, fulfilled, startHarness } from '../../support/harness.ts';
import { callAccount, eventually, sentTokens, tokenForms, turns } from '../support.ts';

describe('one mint for all who need the same token (C1)', () => {
  test('50 requests at once without a token: one token request, and all carry its token', async () => {
    const { payouts, sandbox } = await startHarness();
    expect(fulfilled(await atOnce(50, () => callAccount(payouts)))).toBe(50);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: 50, unauthorized: 0 });
    expect(new Set(sentTokens(sandbox)).size).toBe(1);
  });

  test('five requests that get their 401 at different moments: one mint, five successes', async () => {
    const { payouts, sandbox } = await startHarness();
    await callAccount(payouts);
    sandbox.revokeAllTokens();
    sandbox.resetStats();
    const hold = sandbox.hold('api');
    const calls = atOnce(5, () => callAccount(payouts));
    await hold.waitFor(5);
    for (let released = 1; released <= 5; released++) {
      hold.release(1);
      // The replay of each arrives before the next 401 is let go.
      await hold.waitFor(5 + released);
    }
    hold.release();
    expect(fulfilled(await calls)).toBe(5);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: 10, unauthorized: 5 });
  });

  test('two instances that share one auth and both get a 401: one mint', async () => {
    const { auth, client, payouts, sandbox } = await startHarness();
    const other = client('/payout');
    auth.attach(other);
    await callAccount(payouts);
    sandbox.revokeAllTokens();
    sandbox.resetStats();
    const results = await atOnce(2, (index) => callAccount(index === 0 ? payouts : other));
    expect(fulfilled(results)).toBe(2);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, unauthorized: 2 });
  });

  test('two auths with different clients at once: neither sees the token of the other', async () => {
    const second = { clientId: 'second-id', clientSecret: 'second-secret' };
    const { createAuth, client, payouts, sandbox } = await startHarness({}, { clients: [second] });
    const theirs = client('/payout');
    createAuth({ grant: { type: 'client_credentials', ...second } }).attach(theirs);
    const results = await atOnce(20, (index) => callAccount(index % 2 === 0 ? payouts : theirs));
    expect(fulfilled(results)).toBe(20);
    expect(
      tokenForms(sandbox)
        .map((form) => form.client_id)
        .sort(),
    ).toEqual(['sandbox-client-id', 'second-id']);
    expect(new Set(sentTokens(sandbox)).size).toBe(2);
  });

  test('two scopes at once: two mints, and each request has its own', async () => {
    const { links, payouts, sandbox } = await startHarness();
    await Promise.all([callAccount(payouts), links.get('/'), callAccount(payouts), links.get('/')]);
    expect(
      tokenForms(sandbox)
        .map(({ scope }) => scope)
        .sort(),
    ).toEqual(['create_payment_links read_payment_links', 'create_payout_transactions']);
    expect(sandbox.stats().unauthorized).toBe(0);
  });

  test('order and duplicates of scopes do not matter, wherever they are given', async () => {
    const { auth, links, sandbox } = await startHarness();
    await Promise.all([
      links.get('/'),
      links.get('/', { payuAuth: { scope: 'read_payment_links create_payment_links' } }),
      auth.getToken({ scope: ['create_payment_links', 'read_payment_links', 'create_payment_links'] }),
    ]);
    expect(sandbox.stats().tokenRequests).toBe(1);
  });

  test('a request with "payuAuth: { scope }" has a token of that scope; one with "payuAuth: false" none', async () => {
    const { links, sandbox } = await startHarness();
    await links.get('/', { payuAuth: { scope: 'read_payment_links' } });
    await links.get('/', { payuAuth: false }).catch(() => {});
    expect(tokenForms(sandbox).map(({ scope }) => scope)).toEqual(['read_payment_links']);
    expect(sentTokens(sandbox)).toEqual([expect.any(String), undefined]);
  });
});

describe('a mint that fails (C2)', () => {
  test('one token request, five rejections with the same cause; the next call mints anew', async () => {
    const { payouts, sandbox } = await startHarness({ tokenAttempts: 1 });
    sandbox.fail(1, { kind: 'status', status: 503 });
    const errors = await Promise.all(
      Array.from({ length: 5 }, () => callAccount(payouts).catch((error: Error) => error)),
    );
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: 0 });
    expect(new Set(errors).size).toBe(5);
    expect(new Set(errors.map((error) => (error as Error).cause)).size).toBe(1);
    for (const error of errors) expect(error).toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE', status: 503 });
  });

  test('during the pause requests fail at once with the same cause; a call after it mints anew', async () => {
    const { payouts, sandbox, clock, eventsOf } = await startHarness({ tokenAttempts: 1 });
    sandbox.fail(1, { kind: 'status', status: 503 });
    await callAccount(payouts).catch(() => {});
    clock.advance(999);
    await expect(callAccount(payouts)).rejects.toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE', status: 503 });
    expect(sandbox.stats().tokenRequests).toBe(1);
    expect(eventsOf('token-failed')).toHaveLength(1); // what is answered from memory is no news
    clock.advance(1);
    await callAccount(payouts);
    expect(sandbox.stats().tokenRequests).toBe(2);
  });

  test('in the background, with nobody listening, is an event and no unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    try {
      const { payouts, sandbox, clock, eventsOf, auth } = await startHarness(
        { tokenAttempts: 1 },
        { tokenLifeSeconds: 100 },
      );
      await callAccount(payouts);
      clock.advance(95_000);
      const hold = sandbox.hold('token');
      sandbox.fail(1, { kind: 'status', status: 503 });
      await callAccount(payouts);
      await hold.waitFor(1);
      hold.release();
      await eventually(() => eventsOf('token-failed').length === 1);
      expect(eventsOf('token-failed')).toMatchObject([
        { cause: 'renew-ahead', error: { code: 'ERR_TOKEN_UNAVAILABLE' } },
      ]);
      await callAccount(payouts); // the token that is held is good to its end
      await auth.close();
    } finally {
      process.off('unhandledRejection', note);
    }
    expect(unhandled).toEqual([]);
  });
});

describe('a body that can be sent only once', () => {
  test('its 401 comes back, and the next call has a new token', async () => {
    const { payouts, sandbox } = await startHarness();
    await callAccount(payouts);
    sandbox.revokeAllTokens();
    sandbox.resetStats();
    const body = Readable.from(['[]']);
    const call = payouts.post('/v2/payment', body, { headers: { 'Content-Type': 'application/json' } });
    await expect(call).rejects.toMatchObject({ isAxiosError: true, response: { status: 401 } });
    expect(sandbox.stats()).toMatchObject({ apiRequests: 1, tokenRequests: 0 });
    await callAccount(payouts);
    expect(sandbox.stats()).toMatchObject({ apiRequests: 2, tokenRequests: 1, unauthorized: 1 });
  });
});

describe('a renewal under way when its token is refused (D3)', () => {
  test('that brings the refused token again, from a server that reuses tokens: one more is started', async () => {
    const { payouts, sandbox, clock } = await startHarness({}, { reuseTokens: true, tokenLifeSeconds: 100 });
    await callAccount(payouts);
    clock.advance(95_000);
    const hold = sandbox.hold('token');
    await callAccount(payouts); // begins a renewal, which is answered with the same token
    await hold.waitFor(1);
    sandbox.revokeAllTokens();
    const call = callAccount(payouts);
    await sandbox.until(({ unauthorized }) => unauthorized === 1);
    await eventually(() => sandbox.stats().apiRequestsInFlight === 0);
    await turns();
    hold.release();
    await call;
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 3, mints: 2, reused: 1, unauthorized: 1 });
  });

  test('that brings another token counts: none is started', async () => {
    const { payouts, sandbox, clock } = await startHarness({}, { tokenLifeSeconds: 100 });
    await callAccount(payouts);
    clock.advance(95_000);
    const hold = sandbox.hold('token', undefined, { process: 'after' });
    await callAccount(payouts);
    await hold.waitFor(1);
    sandbox.revokeAllTokens();
    const call = callAccount(payouts);
    await sandbox.until(({ unauthorized }) => unauthorized === 1);
    await turns();
    hold.release();
    await call;
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 2, unauthorized: 1 });
  });
});

describe('several auths in one process', () => {
  test('share nothing but what they are told to share', async () => {
    const { createAuth, sandbox } = await startHarness();
    const auths: readonly PayuAuth[] = [createAuth(), createAuth()];
    const [one, other] = await Promise.all(auths.map((auth) => auth.getToken()));
    expect(one?.value).not.toBe(other?.value);
    expect(sandbox.stats().tokenRequests).toBe(2);
  });
});

describe('a redirect of the token endpoint', () => {
  test.each([301, 302, 307, 308])('%i is not followed with the secret in the body', async (status) => {
    const { payouts, sandbox } = await startHarness();
    const elsewhere = `${sandbox.url}/elsewhere`;
    sandbox.fail(1, { kind: 'redirect', status, location: elsewhere });
    await expect(callAccount(payouts)).rejects.toMatchObject({
      code: 'ERR_TOKEN_REFUSED',
      status,
      error: undefined,
    });
    expect(sandbox.requests().map(({ path }) => path)).toEqual(['/oauth/token']);
  });
});
