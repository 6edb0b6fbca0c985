import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { publicClientIds } from '../../src/payu.ts';
import { fixtures, type MockPayu, mockPayu } from '../../src/testing/index.ts';
import {
  api,
  bearer,
  clientCredentials,
  http,
  messageOf,
  postForm,
  rejection,
  revokeUrl,
  tokenUrl,
} from './support.ts';

let kit: MockPayu;
beforeEach(() => {
  kit = mockPayu({ environment: 'test' });
});
afterEach(() => kit.restore());

const password = {
  grant_type: 'password',
  client_id: 'id',
  username: '9999999999',
  password: 'pw',
  scope: 's',
};
const refresh = { grant_type: 'refresh_token', client_id: 'id', refresh_token: 'mine', scope: 's' };

describe('token()', () => {
  test('hands out access_token_1, access_token_2, … in the order of use', async () => {
    kit.token().token();
    const first = await postForm();
    const second = await postForm();
    expect(first.data).toMatchObject({
      access_token: 'access_token_1',
      token_type: 'Bearer',
      expires_in: 7200,
      scope: 'create_payout_transactions',
    });
    expect(first.data).not.toHaveProperty('refresh_token');
    expect(second.data.access_token).toBe('access_token_2');
    kit.done();
  });

  test('created_at is in seconds, now', async () => {
    const before = Math.floor(Date.now() / 1000);
    kit.token();
    const { data } = await postForm();
    expect(data.created_at).toBeGreaterThanOrEqual(before);
    expect(data.created_at).toBeLessThanOrEqual(Date.now() / 1000);
  });

  test.each([password, refresh])('gives a refresh token with the grant $grant_type', async (form) => {
    kit.token().token();
    expect((await postForm(form)).data.refresh_token).toBe('refresh_token_1');
    expect((await postForm(form)).data.refresh_token).toBe('refresh_token_2');
  });

  test('replaces what the reply holds; null leaves a field out', async () => {
    kit.token({
      accessToken: 'mine',
      expiresInSeconds: '60',
      scope: null,
      refreshToken: 'r',
      tokenType: null,
      extra: { user_uuid: 'u' },
    });
    const { data } = await postForm();
    expect(data).toEqual({
      access_token: 'mine',
      expires_in: '60',
      refresh_token: 'r',
      user_uuid: 'u',
      created_at: expect.any(Number),
    });
  });

  test('takes a fixture word for word, and its token counts as handed out', async () => {
    kit.token(fixtures.token.password).api('get', '/merchant/getAccountDetail');
    const { data } = await postForm();
    expect(data).toEqual(fixtures.token.password.body);
    const response = await http.get(`${api}/payout/merchant/getAccountDetail`, bearer(data.access_token));
    expect(response.status).toBe(200);
    kit.done();
  });
});

test('token mocks of all kinds are used in the order in which they were declared', async () => {
  kit
    .tokenError('invalid_client')
    .tokenRateLimited({ retryAfter: 60 })
    .tokenFault({ code: 'ECONNRESET' })
    .tokenFault({ status: 502 })
    .token()
    .refresh();
  expect(await postForm()).toMatchObject(served(fixtures.token.invalidClient));
  expect(await postForm()).toMatchObject(served(fixtures.token.rateLimited));
  expect(await rejection(postForm())).toMatchObject({ code: 'ECONNRESET', message: 'socket hang up' });
  expect(await postForm()).toMatchObject({ status: 502, headers: { 'content-type': 'text/html' } });
  expect((await postForm()).data.access_token).toBe('access_token_1');
  expect((await postForm(refresh)).data.access_token).toBe('access_token_2');
  expect(kit.tokenRequests().map(({ status }) => status)).toEqual([401, 401, undefined, 502, 200, 200]);
  kit.done();
});

function served({ status, body }: { status: number; body: unknown }): { status: number; data: unknown } {
  return { status, data: body };
}

