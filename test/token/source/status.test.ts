import { describe, expect, test } from 'vitest';
import { startHarness } from '../../support/harness.ts';
import { callAccount, deferred, eventually, turns } from '../support.ts';

const SECRET = 'sandbox-client-secret';

describe('status(), for health checks', () => {
  test('before anything was asked: missing, and asking changes nothing', async () => {
    const { auth, sandbox, clock, events } = await startHarness();
    expect(auth.status()).toEqual({ token: 'missing' });
    expect(auth.status({ scope: 'read_bills' })).toEqual({ token: 'missing' });
    await turns();
    expect([sandbox.stats().tokenRequests, events.length, clock.pending]).toEqual([0, 0, 0]);
  });

  test('fresh, then renewing inside the window, then fresh again', async () => {
    const { auth, payouts, sandbox, clock } = await startHarness({}, { tokenLifeSeconds: 1_000 });
    await callAccount(payouts);
    const expiresAt = new Date(clock.now() + 1_000_000);
    expect(auth.status()).toEqual({ token: 'fresh', expiresAt });
    clock.advance(990_000);
    expect(auth.status()).toEqual({ token: 'fresh', expiresAt });
    expect(sandbox.stats().tokenRequests).toBe(1);
    await callAccount(payouts);
    expect(auth.status()).toEqual({ token: 'renewing', expiresAt });
    await eventually(() => auth.status().token === 'fresh');
    expect(auth.status().expiresAt?.getTime()).toBeGreaterThan(expiresAt.getTime());
  });

  test.each([
    [-1, 'fresh'],
    [0, 'expired'],
    [1, 'expired'],
  ] as const)('%d ms past its expiry: %s', async (pastMs, token) => {
    const { auth, payouts, clock } = await startHarness({}, { tokenLifeSeconds: 100 });
    await callAccount(payouts);
    clock.advance(100_000 + pastMs);
    expect(auth.status().token).toBe(token);
  });

  test('missing after invalidate(), and each scope for itself', async () => {
    const { auth } = await startHarness();
    await auth.getToken();
    await auth.getToken({ scope: 'read_bills' });
    await auth.invalidate(await auth.getToken());
    expect(auth.status()).toEqual({ token: 'missing' });
    expect(auth.status({ scope: 'read_bills' }).token).toBe('fresh');
  });

  test('a rate limit: blocked until it ends, for every scope, and a token that is held stays fresh', async () => {
    const { auth, sandbox, clock } = await startHarness();
    await auth.getToken({ scope: 'read_bills' });
    sandbox.rateLimit(1, { on: 'token', retryAfter: 60 });
    await expect(auth.getToken({ maxWaitMs: 10 })).rejects.toMatchObject({ code: 'ERR_RATE_LIMITED' });
    const { blocked } = auth.status();
    expect(blocked?.by).toBe('rate-limit');
    const untilMs = (blocked?.until.getTime() ?? 0) - clock.now();
    expect(untilMs).toBeGreaterThanOrEqual(60_000);
    expect(auth.status({ scope: 'read_bills' })).toMatchObject({ token: 'fresh', blocked });
    clock.advance(untilMs - 1);
    expect(auth.status().blocked?.by).toBe('rate-limit');
    clock.advance(1);
    expect(auth.status().blocked).toBeUndefined();
  });

  test('a failure is told for an hour at least, whatever other scopes are asked for', async () => {
    const { auth, sandbox, clock } = await startHarness();
    sandbox.fail(1, { kind: 'oauth-error', error: 'invalid_scope' });
    await expect(auth.getToken()).rejects.toMatchObject({ error: 'invalid_scope' });
    const failed = auth.status();
    await auth.getToken({ scope: 'read_bills' });
    expect(auth.status()).toEqual(failed);
    expect(failed).toMatchObject({
      token: 'missing',
      blocked: { by: 'refusal' },
      lastFailure: { code: 'ERR_TOKEN_REFUSED' },
    });
    clock.advance(3_599_999);
    await auth.getToken({ scope: 'read_billers' });
    expect(auth.status()).toEqual({ token: 'missing', lastFailure: failed.lastFailure });
    clock.advance(1);
    await auth.getToken({ scope: 'read_plans' });
    expect(auth.status()).toEqual({ token: 'missing' });
  });

  test('an outage: blocked while the pause lasts; the last failure stays when a token has come', async () => {
    const { auth, sandbox, clock } = await startHarness({ tokenAttempts: 1 });
    sandbox.fail(1, { kind: 'status', status: 503 });
    await expect(auth.getToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE' });
    const failedAt = new Date(clock.now());
    const { blocked, lastFailure } = auth.status();
    expect(blocked).toEqual({ by: 'outage', until: new Date(clock.now() + 1_000) });
    expect(lastFailure).toEqual({
      at: failedAt,
      code: 'ERR_TOKEN_UNAVAILABLE',
      message: expect.stringContaining('status 503'),
    });
    clock.advance(1_000);
    expect(auth.status().blocked).toBeUndefined();
    await auth.getToken();
    expect(auth.status()).toMatchObject({ token: 'fresh', lastFailure });
  });

  test('a refusal that is answered from memory: of the client for each scope, of a scope for that one', async () => {
    const { auth, sandbox, clock } = await startHarness();
    sandbox.replyNext({ status: 400, body: { error: 'invalid_scope' } });
    await expect(auth.getToken()).rejects.toThrow('invalid_scope');
    expect(auth.status().blocked).toEqual({ by: 'refusal', until: new Date(clock.now() + 10_000) });
    expect(auth.status({ scope: 'read_bills' })).toEqual({ token: 'missing' });
    clock.advance(10_000);
    expect(auth.status().blocked).toBeUndefined();
    sandbox.replyNext({ status: 401, body: { error: 'invalid_client', error_description: SECRET } });
    await expect(auth.getToken()).rejects.toThrow('invalid_client');
    expect(auth.status({ scope: 'read_bills' }).blocked?.by).toBe('refusal');
    expect(JSON.stringify(auth.status())).not.toContain(SECRET);
  });

  test('after close(): missing', async () => {
    const { auth } = await startHarness();
    await auth.getToken();
    await auth.close();
    expect(auth.status()).toEqual({ token: 'missing' });
  });
});

describe('getToken({ maxWaitMs })', () => {
  test('ends that call alone', async () => {
    const vault = deferred<string>();
    const { auth, clock } = await startHarness({
      grant: { type: 'client_credentials', clientId: 'sandbox-client-id', clientSecret: () => vault.promise },
    });
    const patient = auth.getToken();
    const hasty = auth.getToken({ maxWaitMs: 300 });
    await turns();
    clock.advance(300);
    await expect(hasty).rejects.toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE', attempts: 0 });
    vault.resolve(SECRET);
    expect((await patient).scope).toHaveLength(1);
  });
});
