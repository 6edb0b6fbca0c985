import axios, { type AxiosAdapter, type AxiosInstance } from 'axios';
import { describe, expect, test } from 'vitest';
import { MemoryTokenStore } from '../../../src/index.ts';
import type { Grant } from '../../../src/token/endpoint/grants.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import {
  callAccount,
  eventually,
  PASSWORD_GRANT,
  refreshGrant,
  StoreUnderTest,
  tokenForms,
  turns,
} from '../support.ts';

/** Rotates for real: each refresh kills the old pair at once. */
const ROTATING = { refreshRotation: 'immediate', tokenLifeSeconds: 100 } as const;

const grants = (sandbox: Harness['sandbox']) => tokenForms(sandbox).map((form) => form.grant_type);

describe('a dead refresh token with a password grant behind it (F2)', () => {
  test.each(['invalid_grant', 'invalid_request'])('%s: one fallback to the password, once', async (error) => {
    const { payouts, sandbox, clock, eventsOf } = await startHarness({ grant: PASSWORD_GRANT }, ROTATING);
    await callAccount(payouts);
    clock.advance(100_000);
    sandbox.fail(1, { kind: 'oauth-error', error, status: 400 });
    await callAccount(payouts);
    expect(grants(sandbox)).toEqual(['password', 'refresh_token', 'password']);
    expect(eventsOf('token-minted').map(({ grant }) => grant)).toEqual(['password', 'password']);
    expect(eventsOf('token-failed')).toEqual([]);
  });

  test('which is dead too: the error is that of the password, and nothing loops', async () => {
    const { payouts, sandbox, clock } = await startHarness({ grant: PASSWORD_GRANT }, ROTATING);
    await callAccount(payouts);
    clock.advance(100_000);
    sandbox.fail(2, { kind: 'oauth-error', error: 'invalid_grant', status: 400 });
    await expect(callAccount(payouts)).rejects.toMatchObject({
      code: 'ERR_TOKEN_REFUSED',
      error: 'invalid_grant',
    });
    expect(grants(sandbox)).toEqual(['password', 'refresh_token', 'password']);
  });

  test('and a password that fails in passing: the tries that follow do not ask with the dead one again', async () => {
    const { payouts, sandbox, clock } = await startHarness({ grant: PASSWORD_GRANT }, ROTATING);
    await callAccount(payouts);
    sandbox.revokeAllTokens();
    clock.advance(100_000);
    const hold = sandbox.hold('token');
    const call = callAccount(payouts);
    await hold.waitFor(1);
    sandbox.fail(1, { kind: 'status', status: 502 });
    hold.release(1);
    await hold.waitFor(2);
    hold.release();
    await clock.waiting(100, 200);
    clock.advance(200);
    await call;
    expect(grants(sandbox)).toEqual(['password', 'refresh_token', 'password', 'password']);
  });

  test.each([
    ['unauthorized_client', 403],
    ['invalid_client', 401],
    ['invalid_scope', 400],
    ['a_word_of_its_own', 400],
  ])('%s with status %d: any refusal in JSON is about the refresh token', async (error, status) => {
    const { payouts, sandbox, clock } = await startHarness({ grant: PASSWORD_GRANT }, ROTATING);
    await callAccount(payouts);
    clock.advance(100_000);
    sandbox.fail(1, { kind: 'oauth-error', error, status });
    await callAccount(payouts);
    expect(grants(sandbox)).toEqual(['password', 'refresh_token', 'password']);
  });

  test.each<[string, unknown]>([
    ['a list', ['refused']],
    ['a text', '"refused"'],
    ['null', null],
  ])('also where the JSON is %s', async (_, body) => {
    const { payouts, sandbox, clock } = await startHarness({ grant: PASSWORD_GRANT }, ROTATING);
    await callAccount(payouts);
    clock.advance(100_000);
    sandbox.replyNext({ status: 400, body });
    await callAccount(payouts);
    expect(grants(sandbox)).toEqual(['password', 'refresh_token', 'password']);
  });

  test("a firewall's page is not: no password is sent", async () => {
    const { payouts, sandbox, clock } = await startHarness({ grant: PASSWORD_GRANT }, ROTATING);
    await callAccount(payouts);
    clock.advance(100_000);
    sandbox.fail(1, { kind: 'status', status: 403, body: 'html' });
    await expect(callAccount(payouts)).rejects.toMatchObject({ code: 'ERR_TOKEN_REFUSED', status: 403 });
    expect(grants(sandbox)).toEqual(['password', 'refresh_token']);
  });

  test('where the primary grant fails too, the refresh token is kept, and tried first by the next mint', async () => {
    const { payouts, sandbox, clock } = await startHarness(
      { grant: PASSWORD_GRANT, tokenAttempts: 1 },
      ROTATING,
    );
    await callAccount(payouts);
    clock.advance(100_000);
    sandbox.fail(1, { kind: 'oauth-error', error: 'unauthorized_client', status: 403 });
    sandbox.fail(1, { kind: 'status', status: 502 });
    await expect(callAccount(payouts)).rejects.toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE' });
    clock.advance(1_000);
    await callAccount(payouts);
    expect(grants(sandbox)).toEqual(['password', 'refresh_token', 'password', 'refresh_token']);
  });

  test('where a cool-down keeps the primary grant from being asked, the next mint asks it first', async () => {
    const { auth, payouts, sandbox, clock, eventsOf } = await startHarness(
      { grant: PASSWORD_GRANT, maxWaitMs: 5_000 },
      ROTATING,
    );
    await callAccount(payouts);
    clock.advance(100_000);
    const hold = sandbox.hold('token');
    sandbox.rateLimit(1, { retryAfter: 60 });
    const limited = auth.getToken({ scope: 'another_scope' }).catch((error: unknown) => error);
    await hold.waitFor(1);
    sandbox.fail(1, { kind: 'oauth-error', error: 'unauthorized_client', status: 403 });
    const call = callAccount(payouts).catch((error: unknown) => error);
    await hold.waitFor(2);
    hold.release(1);
    await eventually(() => eventsOf('rate-limited').length === 1);
    hold.release();
    await expect(Promise.all([limited, call])).resolves.toMatchObject([
      { code: 'ERR_RATE_LIMITED' },
      { code: 'ERR_RATE_LIMITED' },
    ]);
    clock.advance(70_000);
    await callAccount(payouts);
    expect(grants(sandbox)).toEqual(['password', 'password', 'refresh_token', 'password']);
  });
});

