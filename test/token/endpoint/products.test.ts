import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { bbpsTokenRefused } from '../../../src/index.ts';
import { startHarness } from '../../support/harness.ts';
import { sentTokens } from '../support.ts';

describe("Partner QR: the token goes into X-Partner-Token, and Authorization is the caller's", () => {
  const BODY = { amount: 10, reference: 'r1' };
  const hmac = (secret: string) =>
    `hmac ${createHmac('sha256', secret).update(JSON.stringify(BODY)).digest('hex')}`;

  async function partner(prefix?: string) {
    const header = { name: 'X-Partner-Token', ...(prefix === undefined ? {} : { prefix }) };
    const harness = await startHarness({ header, scope: 'refer_merchant' });
    const api = harness.client('/partner');
    harness.auth.attach(api);
    const headers = { Authorization: hmac(harness.sandbox.clientSecret) };
    return { ...harness, api, headers, pay: () => api.post('/qr/pay', BODY, { headers }) };
  }

  test.each([
    ['with the scheme by default', undefined, /^Bearer \S+$/],
    ['bare with prefix ""', '', /^\S+$/],
    ['with another scheme', 'Token', /^Token \S+$/],
  ])('%s', async (_, prefix, expected) => {
    const { pay, sandbox, headers } = await partner(prefix);
    if (prefix !== 'Token') expect((await pay()).status).toBe(200);
    else await pay().catch(() => {});
    const request = sandbox.requests().find(({ kind }) => kind === 'api');
    expect(request?.headers['x-partner-token']).toMatch(expected);
    expect(request?.headers.authorization).toBe(headers.Authorization);
  });

  test('a refused token is cured once, with the same Authorization and the same bytes', async () => {
    const { pay, sandbox, headers } = await partner();
    await pay();
    sandbox.revokeAllTokens();
    sandbox.resetStats();
    expect((await pay()).status).toBe(200);
    const sent = sandbox.requests().filter(({ kind }) => kind === 'api');
    expect(sent).toHaveLength(2);
    for (const request of sent) {
      expect(request.headers.authorization).toBe(headers.Authorization);
      expect(request.rawBody.toString()).toBe(JSON.stringify(BODY));
    }
    expect(new Set(sentTokens(sandbox)).size).toBe(2);
  });

  test('without an Authorization of the caller none is made up', async () => {
    const { api, sandbox } = await partner();
    await api.post('/qr/pay', BODY).catch(() => {});
    const request = sandbox.requests().find(({ kind }) => kind === 'api');
    expect(request?.headers).not.toHaveProperty('authorization');
  });

  test('"auth" of axios is the caller\'s Authorization too: the token still goes along', async () => {
    const { api, sandbox } = await partner();
    await api.post('/qr/pay', BODY, { auth: { username: 'u', password: 'p' } }).catch(() => {});
    const request = sandbox.requests().find(({ kind }) => kind === 'api');
    expect(request?.headers.authorization).toMatch(/^Basic /);
    expect(request?.headers['x-partner-token']).toMatch(/^Bearer /);
  });

  test('the token is withheld from another origin, like any', async () => {
    const { auth, client, sandbox, eventsOf } = await partner();
    const elsewhere = client('/partner', { baseURL: 'https://api.example' });
    auth.attach(elsewhere);
    await elsewhere.post(`${sandbox.url}/partner/qr/pay`, BODY).catch(() => {});
    const request = sandbox.requests().find(({ kind }) => kind === 'api');
    expect(request?.headers).not.toHaveProperty('x-partner-token');
    expect(eventsOf('token-withheld')).toMatchObject([{ reason: 'origin' }]);
    expect(sandbox.stats().tokenRequests).toBe(0);
  });
});

describe('BBPS', () => {
  test.each([200, 401] as const)(
    'a refused token at status %i is cured with bbpsTokenRefused',
    async (bbpsRefusalStatus) => {
      const { auth, client, sandbox } = await startHarness(
        { scope: 'read_bills', isTokenRefused: bbpsTokenRefused },
        { bbpsRefusalStatus },
      );
      const api = client('/payu-nbc');
      auth.attach(api);
      await api.post('/v1/nbc/bills', { billerId: 'B1' });
      sandbox.revokeAllTokens();
      sandbox.resetStats();
      const response = await api.post('/v1/nbc/bills', { billerId: 'B1' });
      expect(response.data).toMatchObject({ code: 200, status: 'SUCCESS' });
      expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: 2 });
    },
  );

  test('a business failure in the same envelope is not replayed', async () => {
    const { auth, client, sandbox } = await startHarness({
      scope: 'read_bills',
      isTokenRefused: bbpsTokenRefused,
    });
    const api = client('/payu-nbc');
    auth.attach(api);
    const response = await api.post('/v1/nbc/bills', {});
    expect(response.data).toMatchObject({ code: 600, payload: { errors: [{ errorCode: 'BILLER_001' }] } });
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: 1 });
  });

  const envelope = (errors: unknown) => ({ code: 600, status: 'FAILURE', payload: { errors, refId: null } });
  const refusal = envelope([{ reason: 'Invalid authorization token', errorCode: 'AUTH_001' }]);
  test.each([
    ['the documented refusal at 200', 200, refusal, true],
    ['the same as text', 200, JSON.stringify(refusal), true],
    ['the same among others', 200, envelope([null, { errorCode: 'X' }, { errorCode: 'AUTH_001' }]), true],
    ['the same at 401', 401, refusal, true],
    ['an empty 401', 401, '', true],
    ['a 401 for a missing scope', 401, { error: 'insufficient_scope' }, false],
    ['another errorCode', 200, envelope([{ errorCode: 'BILLER_001' }]), false],
    ['no errors', 200, envelope([]), false],
    ['errors that are no list', 200, envelope({ errorCode: 'AUTH_001' }), false],
    ['no payload', 200, { code: 600, status: 'FAILURE' }, false],
    [
      'an error that is an object',
      200,
      { error: { reason: 'Invalid account number or IFSC provided' } },
      false,
    ],
    ['a login page', 200, '<html>', false],
    ['nothing', 200, null, false],
    ['a 403', 403, refusal, false],
    ['a 500', 500, refusal, false],
  ])('bbpsTokenRefused: %s', (_, status, data, expected) => {
    expect(bbpsTokenRefused({ status, data, headers: {}, statusText: '', config: {} as never })).toBe(
      expected,
    );
  });
});
