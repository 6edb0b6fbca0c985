import { describe, expect, it } from 'vitest';
import { documentedScopes, type SandboxOptions } from '../../src/sandbox/index.ts';
import {
  clientFields,
  type Fields,
  manualClock,
  mint,
  passwordFields,
  payoutScope,
  postForm,
  refreshFields,
  sandboxFor,
} from './support.ts';

describe('the grants of the token endpoint', () => {
  it('client_credentials: the documented fields, and no refresh token', async () => {
    const clock = manualClock();
    const sandbox = await sandboxFor({ now: clock.now, seed: 1 });
    const { status, body, headers } = await mint(sandbox);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('application/json');
    expect(body).toEqual({
      access_token: expect.stringMatching(/^[0-9a-f]{64}$/),
      token_type: 'Bearer',
      expires_in: 7200,
      scope: payoutScope,
      created_at: 1_585_215_909,
    });
  });

  it.each(['wrong', 'sandbox-client-secret'])(
    'a field that is there twice is refused, whichever of the two would do',
    async (second) => {
      const sandbox = await sandboxFor();
      const form = new URLSearchParams({ ...clientFields(sandbox), client_secret: second });
      form.append('client_secret', sandbox.clientSecret);
      const reply = await fetch(sandbox.environment.tokenUrl, { method: 'POST', body: form });
      expect(await reply.json()).toMatchObject({ error: 'invalid_request' });
    },
  );

  it('password: a refresh token and user_uuid as well', async () => {
    const sandbox = await sandboxFor();
    const { status, body } = await postForm(sandbox.environment.tokenUrl, passwordFields(sandbox));
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual([
      'access_token',
      'token_type',
      'expires_in',
      'refresh_token',
      'scope',
      'created_at',
      'user_uuid',
    ]);
    expect(body.user_uuid).toBe('11e8-5a8f-05faaaa4-84a5-020d245326e4');
  });

  it('refresh_token: a new access token of the same scope', async () => {
    const sandbox = await sandboxFor();
    const { tokenUrl } = sandbox.environment;
    const first = (await postForm(tokenUrl, passwordFields(sandbox))).body;
    const { status, body } = await postForm(tokenUrl, refreshFields(sandbox, first.refresh_token));
    expect(status).toBe(200);
    expect(body.access_token).not.toBe(first.access_token);
    expect(body.scope).toBe(payoutScope);
    expect(sandbox.stats()).toMatchObject({
      mints: 2,
      refreshes: 1,
      tokenRequestsByGrant: { password: 1, refresh_token: 1 },
    });
  });

  it('a grant that PayU shares: its type and its parameters', async () => {
    const customGrant = { grantType: 'bbps_agent', parameters: { agent_id: 'A1' } };
    const sandbox = await sandboxFor({ customGrant });
    const fields = { grant_type: 'bbps_agent', scope: 'read_bills' };
    const statusFor = async (extra: Fields): Promise<unknown> => {
      const { status, body } = await postForm(sandbox.environment.tokenUrl, { ...fields, ...extra });
      return status === 200 ? 'minted' : body.error;
    };
    expect(await statusFor({ agent_id: 'A1' })).toBe('minted');
    expect(await statusFor({ agent_id: 'A1', client_id: sandbox.clientId })).toBe('invalid_client');
    expect(
      await statusFor({ agent_id: 'A1', client_id: sandbox.clientId, client_secret: sandbox.clientSecret }),
    ).toBe('minted');
    expect(await statusFor({ agent_id: 'A2' })).toBe('invalid_grant');
    expect(await statusFor({})).toBe('invalid_request');
  });

  it('a secret with + % & : @ and UTF-8 arrives unchanged', async () => {
    const sandbox = await sandboxFor({ clientSecret: 'a+b%20&c:d@e=ü€ 😀' });
    expect((await mint(sandbox)).status).toBe(200);
  });
});

