import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../src/sandbox/index.ts';
import {
  call,
  clientFields,
  manualClock,
  mint,
  mintedToken,
  passwordFields,
  payoutScope,
  postForm,
  refreshFields,
  type Seen,
  sandboxFor,
} from './support.ts';

const statusWith = async (sandbox: Sandbox, token: string): Promise<number> =>
  (await call(sandbox, '/protected', { token })).status;

describe('expiry', () => {
  it.each([
    [-1, 200],
    [0, 401],
    [1, 401],
  ])('a token of 100 s at 100 s %+d ms → %d', async (offsetMs, status) => {
    const clock = manualClock();
    const sandbox = await sandboxFor({ now: clock.now, tokenLifeSeconds: 100 });
    const token = await mintedToken(sandbox);
    clock.advance(100_000 + offsetMs);
    expect(await statusWith(sandbox, token)).toBe(status);
  });

  it('setTokenLife is for tokens minted from then on', async () => {
    const clock = manualClock();
    const sandbox = await sandboxFor({ now: clock.now });
    const old = await mintedToken(sandbox);
    sandbox.setTokenLife(1);
    const { body } = await mint(sandbox);
    expect(body.expires_in).toBe(1);
    clock.advance(1000);
    expect(await statusWith(sandbox, old)).toBe(200);
    expect(await statusWith(sandbox, body.access_token)).toBe(401);
  });

  it('a token that never expires has no expires_in', async () => {
    const clock = manualClock();
    const sandbox = await sandboxFor({ now: clock.now, tokenLifeSeconds: null });
    const { body } = await mint(sandbox);
    expect(body).not.toHaveProperty('expires_in');
    clock.advance(1e12);
    expect(await statusWith(sandbox, body.access_token)).toBe(200);
  });

  it('a life of 0 s is answered, and over at once', async () => {
    const sandbox = await sandboxFor({ now: manualClock().now, tokenLifeSeconds: 0 });
    const { body } = await mint(sandbox);
    expect(body.expires_in).toBe(0);
    expect(await statusWith(sandbox, body.access_token)).toBe(401);
  });

  it('the clock is Date.now unless told otherwise', async () => {
    const sandbox = await sandboxFor();
    const before = Math.floor(Date.now() / 1000);
    expect((await mint(sandbox)).body.created_at).toBeGreaterThanOrEqual(before);
  });
});

describe('reuse', () => {
  it.each([
    [0, 100],
    [499, 100],
    [500, 100],
    [501, 99],
    [99_499, 1],
    [99_500, 1],
    [99_501, 0],
    [99_999, 0],
  ])('after %d ms of 100 s the same token has expires_in %d, rounded half up', async (elapsedMs, left) => {
    const clock = manualClock();
    const sandbox = await sandboxFor({ now: clock.now, reuseTokens: true, tokenLifeSeconds: 100 });
    const first = await mint(sandbox);
    clock.advance(elapsedMs);
    const second = await mint(sandbox);
    expect(second.body).toEqual({ ...first.body, expires_in: left });
    expect(sandbox.stats()).toMatchObject({ mints: 1, reused: 1 });
  });

  it('ends when the token does, or is revoked', async () => {
    const clock = manualClock();
    const sandbox = await sandboxFor({ now: clock.now, reuseTokens: true, tokenLifeSeconds: 100 });
    await mint(sandbox);
    clock.advance(100_000);
    const second = await mintedToken(sandbox);
    expect(sandbox.stats()).toMatchObject({ mints: 2, reused: 0 });
    await postForm(sandbox.environment.revokeUrl, { ...clientFields(sandbox), token: second });
    await mint(sandbox);
    expect(sandbox.stats()).toMatchObject({ mints: 3, reused: 0 });
  });

  it('is by scope set, client and user: the order of scopes does not matter, another set does', async () => {
    const clients = [{ clientId: 'second', clientSecret: 's' }];
    const sandbox = await sandboxFor({ reuseTokens: true, clients });
    const first = await mintedToken(sandbox, 'read_bills read_plans');
    expect(await mintedToken(sandbox, 'read_plans read_bills')).toBe(first);
    expect(await mintedToken(sandbox, 'read_bills')).not.toBe(first);
    const other = {
      ...clientFields(sandbox, 'read_bills read_plans'),
      client_id: 'second',
      client_secret: 's',
    };
    expect((await postForm(sandbox.environment.tokenUrl, other)).body.access_token).not.toBe(first);
  });

  it('hands out the newest of several', async () => {
    const sandbox = await sandboxFor({ reuseTokens: true });
    sandbox.setTokenLife(1000);
    const fields = passwordFields(sandbox);
    sandbox.issueToken({ scope: payoutScope });
    const newest = sandbox.issueToken({ scope: payoutScope });
    const { body } = await postForm(sandbox.environment.tokenUrl, fields);
    expect(body).toMatchObject({ access_token: newest.accessToken, refresh_token: newest.refreshToken });
  });

  it('without reuse each mint is a new token', async () => {
    const sandbox = await sandboxFor();
    expect(await mintedToken(sandbox)).not.toBe(await mintedToken(sandbox));
    expect(sandbox.stats()).toMatchObject({ mints: 2, reused: 0 });
  });
});

