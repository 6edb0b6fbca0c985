import type { AxiosInstance } from 'axios';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  createPayuAuth,
  type PayuAuth,
  RateLimitedError,
  scopes,
  TokenRefusedError,
} from '../../src/index.ts';
import { fixtures, type MockPayu, mockPayu } from '../../src/testing/index.ts';
import { type Client, clients, messageOf, rejection } from './support.ts';

/** What a team writes around the Payouts API. */
class PayoutsClient {
  readonly #http: AxiosInstance;

  constructor(http: AxiosInstance) {
    this.#http = http;
  }

  async balance(): Promise<number> {
    const { data } = await this.#http.get('/merchant/getAccountDetail');
    return data.data.balance;
  }

  async pay(merchantRefId: string, amount: number): Promise<number> {
    const { data } = await this.#http.post('/v2/payment', [{ merchantRefId, amount }]);
    return data.status;
  }
}

describe.each(clients)('$name', (client: Client) => {
  let kit: MockPayu;
  let auth: PayuAuth;
  let payouts: PayoutsClient;
  let links: AxiosInstance;

  beforeEach(() => {
    kit = mockPayu({ environment: 'test' });
    auth = createPayuAuth({
      environment: 'test',
      grant: { type: 'client_credentials', clientId: 'client-1', clientSecret: 'top-secret' },
      scope: scopes.payouts.create,
    });
    const payoutsHttp = client.create({
      baseURL: 'https://uatoneapi.payu.in/payout',
      validateStatus: (status) => status < 300,
    });
    links = client.create({ baseURL: 'https://uatoneapi.payu.in/payment-links' });
    auth.attach(payoutsHttp);
    auth.attach(links, { scope: [scopes.paymentLinks.create, scopes.paymentLinks.read] });
    payouts = new PayoutsClient(payoutsHttp);
  });
  afterEach(async () => {
    kit.restore();
    vi.useRealTimers();
    await auth.close();
  });

  test('one token for many calls, another one for another scope', async () => {
    kit
      .token()
      .api('get', '/merchant/getAccountDetail')
      .api('post', '/v2/payment')
      .token()
      .api('post', '/', fixtures.paymentLinks.created);
    expect(await payouts.balance()).toBe(94003);
    expect(await payouts.pay('111', 10)).toBe(0);
    expect((await links.post('/', { subAmount: 2 })).data).toEqual(fixtures.paymentLinks.created.body);
    expect(kit.tokenRequests().map(({ form }) => form.scope)).toEqual([
      'create_payout_transactions',
      'create_payment_links read_payment_links',
    ]);
    expect(kit.apiRequests().map(({ token }) => token)).toEqual([
      'access_token_1',
      'access_token_1',
      'access_token_2',
    ]);
    kit.done();
  });

  test('a refused token: renewed, and the payment replayed once', async () => {
    kit.token().unauthorized('post', '/v2/payment').token().api('post', '/v2/payment');
    expect(await payouts.pay('111', 10)).toBe(0);
    expect(kit.apiRequests().map(({ token, body }) => [token, body])).toEqual([
      ['access_token_1', [{ merchantRefId: '111', amount: 10 }]],
      ['access_token_2', [{ merchantRefId: '111', amount: 10 }]],
    ]);
    kit.done();
  });

  test('a payment whose connection broke is not sent again', async () => {
    kit.token().apiFault('post', '/v2/payment', { code: 'ECONNRESET' });
    expect(await rejection(payouts.pay('111', 10))).toMatchObject({ code: 'ECONNRESET' });
    kit.done();
  });

  test('a wrong secret', async () => {
    kit.tokenError('invalid_client');
    const error = await rejection(payouts.balance());
    expect(error).toBeInstanceOf(TokenRefusedError);
    expect(error).toMatchObject({ error: 'invalid_client' });
    kit.done();
  });

  test('a rate limit of the token endpoint, with the recipe for fake timers', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    kit.tokenRateLimited({ retryAfter: 60 }).token().api('get', '/merchant/getAccountDetail');
    const balance = payouts.balance();
    await kit.waitForTokenRequests(1);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(kit.tokenRequests()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(6_001);
    expect(await balance).toBe(94003);
    kit.done();
  });

  test('a rate limit of the API, with the recipe for fake timers', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    kit.token().rateLimited('post', '/v2/payment', { retryAfter: 30 }).api('post', '/v2/payment');
    const paid = payouts.pay('111', 10);
    await kit.waitForApiRequests(1);
    await vi.advanceTimersByTimeAsync(33_000);
    expect(await paid).toBe(0);
    expect(kit.apiRequests().map(({ token }) => token)).toEqual(['access_token_1', 'access_token_1']);
    kit.done();
  });

  test('a rate limit that is too long fails at once, without a clock', async () => {
    kit.tokenRateLimited({ retryAfter: 3600 });
    expect(await rejection(payouts.balance())).toBeInstanceOf(RateLimitedError);
    kit.done();
  });

  test('a token that expires by the fake clock', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    kit
      .token({ expiresInSeconds: 100 })
      .api('get', '/merchant/getAccountDetail')
      .token()
      .api('get', '/merchant/getAccountDetail');
    await payouts.balance();
    await vi.advanceTimersByTimeAsync(101_000);
    await payouts.balance();
    expect(kit.apiRequests()[1]?.token).toBe('access_token_2');
    kit.done();
  });

  test('a passing fault of the token endpoint, with the recipe for fake timers', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    kit
      .tokenFault({ code: 'ECONNRESET' })
      .tokenFault({ status: 502 })
      .token()
      .api('get', '/merchant/getAccountDetail');
    const balance = payouts.balance();
    for (const count of [1, 2]) {
      await kit.waitForTokenRequests(count);
      await vi.advanceTimersByTimeAsync(5_000);
    }
    expect(await balance).toBe(94003);
    kit.done();
  });

  test('the password grant, renewed by its refresh token', async () => {
    const user = createPayuAuth({
      environment: 'test',
      grant: { type: 'password', username: '9999999999', password: 'top-secret' },
      scope: scopes.payouts.create,
    });
    kit.token().refresh();
    expect((await user.getToken()).value).toBe('access_token_1');
    await user.invalidate();
    expect((await user.getToken()).value).toBe('access_token_2');
    expect(kit.tokenRequests().map(({ form }) => form.refresh_token)).toEqual([undefined, 'refresh_token_1']);
    await user.close();
    kit.done();
  });

  test('revoke()', async () => {
    kit.token().revoke();
    await auth.getToken();
    await auth.revoke();
    expect(kit.revokeRequests()[0]?.form).toEqual({
      client_id: 'client-1',
      client_secret: '[redacted]',
      token: 'access_token_1',
    });
    kit.done();
  });

  test('setToken() needs acceptToken()', async () => {
    kit.acceptToken('kept-elsewhere').api('get', '/merchant/getAccountDetail');
    await auth.setToken({ accessToken: 'kept-elsewhere', expiresInSeconds: 3600 });
    expect(await payouts.balance()).toBe(94003);
    kit.done();
  });

  test('a forgotten token() fails at once, and says so', async () => {
    const error = await rejection(payouts.balance());
    expect(error).toBeInstanceOf(TokenRefusedError);
    expect((error as TokenRefusedError).errorDescription).toContain('declare one more');
    expect(messageOf(() => kit.done())).toContain('grant_type client_credentials');
  });

  test('many calls at once: one token request', async () => {
    kit.token();
    for (let count = 0; count < 20; count++) kit.api('get', '/merchant/getAccountDetail');
    await Promise.all(Array.from({ length: 20 }, () => payouts.balance()));
    kit.done();
  });
});
