import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type CallOptions, call, type Fields, mintedToken, sandboxFor } from './support.ts';

describe('Partner', () => {
  it.each([
    ['/partner/api/v1/merchants', 'wrong', 401, { status: 'Unauthorized' }],
    ['/partner/api/v1/merchants', 'read_bills', 401, { status: 'Unauthorized' }],
    [
      '/partner/api/v3/merchants',
      'wrong',
      401,
      { error: 'invalid_token', error_description: 'The access token provided is invalid' },
    ],
    ['/partner/api/v3/merchants', 'read_bills', 403, { error: 'insufficient_scope' }],
    ['/partner/api/v1/merchants', 'refer_merchant', 200, { status: 'success' }],
    ['/partner/api/v3/merchants', 'refer_merchant', 200, { status: 'success' }],
    // As on PayU's own host, where nothing else is.
    ['/api/v1/merchants', 'wrong', 401, { status: 'Unauthorized' }],
    ['/api/v1/merchants', 'refer_merchant', 200, { status: 'success' }],
    ['/api/v3/merchants', 'read_bills', 403, { error: 'insufficient_scope' }],
    ['/api/v3/merchants', 'refer_merchant', 200, { status: 'success' }],
  ])('GET %s with %s: %d', async (path, scope, status, body) => {
    const sandbox = await sandboxFor();
    const token = scope === 'wrong' ? scope : await mintedToken(sandbox, scope);
    const seen = await call(sandbox, path, { token });
    expect(seen.status).toBe(status);
    expect(seen.body).toMatchObject(body);
  });

  it.each([
    ['/api/v1/merchants/11eb-3945', 'refer_merchant'],
    ['/api/v1/merchants/11eb-3945/add_bank_detail', 'create_bank_details'],
    ['/api/v1/merchants/11eb-3945/kyc_document', 'client_manage_kyc_details'],
    ['/api/v1/merchants/11eb-3945/agreement', 'client_manage_agreement'],
    ['/api/v1/merchants/11eb-3945/esign', 'client_manage_agreement'],
    ['/api/v1/merchants/11eb-3945/penny_verify', 'user_token'],
    ['/api/v1/payment_links', 'create_payment_links'],
    ['/api/v1/otp/send', 'send_sign_in_otp'],
    ['/api/v3/otp/verify', 'verify_sign_in_otp'],
  ])('POST %s needs %s', async (path, scope) => {
    const sandbox = await sandboxFor();
    const options = { method: 'POST', json: { a: 1 } };
    const good = await call(sandbox, path, { ...options, token: await mintedToken(sandbox, scope) });
    expect([good.status, good.body]).toEqual([200, { status: 'success', data: { a: 1 } }]);
    const token = await mintedToken(sandbox, 'read_bills');
    expect((await call(sandbox, path, { ...options, token })).status).toBe(path.includes('/v3/') ? 403 : 401);
  });

  it.each(['/qr/create', '/partner/qr/create'])(
    '%s: the token in X-Partner-Token, with the scheme or bare; a hash of the body in Authorization',
    async (path) => {
      const sandbox = await sandboxFor();
      const token = await mintedToken(sandbox, 'refer_merchant');
      const json = { amount: 1 };
      const hash = createHmac('sha256', sandbox.clientSecret).update(JSON.stringify(json)).digest('hex');
      const answer = async (headers: Fields): Promise<unknown> => {
        const seen = await call(sandbox, path, { method: 'POST', json, headers });
        return [seen.status, seen.body.error];
      };
      const authorization = `HMAC ${hash}`;
      expect(await answer({ authorization, 'x-partner-token': token })).toEqual([200, undefined]);
      expect(await answer({ authorization, 'x-partner-token': `Bearer ${token}` })).toEqual([200, undefined]);
      expect(await answer({ authorization, 'x-partner-token': 'wrong' })).toEqual([401, 'invalid_token']);
      expect(await answer({ authorization })).toEqual([401, 'invalid_token']);
      expect(await answer({ 'x-partner-token': token })).toEqual([401, 'Invalid HMAC header']);
      expect(await answer({ authorization: `Bearer ${token}`, 'x-partner-token': token })).toEqual([
        401,
        'Invalid HMAC header',
      ]);
      const wrong = `HMAC ${hash.replace(/./g, '0')}`;
      expect(await answer({ authorization: wrong, 'x-partner-token': token })).toEqual([403, 'Invalid Hash']);
      expect(sandbox.requests().at(1)?.token).toBe(token);
    },
  );
});