describe('a refresh that the server answers with 5xx in a row (F2)', () => {
  test.each([
    [3, ['password', 'refresh_token', 'refresh_token', 'refresh_token', 'refresh_token']],
    [4, ['password', 'refresh_token', 'refresh_token', 'refresh_token', 'refresh_token', 'password']],
  ])('%d times: the primary grant is tried after "tokenAttempts" of them', async (times, expected) => {
    const { payouts, sandbox, clock } = await startHarness({ grant: PASSWORD_GRANT }, ROTATING);
    await callAccount(payouts);
    clock.advance(100_000);
    sandbox.fail(times, { kind: 'status', status: 500 });
    const call = callAccount(payouts);
    for (let n = 1; n < Math.min(4, times + 1); n++) {
      await sandbox.until(({ tokenRequests }) => tokenRequests === 1 + n);
      await clock.waiting(1, 1_000);
      clock.advance(1_000);
    }
    await call;
    expect(grants(sandbox)).toEqual(expected);
  });

  test.each<[string, unknown]>([
    ['JSON', { code: 600, status: 'FAILURE' }],
    ['a page', '<html></html>'],
    ['nothing', ''],
  ])('or with a success that holds no token (%s): the same', async (_, body) => {
    const { payouts, sandbox, clock } = await startHarness(
      { grant: PASSWORD_GRANT, tokenAttempts: 2 },
      ROTATING,
    );
    await callAccount(payouts);
    clock.advance(100_000);
    sandbox.replyNext({ body });
    sandbox.replyNext({ body });
    await expect(callAccount(payouts)).rejects.toMatchObject({ code: 'ERR_TOKEN_RESPONSE' });
    await callAccount(payouts);
    expect(grants(sandbox)).toEqual(['password', 'refresh_token', 'refresh_token', 'password']);
  });

  test('answers that were lost do not count', async () => {
    const { payouts, sandbox, clock } = await startHarness(
      { grant: PASSWORD_GRANT, tokenAttempts: 1 },
      ROTATING,
    );
    await callAccount(payouts);
    clock.advance(100_000);
    sandbox.fail(1, { kind: 'reset-before-read' });
    await expect(callAccount(payouts)).rejects.toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE' });
    expect(sandbox.stats().tokenRequests).toBe(2);
  });
});

