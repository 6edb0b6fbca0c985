import { describe, expect, test } from 'vitest';
import type { PayuAuthOptions } from '../../../src/options/options.ts';
import type { SandboxOptions, TokenReplyShape } from '../../../src/sandbox/index.ts';
import { atOnce, fulfilled, PAYOUTS_SCOPE, startHarness } from '../../support/harness.ts';
import {
  callAccount,
  PASSWORD_GRANT,
  refreshGrant,
  StoreUnderTest,
  sentTokens,
  tokenForms,
  turns,
} from '../support.ts';

describe('the grants of docs/payu.md', () => {
  test('client_credentials: client id, secret, grant type and scope; the reply has no refresh token', async () => {
    const store = new StoreUnderTest();
    const { payouts, sandbox } = await startHarness({ store });
    await callAccount(payouts);
    expect(tokenForms(sandbox)).toEqual([
      {
        client_id: sandbox.clientId,
        client_secret: sandbox.clientSecret,
        grant_type: 'client_credentials',
        scope: PAYOUTS_SCOPE,
      },
    ]);
    expect(store.only).not.toHaveProperty('refreshToken');
  });

  test('password: public client id without secret, user name, password, scope; the reply has a refresh token and user_uuid', async () => {
    const store = new StoreUnderTest();
    const { payouts, sandbox, auth } = await startHarness({ grant: PASSWORD_GRANT, store });
    await callAccount(payouts);
    expect(tokenForms(sandbox)).toEqual([
      {
        client_id: sandbox.publicClientId,
        username: sandbox.username,
        password: sandbox.password,
        grant_type: 'password',
        scope: PAYOUTS_SCOPE,
      },
    ]);
    expect(store.only?.refreshToken).toMatch(/\S/);
    expect((await auth.getToken()).extra.user_uuid).toMatch(/\S/);
  });

  test('refresh_token of a public client: client id, refresh token and grant type; no scope, no secret', async () => {
    const { createAuth, sandbox } = await startHarness();
    const { refreshToken } = sandbox.issueToken();
    await createAuth({ grant: refreshGrant(refreshToken) }).getToken();
    expect(tokenForms(sandbox)).toEqual([
      {
        client_id: sandbox.publicClientId,
        refresh_token: refreshToken,
        grant_type: 'refresh_token',
      },
    ]);
  });

  test('refresh_token of a confidential client: with its secret, at each renewal', async () => {
    const { createAuth, sandbox, clock } = await startHarness({}, { tokenLifeSeconds: 100 });
    const { clientId, clientSecret } = sandbox;
    const { refreshToken } = sandbox.issueToken({ clientId });
    const auth = createAuth({ grant: { type: 'refresh_token', refreshToken, clientId, clientSecret } });
    await auth.getToken();
    clock.advance(100_000);
    await auth.getToken();
    expect(tokenForms(sandbox)).toMatchObject([
      { refresh_token: refreshToken, client_id: clientId, client_secret: clientSecret },
      { grant_type: 'refresh_token', client_id: clientId, client_secret: clientSecret },
    ]);
  });

  test('another one: any grant type with any further parameters, with and without a client', async () => {
    const { createAuth, sandbox } = await startHarness(
      {},
      { customGrant: { grantType: 'urn:bbps', parameters: { agent_id: 'A1', pin: '1&2=3' } } },
    );
    const custom = {
      type: 'custom',
      grantType: 'urn:bbps',
      parameters: { agent_id: 'A1', pin: async () => '1&2=3' },
    } as const;
    const { clientId, clientSecret } = sandbox;
    await createAuth({ grant: custom, scope: 'read_bills' }).getToken();
    await createAuth({ grant: { ...custom, clientId, clientSecret }, scope: 'read_bills' }).getToken();
    const form = { grant_type: 'urn:bbps', agent_id: 'A1', pin: '1&2=3', scope: 'read_bills' };
    expect(tokenForms(sandbox)).toEqual([
      form,
      { ...form, client_id: clientId, client_secret: clientSecret },
    ]);
  });

  test('each is form-encoded, asks for JSON and no cache, and carries neither Basic credentials nor a bearer token', async () => {
    const { payouts, sandbox } = await startHarness();
    await callAccount(payouts);
    const { headers, method } = sandbox.requests()[0] ?? {};
    expect(method).toBe('POST');
    expect(headers).toMatchObject({
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
      'cache-control': 'no-cache',
    });
    expect(headers).not.toHaveProperty('authorization');
  });

  test('secrets with + % & : @ and UTF-8 arrive unchanged', async () => {
    const clientSecret = 'a+b%20&c:d@e=f ग £"\\';
    const { payouts, sandbox } = await startHarness({}, { clientSecret });
    await callAccount(payouts);
    expect(tokenForms(sandbox)[0]?.client_secret).toBe(clientSecret);
  });
});

