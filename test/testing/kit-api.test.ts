import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fixtures, type MockPayu, mockPayu } from '../../src/testing/index.ts';
import { api, bearer, http, messageOf, postForm, rejection } from './support.ts';

let kit: MockPayu;
beforeEach(() => {
  kit = mockPayu({ environment: 'test' }).acceptToken('token-1');
});
afterEach(() => kit.restore());

const authorized = bearer('token-1');

describe('paths', () => {
  test.each([
    ['/payout/merchant/getAccountDetail', 'https://uatoneapi.payu.in/payout/merchant/getAccountDetail'],
    ['/merchant/getAccountDetail', 'https://uatoneapi.payu.in/payout/merchant/getAccountDetail'],
    ['merchant/getAccountDetail', 'https://uatoneapi.payu.in/payout/merchant/getAccountDetail'],
    ['/merchant/getAccountDetail', 'https://test.payumoney.com/payout/merchant/getAccountDetail'],
    ['/', 'https://uatoneapi.payu.in/payment-links'],
    ['/', 'https://uatoneapi.payu.in/payment-links/'],
    ['', 'https://uatoneapi.payu.in/payment-links/'],
    ['/payment-links', 'https://uatoneapi.payu.in/payment-links/'],
    ['/payment-links/', 'https://uatoneapi.payu.in/payment-links'],
    ['/INV 1', 'https://uatoneapi.payu.in/payment-links/INV%201'],
    ['/x', 'https://uatoneapi.payu.in/payout/x?page=2'],
    ['/x?a=1&b=2', 'https://uatoneapi.payu.in/payout/x?b=2&a=1'],
    ['https://uatoneapi.payu.in/payout/x', 'https://uatoneapi.payu.in/payout/x'],
  ])('api("get", "%s") fits %s', async (path, url) => {
    kit.api('get', path);
    expect((await http.get(url, authorized)).status).toBe(200);
    kit.done();
  });

  test.each([
    ['/merchant/getAccountDetail', 'https://uatoneapi.payu.in/payout/merchant/getAccountDetails'],
    ['/merchant', 'https://uatoneapi.payu.in/payout/merchant/getAccountDetail'],
    ['/x?a=1', 'https://uatoneapi.payu.in/payout/x'],
    ['/x?a=1', 'https://uatoneapi.payu.in/payout/x?a=2'],
    ['/payout/x', 'https://uatoneapi.payu.in/payment-links/payout/y'],
    ['https://uatoneapi.payu.in/payout/x', 'https://test.payumoney.com/payout/x'],
    ['https://uatoneapi.payu.in/x', 'https://uatoneapi.payu.in/payout/x'],
  ])('api("get", "%s") does not fit %s', async (path, url) => {
    kit.api('get', path);
    expect((await rejection(http.get(url, authorized))).message).toContain('unexpected request GET');
  });

  test('production has its own hosts', async () => {
    using production = mockPayu({ environment: 'production' }).acceptToken('token-1');
    production.api('get', '/merchant/getAccountDetail').api('post', '/');
    await http.get('https://payout.payumoney.com/payout/merchant/getAccountDetail', authorized);
    const created = await http.post('https://oneapi.payu.in/payment-links', {}, authorized);
    expect(created.data).toEqual(fixtures.paymentLinks.created.body);
    production.done();
  });

  test('apiHosts adds to the environment', async () => {
    using more = mockPayu({ environment: 'production', apiHosts: ['https://partner.payu.in/'] });
    more.acceptToken('token-1').api('get', '/api/v1/merchants', { body: [1] });
    expect((await http.get('https://partner.payu.in/api/v1/merchants', authorized)).data).toEqual([1]);
    more.done();
  });
});

