import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { call, type Fields, mintedToken, postForm, refreshFields, type Seen, sandboxFor } from './support.ts';

const revoke = (sandbox: Sandbox, token: string, change: Fields = {}): Promise<Seen> =>
  postForm(sandbox.environment.revokeUrl, {
    client_id: sandbox.clientId,
    client_secret: sandbox.clientSecret,
    token,
    ...change,
  });

describe('POST /oauth/revoke', () => {
  it('kills the token: 200', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    const reply = await revoke(sandbox, token);
    expect([reply.status, reply.body]).toEqual([200, {}]);
    const refused = await call(sandbox, '/protected', { token });
    expect(refused.headers.get('www-authenticate')).toContain('The access token was revoked');
    expect(sandbox.stats()).toMatchObject({ revokeRequests: 1, revocations: 1, tokenRequests: 1 });
  });

  it('an unknown token: 200 as well', async () => {
    const sandbox = await sandboxFor();
    expect((await revoke(sandbox, 'unknown')).status).toBe(200);
    expect(sandbox.stats().revocations).toBe(0);
  });

  it.each([
    ['a wrong secret', { client_secret: 'wrong' }],
    ['an unknown client', { client_id: 'nobody' }],
  ])('%s: 401 invalid_client, and the token lives', async (_title, change) => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    const { status, body } = await revoke(sandbox, token, change);
    expect([status, body.error]).toEqual([401, 'invalid_client']);
    expect((await call(sandbox, '/protected', { token })).status).toBe(200);
  });

  it('a token of another client: 403 unauthorized_client, and it lives', async () => {
    const sandbox = await sandboxFor();
    const { accessToken } = sandbox.issueToken();
    const { status, body } = await revoke(sandbox, accessToken);
    expect([status, body.error]).toEqual([403, 'unauthorized_client']);
    expect((await call(sandbox, '/protected', { token: accessToken })).status).toBe(200);
  });

  it.each([
    ['ok', 200, undefined],
    ['invalid-token', 401, 'invalid_token'],
  ] as const)('a second time, revokedTwice %s: %d %s', async (revokedTwice, status, error) => {
    const sandbox = await sandboxFor({ revokedTwice });
    const token = await mintedToken(sandbox);
    await revoke(sandbox, token);
    const second = await revoke(sandbox, token);
    expect([second.status, second.body.error]).toEqual([status, error]);
    expect(sandbox.stats().revocations).toBe(1);
  });

  it.each(['accessToken', 'refreshToken'] as const)('%s: both halves of the pair die', async (half) => {
    const sandbox = await sandboxFor();
    const pair = sandbox.issueToken();
    // A public client has no secret to send.
    const fields = { client_id: sandbox.publicClientId, token: pair[half] };
    expect((await postForm(sandbox.environment.revokeUrl, fields)).status).toBe(200);
    expect((await call(sandbox, '/protected', { token: pair.accessToken })).status).toBe(401);
    const refreshed = await postForm(sandbox.environment.tokenUrl, refreshFields(sandbox, pair.refreshToken));
    expect(refreshed.body.error).toBe('invalid_grant');
  });

  it('without rotation, an older access token takes the kept refresh token with it', async () => {
    const sandbox = await sandboxFor({ refreshRotation: 'none' });
    const pair = sandbox.issueToken();
    const { tokenUrl, revokeUrl } = sandbox.environment;
    await postForm(tokenUrl, refreshFields(sandbox, pair.refreshToken));
    await postForm(revokeUrl, { client_id: sandbox.publicClientId, token: pair.accessToken });
    const { body } = await postForm(tokenUrl, refreshFields(sandbox, pair.refreshToken));
    expect(body.error).toBe('invalid_grant');
  });

  it('a body that is no form: invalid_request', async () => {
    const sandbox = await sandboxFor();
    const response = await fetch(sandbox.environment.revokeUrl, { method: 'POST', body: '{}' });
    expect(await response.json()).toMatchObject({ error: 'invalid_request' });
  });
});

describe('revokeAllTokens', () => {
  it.each([
    [undefined, 'invalid_grant'],
    [{ keep: 'refresh-tokens' }, undefined],
  ] as const)('%j: a refresh then gives %s', async (options, error) => {
    const sandbox = await sandboxFor();
    const { accessToken, refreshToken } = sandbox.issueToken();
    sandbox.revokeAllTokens(options);
    expect((await call(sandbox, '/protected', { token: accessToken })).status).toBe(401);
    const { body } = await postForm(sandbox.environment.tokenUrl, refreshFields(sandbox, refreshToken));
    expect(body.error).toBe(error);
  });
});
