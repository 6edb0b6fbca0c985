import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ClosedError, TokenUnavailableError } from '../../../src/index.ts';
import { startHarness } from '../../support/harness.ts';
import {
  callAccount,
  deferred,
  endpointIn,
  eventually,
  formsOf,
  PASSWORD_GRANT,
  refreshGrant,
  StoreUnderTest,
  sentTokens,
  tokenForms,
  turns,
} from '../support.ts';

describe('what is decided by hand during a mint wins over its late result (C5)', () => {
  test('invalidate: who waited gets a new token, and the late one is neither used nor stored', async () => {
    const store = new StoreUnderTest();
    const { auth, payouts, sandbox } = await startHarness({ store });
    const hold = sandbox.hold('token');
    const call = callAccount(payouts);
    await hold.waitFor(1);
    await auth.invalidate();
    hold.release(1);
    await hold.waitFor(2);
    expect(store.records.size).toBe(0);
    hold.release();
    await call;
    expect(sandbox.stats()).toMatchObject({ mints: 2, apiRequests: 1 });
    expect(sentTokens(sandbox)).toEqual([store.only?.accessToken]);
  });

  test('setToken: who waited gets that token, and the late one replaces it neither here nor in the store', async () => {
    const store = new StoreUnderTest();
    const { auth, payouts, sandbox } = await startHarness({ store });
    const hold = sandbox.hold('token');
    const call = callAccount(payouts);
    await hold.waitFor(1);
    const { accessToken } = sandbox.issueToken();
    await auth.setToken({ accessToken, expiresInSeconds: 600 });
    hold.release();
    await call;
    await callAccount(payouts);
    expect(sentTokens(sandbox)).toEqual([accessToken, accessToken]);
    expect(store.only?.accessToken).toBe(accessToken);
    expect(sandbox.stats().tokenRequests).toBe(1);
  });

  test('setToken: who waits for a mint or for the end of a cool-down need not any more', async () => {
    const { auth, clock, payouts, sandbox } = await startHarness();
    sandbox.rateLimit(1, { retryAfter: 60 });
    const cooling = callAccount(payouts);
    await clock.waiting(60_000);
    const { accessToken } = sandbox.issueToken();
    await auth.setToken({ accessToken, expiresInSeconds: 600 });
    await cooling;
    expect(sentTokens(sandbox)).toEqual([accessToken]);
    await auth.invalidate();

    const hold = sandbox.hold('token');
    clock.advance(66_000);
    const minting = callAccount(payouts);
    await hold.waitFor(1);
    await auth.setToken({ accessToken, expiresInSeconds: 600 });
    await minting;
    expect(sentTokens(sandbox)).toEqual([accessToken, accessToken]);
    // What was sent is seen through (C3); then nothing is left.
    hold.release();
    await eventually(() => clock.pending === 0);
  });

  test('setToken during a refresh: it is seen through, and its late result counts for nothing', async () => {
    const store = new StoreUnderTest();
    const { auth, clock, payouts, sandbox } = await startHarness({ grant: PASSWORD_GRANT, store });
    await callAccount(payouts);
    await auth.invalidate();
    const hold = sandbox.hold('token');
    const call = callAccount(payouts);
    await hold.waitFor(1);
    const { accessToken } = sandbox.issueToken();
    await auth.setToken({ accessToken, expiresInSeconds: 600 });
    await call;
    hold.release();
    await auth.close();
    expect(store.only?.accessToken).toBe(accessToken);
    expect([sandbox.stats().tokenRequests, clock.pending]).toEqual([2, 0]);
  });

  test.each([
    ['setToken', ['password', 'refresh_token']],
    ['invalidate', ['password', 'refresh_token', 'password']],
  ] as const)(
    '%s during a refresh that proves dead: the password is not sent for nothing',
    async (by, sent) => {
      const { auth, clock, payouts, sandbox } = await startHarness(
        { grant: PASSWORD_GRANT },
        { tokenLifeSeconds: 1_000, refreshRotation: 'immediate' },
      );
      await callAccount(payouts);
      clock.advance(960_000);
      const hold = sandbox.hold('token');
      sandbox.fail(1, { kind: 'oauth-error', error: 'invalid_grant', status: 400 });
      await callAccount(payouts); // begins the renewal
      await hold.waitFor(1);
      if (by === 'setToken') await auth.setToken({ accessToken: 'by-hand', expiresInSeconds: 600 });
      else await auth.invalidate();
      hold.release();
      await auth.getToken();
      await turns();
      expect(tokenForms(sandbox).map(({ grant_type }) => grant_type)).toEqual(sent);
    },
  );

  test('revoke during a refresh: what was sent after it is seen through, and nothing more is sent', async () => {
    const { auth, clock, sandbox } = await startHarness({ grant: PASSWORD_GRANT }, { tokenLifeSeconds: 100 });
    await auth.getToken();
    clock.advance(100_000);
    const controller = new AbortController();
    const hold = sandbox.hold('token');
    const token = auth.getToken({ signal: controller.signal }).catch(({ code }) => code);
    await hold.waitFor(1);
    await auth.revoke();
    hold.release(1);
    await hold.waitFor(2);
    controller.abort();
    expect(await token).toBe('ERR_CANCELED');
    hold.release();
    await eventually(() => clock.pending === 0);
    expect(sandbox.stats().tokenRequests).toBe(3);
  });

  test('invalidate: the failure of the mint is obsolete too, and who waited gets a new token', async () => {
    const { auth, payouts, sandbox, eventsOf } = await startHarness();
    sandbox.fail(1, { kind: 'html-200' });
    const hold = sandbox.hold('token');
    const call = callAccount(payouts);
    await hold.waitFor(1);
    await auth.invalidate();
    hold.release();
    await expect(call).resolves.toMatchObject({ status: 200 });
    expect(eventsOf('token-failed')).toHaveLength(1);
  });

  test('revoke: who waited gets a new token, and the late one is neither used nor stored', async () => {
    const store = new StoreUnderTest();
    const { auth, payouts, sandbox } = await startHarness({ store });
    const hold = sandbox.hold('token');
    const call = callAccount(payouts);
    await hold.waitFor(1);
    await auth.revoke();
    hold.release(1);
    await hold.waitFor(2);
    expect(store.records.size).toBe(0);
    hold.release();
    await call;
    expect(sentTokens(sandbox)).toEqual([store.only?.accessToken]);
  });

  test('close: who waited and who comes later gets ClosedError, nothing goes out bare, no timer stays', async () => {
    const { auth, payouts, sandbox, clock } = await startHarness();
    const hold = sandbox.hold('token');
    const waiting = [callAccount(payouts), callAccount(payouts), auth.getToken()];
    await hold.waitFor(1);
    await auth.close();
    for (const each of [...waiting, callAccount(payouts), auth.getToken()]) {
      await expect(each).rejects.toBeInstanceOf(ClosedError);
    }
    await hold.waitForAborted(1);
    expect(sandbox.stats()).toMatchObject({ apiRequests: 0, tokenRequests: 1 });
    expect(clock.pending).toBe(0);
    await expect(auth.close()).resolves.toBeUndefined();
  });

  test('a call that comes at whatever moment a renewal ends for nobody gets a token', async () => {
    const { clock, createAuth } = await startHarness();
    for (let microtasks = 0; microtasks < 60; microtasks++) {
      const renewal = deferred();
      const asked = deferred();
      let minted = 0;
      const auth = createAuth(
        endpointIn(async () => {
          const token = `token-${++minted}`;
          if (minted === 2) {
            asked.resolve();
            await renewal.promise;
          }
          return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: 1_000 } };
        }),
      );
      await auth.getToken();
      clock.advance(960_000);
      await auth.getToken(); // begins the renewal
      await asked.promise;
      await auth.invalidate();
      renewal.resolve();
      for (let n = 0; n < microtasks; n++) await Promise.resolve();
      expect((await auth.getToken()).value).toBe('token-3');
    }
  });

  test('a token that is forgotten again before its mint ends is minted once more', async () => {
    const { auth, payouts, sandbox } = await startHarness();
    const hold = sandbox.hold('token');
    const call = callAccount(payouts);
    for (const round of [1, 2, 3]) {
      await hold.waitFor(round);
      await auth.invalidate();
      hold.release(1);
    }
    await hold.waitFor(4);
    hold.release();
    await call;
    expect(sandbox.stats().mints).toBe(4);
  });
});