describe('replies', () => {
  const payouts = `${api}/payout`;
  const links = `${api}/payment-links`;

  test.each([
    ['get', `${payouts}/merchant/getAccountDetail`, fixtures.payouts.accountDetail.body],
    ['post', `${payouts}/v2/payment`, fixtures.payouts.payment.body],
    ['post', links, fixtures.paymentLinks.created.body],
    ['put', `${links}/INV1`, { status: 0, message: null, result: null, errorCode: null, guid: null }],
  ])('without one, %s %s gets the sample of the product', async (method, url, body) => {
    kit.api(method, url);
    expect((await http.request({ method, url, ...authorized })).data).toEqual(body);
  });

  test('a bare body has status 200', async () => {
    kit.api('get', '/x', { body: { a: 1 } });
    expect(await http.get(`${payouts}/x`, authorized)).toMatchObject({ status: 200, data: { a: 1 } });
  });

  test('null and false are JSON, too', async () => {
    kit.api('get', '/x', { body: null }).api('get', '/x', { body: false });
    expect((await http.get(`${payouts}/x`, authorized)).data).toBe(null);
    expect((await http.get(`${payouts}/x`, authorized)).data).toBe(false);
  });

  test('a function makes one from the request, at once or later', async () => {
    kit.api('post', '/x', async ({ body, query, token }) => ({ status: 201, body: { body, query, token } }));
    const response = await http.post(`${payouts}/x?page=2`, { amount: 1 }, authorized);
    expect(response).toMatchObject({
      status: 201,
      data: { body: { amount: 1 }, query: { page: '2' }, token: 'token-1' },
    });
  });

  test.each([
    [`${payouts}/x`, fixtures.payouts.unauthorized],
    [links, fixtures.paymentLinks.invalidToken],
  ])('unauthorized() at %s is as the product has it', async (url, fixture) => {
    kit.unauthorized('get', url);
    const response = await http.get(url, bearer('expired-long-ago'));
    expect(response).toMatchObject({ status: 401, data: fixture.body ?? '', headers: fixture.headers ?? {} });
    kit.done();
  });

  test.each([
    ['https://uat-partner.payu.in', fixtures.partner.unauthorized],
    ['https://bbps-sb.payu.in', fixtures.bbps.unauthorized],
    ['https://uat-onepayuonboarding.payu.in', fixtures.doorkeeper.revoked],
  ])('unauthorized() at %s', async (host, fixture) => {
    using more = mockPayu({ environment: 'production', apiHosts: [host] }).unauthorized('get', '/x');
    expect(await http.get(`${host}/x`, authorized)).toMatchObject({ status: 401, data: fixture.body ?? '' });
    more.done();
  });

  test("unauthorized() at the Partner API's v3 answers as that one does", async () => {
    const host = 'https://uat-partner.payu.in';
    using more = mockPayu({ environment: 'production', apiHosts: [host] }).unauthorized('get', '/api/v3/x');
    const { data } = await http.get(`${host}/api/v3/x`, authorized);
    expect(data).toEqual(fixtures.partner.invalidToken.body);
    more.done();
  });

  test('unauthorized() takes a reply of its own', async () => {
    kit.unauthorized('get', '/x', fixtures.doorkeeper.expired);
    const { headers } = await http.get(`${payouts}/x`, authorized);
    expect(headers['www-authenticate']).toContain('The access token expired');
  });

  test('rateLimited() is a 429 with Retry-After', async () => {
    kit.rateLimited('get', '/x', { retryAfter: 30 }).rateLimited('get', '/x', { retryAfter: 5, via: 'body' });
    const first = await http.get(`${payouts}/x`, authorized);
    expect([first.status, first.headers['retry-after'], first.data.retry_after]).toEqual([
      429,
      '30',
      undefined,
    ]);
    const second = await http.get(`${payouts}/x`, authorized);
    expect([second.status, second.headers['retry-after'], second.data.retry_after]).toEqual([
      429,
      undefined,
      5,
    ]);
  });

  test('apiFault() breaks the connection, or answers as a proxy does', async () => {
    kit
      .apiFault('post', '/x', { code: 'ETIMEDOUT' })
      .apiFault('post', '/x', { status: 504 })
      .apiFault('post', '/x', { status: 500, body: { error: 'oops' } });
    expect((await rejection(http.post(`${payouts}/x`, {}, authorized))).code).toBe('ETIMEDOUT');
    const proxy = await http.post(`${payouts}/x`, {}, authorized);
    expect(proxy).toMatchObject({ status: 504, headers: { 'content-type': 'text/html' } });
    expect((await http.post(`${payouts}/x`, {}, authorized)).data).toEqual({ error: 'oops' });
    kit.done();
  });
});

