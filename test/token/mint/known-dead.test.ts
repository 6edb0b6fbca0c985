import { describe, expect, test } from 'vitest';
import type { TokenRecord } from '../../../src/index.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { PASSWORD_GRANT, refreshGrant, StoreUnderTest, tokenForms } from '../support.ts';

/** Each refresh kills the old pair at once. */
const ROTATING = { refreshRotation: 'immediate', tokenLifeSeconds: 100 } as const;
const REFUSED = { code: 'ERR_TOKEN_REFUSED', error: 'invalid_grant' };

const sentRefreshTokens = (sandbox: Harness['sandbox']) =>
  tokenForms(sandbox).map(({ refresh_token }) => refresh_token);

function keptAgain(store: StoreUnderTest, change: Partial<TokenRecord>): void {
  for (const [key, record] of store.records) store.records.set(key, { ...record, ...change });
}

describe('a refresh token that is known to be dead is never sent again (F2, F3)', () => {
  /** The option's refresh token was rotated, and the one that came in its place has just been refused. */
  async function withoutAny(store = new StoreUnderTest()) {
    const harness = await startHarness({}, ROTATING);
    const { sandbox, clock, createAuth } = harness;
    let option = sandbox.issueToken().refreshToken;
    const given = option;
    const auth = createAuth({
      grant: { ...refreshGrant(option), refreshToken: () => option },
      store,
    });
    await auth.getToken();
    const rotated = store.only?.refreshToken;
    sandbox.revokeAllTokens();
    clock.advance(100_000);
    await expect(auth.getToken()).rejects.toMatchObject(REFUSED);
    expect(sentRefreshTokens(sandbox)).toEqual([given, rotated]);
    const giveAnother = () => {
      option = sandbox.issueToken().refreshToken;
      return option;
    };
    return { ...harness, auth, store, giveAnother, rotated };
  }

  test('one that was refused for a reason of the client is asked with again, and the message says when', async () => {
    const { auth, sandbox, clock } = await startHarness({ grant: refreshGrant('of-the-option') });
    sandbox.fail(2, { kind: 'oauth-error', error: 'invalid_client', status: 401 });
    await expect(auth.getToken()).rejects.toThrow(
      'PayU is asked again in 10 s, or once the secret has changed.',
    );
    clock.advance(10_000);
    await expect(auth.getToken()).rejects.toMatchObject({ error: 'invalid_client' });
    expect(sentRefreshTokens(sandbox)).toEqual(['of-the-option', 'of-the-option']);
  });

  test('neither the one of the option, which has been exchanged, nor what came for it', async () => {
    const { auth, sandbox, clock, eventsOf } = await withoutAny();
    for (let mint = 0; mint < 4; mint++) {
      clock.advance(10_000);
      await expect(auth.getToken()).rejects.toMatchObject(REFUSED);
    }
    clock.advance(10_000);
    await expect(auth.getToken()).rejects.toThrow(
      'is not sent again: give another one, in "grant" or by setToken()',
    );
    expect(sentRefreshTokens(sandbox)).toHaveLength(2);
    expect(eventsOf('token-failed')).toHaveLength(1);
  });

  test.each<
    [string, (given: Awaited<ReturnType<typeof withoutAny>>) => Promise<string | undefined> | string]
  >([
    ['another one in the option', ({ giveAnother }) => giveAnother()],
    [
      'another one by hand',
      async ({ auth, sandbox }) => {
        const { refreshToken } = sandbox.issueToken();
        await auth.setToken({ accessToken: '', refreshToken });
        return refreshToken;
      },
    ],
    [
      "a sibling's in the store",
      ({ store, sandbox }) => {
        const { refreshToken } = sandbox.issueToken();
        keptAgain(store, { refreshToken });
        return refreshToken;
      },
    ],
    [
      'the very same one, given by hand',
      async ({ auth, rotated, sandbox }) => {
        await auth.setToken({ accessToken: '', refreshToken: rotated as string });
        sandbox.rateLimit(1, { retryAfter: 0 });
        return rotated;
      },
    ],
  ])('%s is', async (what, give) => {
    const given = await withoutAny();
    const { auth, sandbox, clock } = given;
    clock.advance(10_000);
    const refreshToken = await give(given);
    if (what.startsWith('the very same')) await expect(auth.getToken()).rejects.toMatchObject(REFUSED);
    else await auth.getToken();
    expect(sentRefreshTokens(sandbox)[2]).toBe(refreshToken);
  });

  test('a refusal in other words is not about the token: it is asked with the same one again, not with an older one', async () => {
    const { sandbox, clock, createAuth } = await startHarness({}, ROTATING);
    const auth = createAuth({ grant: refreshGrant(sandbox.issueToken().refreshToken) });
    await auth.getToken();
    clock.advance(100_000);
    sandbox.fail(1, { kind: 'oauth-error', error: 'unauthorized_client', status: 403 });
    await expect(auth.getToken()).rejects.toMatchObject({ error: 'unauthorized_client' });
    clock.advance(10_000);
    await auth.getToken();
    const [, refused, again] = sentRefreshTokens(sandbox);
    expect(again).toBe(refused);
  });

  test('nor where the primary grant failed in passing: the next mint begins with that', async () => {
    const { auth, sandbox, clock } = await startHarness(
      { grant: PASSWORD_GRANT, tokenAttempts: 1 },
      ROTATING,
    );
    await auth.getToken();
    clock.advance(100_000);
    sandbox.fail(1, { kind: 'oauth-error', error: 'invalid_grant', status: 400 });
    sandbox.fail(1, { kind: 'status', status: 502 });
    await expect(auth.getToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE' });
    clock.advance(1_000);
    await auth.getToken();
    expect(tokenForms(sandbox).map((form) => form.grant_type)).toEqual([
      'password',
      'refresh_token',
      'password',
      'password',
    ]);
  });

  test.each<[string, (harness: Harness) => Promise<unknown>]>([
    [
      'was refused',
      async ({ sandbox, auth }) => {
        sandbox.fail(1, { kind: 'oauth-error', error: 'invalid_grant', status: 400 });
        await auth.getToken();
      },
    ],
    ['was exchanged', ({ auth }) => auth.getToken()],
    ['was revoked by hand', ({ auth }) => auth.revoke()],
  ])('one that %s, and that a store shows again with a token of another sibling', async (_, end) => {
    const store = new StoreUnderTest();
    const harness = await startHarness({ grant: PASSWORD_GRANT, store }, ROTATING);
    const { auth, sandbox, clock } = harness;
    await auth.getToken();
    const [[key, before] = []] = store.records;
    clock.advance(100_000);
    await end(harness);
    clock.advance(100_000);
    store.records.set(String(key), {
      ...(before as TokenRecord),
      accessToken: 'of-a-sibling',
      obtainedAt: clock.now() - 50_000,
      expiresAt: clock.now() + 50_000,
    });
    sandbox.resetStats();
    expect((await auth.getToken()).value).not.toBe('of-a-sibling');
    expect(sentRefreshTokens(sandbox)).not.toContain(before?.refreshToken);
    expect(sentRefreshTokens(sandbox)).toHaveLength(1);
  });
});

test('each scope has a refresh token of its own, once one was given by hand: none is sent twice', async () => {
  const { sandbox, createAuth } = await startHarness({}, ROTATING);
  const [first, second] = [sandbox.issueToken().refreshToken, sandbox.issueToken().refreshToken];
  const auth = createAuth({ grant: refreshGrant(first) });
  const other = { scope: 'read_payout_transactions' };
  await auth.setToken({ accessToken: '', refreshToken: second }, other);
  for (let mint = 0; mint < 2; mint++) {
    await auth.getToken();
    await auth.getToken(other);
    await auth.invalidate();
  }
  const sent = sentRefreshTokens(sandbox);
  expect(sent.slice(0, 2)).toEqual([first, second]);
  expect(new Set(sent).size).toBe(4);
  expect(sandbox.stats().tokenRequests).toBe(4);
});