describe('what is decided by hand while a mint stores its result', () => {
  test('invalidate: the result is not used, and replaced in the store', async () => {
    const store = new StoreUnderTest();
    const { auth, payouts, sandbox } = await startHarness({ store });
    const set = store.park('set');
    const call = callAccount(payouts);
    await set.arrived;
    const invalidated = auth.invalidate();
    set.release();
    await Promise.all([invalidated, call]);
    expect(sandbox.stats().mints).toBe(2);
    expect(sentTokens(sandbox)).toEqual([store.only?.accessToken]);
  });

  test.each(['invalidate', 'revoke'] as const)(
    "%s: a caller that can't wait until it is stored does not take it as it is",
    async (by) => {
      const store = new StoreUnderTest();
      const { auth, clock } = await startHarness({ store });
      const set = store.park('set');
      const token = auth.getToken({ maxWaitMs: 500 });
      await set.arrived;
      const done = auth[by]();
      clock.advance(500);
      await expect(token).rejects.toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE' });
      set.release();
      await done;
    },
  );

  test('setToken: what is stored in the end is what was set', async () => {
    const store = new StoreUnderTest();
    const { auth, payouts, sandbox } = await startHarness({ store });
    const set = store.park('set');
    const call = callAccount(payouts);
    await set.arrived;
    const { accessToken } = sandbox.issueToken();
    const done = auth.setToken({ accessToken });
    await turns();
    set.release();
    await Promise.all([done, call]);
    expect(store.only?.accessToken).toBe(accessToken);
    expect(sentTokens(sandbox)).toEqual([accessToken]);
  });

  test('revoke: the result is deleted and revoked as well', async () => {
    const store = new StoreUnderTest();
    const { auth, payouts, sandbox } = await startHarness({ store });
    const set = store.park('set');
    const call = callAccount(payouts);
    await set.arrived;
    const revoked = auth.revoke();
    await turns();
    set.release();
    await Promise.all([revoked, call]);
    expect(sandbox.stats()).toMatchObject({ mints: 2, revocations: 1, unauthorized: 0 });
    expect(sentTokens(sandbox)).toEqual([store.only?.accessToken]);
  });
});