describe('BBPS', () => {
  const code600 = (errorCode: string): object => ({
    code: 600,
    status: 'FAILURE',
    payload: { errors: [{ errorCode }], refId: null },
  });

  it.each([undefined, 200, 401] as const)(
    'a bad token, bbpsRefusalStatus %s: code 600, AUTH_001',
    async (choice) => {
      const sandbox = await sandboxFor(choice === undefined ? {} : { bbpsRefusalStatus: choice });
      const { status, body } = await call(sandbox, '/payu-nbc/v1/bills', { token: 'wrong' });
      expect(status).toBe(choice ?? 200);
      expect(body).toMatchObject(code600('AUTH_001'));
      expect(body.payload.errors[0].reason).toBe('Invalid authorization token');
    },
  );

  it.each([
    ['GET', '/payu-nbc/v1/bills', 'read_bills'],
    ['GET', '/payu-nbc/v1/billers', 'read_billers'],
    ['GET', '/payu-nbc/v1/categories', 'read_biller_categories'],
    ['GET', '/payu-nbc/v1/nbc/getAllBillerCategory', 'read_biller_categories'],
    ['GET', '/payu-nbc/v1/plans', 'read_plans'],
    ['GET', '/payu-nbc/v1/transactions', 'read_transactions'],
    ['POST', '/payu-nbc/v1/transactions', 'create_transactions'],
  ])('%s %s needs %s', async (method, path, scope) => {
    const sandbox = await sandboxFor();
    const options: CallOptions = method === 'GET' ? {} : { method, json: { billerId: 'B1' } };
    const good = await call(sandbox, path, { ...options, token: await mintedToken(sandbox, scope) });
    expect([good.status, good.body.status]).toEqual([200, 'SUCCESS']);
    const token = await mintedToken(sandbox, 'verify_bank_account');
    expect((await call(sandbox, path, { ...options, token })).body).toMatchObject(code600('AUTH_002'));
  });

  it('a business failure: the same envelope at 200, another code', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox, 'create_transactions');
    const options = { method: 'POST', token, json: {} };
    const { status, body } = await call(sandbox, '/payu-nbc/v1/transactions', options);
    expect(status).toBe(200);
    expect(body).toMatchObject(code600('BILLER_001'));
  });
});

describe('Bank verification', () => {
  const ACC_VERIFICATION = '/dvs/bank_accounts/acc_verification';
  const error = { reason: 'Invalid account number or IFSC provided' };
  it.each([
    ['a bad account number', { account_number: 'x', ifsc: 'HDFC0000001' }, 422, error],
    ['a field of another name', { accountNumber: '051410000012', ifsc: 'HDFC0000001' }, 422, error],
    ['a bad IFSC', { account_number: '051410000012', ifsc: 'nonsense' }, 200, error],
    ['good data', { account_number: '051410000012', ifsc: 'HDFC0000001' }, 200, undefined],
  ])('%s', async (_title, json, status, expected) => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox, 'verify_bank_account');
    const seen = await call(sandbox, ACC_VERIFICATION, { method: 'POST', token, json });
    expect([seen.status, seen.body.error]).toEqual([status, expected]);
  });

  it.each([
    ['wrong', 401, 'invalid_token'],
    ['read_bills', 403, 'insufficient_scope'],
  ])('token %s: %d', async (scope, status, expected) => {
    const sandbox = await sandboxFor();
    const token = scope === 'wrong' ? scope : await mintedToken(sandbox, scope);
    const seen = await call(sandbox, ACC_VERIFICATION, { method: 'POST', token, json: {} });
    expect([seen.status, seen.body.error]).toEqual([status, expected]);
  });
});