describe('tokenError()', () => {
  test.each([
    ['invalid_client', 401],
    ['invalid_scope', 401],
    ['unauthorized_client', 401],
    ['invalid_grant', 401],
    ['invalid_request', 401],
    ['unsupported_grant_type', 401],
    ['server_error', 401],
    ['rate_limit_exceeded', 401],
    ['invalid_token_reuse', 400],
    ['something_new', 400],
    ['constructor', 400],
  ])('%s has status %d', async (error, status) => {
    kit.tokenError(error);
    expect(await postForm()).toMatchObject({ status, data: { error } });
  });

  test('takes another status', async () => {
    kit.tokenError('invalid_grant', { status: 400 });
    expect(await postForm()).toMatchObject(served(fixtures.token.invalidGrantStatus400));
  });
});

describe('tokenRateLimited()', () => {
  test.each([
    [{ retryAfter: 7 }, 401, 7, undefined],
    [{ retryAfter: 7, via: 'header' }, 401, undefined, '7'],
    [{ retryAfter: 7, via: 'both', status: 429 }, 429, 7, '7'],
    [
      { retryAfter: 'Wed, 21 Oct 2026 07:28:00 GMT', via: 'header' },
      401,
      undefined,
      'Wed, 21 Oct 2026 07:28:00 GMT',
    ],
    [{ retryAfter: 0 }, 401, 0, undefined],
    [{}, 401, undefined, undefined],
  ] as const)('%o', async (options, status, inBody, inHeader) => {
    kit.tokenRateLimited(options);
    const response = await postForm();
    expect(response.status).toBe(status);
    expect(response.data.error).toBe('rate_limit_exceeded');
    expect(response.data.retry_after).toBe(inBody);
    expect(response.headers['retry-after']).toBe(inHeader);
  });
});

test('a refresh without a scope breaks no rule: PayU documents it so (F1)', async () => {
  kit.refresh();
  await postForm({ grant_type: 'refresh_token', client_id: 'x', refresh_token: 'r' });
  kit.done();
});

describe('a token request that breaks a rule fails at once, and says why', () => {
  const { scope, ...withoutScope } = clientCredentials;
  const { client_secret, ...withoutSecret } = clientCredentials;
  test.each<[title: string, form: string | Record<string, string>, problem: string]>([
    ['no scope', withoutScope, '"scope" is missing'],
    ['no grant type', { client_id: 'x', scope: 's' }, '"grant_type" is missing'],
    ['an empty field', { ...clientCredentials, code: '' }, '"code" is empty: leave the field out'],
    ['an empty scope', { ...clientCredentials, scope: '' }, '"scope" is empty'],
    ['two spaces between scopes', { ...clientCredentials, scope: 'a  b' }, 'separated by one space'],
    ['no secret', withoutSecret, '"client_secret" is missing: the grant "client_credentials" needs it'],
    [
      'no username',
      { grant_type: 'password', client_id: 'x', password: 'p', scope: 's' },
      '"username" is missing',
    ],
    ...Object.values(publicClientIds).map((id): [string, Record<string, string>, string] => [
      "a secret of PayU's public client",
      {
        grant_type: 'password',
        client_id: id,
        client_secret: 'top-secret',
        username: 'u',
        password: 'p',
        scope: 's',
      },
      `"client_secret" must be left out: "client_id" is PayU's public one`,
    ]),
    ['a field twice', 'grant_type=x&scope=a&scope=b', '"scope" is there 2 times'],
  ])('%s', async (_title, form, problem) => {
    kit.token();
    const response = await postForm(form);
    expect(response.status).toBe(400);
    expect(response.data.error).toBe('invalid_request');
    expect(response.data.error_description).toContain(`mockPayu: `);
    expect(response.data.error_description).toContain(problem);
    const message = messageOf(() => kit.done());
    expect(message).toContain('Requests that break a rule (1)');
    expect(message).toContain(problem);
    expect(message).not.toContain('top-secret');
  });

  test('a custom grant needs no more than grant_type and scope', async () => {
    kit.token();
    expect((await postForm({ grant_type: 'payu_bbps', scope: 'read_bills' })).status).toBe(200);
    kit.done();
  });

  test.each(['application/json', 'text/plain'])(
    '%s instead of a form; nothing of it is shown',
    async (type) => {
      kit.token();
      const body = JSON.stringify(clientCredentials);
      const response = await http.post(tokenUrl, body, { headers: { 'Content-Type': type } });
      expect(response.data.error_description).toContain(
        `"Content-Type" must be "application/x-www-form-urlencoded", but was "${type}"`,
      );
      expect(JSON.stringify(kit.tokenRequests()) + messageOf(() => kit.done())).not.toContain('top-secret');
    },
  );

  test('an Authorization header', async () => {
    kit.token();
    const response = await http.post(
      tokenUrl,
      new URLSearchParams(clientCredentials),
      bearer('access_token_1'),
    );
    expect(response.data.error_description).toContain('"Authorization" must not be sent here');
  });

  test('parameters in the URL', async () => {
    kit.token();
    const response = await postForm(undefined, http, `${tokenUrl}?client_secret=top-secret`);
    expect(response.data.error_description).toContain('the URL must have no query');
    expect(messageOf(() => kit.done())).not.toContain('top-secret');
  });

  test('another grant where refresh() was declared', async () => {
    kit.refresh();
    expect((await postForm()).data.error_description).toContain(
      '"grant_type" must be "refresh_token" for refresh(), but was "client_credentials"',
    );
  });
});