describe('a refresh token outlives what is decided about access tokens', () => {
  const immediate = { refreshRotation: 'immediate', tokenLifeSeconds: 100 } as const;

  test.each(['works', 'is broken'])(
    'invalidate during a refresh keeps the rotated one, where the store %s',
    async (how) => {
      const store = new StoreUnderTest();
      const { auth, payouts, sandbox, clock } = await startHarness(
        { grant: PASSWORD_GRANT, store },
        immediate,
      );
      await callAccount(payouts);
      if (how === 'is broken') for (const each of ['get', 'set', 'delete'] as const) store.break(each);
      clock.advance(100_000);
      const hold = sandbox.hold('token');
      const call = callAccount(payouts);
      await hold.waitFor(1);
      await auth.invalidate();
      hold.release();
      await call;
      expect(sandbox.stats()).toMatchObject({
        tokenRequestsByGrant: { password: 1, refresh_token: 2 },
        refreshes: 2,
      });
    },
  );

  test('the last one who leaves does not end a refresh: whoever comes next gets its result', async () => {
    const { payouts, sandbox, clock, auth } = await startHarness({ grant: PASSWORD_GRANT }, immediate);
    await callAccount(payouts);
    clock.advance(100_000);
    const hold = sandbox.hold('token');
    const caller = new AbortController();
    const call = callAccount(payouts, caller.signal);
    await hold.waitFor(1);
    caller.abort();
    await expect(call).rejects.toMatchObject({ code: 'ERR_CANCELED' });
    expect(clock.pending).toBe(1); // the limit of the token request
    const next = auth.getToken();
    hold.release();
    await next;
    expect(hold.aborted).toBe(0);
    expect(sandbox.stats().tokenRequestsByGrant).toEqual({ password: 1, refresh_token: 1 });
  });

  test('a refresh that everybody left and that finds its token dead: the next mint goes on with the primary grant', async () => {
    const { payouts, sandbox, clock } = await startHarness({ grant: PASSWORD_GRANT }, immediate);
    await callAccount(payouts);
    sandbox.revokeAllTokens();
    clock.advance(100_000);
    const hold = sandbox.hold('token');
    const caller = new AbortController();
    const call = callAccount(payouts, caller.signal);
    await hold.waitFor(1);
    caller.abort();
    await expect(call).rejects.toMatchObject({ code: 'ERR_CANCELED' });
    hold.release();
    await eventually(() => clock.pending === 0); // the limit of a token request that is under way
    expect(tokenForms(sandbox).map((form) => form.grant_type)).toEqual(['password', 'refresh_token']);
    await callAccount(payouts);
    expect(sandbox.stats().tokenRequestsByGrant).toEqual({ password: 2, refresh_token: 1 });
  });

  test('close waits for a refresh and stores the rotated token, although who waited was rejected at once', async () => {
    const store = new StoreUnderTest();
    const { auth, payouts, sandbox, clock, createAuth } = await startHarness(
      { grant: PASSWORD_GRANT, store },
      immediate,
    );
    await callAccount(payouts);
    const before = store.only?.refreshToken;
    clock.advance(100_000);
    const hold = sandbox.hold('token');
    const call = callAccount(payouts);
    await hold.waitFor(1);
    const closed = auth.close();
    await expect(call).rejects.toBeInstanceOf(ClosedError);
    hold.release();
    await closed;
    expect(store.only?.refreshToken).not.toBe(before);
    await createAuth().getToken();
    expect(sandbox.stats()).toMatchObject({
      tokenRequestsByGrant: { password: 1, refresh_token: 2 },
      refreshes: 2,
    });
  });

  test('invalidate leaves the stored refresh token where a sibling put a newer one', async () => {
    const store = new StoreUnderTest();
    const { auth, createAuth, sandbox } = await startHarness({ grant: PASSWORD_GRANT, store }, immediate);
    const sibling = createAuth();
    await auth.getToken();
    const deciding = store.park('get');
    const invalidated = auth.invalidate();
    await deciding.arrived;
    await sibling.invalidate();
    await sibling.getToken();
    const rotated = store.only?.refreshToken;
    deciding.release();
    await invalidated;
    expect(store.only?.refreshToken).toBe(rotated);
    await auth.getToken();
    expect(sandbox.stats().tokenRequestsByGrant).toMatchObject({ password: 1 });
  });
});