describe('what the token endpoint refuses', () => {
  type Row = [title: string, change: Fields, error: string, options?: SandboxOptions];
  const confidential: readonly Row[] = [
    ['an unknown client', { client_id: 'nobody' }, 'invalid_client'],
    ['a missing client', { client_id: '' }, 'invalid_client'],
    ['a wrong secret', { client_secret: 'wrong' }, 'invalid_client'],
    ['an empty secret', { client_secret: '' }, 'invalid_client'],
    ['an unknown scope', { scope: 'everything' }, 'invalid_scope'],
    ['one unknown scope among others', { scope: `${payoutScope} everything` }, 'invalid_scope'],
    ['no scope', { scope: '' }, 'invalid_scope'],
    [
      'scopes parted by something other than a space',
      { scope: `${payoutScope}\tread_bills` },
      'invalid_scope',
    ],
    ['a scope the sandbox does not offer', {}, 'invalid_scope', { scopes: ['read_bills'] }],
    ['an unknown grant', { grant_type: 'magic' }, 'unsupported_grant_type'],
    ['no grant', { grant_type: '' }, 'invalid_request'],
    ['a grant the client may not use', {}, 'unauthorized_client', { clientGrants: ['password'] }],
  ];

  it.each(confidential)('client_credentials with %s: %s → %s', async (_title, change, error, options) => {
    const sandbox = await sandboxFor(options);
    const fields = { ...clientFields(sandbox), ...change };
    const { status, body } = await postForm(sandbox.environment.tokenUrl, fields);
    expect(status).toBe(401);
    expect(body).toEqual({ error, error_description: expect.stringMatching(/^The .+\.$|^Client .+\.$/) });
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, mints: 0 });
  });

  it.each<Row>([
    ['a wrong password', { password: 'wrong' }, 'invalid_grant'],
    ['an unknown user', { username: 'nobody' }, 'invalid_grant'],
    ['a secret from a public client', { client_secret: 'any' }, 'invalid_client'],
    ['an empty secret from a public client', { client_secret: '' }, 'invalid_client'],
    ['an unknown scope', { scope: 'everything' }, 'invalid_scope'],
    ['a public client that asks for itself', { grant_type: 'client_credentials' }, 'unauthorized_client'],
  ])('password with %s: %s → %s', async (_title, change, error) => {
    const sandbox = await sandboxFor();
    const fields = { ...passwordFields(sandbox), ...change };
    expect((await postForm(sandbox.environment.tokenUrl, fields)).body.error).toBe(error);
  });

  it.each<Row>([
    ['a missing refresh token', { refresh_token: '' }, 'invalid_request'],
    ['an unknown refresh token', { refresh_token: 'unknown' }, 'invalid_grant'],
    ['a secret from a public client', { client_secret: 'any' }, 'invalid_client'],
    ['a scope beyond the first one', { scope: 'read_bills' }, 'invalid_scope'],
  ])('refresh_token with %s: %s → %s', async (_title, change, error) => {
    const sandbox = await sandboxFor();
    const { refreshToken } = sandbox.issueToken({ scope: payoutScope });
    const fields = { ...refreshFields(sandbox, refreshToken), ...change };
    expect((await postForm(sandbox.environment.tokenUrl, fields)).body.error).toBe(error);
  });

  it('a refresh without the secret of a confidential client, or by another client', async () => {
    const sandbox = await sandboxFor();
    const { refreshToken } = sandbox.issueToken({ clientId: sandbox.clientId, scope: payoutScope });
    const fields = { ...refreshFields(sandbox, refreshToken), client_id: sandbox.clientId };
    const { tokenUrl } = sandbox.environment;
    expect((await postForm(tokenUrl, fields)).body.error).toBe('invalid_client');
    const byPublic = { ...fields, client_id: sandbox.publicClientId };
    expect((await postForm(tokenUrl, byPublic)).body.error).toBe('invalid_grant');
    const withSecret = { ...fields, client_secret: sandbox.clientSecret };
    expect((await postForm(tokenUrl, withSecret)).status).toBe(200);
  });

  it('a body that is not form-encoded', async () => {
    const sandbox = await sandboxFor();
    const response = await fetch(sandbox.environment.tokenUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(clientFields(sandbox)),
    });
    expect(await response.json()).toMatchObject({ error: 'invalid_request' });
  });

  it('client credentials in a Basic header', async () => {
    const sandbox = await sandboxFor();
    const basic = Buffer.from(`${sandbox.clientId}:${sandbox.clientSecret}`).toString('base64');
    const { grant_type = '', scope = '' } = clientFields(sandbox);
    const headers = { authorization: `Basic ${basic}` };
    const { body } = await postForm(sandbox.environment.tokenUrl, { grant_type, scope }, headers);
    expect(body.error).toBe('invalid_client');
  });

  it.each(['//oauth/token', '/oauth/token/', '/oauth'])('the wrong path %s', async (path) => {
    const sandbox = await sandboxFor();
    expect((await postForm(`${sandbox.url}${path}`, clientFields(sandbox))).status).toBe(404);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 0, apiRequests: 1 });
  });

  it('another method than POST', async () => {
    const sandbox = await sandboxFor();
    expect((await fetch(sandbox.environment.tokenUrl)).status).toBe(404);
  });
});

