import { getEventListeners } from 'node:events';
import axios from 'axios';
import { describe, expect, test } from 'vitest';
import { startHarness } from '../../support/harness.ts';
import { ACCOUNT, callAccount, turns } from '../support.ts';

const cancelled = { code: 'ERR_CANCELED', name: 'CanceledError' };

describe('an abort during a mint (C3)', () => {
  test('of the first caller leaves the others their mint', async () => {
    const { payouts, sandbox } = await startHarness();
    const hold = sandbox.hold('token');
    const first = new AbortController();
    const leaving = callAccount(payouts, first.signal);
    const staying = [callAccount(payouts), callAccount(payouts)];
    await hold.waitFor(1);
    first.abort();
    await expect(leaving).rejects.toMatchObject(cancelled);
    hold.release();
    await Promise.all(staying);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, aborted: 0, apiRequests: 2 });
  });

  test('of all callers aborts the token request at the server; no listener and no timer is left', async () => {
    const { payouts, auth, sandbox, clock } = await startHarness();
    const hold = sandbox.hold('token');
    const controllers = [new AbortController(), new AbortController(), new AbortController()];
    const [one, two, three] = controllers as [AbortController, AbortController, AbortController];
    const calls = [
      callAccount(payouts, one.signal),
      callAccount(payouts, two.signal),
      auth.getToken({ signal: three.signal }),
    ];
    await hold.waitFor(1);
    one.abort();
    two.abort();
    expect(hold.aborted).toBe(0);
    three.abort();
    for (const call of calls) await expect(call).rejects.toMatchObject(cancelled);
    await hold.waitForAborted(1);
    for (const { signal } of controllers) expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    await turns();
    expect(clock.pending).toBe(0);
    expect(sandbox.stats().apiRequests).toBe(0);
  });

  test('of the last one leaves nothing to whoever comes next: a mint of its own', async () => {
    const { payouts, sandbox } = await startHarness();
    const hold = sandbox.hold('token');
    const controller = new AbortController();
    const call = callAccount(payouts, controller.signal);
    await hold.waitFor(1);
    controller.abort();
    const next = callAccount(payouts);
    await expect(call).rejects.toMatchObject(cancelled);
    await hold.waitFor(2);
    hold.release();
    await next;
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 2, aborted: 1 });
  });

  test('rejects in the same turn of the event loop', async () => {
    const { payouts, sandbox } = await startHarness();
    const hold = sandbox.hold('token');
    const controller = new AbortController();
    let outcome: unknown;
    callAccount(payouts, controller.signal).catch((error) => {
      outcome = error;
    });
    await hold.waitFor(1);
    controller.abort();
    await turns();
    expect(outcome).toMatchObject(cancelled);
  });

  test("by axios' CancelToken counts as well, and its listener is gone", async () => {
    const { payouts, sandbox } = await startHarness();
    const hold = sandbox.hold('token');
    const source = axios.CancelToken.source();
    const call = payouts.get(ACCOUNT, { cancelToken: source.token });
    await hold.waitFor(1);
    source.cancel('enough');
    await expect(call).rejects.toMatchObject({ ...cancelled, message: 'enough' });
    await hold.waitForAborted(1);
    expect((source.token as { _listeners?: unknown[] | null })._listeners ?? []).toHaveLength(0);
  });

  test('a mint that succeeds leaves no listener on the signal of who waited', async () => {
    const { payouts } = await startHarness();
    const controller = new AbortController();
    await callAccount(payouts, controller.signal);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  test('before the request: nothing is sent at all', async () => {
    const { payouts, auth, sandbox } = await startHarness();
    const signal = AbortSignal.abort();
    await expect(callAccount(payouts, signal)).rejects.toMatchObject(cancelled);
    await expect(auth.getToken({ signal })).rejects.toMatchObject(cancelled);
    await turns();
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 0, apiRequests: 0 });
  });

  test('of who joined a renewal that began in the background, after the token has expired, ends it', async () => {
    const { payouts, sandbox, clock } = await startHarness({}, { tokenLifeSeconds: 100 });
    await callAccount(payouts);
    clock.advance(95_000);
    const hold = sandbox.hold('token');
    await callAccount(payouts);
    await hold.waitFor(1);
    clock.advance(5_000);
    const controller = new AbortController();
    const call = callAccount(payouts, controller.signal);
    await turns();
    controller.abort();
    await expect(call).rejects.toMatchObject(cancelled);
    await hold.waitForAborted(1);
  });
});

describe('"maxWaitMs" ends the wait of its request, not of the others (C3)', () => {
  test.each([
    ['of the auth', { maxWaitMs: 3_000 }, undefined],
    ['of the request', {}, 3_000],
  ])('%s', async (_, options, maxWaitMs) => {
    const { payouts, sandbox, clock } = await startHarness(options);
    const hold = sandbox.hold('token');
    const patient = payouts.get(ACCOUNT, { payuAuth: { maxWaitMs: 60_000 } });
    const impatient = payouts.get(ACCOUNT, maxWaitMs === undefined ? {} : { payuAuth: { maxWaitMs } });
    let outcome: unknown;
    impatient.catch((error) => {
      outcome = error;
    });
    await hold.waitFor(1);
    clock.advance(2_999);
    await turns();
    expect(outcome).toBeUndefined();
    clock.advance(1);
    await turns();
    expect(outcome).toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE', attempts: 1 });
    hold.release();
    expect((await patient).status).toBe(200);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: 1 });
  });

  test('of the last one aborts the token request at the server', async () => {
    const { payouts, sandbox, clock } = await startHarness({ maxWaitMs: 3_000 });
    const hold = sandbox.hold('token');
    const call = callAccount(payouts);
    await hold.waitFor(1);
    clock.advance(3_000);
    await expect(call).rejects.toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE' });
    await hold.waitForAborted(1);
    await turns();
    expect(clock.pending).toBe(0);
  });
});