describe('invalidate', () => {
  test('without a token: all of this auth is renewed by the next requests', async () => {
    const { auth, payouts, links, sandbox } = await startHarness();
    await callAccount(payouts);
    await links.get('/');
    await auth.invalidate();
    await callAccount(payouts);
    await links.get('/');
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 4, unauthorized: 0 });
  });

  test('leaves the refresh token in the store: whoever shares it goes on with that', async () => {
    const store = new StoreUnderTest();
    const { auth } = await startHarness({ grant: PASSWORD_GRANT, store });
    await auth.getToken();
    const { refreshToken } = store.only ?? {};
    await auth.invalidate();
    expect(store.only?.refreshToken).toBe(refreshToken);
    expect(refreshToken).toBeDefined();
  });

  test('with the token in use: the next request renews', async () => {
    const { auth, sandbox } = await startHarness();
    const first = await auth.getToken();
    await auth.invalidate(first);
    expect((await auth.getToken()).value).not.toBe(first.value);
    expect(sandbox.stats().tokenRequests).toBe(2);
  });

  test('with a token that was refused and is being renewed: nothing happens, and the renewal counts', async () => {
    const { auth, payouts, sandbox } = await startHarness();
    const token = await auth.getToken();
    sandbox.revokeAllTokens();
    const hold = sandbox.hold('token');
    const call = callAccount(payouts);
    await hold.waitFor(1);
    await auth.invalidate(token);
    hold.release();
    await call;
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 2, apiRequests: 2 });
  });

  test('with a token that is not in use any more: nothing happens', async () => {
    const { auth, sandbox } = await startHarness();
    const first = await auth.getToken();
    await auth.invalidate(first);
    const second = await auth.getToken();
    await auth.invalidate(first);
    expect((await auth.getToken()).value).toBe(second.value);
    expect(sandbox.stats().tokenRequests).toBe(2);
  });

  test.each([
    ['in memory', undefined],
    ['that takes its time', new StoreUnderTest()],
  ])('a request that follows at once does not find the token again, with a store %s', async (_, store) => {
    const { auth, sandbox } = await startHarness(store === undefined ? {} : { store });
    const first = await auth.getToken();
    const done = auth.invalidate(first);
    expect((await auth.getToken()).value).not.toBe(first.value);
    await done;
    expect(sandbox.stats().tokenRequests).toBe(2);
  });

  test('a token that the store would not delete is not taken from it', async () => {
    const store = new StoreUnderTest();
    const { auth, sandbox, eventsOf } = await startHarness({ store });
    const first = await auth.getToken();
    store.break('delete');
    await auth.invalidate(first);
    expect((await auth.getToken()).value).not.toBe(first.value);
    expect(sandbox.stats().tokenRequests).toBe(2);
    expect(eventsOf('store-failed').map(({ operation }) => operation)).toEqual(['delete']);
  });

  test('without a token: also what a sibling stored for a scope that was not used yet is not taken', async () => {
    const store = new StoreUnderTest();
    const { auth, createAuth, sandbox } = await startHarness({ store });
    const sibling = createAuth();
    const scope = 'read_bills';
    await sibling.getToken({ scope });
    await auth.invalidate();
    await auth.getToken({ scope });
    expect(sandbox.stats().tokenRequests).toBe(2);
  });

  test('without a token: what a sibling mints afterwards is taken (C1)', async () => {
    const store = new StoreUnderTest();
    const { auth, createAuth, sandbox } = await startHarness({ store });
    const all = [auth, createAuth(), createAuth()];
    for (const each of all) await each.invalidate();
    await Promise.all(all.map((each) => each.getToken()));
    expect(sandbox.stats().tokenRequests).toBe(1);
  });

  test('also where the store does not answer at first, and shows it later', async () => {
    const store = new StoreUnderTest();
    const { auth, createAuth, sandbox } = await startHarness({ store });
    const scope = 'read_bills';
    await createAuth().getToken({ scope });
    await auth.invalidate();
    store.before.get = () => {
      delete store.before.get;
      return Promise.reject(new Error('down'));
    };
    await auth.getToken({ scope });
    expect(sandbox.stats().tokenRequests).toBe(2);
  });

  test('without a token: also what the store holds, and seems to be over while the wall clock is fast', async () => {
    const store = new StoreUnderTest();
    const { auth, createAuth, sandbox, clock } = await startHarness({ store });
    const { value } = await createAuth().getToken();
    clock.stepWall(10_800_000);
    const hold = sandbox.hold('token');
    const waiting = auth.getToken();
    await hold.waitFor(1);
    await auth.invalidate();
    clock.stepWall(-10_800_000);
    hold.release();
    expect((await waiting).value).not.toBe(value);
    expect(sandbox.stats().tokenRequests).toBe(3);
  });

  test('with a token: what a sibling has minted since is taken', async () => {
    const store = new StoreUnderTest();
    const { auth, createAuth, sandbox } = await startHarness({ store });
    const first = await auth.getToken();
    const sibling = createAuth();
    await sibling.getToken();
    await sibling.invalidate();
    const second = await sibling.getToken();
    await auth.invalidate(first);
    expect((await auth.getToken()).value).toBe(second.value);
    expect(sandbox.stats().tokenRequests).toBe(2);
  });

  test('on a server that reuses tokens the same one is used again, and told to be the same', async () => {
    const { auth, eventsOf } = await startHarness({}, { reuseTokens: true });
    const first = await auth.getToken();
    await auth.invalidate(first);
    expect((await auth.getToken()).value).toBe(first.value);
    expect(eventsOf('token-minted').map(({ sameToken }) => sameToken)).toEqual([false, true]);
  });
});