describe('faults and rate limits keep the refresh token (F2)', () => {
  test.each([
    ['503', (sandbox: Harness['sandbox']) => sandbox.fail(1, { kind: 'status', status: 503 })],
    ['garbage', (sandbox: Harness['sandbox']) => sandbox.fail(1, { kind: 'garbage' })],
    ['429', (sandbox: Harness['sandbox']) => sandbox.rateLimit(1, { retryAfter: 1 })],
    [
      'server_error',
      (sandbox: Harness['sandbox']) => sandbox.fail(1, { kind: 'oauth-error', error: 'server_error' }),
    ],
  ])('%s: the refresh is tried again, and no password is sent', async (_, trouble) => {
    const { payouts, sandbox, clock } = await startHarness({ grant: PASSWORD_GRANT }, ROTATING);
    await callAccount(payouts);
    clock.advance(100_000);
    trouble(sandbox);
    const call = callAccount(payouts);
    await clock.waiting(100, 1_100);
    clock.advance(1_100);
    await call;
    expect(grants(sandbox)).toEqual(['password', 'refresh_token', 'refresh_token']);
    const [, second, third] = tokenForms(sandbox);
    expect(third?.refresh_token).toBe(second?.refresh_token);
  });

  test('a refresh that times out keeps it, and the next try uses it', async () => {
    const { payouts, sandbox, clock } = await startHarness(
      { grant: PASSWORD_GRANT, tokenTimeoutMs: 5_000 },
      { tokenLifeSeconds: 100 },
    );
    await callAccount(payouts);
    clock.advance(100_000);
    sandbox.fail(1, { kind: 'hang' });
    const call = callAccount(payouts);
    await sandbox.until(({ faults }) => faults === 1);
    await clock.waiting(5_000, 5_000);
    clock.advance(5_000);
    await clock.waiting(100, 200);
    clock.advance(200);
    await call;
    expect(grants(sandbox)).toEqual(['password', 'refresh_token', 'refresh_token']);
  });
});

describe('a reply to a refresh that is lost on the way', () => {
  test.each([
    ['previous', 'the old refresh token is still good', ['password', 'refresh_token', 'refresh_token']],
    [
      'immediate',
      'the old one is dead: the password is',
      ['password', 'refresh_token', 'refresh_token', 'password'],
    ],
  ] as const)('with rotation %s: %s', async (refreshRotation, _, expected) => {
    const { payouts, sandbox, clock } = await startHarness(
      { grant: PASSWORD_GRANT },
      { refreshRotation, tokenLifeSeconds: 100 },
    );
    await callAccount(payouts);
    clock.advance(100_000);
    sandbox.fail(1, { kind: 'reset-after-read' });
    const call = callAccount(payouts);
    await clock.waiting(100, 200);
    clock.advance(200);
    await call;
    expect(grants(sandbox)).toEqual(expected);
  });
});