describe('order', () => {
  test('mocks of one method and path are used in the order in which they were declared', async () => {
    kit.api('get', '/x', { body: '1' }).unauthorized('get', '/x').api('get', '/x', { body: '3' });
    const seen: unknown[] = [];
    for (let count = 0; count < 3; count++) seen.push((await http.get(`${api}/payout/x`, authorized)).status);
    expect(seen).toEqual([200, 401, 200]);
    kit.done();
  });

  test('requests to different paths need no order', async () => {
    kit.api('get', '/a').api('get', '/b').api('post', '/a');
    await Promise.all([
      http.post(`${api}/payout/a`, {}, authorized),
      http.get(`${api}/payout/b`, authorized),
      http.get(`${api}/payout/a`, authorized),
    ]);
    kit.done();
  });

  test('the method tells mocks of one path apart', async () => {
    kit.api('get', '/a', { body: 'got' }).api('POST', '/a', { body: 'posted' });
    expect((await http.post(`${api}/payout/a`, {}, authorized)).data).toBe('posted');
    expect((await http.get(`${api}/payout/a`, authorized)).data).toBe('got');
  });

  test('of many requests at once, each takes one mock', async () => {
    for (let count = 0; count < 5; count++) kit.api('get', '/a', { body: { count } });
    const responses = await Promise.allSettled(
      Array.from({ length: 6 }, () => http.get(`${api}/payout/a`, authorized)),
    );
    const counts = responses.flatMap((one) => (one.status === 'fulfilled' ? [one.value.data.count] : []));
    expect(counts.sort()).toEqual([0, 1, 2, 3, 4]);
    expect(messageOf(() => kit.done())).toContain('Unexpected requests (1)');
  });
});

describe('the token that a request must carry', () => {
  test.each([
    ['none', {}, 'it carries no token; "Authorization: Bearer <token>" is missing'],
    ['another scheme', { headers: { Authorization: 'Basic abc' } }, 'it carries no token'],
    ['one of somebody else', bearer('stolen-token'), 'its token was not handed out by this kit (token-1)'],
  ])('%s: the connection breaks, and done() says why', async (_title, config, problem) => {
    kit.api('get', '/x');
    const error = await rejection(http.get(`${api}/payout/x`, config));
    expect(error.message).toContain(`mockPayu: GET ${api}/payout/x: ${problem}`);
    expect(error.code).toBe('ERR_MOCK_PAYU');
    const message = messageOf(() => kit.done());
    expect(message).toContain(`GET ${api}/payout/x, taken by api: GET /x: ${problem}`);
    expect(message).not.toContain('stolen-token');
  });

  test('one that token() handed out will do', async () => {
    kit.token().api('get', '/x');
    const { data } = await postForm();
    await http.get(`${api}/payout/x`, bearer(data.access_token));
    kit.done();
  });

  test("token: 'any' accepts every token, and hides a foreign one", async () => {
    kit.api('get', '/x', undefined, { token: 'any' });
    await http.get(`${api}/payout/x`, bearer('foreign'));
    expect(kit.apiRequests()[0]).toMatchObject({
      token: undefined,
      headers: { authorization: '[redacted]' },
    });
    kit.done();
  });

  test("token: 'none' refuses one", async () => {
    kit.api('get', '/x', undefined, { token: 'none' }).api('get', '/x', undefined, { token: 'none' });
    await http.get(`${api}/payout/x`);
    expect((await rejection(http.get(`${api}/payout/x`, authorized))).message).toContain(
      'must carry no token',
    );
  });

  test.each([
    ['Bearer ', { name: 'X-Partner-Token' }],
    ['', { name: 'X-Partner-Token', prefix: '' }],
    ['Bearer ', { name: 'X-Partner-Token', prefix: ' Bearer ' }],
    ['', { name: 'X-Partner-Token', prefix: ' ' }],
  ])('under another header name, prefix "%s"', async (prefix, header) => {
    const value = `${prefix}token-1`;
    using qr = mockPayu({ environment: 'production', apiHosts: ['https://partner.payu.in'], header });
    qr.acceptToken('token-1').api('post', '/qr').api('post', '/qr');
    await http.post(
      'https://partner.payu.in/qr',
      {},
      { headers: { 'X-Partner-Token': value, Authorization: 'hmac' } },
    );
    expect(qr.apiRequests()[0]).toMatchObject({
      token: 'token-1',
      headers: { 'x-partner-token': value, authorization: '[redacted]' },
    });
    expect((await rejection(http.post('https://partner.payu.in/qr', {}, authorized))).message).toContain(
      `"X-Partner-Token: ${prefix}<token>" is missing`,
    );
  });
});

test('apiRequests() tells what was sent, and with which token', async () => {
  kit.token().api('post', '/v2/payment');
  await postForm();
  await http.post(`${api}/payout/v2/payment?dry=1`, [{ amount: 1 }], {
    headers: { Authorization: 'Bearer access_token_1', pid: '1111123', Cookie: 'session=1' },
  });
  expect(kit.apiRequests()).toMatchObject([
    {
      method: 'POST',
      url: `${api}/payout/v2/payment?dry=1`,
      query: { dry: '1' },
      headers: { authorization: 'Bearer access_token_1', pid: '1111123', cookie: '[redacted]' },
      body: [{ amount: 1 }],
      token: 'access_token_1',
      status: 200,
    },
  ]);
});