describe('setToken', () => {
  test('with only a refresh token: the next request refreshes', async () => {
    const { auth, payouts, sandbox } = await startHarness({ grant: PASSWORD_GRANT });
    const { refreshToken } = sandbox.issueToken();
    await auth.setToken({ accessToken: '', refreshToken });
    await callAccount(payouts);
    expect(tokenForms(sandbox)).toMatchObject([{ grant_type: 'refresh_token', refresh_token: refreshToken }]);
  });

  test('with only a refresh token while a call waits for a mint: the call goes out with what the refresh brings', async () => {
    const { auth, payouts, sandbox } = await startHarness({ grant: PASSWORD_GRANT });
    const { refreshToken } = sandbox.issueToken();
    const hold = sandbox.hold('token');
    const call = callAccount(payouts);
    await hold.waitFor(1);
    await auth.setToken({ accessToken: '', refreshToken });
    hold.release();
    await call;
    expect(tokenForms(sandbox).map(({ grant_type }) => grant_type)).toEqual(['password', 'refresh_token']);
    expect(sandbox.stats()).toMatchObject({ apiRequests: 1, unauthorized: 0 });
  });

  test('the token of an OTP flow is used until it expires; then the grant takes over', async () => {
    const { auth, payouts, sandbox, clock } = await startHarness();
    const { accessToken } = sandbox.issueToken();
    await auth.setToken({ accessToken, expiresInSeconds: 100 });
    await callAccount(payouts);
    clock.advance(100_000);
    await callAccount(payouts);
    expect(sentTokens(sandbox)[0]).toBe(accessToken);
    expect(sandbox.stats().tokenRequestsByGrant).toEqual({ client_credentials: 1 });
  });

  test('without a life it lives for "defaultLifeMs"', async () => {
    const { auth, clock, sandbox } = await startHarness({ defaultLifeMs: 50_000, renewAheadMs: 0 });
    await auth.setToken({ accessToken: 'by-hand' });
    clock.advance(49_999);
    expect((await auth.getToken()).value).toBe('by-hand');
    clock.advance(1);
    expect((await auth.getToken()).value).not.toBe('by-hand');
    expect(sandbox.stats().tokenRequests).toBe(1);
  });

  test("forgotten again at once: nothing is written, over a sibling's token at that", async () => {
    const store = new StoreUnderTest();
    const { auth, createAuth } = await startHarness({ store });
    const { value } = await createAuth().getToken();
    await Promise.all([auth.setToken({ accessToken: 'by-hand' }), auth.invalidate()]);
    expect(store.only?.accessToken).toBe(value);
  });

  test('another scope has its own', async () => {
    const { auth, sandbox } = await startHarness();
    await auth.setToken({ accessToken: 'by-hand' }, { scope: 'read_bills' });
    expect((await auth.getToken({ scope: 'read_bills' })).value).toBe('by-hand');
    await auth.getToken();
    expect(sandbox.stats().tokenRequests).toBe(1);
  });

  test('a refusal that is remembered from before does not count any more', async () => {
    const { auth, payouts, sandbox } = await startHarness({ grant: refreshGrant('never-existed') });
    await expect(callAccount(payouts)).rejects.toMatchObject({ error: 'invalid_grant' });
    const { refreshToken } = sandbox.issueToken();
    await auth.setToken({ accessToken: '', refreshToken });
    await callAccount(payouts);
    expect(sandbox.stats().tokenRequests).toBe(2);
  });
});