describe('revoke-previous', () => {
  it.each([
    [undefined, 200, 200],
    [false, 200, 200],
    ['same-scope', 401, 200],
    ['all-scopes', 401, 401],
    [true, 401, 401],
  ] as const)(
    '%s: the old token of the same scope %d, of another scope %d',
    async (revokePrevious, same, other) => {
      const sandbox = await sandboxFor(revokePrevious === undefined ? {} : { revokePrevious });
      const old = await mintedToken(sandbox, 'read_bills');
      const oldOther = await mintedToken(sandbox, 'read_plans');
      // With all scopes the second mint has already killed the first.
      const token = await mintedToken(sandbox, 'read_bills');
      expect(await statusWith(sandbox, old)).toBe(same);
      expect(await statusWith(sandbox, oldOther)).toBe(other);
      expect(await statusWith(sandbox, token)).toBe(200);
    },
  );

  it('leaves users and other clients alone', async () => {
    const clients = [{ clientId: 'second', clientSecret: 's' }];
    const sandbox = await sandboxFor({ revokePrevious: true, clients });
    const { accessToken } = sandbox.issueToken({ clientId: sandbox.clientId });
    const second = { ...clientFields(sandbox), client_id: 'second', client_secret: 's' };
    const seconds = (await postForm(sandbox.environment.tokenUrl, second)).body.access_token;
    await mint(sandbox);
    const users = (await postForm(sandbox.environment.tokenUrl, passwordFields(sandbox))).body.access_token;
    await postForm(sandbox.environment.tokenUrl, passwordFields(sandbox));
    for (const token of [accessToken, seconds, users]) expect(await statusWith(sandbox, token)).toBe(200);
  });

  it('invalid_token_reuse: a mint while another of the same client is in flight', async () => {
    const sandbox = await sandboxFor({ revokePrevious: true, raceInvalidTokenReuse: true });
    const hold = sandbox.hold('token');
    const racing = [mint(sandbox), mint(sandbox)];
    await hold.waitFor(2);
    hold.release();
    const replies = await Promise.all(racing);
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 400]);
    expect(replies.find(({ status }) => status === 400)?.body.error).toBe('invalid_token_reuse');
    expect((await mint(sandbox)).status).toBe(200);
  });
});