test('an unexpected token request fails at once, and done() lists it', async () => {
  const response = await postForm();
  expect(response).toMatchObject({ status: 400, data: { error: 'invalid_request' } });
  expect(response.data.error_description).toBe(
    'mockPayu: unexpected token request: no mock is left for it, declare one more',
  );
  expect(messageOf(() => kit.done())).toContain(
    'Unexpected requests (1):\n  - POST https://uat-accounts.payu.in/oauth/token (grant_type client_credentials, scope create_payout_transactions)',
  );
});

test('tokenRequests() hides secrets and people, and shows what the kit handed out', async () => {
  kit.token().refresh();
  await postForm(password);
  await postForm({ ...refresh, refresh_token: 'refresh_token_1', client_secret: 'top-secret' });
  expect(kit.tokenRequests()).toEqual([
    {
      status: 200,
      form: { ...password, username: '[redacted]', password: '[redacted]' },
    },
    {
      status: 200,
      form: { ...refresh, refresh_token: 'refresh_token_1', client_secret: '[redacted]' },
    },
  ]);
});

describe('revoke()', () => {
  const form = { client_id: 'id', client_secret: 'top-secret', token: 'access_token_1' };

  test('answers one revocation', async () => {
    kit.token().revoke().revoke(fixtures.revoke.alreadyRevoked);
    await postForm();
    expect(await postForm(form, http, revokeUrl)).toMatchObject(served(fixtures.revoke.success));
    expect(await postForm(form, http, revokeUrl)).toMatchObject(served(fixtures.revoke.alreadyRevoked));
    expect(kit.revokeRequests()[0]).toEqual({ status: 200, form: { ...form, client_secret: '[redacted]' } });
    kit.done();
  });

  test('no API takes the token any more, until it is handed out again', async () => {
    kit.token().revoke().api('get', '/x');
    await postForm();
    await postForm(form, http, revokeUrl);
    const call = () => http.get(`${api}/payout/x`, bearer('access_token_1'));
    expect((await rejection(call())).message).toContain('its token was revoked');
    kit.token({ accessToken: 'access_token_1' }).api('get', '/x');
    await postForm();
    expect((await call()).status).toBe(200);
  });

  test('checks the form', async () => {
    kit.revoke();
    const response = await postForm({ client_id: 'id' }, http, revokeUrl);
    expect(response.data.error_description).toContain('"token" is missing');
    expect(messageOf(() => kit.done())).toContain('taken by revoke(): "token" is missing');
  });

  test('an unexpected one is listed', async () => {
    expect((await postForm(form, http, revokeUrl)).status).toBe(400);
    expect(messageOf(() => kit.done())).toContain('POST https://uat-accounts.payu.in/oauth/revoke');
  });
});