describe('the reply of docs/payu.md that holds a token, over a server that answers so', () => {
  /** A call with a token from a reply of this shape. */
  async function tokenOf(
    shape: TokenReplyShape | readonly TokenReplyShape[],
    options: Partial<PayuAuthOptions> = {},
    sandboxOptions: SandboxOptions = {},
  ) {
    const harness = await startHarness(options, { replyShape: shape, ...sandboxOptions });
    await callAccount(harness.payouts);
    const startedAt = harness.clock.now();
    const token = await harness.auth.getToken();
    return { ...harness, token, lifeMs: token.expiresAt.getTime() - startedAt };
  }

  test('expires_in is the remaining life', async () => {
    const { createAuth, clock } = await startHarness({}, { reuseTokens: true });
    await createAuth().getToken();
    clock.advance(849_400);
    const token = await createAuth().getToken();
    expect(token.expiresAt.getTime() - clock.now()).toBe(6_351_000); // 6350.6 s, rounded half up
  });

  test.each([
    ['misspelt expire_in', 'misspelt-expire-in', 7_011, 7_011_000],
    ['as a numeric string', 'string-numbers', 7_011, 7_011_000],
    ['absent: the default life', 'without-expires-in', 7_011, 60_000],
    ['absent from a token that never expires: the default life', [], null, 60_000],
  ] as const)('expires_in %s', async (_, shape, tokenLifeSeconds, expectedMs) => {
    const { lifeMs } = await tokenOf(shape, { defaultLifeMs: 60_000 }, { tokenLifeSeconds });
    expect(lifeMs).toBe(expectedMs);
  });

  test('expires_in of 0 and of 1: usable, and no mint per call', async () => {
    for (const tokenLifeSeconds of [0.4, 1]) {
      const { payouts, sandbox } = await startHarness({}, { tokenLifeSeconds });
      for (let call = 0; call < 5; call++) await callAccount(payouts);
      expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, unauthorized: 0 });
    }
  });

  test('created_at never counts for expiry, in milliseconds neither', async () => {
    const { token, lifeMs, clock } = await tokenOf('created-at-in-ms');
    expect(lifeMs).toBe(7_200_000);
    expect(token.extra.created_at).toBe(clock.now() / 1_000);
  });

  test.each(['lower-case-bearer', 'without-token-type'] as const)(
    'token_type %s: accepted, and the header says Bearer',
    async (shape) => {
      const { sandbox } = await tokenOf(shape);
      const api = sandbox.requests().find(({ kind }) => kind === 'api');
      expect(api?.headers.authorization).toMatch(/^Bearer \S+$/);
    },
  );

  test('scope absent: as requested', async () => {
    const { token, eventsOf } = await tokenOf('without-scope');
    expect(token.scope).toEqual([PAYOUTS_SCOPE]);
    expect(eventsOf('scope-missing')).toEqual([]);
  });

  test('scope in another order: the same set', async () => {
    const { auth, eventsOf } = await startHarness({}, { replyShape: 'other-scope-order' });
    const scope = ['create_payment_links', 'read_payment_links'];
    expect((await auth.getToken({ scope })).scope).toEqual(scope);
    expect(eventsOf('scope-missing')).toEqual([]);
  });

  test('scope different from what was asked: an event, and no error', async () => {
    const { token, eventsOf } = await tokenOf('other-scope');
    expect(token.scope).toEqual(['user_profile']);
    expect(eventsOf('scope-missing')).toEqual([{ type: 'scope-missing', missing: [PAYOUTS_SCOPE] }]);
  });

  test('refresh_token absent from the reply to a refresh: the old one is kept, and stored', async () => {
    const store = new StoreUnderTest();
    const { payouts, sandbox, clock } = await startHarness(
      { grant: PASSWORD_GRANT, store },
      { refreshRotation: 'none', tokenLifeSeconds: 100 },
    );
    await callAccount(payouts);
    const first = store.only?.refreshToken;
    sandbox.setReplyShape('without-refresh-token');
    for (let life = 0; life < 3; life++) {
      clock.advance(100_000);
      await callAccount(payouts);
      expect(store.only?.refreshToken).toBe(first);
    }
    expect(sandbox.stats().tokenRequestsByGrant).toEqual({ password: 1, refresh_token: 3 });
  });

  test('refresh_token in the reply: stored before anybody uses the new access token', async () => {
    const store = new StoreUnderTest();
    const { payouts, sandbox, clock } = await startHarness(
      { grant: PASSWORD_GRANT, store },
      { refreshRotation: 'immediate', tokenLifeSeconds: 100 },
    );
    await callAccount(payouts);
    const first = store.only?.refreshToken;
    clock.advance(100_000);
    sandbox.resetStats();
    const set = store.park('set');
    const call = callAccount(payouts);
    await set.arrived;
    await turns();
    expect(sandbox.stats().apiRequests).toBe(0);
    set.release();
    await call;
    expect(store.only?.refreshToken).not.toBe(first);
  });

  test('refresh_token in the reply to client credentials, which have none (RFC 6749 §4.4.3): ignored', async () => {
    const store = new StoreUnderTest();
    const { payouts, sandbox, clock } = await startHarness({ store });
    const { accessToken, refreshToken } = sandbox.issueToken();
    sandbox.replyNext({ body: { access_token: accessToken, expires_in: 60, refresh_token: refreshToken } });
    await callAccount(payouts);
    expect(store.only).not.toHaveProperty('refreshToken');
    clock.advance(60_000);
    await callAccount(payouts);
    expect(tokenForms(sandbox).map((form) => form.grant_type)).toEqual([
      'client_credentials',
      'client_credentials',
    ]);
  });

  test('user_uuid, mid and the like are kept as extra', async () => {
    const { auth, sandbox } = await startHarness();
    sandbox.replyNext({ body: { access_token: 'a', expires_in: 60, user_uuid: '11e8', mid: 8, list: [1] } });
    expect((await auth.getToken()).extra).toEqual({ user_uuid: '11e8', mid: 8, list: [1] });
  });

  test('a 2xx without a token is a failure that nobody stores', async () => {
    const store = new StoreUnderTest();
    const { payouts } = await startHarness({ store }, { replyShape: 'without-access-token' });
    await expect(callAccount(payouts)).rejects.toMatchObject({
      code: 'ERR_TOKEN_RESPONSE',
      status: 200,
      reason: 'its "access_token" is missing',
    });
    expect(store.records.size).toBe(0);
  });
});

