import { getEventListeners } from 'node:events';
import axios from 'axios';
import { describe, expect, test } from 'vitest';
import type { PayuAuthOptions } from '../../../src/options/options.ts';
import type { Sandbox } from '../../../src/sandbox/index.ts';
import { startHarness } from '../../support/harness.ts';
import {
  ACCOUNT,
  callAccount,
  endpointIn,
  eventually,
  PASSWORD_GRANT,
  StoreUnderTest,
  tokenForms,
  turns,
} from '../support.ts';

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

  test('of all callers, of a token request that was sent: it is seen through, and the next call uses its token', async () => {
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
    for (const controller of controllers) controller.abort();
    for (const call of calls) await expect(call).rejects.toMatchObject(cancelled);
    for (const { signal } of controllers) expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    // The limit of the token request alone is left, and does not keep the process alive.
    expect([clock.pending, clock.keepingAlive, hold.aborted]).toEqual([1, 0, 0]);
    hold.release();
    await eventually(() => clock.pending === 0);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, aborted: 0, apiRequests: 0 });
    await callAccount(payouts);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: 1 });
  });

  test('of a call before it asks for a token, in its transform: nothing is minted for it', async () => {
    let asked = 0;
    const { payouts } = await startHarness(
      endpointIn(async () => {
        asked++;
        return { status: 200, body: { access_token: 'token' } };
      }),
    );
    const controller = new AbortController();
    const transformRequest = () => controller.abort();
    const left = payouts.get(ACCOUNT, { signal: controller.signal, transformRequest });
    await expect(left).rejects.toMatchObject(cancelled);
    await turns();
    expect(asked).toBe(0);
  });

  test('of the last one: whoever comes next joins what was sent', async () => {
    const { payouts, sandbox } = await startHarness();
    const hold = sandbox.hold('token');
    const controller = new AbortController();
    const call = callAccount(payouts, controller.signal);
    await hold.waitFor(1);
    controller.abort();
    const next = callAccount(payouts);
    await expect(call).rejects.toMatchObject(cancelled);
    hold.release();
    await next;
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, aborted: 0 });
  });

  test.each([
    ['a fault', (sandbox: Sandbox) => sandbox.fail(1, { kind: 'status', status: 503 })],
    ['a rate limit', (sandbox: Sandbox) => sandbox.rateLimit(1, { retryAfter: 60 })],
  ])('of the last one, out of patience: %s is told though something was changed by hand', async (_, fail) => {
    const { payouts, auth, sandbox, clock, eventsOf } = await startHarness({ maxWaitMs: 1_000 });
    const hold = sandbox.hold('token');
    fail(sandbox);
    const call = callAccount(payouts).catch((error: unknown) => error);
    await hold.waitFor(1);
    clock.advance(1_500);
    await call;
    await auth.invalidate();
    hold.release();
    await eventually(() => eventsOf('token-failed').length === 1);
    expect(eventsOf('token-failed')).toMatchObject([{ error: { code: 'ERR_TOKEN_UNAVAILABLE' } }]);
  });

  test('of all callers, before anything was sent: the mint is abandoned', async () => {
    const store = new StoreUnderTest();
    const { payouts, sandbox, clock } = await startHarness({ store });
    const lock = store.park('withLock');
    const controller = new AbortController();
    const call = callAccount(payouts, controller.signal);
    await lock.arrived;
    controller.abort();
    await expect(call).rejects.toMatchObject(cancelled);
    lock.release();
    await turns();
    expect([clock.pending, sandbox.stats().tokenRequests]).toEqual([0, 0]);
  });

  test('what fails with nobody waiting is an event, is not tried again, and is followed by a pause (E6)', async () => {
    const { payouts, sandbox, clock, eventsOf } = await startHarness();
    sandbox.fail(1, { kind: 'status', status: 503 });
    const hold = sandbox.hold('token');
    const controller = new AbortController();
    const call = callAccount(payouts, controller.signal);
    await hold.waitFor(1);
    controller.abort();
    await expect(call).rejects.toMatchObject(cancelled);
    hold.release();
    await eventually(() => eventsOf('token-failed').length === 1);
    await expect(callAccount(payouts)).rejects.toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE', status: 503 });
    expect([clock.pending, sandbox.stats().tokenRequests]).toEqual([0, 1]);
    clock.advance(1_000);
    await callAccount(payouts);
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
    hold.release();
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

  test('of the only one who joined a renewal in the background leaves it to be seen through', async () => {
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
    hold.release();
    await callAccount(payouts);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 2, aborted: 0 });
  });
});

describe('an abort between a refresh and the primary grant', () => {
  test.each([
    ['refused', { kind: 'oauth-error', error: 'invalid_grant', status: 400 }, 'ERR_TOKEN_REFUSED'],
    ['answered without a token', { kind: 'empty-200' }, 'ERR_TOKEN_RESPONSE'],
    ['answered by a fault', { kind: 'status', status: 503 }, 'ERR_TOKEN_UNAVAILABLE'],
  ] as const)(
    'a refresh that is %s with nobody waiting is told, and no password is sent',
    async (_, fault, code) => {
      const options = { grant: PASSWORD_GRANT, tokenAttempts: 1 };
      const { auth, sandbox, clock, eventsOf } = await startHarness(options, { tokenLifeSeconds: 100 });
      await auth.getToken();
      clock.advance(100_000);
      const hold = sandbox.hold('token');
      sandbox.fail(1, fault);
      const controller = new AbortController();
      const token = auth.getToken({ signal: controller.signal });
      await hold.waitFor(1);
      controller.abort();
      await expect(token).rejects.toThrow();
      hold.release();
      await eventually(() => eventsOf('token-failed').length === 1);
      expect(eventsOf('token-failed')).toMatchObject([{ error: { code } }]);
      await auth.getToken();
      expect(tokenForms(sandbox).map(({ grant_type }) => grant_type)).toEqual([
        'password',
        'refresh_token',
        'password',
      ]);
    },
  );
});