it.each([
  ['GET', '/dvs/bank_accounts/acc_verification', 'verify_bank_account'],
  ['POST', '/dvs/v1/verify', 'verify_bank_account'],
  ['POST', '/qr', 'refer_merchant'],
  ['POST', '/api/v2/merchants', 'refer_merchant'],
  ['POST', '/api', 'refer_merchant'],
])('%s %s is nowhere', async (method, path, scope) => {
  const sandbox = await sandboxFor();
  const token = await mintedToken(sandbox, scope);
  expect((await call(sandbox, path, { method, token })).status).toBe(404);
});

describe('a resource that Doorkeeper protects', () => {
  it.each([
    ['invalid', 'The access token is invalid'],
    ['expired', 'The access token expired'],
    ['revoked', 'The access token was revoked'],
  ])('an %s token: 401, no body, the challenge', async (why, description) => {
    const sandbox = await sandboxFor();
    const token = why === 'invalid' ? 'unknown' : await mintedToken(sandbox);
    if (why === 'expired') sandbox.expireAllTokens();
    if (why === 'revoked') sandbox.revokeAllTokens();
    const { status, text, headers } = await call(sandbox, '/protected', { token });
    expect([status, text]).toEqual([401, '']);
    expect(headers.get('www-authenticate')).toBe(
      `Bearer realm="Doorkeeper", error="invalid_token", error_description="${description}"`,
    );
  });

  it('a missing scope: 403, no body, no challenge', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox, 'read_bills');
    expect((await call(sandbox, '/protected?scope=read_bills', { token })).status).toBe(200);
    const { status, text, headers } = await call(sandbox, '/protected?scope=read_plans', { token });
    expect([status, text, headers.get('www-authenticate')]).toEqual([403, '', null]);
  });

  it.each(['bearer', 'BEARER', 'Bearer '])('the scheme "%s" in any case', async (scheme) => {
    const sandbox = await sandboxFor();
    const authorization = `${scheme} ${await mintedToken(sandbox)}`;
    expect((await call(sandbox, '/protected', { headers: { authorization } })).status).toBe(200);
  });

  it.each(['Basic', 'Token', ''])('not the scheme "%s"', async (scheme) => {
    const sandbox = await sandboxFor();
    const authorization = `${scheme} ${await mintedToken(sandbox)}`.trim();
    expect((await call(sandbox, '/protected', { headers: { authorization } })).status).toBe(401);
  });
});

describe('routes for tests of clients', () => {
  it('/echo: method, path, headers and the very bytes', async () => {
    const sandbox = await sandboxFor();
    const authorization = `Bearer ${await mintedToken(sandbox)}`;
    const body = Buffer.from([0, 255, 13, 10, 128]);
    const response = await fetch(`${sandbox.url}/echo?a=%2F`, {
      method: 'PUT',
      body,
      headers: { authorization, 'x-own': 'é' },
    });
    const seen = (await response.json()) as { method: string; path: string; headers: Fields; body: string };
    expect(seen).toMatchObject({ method: 'PUT', path: '/echo?a=%2F', headers: { authorization } });
    expect(Buffer.from(seen.body, 'base64')).toEqual(body);
    expect(sandbox.requests().at(-1)?.rawBody).toEqual(body);
    expect((await call(sandbox, '/echo')).status).toBe(401);
  });

  it.each([
    ['/redirect?to=https://elsewhere.example/', 302, 'https://elsewhere.example/'],
    ['/redirect?to=/echo&status=308', 308, '/echo'],
    ['/redirect?to=/echo&status=200', 400, null],
    ['/redirect', 400, null],
  ])('%s: %d', async (path, status, location) => {
    const sandbox = await sandboxFor();
    const seen = await call(sandbox, path);
    expect([seen.status, seen.headers.get('location')]).toEqual([status, location]);
  });

  it('anything else: 404', async () => {
    const sandbox = await sandboxFor();
    for (const path of ['/', '/else', '/constructor']) expect((await call(sandbox, path)).status).toBe(404);
  });
});