describe("Doorkeeper's habits, as docs/payu.md lists them", () => {
  test('reuse: a renewal ahead of time that yields the same token is not tried on each call, and the token is used to its end', async () => {
    const { payouts, sandbox, clock } = await startHarness({}, { reuseTokens: true, tokenLifeSeconds: 100 });
    await callAccount(payouts);
    for (let second = 91; second < 100; second++) {
      clock.advance(second === 91 ? 91_000 : 1_000);
      for (let call = 0; call < 20; call++) await callAccount(payouts);
      while (clock.pending > 0) await turns();
    }
    expect(new Set(sentTokens(sandbox)).size).toBe(1);
    expect(sandbox.stats()).toMatchObject({ mints: 1, unauthorized: 0 });
    expect(sandbox.stats().reused).toBeLessThanOrEqual(6);
  });

  test('reuse: the scope set decides, not its order', async () => {
    const { createAuth } = await startHarness({}, { reuseTokens: true });
    const scope = 'read_payment_links create_payment_links';
    const one = await createAuth({ scope }).getToken();
    const other = await createAuth({ scope: scope.split(' ').reverse() }).getToken();
    expect(other.value).toBe(one.value);
  });

  test('revoke-previous: a token that another process killed is replaced by the one in the shared store, without a mint', async () => {
    const store = new StoreUnderTest();
    const { payouts, createAuth, client, sandbox } = await startHarness({ store }, { revokePrevious: true });
    const sibling = createAuth();
    const theirs = client('/payout');
    sibling.attach(theirs);
    await callAccount(payouts);
    await callAccount(theirs);
    await sibling.invalidate();
    await callAccount(theirs); // mints, and kills the token of the first
    sandbox.resetStats();
    await callAccount(payouts);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 0, unauthorized: 1, apiRequests: 2 });
  });

  test('revoke-previous: two auths on one store do not kill their tokens in turn', async () => {
    const store = new StoreUnderTest();
    const { payouts, createAuth, client, sandbox } = await startHarness({ store }, { revokePrevious: true });
    const theirs = client('/payout');
    createAuth().attach(theirs);
    for (let round = 0; round < 5; round++) {
      sandbox.revokeAllTokens();
      const results = await atOnce(10, (index) => callAccount(index % 2 === 0 ? payouts : theirs));
      expect(fulfilled(results)).toBe(10);
    }
    expect(sandbox.stats().tokenRequests).toBe(5);
  });

  test('revoke-previous: concurrent mints may race to invalid_token_reuse, which is tried again', async () => {
    const { payouts, sandbox, clock } = await startHarness();
    sandbox.fail(1, { kind: 'oauth-error', error: 'invalid_token_reuse', status: 400 });
    const call = callAccount(payouts);
    await clock.waiting(100, 200);
    clock.advance(200);
    await call;
    expect(sandbox.stats().tokenRequests).toBe(2);
  });

  test.each([
    ['previous_refresh_token: the old pair works until the new access token is first used', 'previous'],
    ['without it: the old pair dies at once', 'immediate'],
    ['no rotation: the refresh token stays', 'none'],
  ] as const)('%s; renewals go on', async (_, refreshRotation) => {
    const { payouts, sandbox, clock } = await startHarness(
      { grant: PASSWORD_GRANT },
      { refreshRotation, tokenLifeSeconds: 100 },
    );
    for (let life = 0; life < 5; life++) {
      await callAccount(payouts);
      clock.advance(100_000);
    }
    expect(sandbox.stats()).toMatchObject({
      tokenRequestsByGrant: { password: 1, refresh_token: 4 },
      unauthorized: 0,
    });
  });

  test('a second concurrent refresh that gets invalid_request (up to Doorkeeper 5.1) takes what the first one stored', async () => {
    const store = new StoreUnderTest();
    const { createAuth, sandbox, clock } = await startHarness(
      { grant: PASSWORD_GRANT, store },
      { refreshRotation: 'immediate', statusStyle: 'doorkeeper-5.1', tokenLifeSeconds: 100 },
    );
    const [one, other] = [createAuth(), createAuth()];
    await one.getToken();
    await other.getToken();
    clock.advance(100_000);
    store.break('withLock'); // so that both refresh at once
    const hold = sandbox.hold('token', undefined, { process: 'after' });
    const tokens = [one.getToken(), other.getToken()];
    await hold.waitFor(2);
    hold.release(1);
    const first = await Promise.race(tokens);
    hold.release();
    expect((await Promise.all(tokens)).map(({ value }) => value)).toEqual([first.value, first.value]);
    expect(sandbox.stats().tokenRequestsByGrant).toEqual({ password: 1, refresh_token: 2 });
  });

  test('a public client that sends a secret is refused: the field is left out of every form', async () => {
    const { payouts, auth, sandbox, clock } = await startHarness(
      { grant: PASSWORD_GRANT },
      { tokenLifeSeconds: 100 },
    );
    await callAccount(payouts);
    clock.advance(100_000);
    await callAccount(payouts);
    await auth.revoke();
    for (const { rawBody } of sandbox.requests().filter(({ kind }) => kind !== 'api')) {
      expect(rawBody.toString()).not.toContain('client_secret');
    }
    expect(sandbox.stats()).toMatchObject({ mints: 2, revokeRequests: 2 });
  });

  test('a protected resource answers an expired or revoked token with an empty 401 and a challenge: cured once', async () => {
    const { payouts, sandbox } = await startHarness();
    await callAccount(payouts);
    sandbox.expireAllTokens();
    await callAccount(payouts);
    sandbox.revokeAllTokens();
    await callAccount(payouts);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 3, unauthorized: 2, apiRequests: 5 });
  });

  test('a missing scope is a 403 without a challenge: no mint, no replay', async () => {
    const { payouts, sandbox } = await startHarness({ scope: 'read_bills' });
    await expect(callAccount(payouts)).rejects.toMatchObject({ response: { status: 403 } });
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: 1 });
  });

  test.each(['documented', 'doorkeeper-5.0', 'doorkeeper-5.1', 'doorkeeper-5.5'] as const)(
    'errors are told by their name, whatever status %s gives them',
    async (statusStyle) => {
      const wrong = {
        type: 'client_credentials',
        clientId: 'sandbox-client-id',
        clientSecret: 'wrong',
      } as const;
      const { createAuth } = await startHarness({}, { statusStyle });
      await expect(createAuth({ grant: wrong }).getToken()).rejects.toMatchObject({
        error: 'invalid_client',
      });
      await expect(createAuth({ scope: 'unknown' }).getToken()).rejects.toMatchObject({
        error: 'invalid_scope',
      });
      await expect(
        createAuth({ grant: { ...PASSWORD_GRANT, password: 'wrong' } }).getToken(),
      ).rejects.toMatchObject({ error: 'invalid_grant' });
    },
  );
});