describe('which status carries the errors', () => {
  const errors = ['invalid_client', 'invalid_scope', 'server_error', 'invalid_token_reuse'] as const;
  it.each([
    ['documented', [401, 401, 401, 400]],
    ['doorkeeper-5.0', [401, 401, 401, 400]],
    ['doorkeeper-5.1', [401, 400, 500, 400]],
    ['doorkeeper-5.5', [401, 400, 500, 400]],
  ] as const)('%s', async (statusStyle, statuses) => {
    const sandbox = await sandboxFor({ statusStyle });
    for (const error of errors) sandbox.fail(1, { kind: 'oauth-error', error });
    const seen: number[] = [];
    for (const error of errors) {
      const { status, body } = await mint(sandbox);
      expect(body.error).toBe(error);
      seen.push(status);
    }
    expect(seen).toEqual(statuses);
  });

  it('errors the endpoint finds by itself follow the style, too', async () => {
    const sandbox = await sandboxFor({ statusStyle: 'doorkeeper-5.1' });
    expect((await mint(sandbox, 'everything')).status).toBe(400);
    const fields = { ...clientFields(sandbox), client_secret: 'wrong' };
    expect((await postForm(sandbox.environment.tokenUrl, fields)).status).toBe(401);
  });
});

describe('scopes and clients', () => {
  it('every documented scope can be had, several at once, in the order asked, each once', async () => {
    const sandbox = await sandboxFor();
    expect((await mint(sandbox, documentedScopes.join(' '))).body.scope).toBe(documentedScopes.join(' '));
    const { body } = await mint(sandbox, 'read_bills read_plans read_bills');
    expect(body.scope).toBe('read_bills read_plans');
  });

  it('a further client has its own secret, grants and scopes', async () => {
    const clients = [{ clientId: 'second', clientSecret: 'its own', scopes: ['read_bills'] }];
    const sandbox = await sandboxFor({ clients });
    const ask = async (scope: string, client_secret: string): Promise<unknown> => {
      const fields = { ...clientFields(sandbox, scope), client_id: 'second', client_secret };
      return (await postForm(sandbox.environment.tokenUrl, fields)).body.error;
    };
    expect(await ask('read_bills', 'its own')).toBeUndefined();
    expect(await ask(payoutScope, 'its own')).toBe('invalid_scope');
    expect(await ask('read_bills', sandbox.clientSecret)).toBe('invalid_client');
  });

  it('a rotated secret replaces the old one', async () => {
    const sandbox = await sandboxFor();
    sandbox.setClientSecret('new');
    expect((await mint(sandbox)).body.error).toBe('invalid_client');
    const fields = { ...clientFields(sandbox), client_secret: 'new' };
    expect((await postForm(sandbox.environment.tokenUrl, fields)).status).toBe(200);
  });
});