describe('a refresh token that is refused after the answer to its refresh was lost is told as such (F2, F3)', () => {
  const LOST =
    /The answer to the refresh of 2\d{3}-[^ ]+Z was lost\. If the server replaced the refresh token/;

  /** A refresh as `trouble` has it, then one that is refused: the error of the latter. */
  async function refusedAfter(
    grant: (sandbox: Harness['sandbox']) => Grant,
    trouble: (harness: { sandbox: Harness['sandbox']; cut: () => void }) => void,
  ) {
    const harness = await startHarness({}, ROTATING);
    const { createAuth, sandbox, clock } = harness;
    let isCut = false;
    const adapter: AxiosAdapter = (config) => {
      if (!isCut) return axios.getAdapter('http')(config);
      isCut = false;
      throw Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
    };
    const auth = createAuth({ grant: grant(sandbox), tokenAttempts: 1, http: { adapter } });
    await auth.getToken();
    clock.advance(100_000);
    trouble({
      sandbox,
      cut: () => {
        isCut = true;
      },
    });
    await expect(auth.getToken()).rejects.toMatchObject({ name: /^Token(?:Unavailable|Response)Error$/ });
    sandbox.revokeAllTokens();
    clock.advance(2_000);
    return { ...harness, auth };
  }
  const byRefreshToken = (sandbox: Harness['sandbox']) => refreshGrant(sandbox.issueToken().refreshToken);
  const messageOf = (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => 'none',
      (error: Error) => error.message,
    );

  test.each<[string, Parameters<typeof refusedAfter>[1]]>([
    ['a reset after the server has read it', ({ sandbox }) => sandbox.fail(1, { kind: 'reset-after-read' })],
    ['a reply that breaks off', ({ sandbox }) => sandbox.fail(1, { kind: 'truncated-json' })],
    ['a gateway without an answer', ({ sandbox }) => sandbox.fail(1, { kind: 'status', status: 504 })],
  ])('%s', async (_, trouble) => {
    const { auth, clock } = await refusedAfter(byRefreshToken, trouble);
    expect(await messageOf(auth.getToken())).toMatch(LOST);
    // From memory, and by the next mint, which asks with the option's own refresh token.
    expect(await messageOf(auth.getToken())).toMatch(LOST);
    clock.advance(10_000);
    expect(await messageOf(auth.getToken())).toMatch(LOST);
  });

  test.each<[string, Parameters<typeof refusedAfter>[1]]>([
    ['a connection that was never made', ({ cut }) => cut()],
    [
      'an answer of the server, be it a 500',
      ({ sandbox }) => sandbox.fail(1, { kind: 'status', status: 500 }),
    ],
  ])('not after %s', async (_, trouble) => {
    const { auth } = await refusedAfter(byRefreshToken, trouble);
    const message = await messageOf(auth.getToken());
    expect(message).toContain('"invalid_grant"');
    expect(message).not.toMatch(LOST);
  });

  test("nor by a firewall's page, which says nothing of the refresh token", async () => {
    const { auth, sandbox } = await refusedAfter(byRefreshToken, ({ sandbox }) =>
      sandbox.fail(1, { kind: 'reset-after-read' }),
    );
    sandbox.fail(1, { kind: 'status', status: 403, body: 'html' });
    expect(await messageOf(auth.getToken())).not.toMatch(LOST);
  });

  test('nor once another token has come', async () => {
    const { auth, sandbox, clock } = await refusedAfter(byRefreshToken, ({ sandbox }) =>
      sandbox.fail(1, { kind: 'reset-after-read' }),
    );
    const { accessToken, refreshToken } = sandbox.issueToken();
    await auth.setToken({ accessToken, refreshToken, expiresInSeconds: 100 });
    sandbox.revokeAllTokens();
    clock.advance(100_000);
    const message = await messageOf(auth.getToken());
    expect(message).toContain('"invalid_grant"');
    expect(message).not.toMatch(LOST);
  });

  test('also where the password is refused, to which the client falls back', async () => {
    const { auth, sandbox } = await refusedAfter(
      () => PASSWORD_GRANT,
      ({ sandbox }) => sandbox.fail(1, { kind: 'reset-after-read' }),
    );
    sandbox.fail(2, { kind: 'oauth-error', error: 'invalid_grant', status: 400 });
    expect(await messageOf(auth.getToken())).toMatch(LOST);
    expect(grants(sandbox)).toEqual(['password', 'refresh_token', 'refresh_token', 'password']);
    expect(await messageOf(auth.getToken())).toMatch(LOST);
  });

  test('also where the first use of the refresh token was the one that was lost', async () => {
    const { createAuth, sandbox, clock } = await startHarness({}, ROTATING);
    const auth = createAuth({ grant: byRefreshToken(sandbox), tokenAttempts: 1 });
    sandbox.fail(1, { kind: 'reset-after-read' });
    await expect(auth.getToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE' });
    clock.advance(2_000);
    expect(await messageOf(auth.getToken())).toMatch(LOST);
  });
});

describe('a dead refresh token, and a sibling that has rotated it', () => {
  /** Two auths that share a store, and whose access token has just expired. */
  async function siblings() {
    const store = new StoreUnderTest();
    const harness = await startHarness({ grant: PASSWORD_GRANT, store }, ROTATING);
    const [one, other] = [harness.createAuth(), harness.createAuth()];
    await one.getToken();
    await other.getToken();
    harness.clock.advance(100_000);
    harness.sandbox.resetStats();
    return { ...harness, store, one, other };
  }

  test("the sibling's living access token is taken: no fallback", async () => {
    const { one, other, store, sandbox } = await siblings();
    store.break('withLock'); // so that both refresh with the same refresh token
    const hold = sandbox.hold('token', undefined, { process: 'after' });
    const tokens = [one.getToken(), other.getToken()];
    await hold.waitFor(2);
    hold.release(1);
    const first = await Promise.race(tokens);
    hold.release();
    expect((await Promise.all(tokens)).map(({ value }) => value)).toEqual([first.value, first.value]);
    const [early, late] = tokenForms(sandbox);
    expect(late?.refresh_token).toBe(early?.refresh_token);
    expect(grants(sandbox)).toEqual(['refresh_token', 'refresh_token']);
  });

  test('a store that lost it all meanwhile: the password, once', async () => {
    const { one, store, sandbox } = await siblings();
    const hold = sandbox.hold('token', undefined, { process: 'after' });
    const token = one.getToken();
    await hold.waitFor(1);
    sandbox.revokeAllTokens();
    store.records.clear();
    hold.release();
    await token;
    expect(grants(sandbox)).toEqual(['refresh_token', 'password']);
  });

  test('a record without a refresh token in the store: the same', async () => {
    const { one, store, sandbox } = await siblings();
    const hold = sandbox.hold('token', undefined, { process: 'after' });
    const token = one.getToken();
    await hold.waitFor(1);
    sandbox.revokeAllTokens();
    for (const [key, { refreshToken: _, ...record }] of store.records) store.records.set(key, record);
    hold.release();
    await token;
    expect(grants(sandbox)).toEqual(['refresh_token', 'password']);
  });

  test("the sibling's rotated refresh token is used where its access token is dead already", async () => {
    const { one, store, sandbox, clock } = await siblings();
    const hold = sandbox.hold('token', undefined, { process: 'after' });
    const token = one.getToken();
    await hold.waitFor(1);
    sandbox.revokeAllTokens();
    const { refreshToken } = sandbox.issueToken();
    for (const [key, record] of store.records) store.records.set(key, { ...record, refreshToken });
    hold.release();
    await token;
    expect(grants(sandbox)).toEqual(['refresh_token', 'refresh_token']);
    expect(tokenForms(sandbox)[1]?.refresh_token).toBe(refreshToken);
    expect(clock.pending).toBe(0);
  });

  test('one that a sibling rotated and that died as well: then the password, once', async () => {
    const { one, store, sandbox } = await siblings();
    const hold = sandbox.hold('token', undefined, { process: 'after' });
    const token = one.getToken();
    await hold.waitFor(1);
    const { refreshToken } = sandbox.issueToken();
    for (const [key, record] of store.records) store.records.set(key, { ...record, refreshToken });
    sandbox.revokeAllTokens();
    hold.release();
    await token;
    expect(grants(sandbox)).toEqual(['refresh_token', 'refresh_token', 'password']);
  });

  test('as primary grant: a dead one with another in the store goes on with that', async () => {
    const { sandbox, createAuth, clock } = await startHarness({}, ROTATING);
    const store = new StoreUnderTest();
    const { refreshToken } = sandbox.issueToken();
    const grant = refreshGrant(refreshToken);
    await createAuth({ grant, store }).getToken(); // rotates it: the one in the option is dead
    clock.advance(100_000);
    await createAuth({ grant, store }).getToken();
    expect(sandbox.stats()).toMatchObject({ tokenRequestsByGrant: { refresh_token: 2 }, refreshes: 2 });
  });

  test('as primary grant: dead and no other in the store is refused, with an event; nothing to fall back to (F3)', async () => {
    const { createAuth, eventsOf, sandbox, clock } = await startHarness({}, ROTATING);
    const auth = createAuth({ grant: refreshGrant(sandbox.issueToken().refreshToken) });
    await auth.getToken();
    sandbox.revokeAllTokens();
    clock.advance(100_000);
    await expect(auth.getToken()).rejects.toMatchObject({
      code: 'ERR_TOKEN_REFUSED',
      error: 'invalid_grant',
    });
    expect(grants(sandbox)).toEqual(['refresh_token', 'refresh_token']);
    expect(eventsOf('token-failed')).toMatchObject([{ cause: 'expired', error: { error: 'invalid_grant' } }]);
  });
});

test('a refresh that nobody waits for any more is not begun: its place at the gate is taken by now', async () => {
  const store = new StoreUnderTest();
  const { auth, sandbox } = await startHarness({ grant: PASSWORD_GRANT, store }, ROTATING);
  await auth.getToken();
  await auth.invalidate();
  const lock = store.park('withLock');
  const controller = new AbortController();
  const token = auth.getToken({ signal: controller.signal });
  await lock.arrived;
  const get = store.park('get');
  lock.release();
  await get.arrived;
  controller.abort();
  await expect(token).rejects.toMatchObject({ code: 'ERR_CANCELED' });
  get.release();
  await turns();
  await turns();
  expect(grants(sandbox)).toEqual(['password']);
});

test('a refresh that proves dead: who leaves while the store is read again has no primary grant sent for nobody (C3)', async () => {
  const store = new StoreUnderTest();
  const { auth, clock, sandbox } = await startHarness({ grant: PASSWORD_GRANT, store }, ROTATING);
  await auth.getToken();
  await auth.invalidate();
  sandbox.revokeAllTokens();
  const hold = sandbox.hold('token');
  const controller = new AbortController();
  const token = auth.getToken({ signal: controller.signal });
  await hold.waitFor(1);
  const get = store.park('get');
  hold.release();
  await get.arrived;
  controller.abort();
  await expect(token).rejects.toMatchObject({ code: 'ERR_CANCELED' });
  get.release();
  await eventually(() => clock.pending === 0);
  for (let n = 0; n < 10; n++) await turns();
  expect(grants(sandbox)).toEqual(['password', 'refresh_token']);
  await auth.getToken();
  expect(grants(sandbox)).toEqual(['password', 'refresh_token', 'password']);
});

describe('two auths that share one store object', () => {
  test.each([
    ['a refresh token as primary grant', 'previous'],
    ['a refresh token as primary grant', 'immediate'],
    ['a password grant', 'previous'],
    ['a password grant', 'immediate'],
  ] as const)(
    '%s, rotation %s: 40 rotations between them, and it is never lost',
    async (what, refreshRotation) => {
      const store = new MemoryTokenStore();
      const { createAuth, client, sandbox, clock } = await startHarness(
        { store },
        { refreshRotation, tokenLifeSeconds: 100 },
      );
      const grant =
        what === 'a password grant' ? PASSWORD_GRANT : refreshGrant(sandbox.issueToken().refreshToken);
      const auths = [createAuth({ grant }), createAuth({ grant })];
      const apis = auths.map((auth) => {
        const api = client('/payout');
        auth.attach(api);
        return api;
      });
      await Promise.all(auths.map((auth) => auth.getToken()));
      sandbox.resetStats();
      for (let rotation = 0; rotation < 40; rotation++) {
        // By turns after the end and within the renew-ahead window: one renews for both.
        clock.advance(rotation % 2 === 0 ? 100_000 : 95_000);
        await Promise.all(auths.map((auth) => auth.getToken()));
        while (clock.pending > 0) await turns();
        await callAccount(apis[rotation % 2] as AxiosInstance);
      }
      expect(sandbox.stats()).toMatchObject({
        tokenRequestsByGrant: { refresh_token: 40 },
        refreshes: 40,
        unauthorized: 0,
      });
    },
  );

  test('40 mints without a refresh token: one for both, each time', async () => {
    const store = new MemoryTokenStore();
    const { createAuth, sandbox, clock } = await startHarness({ store }, { tokenLifeSeconds: 100 });
    const auths = [createAuth(), createAuth()];
    for (let life = 0; life < 40; life++) {
      const [one, other] = await Promise.all(auths.map((auth) => auth.getToken()));
      expect(one?.value).toBe(other?.value);
      clock.advance(100_000);
    }
    expect(sandbox.stats().tokenRequests).toBe(40);
  });

  test('of different clients or users: neither sees the token of the other', async () => {
    const store = new MemoryTokenStore();
    const second = { clientId: 'second-id', clientSecret: 'second-secret' };
    const { createAuth } = await startHarness({ store }, { clients: [second] });
    const auths = [
      createAuth(),
      createAuth({ grant: { type: 'client_credentials', ...second } }),
      createAuth({ grant: PASSWORD_GRANT }),
    ];
    const values = (await Promise.all(auths.map((auth) => auth.getToken()))).map(({ value }) => value);
    expect(new Set(values).size).toBe(3);
  });
});

describe('a store that fails costs an event, not the request (C4)', () => {
  test.each(['get', 'set', 'withLock'] as const)('%s', async (operation) => {
    const store = new StoreUnderTest();
    store.break(operation);
    const { payouts, sandbox, eventsOf, clock } = await startHarness(
      { store, grant: PASSWORD_GRANT },
      ROTATING,
    );
    for (let life = 0; life < 3; life++) {
      await callAccount(payouts);
      clock.advance(100_000);
    }
    expect(grants(sandbox)).toEqual(['password', 'refresh_token', 'refresh_token']);
    const told = operation === 'withLock' ? 'lock' : operation;
    expect(new Set(eventsOf('store-failed').map((event) => event.operation))).toEqual(new Set([told]));
  });
});