describe('refresh rotation', () => {
  async function pairOf(sandbox: Sandbox): Promise<{ access_token: string; refresh_token: string }> {
    return (await postForm(sandbox.environment.tokenUrl, passwordFields(sandbox))).body;
  }
  const refresh = (sandbox: Sandbox, token: string): Promise<Seen> =>
    postForm(sandbox.environment.tokenUrl, refreshFields(sandbox, token));

  it('previous: the old pair works until the new access token is first used', async () => {
    const sandbox = await sandboxFor();
    const old = await pairOf(sandbox);
    const renewed = (await refresh(sandbox, old.refresh_token)).body;
    expect(renewed.refresh_token).not.toBe(old.refresh_token);
    expect(await statusWith(sandbox, old.access_token)).toBe(200);
    expect((await refresh(sandbox, old.refresh_token)).status).toBe(200);
    expect(await statusWith(sandbox, renewed.access_token)).toBe(200);
    expect(await statusWith(sandbox, old.access_token)).toBe(401);
    expect((await refresh(sandbox, old.refresh_token)).body.error).toBe('invalid_grant');
    expect((await refresh(sandbox, renewed.refresh_token)).status).toBe(200);
  });

  it('immediate: the old pair dies at once', async () => {
    const sandbox = await sandboxFor({ refreshRotation: 'immediate' });
    const old = await pairOf(sandbox);
    const renewed = (await refresh(sandbox, old.refresh_token)).body;
    expect(renewed.refresh_token).not.toBe(old.refresh_token);
    expect(await statusWith(sandbox, old.access_token)).toBe(401);
    expect((await refresh(sandbox, old.refresh_token)).body.error).toBe('invalid_grant');
    expect((await refresh(sandbox, renewed.refresh_token)).status).toBe(200);
  });

  it('none: the refresh token stays, and so does the old access token', async () => {
    const sandbox = await sandboxFor({ refreshRotation: 'none' });
    const old = await pairOf(sandbox);
    const renewed = (await refresh(sandbox, old.refresh_token)).body;
    expect(renewed.refresh_token).toBe(old.refresh_token);
    expect(renewed.access_token).not.toBe(old.access_token);
    expect(await statusWith(sandbox, old.access_token)).toBe(200);
    expect((await refresh(sandbox, old.refresh_token)).status).toBe(200);
  });

  it.each([
    ['documented', 'invalid_grant', 401],
    ['doorkeeper-5.0', 'invalid_request', 401],
    ['doorkeeper-5.1', 'invalid_request', 400],
    ['doorkeeper-5.5', 'invalid_grant', 400],
  ] as const)('two refreshes race, %s: the loser gets %s at %d', async (statusStyle, error, status) => {
    const sandbox = await sandboxFor({ statusStyle, refreshRotation: 'immediate' });
    const old = await pairOf(sandbox);
    const hold = sandbox.hold('token');
    const racing = [refresh(sandbox, old.refresh_token), refresh(sandbox, old.refresh_token)];
    await hold.waitFor(2);
    hold.release();
    const replies = await Promise.all(racing);
    const lost = replies.filter((reply) => reply.status !== 200);
    expect(lost.map((reply) => [reply.body.error, reply.status])).toEqual([[error, status]]);
    expect((await refresh(sandbox, old.refresh_token)).body.error).toBe('invalid_grant');
  });

  it('a refresh may ask for less, and keeps the user', async () => {
    const sandbox = await sandboxFor();
    const { refreshToken } = sandbox.issueToken({ scope: 'read_bills read_plans' });
    const fields = { ...refreshFields(sandbox, refreshToken), scope: 'read_plans' };
    const { body } = await postForm(sandbox.environment.tokenUrl, fields);
    expect(body).toMatchObject({ scope: 'read_plans', user_uuid: expect.any(String) });
  });

  it('an expired access token does not harm its refresh token', async () => {
    const sandbox = await sandboxFor();
    const old = await pairOf(sandbox);
    sandbox.expireAllTokens();
    expect(await statusWith(sandbox, old.access_token)).toBe(401);
    expect((await refresh(sandbox, old.refresh_token)).status).toBe(200);
  });
});