describe('an abort between two tries', () => {
  test('ends the mint, and the try that failed is told', async () => {
    const { payouts, sandbox, clock, eventsOf } = await startHarness();
    sandbox.fail(1, { kind: 'status', status: 502 });
    const controller = new AbortController();
    const call = callAccount(payouts, controller.signal);
    await clock.waiting(150, 150);
    controller.abort();
    await expect(call).rejects.toMatchObject(cancelled);
    await turns();
    expect(eventsOf('token-failed')).toMatchObject([{ error: { status: 502 } }]);
    expect([clock.pending, sandbox.stats().tokenRequests]).toEqual([0, 1]);
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

  test('calls that are less patient than the server get the token one call later', async () => {
    const { payouts, sandbox, clock } = await startHarness({ maxWaitMs: 300 });
    const hold = sandbox.hold('token');
    const call = callAccount(payouts);
    await hold.waitFor(1);
    clock.advance(300);
    await expect(call).rejects.toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE', attempts: 1 });
    clock.advance(100);
    hold.release();
    await eventually(() => clock.pending === 0);
    for (let n = 0; n < 9; n++) await callAccount(payouts);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: 9 });
  });

  test('a hanging server gets one request per "tokenTimeoutMs", then pauses', async () => {
    const { payouts, sandbox, clock, eventsOf } = await startHarness({
      maxWaitMs: 300,
      tokenTimeoutMs: 1_000,
    });
    sandbox.fail({ share: 1 }, { kind: 'hang' });
    const requestsAfter: number[] = [];
    for (let ms = 0; ms < 9_000; ms += 300) {
      const call = callAccount(payouts).catch((error: { code: string }) => error.code);
      await Promise.race([call, clock.waiting(300, 300)]);
      await turns();
      clock.advance(300);
      expect(await call).toBe('ERR_TOKEN_UNAVAILABLE');
      requestsAfter.push(sandbox.stats().tokenRequests);
    }
    // 1 s of waiting, 1 s of pause, 1 s, 2 s, 1 s, 4 s: with a call every 300 ms.
    expect(requestsAfter.at(-1)).toBe(3);
    expect(eventsOf('token-failed').length).toBeGreaterThanOrEqual(2);
  });
});

describe('whoever runs out of patience before anything was sent is an event, whatever it waited for (B2, C4)', () => {
  const WAITS: readonly [string, (store: StoreUnderTest) => Partial<PayuAuthOptions>][] = [
    [
      'the lock of the store',
      (store) => {
        store.park('withLock');
        return {};
      },
    ],
    [
      'a look into the store',
      (store) => {
        store.park('get');
        return {};
      },
    ],
    [
      'a secret',
      () => ({
        grant: { type: 'client_credentials', clientId: 'id', clientSecret: () => new Promise(() => {}) },
      }),
    ],
  ];

  test.each(WAITS)('%s', async (_, hang) => {
    const store = new StoreUnderTest();
    const { auth, clock, eventsOf, sandbox } = await startHarness({ store, ...hang(store) });
    const controller = new AbortController();
    const calls = [
      auth.getToken({ maxWaitMs: 1_000 }),
      auth.getToken({ maxWaitMs: 2_000 }),
      auth.getToken({ signal: controller.signal }),
    ].map((call) => call.catch((error: { code: string }) => error.code));
    await turns();
    clock.advance(2_000);
    await turns();
    expect(eventsOf('token-failed')).toEqual([]);
    controller.abort();
    expect(await Promise.all(calls)).toEqual([
      'ERR_TOKEN_UNAVAILABLE',
      'ERR_TOKEN_UNAVAILABLE',
      'ERR_CANCELED',
    ]);
    await turns();
    expect(eventsOf('token-failed')).toMatchObject([{ cause: 'missing', error: { attempts: 0 } }]);
    expect(auth.status().lastFailure).toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE' });
    expect(sandbox.stats().tokenRequests).toBe(0);
  });

  test('a change by hand on its way into the store', async () => {
    const store = new StoreUnderTest();
    const { auth, clock, eventsOf } = await startHarness({ store });
    store.park('set');
    void auth.setToken({ accessToken: 'over', expiresInSeconds: 0 });
    await turns();
    clock.advance(1_000);
    const call = auth.getToken({ maxWaitMs: 2_000 });
    await turns();
    clock.advance(2_000);
    await expect(call).rejects.toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE' });
    await turns();
    expect(eventsOf('token-failed')).toHaveLength(1);
  });

  test('but not whoever left by itself', async () => {
    const store = new StoreUnderTest();
    const { auth, eventsOf } = await startHarness({ store });
    const lock = store.park('withLock');
    const controller = new AbortController();
    const call = auth.getToken({ signal: controller.signal });
    await lock.arrived;
    controller.abort();
    await expect(call).rejects.toMatchObject(cancelled);
    await turns();
    expect([eventsOf('token-failed'), auth.status().lastFailure]).toEqual([[], undefined]);
  });
});