describe('revoke', () => {
  test("sends PayU's form, and forgets the token", async () => {
    const { auth, payouts, sandbox } = await startHarness();
    const { value } = await auth.getToken();
    await auth.revoke();
    expect(formsOf(sandbox, 'revoke')).toEqual([
      { client_id: sandbox.clientId, client_secret: sandbox.clientSecret, token: value },
    ]);
    await callAccount(payouts);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 2, revocations: 1, unauthorized: 0 });
  });

  test('of a public client: no secret, and both the access and the refresh token', async () => {
    const store = new StoreUnderTest();
    const { auth, sandbox } = await startHarness({ grant: PASSWORD_GRANT, store });
    const { value } = await auth.getToken();
    const refreshToken = store.only?.refreshToken;
    await auth.revoke();
    expect(new Set(formsOf(sandbox, 'revoke'))).toEqual(
      new Set([value, refreshToken].map((token) => ({ client_id: PASSWORD_GRANT.clientId, token }))),
    );
    expect(store.records.size).toBe(0);
    await auth.getToken();
    expect(sandbox.stats().tokenRequestsByGrant).toEqual({ password: 2 });
  });

  test('a request that follows at once uses neither the access nor the refresh token', async () => {
    const store = new StoreUnderTest();
    const { auth, payouts, sandbox } = await startHarness({ grant: PASSWORD_GRANT, store });
    await callAccount(payouts);
    const get = store.park('get');
    const revoked = auth.revoke();
    const call = callAccount(payouts);
    await get.arrived;
    get.release();
    await Promise.all([revoked, call]);
    await callAccount(payouts);
    expect(sandbox.stats()).toMatchObject({ tokenRequestsByGrant: { password: 2 }, unauthorized: 0 });
  });

  test('nor what a sibling has stored, while the secrets are still asked that tell where', async () => {
    const store = new StoreUnderTest();
    const { createAuth, sandbox } = await startHarness({ grant: PASSWORD_GRANT, store });
    await createAuth().getToken();
    const vault = deferred<string>();
    let asked = 0;
    const grant = {
      ...PASSWORD_GRANT,
      password: () => (++asked === 1 ? vault.promise : PASSWORD_GRANT.password) as string | Promise<string>,
    };
    const auth = createAuth({ grant });
    const revoked = auth.revoke();
    await turns();
    const token = auth.getToken();
    await turns();
    vault.resolve('sandbox-password');
    await Promise.all([revoked, token]);
    expect(sandbox.stats().tokenRequestsByGrant).toEqual({ password: 2 });
    expect(formsOf(sandbox, 'revoke')).toHaveLength(2);
  });

  test('401 invalid_token, which means revoked before, counts as done', async () => {
    const { auth, sandbox } = await startHarness({}, { revokedTwice: 'invalid-token' });
    await auth.getToken();
    sandbox.revokeAllTokens();
    await expect(auth.revoke()).resolves.toBeUndefined();
    expect(sandbox.stats().revokeRequests).toBe(1);
  });

  test('of an access token that has expired: the refresh token lives, so both are sent', async () => {
    const { auth, sandbox, clock } = await startHarness({ grant: PASSWORD_GRANT }, { tokenLifeSeconds: 100 });
    await auth.getToken();
    clock.advance(100_000);
    await auth.revoke();
    expect(sandbox.stats().revokeRequests).toBe(2);
  });

  test('without a token there is nothing to send', async () => {
    const { auth, sandbox } = await startHarness();
    await auth.revoke();
    expect(sandbox.stats().revokeRequests).toBe(0);
  });

  test('a token that has expired by our clock is revoked all the same', async () => {
    const { auth, sandbox, clock } = await startHarness({}, { tokenLifeSeconds: 100 });
    await auth.getToken();
    clock.advance(100_000);
    await auth.revoke();
    expect(sandbox.stats().revokeRequests).toBe(1);
  });

  test.each([
    ['503', { kind: 'status', status: 503 }, { code: 'ERR_TOKEN_UNAVAILABLE', status: 503 }],
    ['a reset', { kind: 'reset-after-read' }, { code: 'ERR_TOKEN_UNAVAILABLE' }],
    [
      '403 unauthorized_client',
      { kind: 'oauth-error', error: 'unauthorized_client', status: 403 },
      { code: 'ERR_TOKEN_REFUSED', error: 'unauthorized_client', status: 403 },
    ],
    [
      '401 invalid_client',
      { kind: 'oauth-error', error: 'invalid_client', status: 401 },
      { code: 'ERR_TOKEN_REFUSED', error: 'invalid_client', status: 401 },
    ],
    ['429', { kind: 'status', status: 429, body: 'none' }, { code: 'ERR_RATE_LIMITED' }],
  ] as const)(
    'on %s it rejects, having tried each token, and all is forgotten all the same',
    async (_, fault, error) => {
      const { auth, sandbox } = await startHarness({ grant: PASSWORD_GRANT });
      const { value } = await auth.getToken();
      sandbox.fail(1, fault, { on: 'revoke' });
      await expect(auth.revoke()).rejects.toMatchObject(error);
      expect(sandbox.stats().revokeRequests).toBe(2);
      expect((await auth.getToken()).value).not.toBe(value);
      expect(sandbox.stats().tokenRequestsByGrant).toEqual({ password: 2 });
    },
  );

  test('a server that never answers costs "tokenTimeoutMs"', async () => {
    const { auth, sandbox, clock } = await startHarness({ tokenTimeoutMs: 5_000 });
    await auth.getToken();
    sandbox.fail(1, { kind: 'hang' }, { on: 'revoke' });
    const revoked = auth.revoke();
    await sandbox.until(({ revokeRequests }) => revokeRequests === 1);
    await clock.waiting(5_000, 5_000);
    clock.advance(5_000);
    await expect(revoked).rejects.toBeInstanceOf(TokenUnavailableError);
    expect(clock.pending).toBe(0);
  });

  test('a custom environment needs "revokeUrl" for it', async () => {
    const { createAuth, sandbox } = await startHarness();
    const auth = createAuth({ environment: { tokenUrl: sandbox.environment.tokenUrl } });
    await expect(auth.revoke()).rejects.toThrow('"environment.revokeUrl" is needed for revoke()');
  });

  test('a process that awaits it stays alive until it is done', async () => {
    const script = fileURLToPath(new URL('revoke-and-end.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script]);
    expect(stdout).toBe('revoked\n');
  }, 180_000);
});

describe('close', () => {
  test('rejects what else is called by hand', async () => {
    const { auth } = await startHarness();
    await auth.close();
    for (const call of [
      () => auth.setToken({ accessToken: 'x' }),
      () => auth.invalidate(),
      () => auth.revoke(),
      async () => auth.attach({} as never),
    ]) {
      await expect(call()).rejects.toBeInstanceOf(ClosedError);
    }
  });

  test('is what "await using" does', async () => {
    const { auth, payouts } = await startHarness();
    await auth[Symbol.asyncDispose]();
    await expect(callAccount(payouts)).rejects.toBeInstanceOf(ClosedError);
  });

  test('ends a revocation that hangs', async () => {
    const { auth, sandbox, clock } = await startHarness();
    await auth.getToken();
    const hold = sandbox.hold('revoke');
    const revoked = auth.revoke();
    await hold.waitFor(1);
    await auth.close();
    await expect(revoked).rejects.toBeInstanceOf(ClosedError);
    expect(clock.pending).toBe(0);
  });
});
