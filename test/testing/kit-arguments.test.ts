import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fixtures, type MockPayu, mockPayu } from '../../src/testing/index.ts';
import { http, messageOf, postForm } from './support.ts';

let kit: MockPayu;
beforeEach(() => {
  kit = mockPayu({ environment: 'test' });
});
afterEach(() => kit.restore());

const circular: unknown[] = [];
circular.push(circular);

type Method = Extract<keyof MockPayu, string>;

/** As plain JavaScript calls it: any method with any arguments. */
function call(method: Method, ...given: readonly unknown[]): () => unknown {
  const methods = kit as unknown as Record<string, (...given: readonly unknown[]) => unknown>;
  return () => methods[method]?.(...given);
}

describe('a wrong argument is refused where it is given, and named', () => {
  test.each<[Method, readonly unknown[], string]>([
    [
      'token',
      [{ acessToken: 'x' }],
      'token(): "acessToken" is not known in "reply"; known are: accessToken, expiresInSeconds, ',
    ],
    [
      'token',
      [{ body: {}, accessToken: 'x' }],
      'token(): "accessToken" is not known in "reply"; known are: status,',
    ],
    ['token', ['access_token_1'], 'token(): "reply" must be an object, such as { accessToken: \'…\' }'],
    ['refresh', [{ expiresIn: 60 }], 'refresh(): "expiresIn" is not known in "reply"'],
    ['tokenError', [], 'tokenError(): "error" must be a text, such as "invalid_client"'],
    [
      'tokenError',
      ['invalid_grant', 400],
      'tokenError(): "options" must be an object, such as { status: 400 }',
    ],
    ['tokenError', ['invalid_grant', { code: 1 }], 'tokenError(): "code" is not known in "options"'],
    ['tokenRateLimited', [60], 'tokenRateLimited(): "options" must be an object, such as { retryAfter: 60 }'],
    ['tokenRateLimited', [{ retryAfterSeconds: 60 }], '"retryAfterSeconds" is not known in "options"'],
    [
      'tokenRateLimited',
      [{ retryAfter: -1 }],
      'tokenRateLimited(): "retryAfter" must be a number of seconds, 0 or more',
    ],
    ['tokenRateLimited', [{ retryAfter: Number.NaN }], '"retryAfter" must be a number of seconds, 0 or more'],
    ['tokenRateLimited', [{ via: 'headers' }], '"via" must be one of "body", "header", "both"'],
    ['tokenRateLimited', [{ status: 42 }], '"status" must be a status code'],
    [
      'tokenFault',
      [],
      'tokenFault(): "fault" must be an object, such as { code: \'ECONNRESET\' } or { status: 502 }',
    ],
    ['tokenFault', [{}], 'tokenFault(): "fault" must have a "code" or a "status"'],
    ['tokenFault', [{ status: 502, code: 'X' }], 'tokenFault(): "code" is not known in "fault"'],
    ['revoke', [200], 'revoke(): "reply" must be an object, such as { status: 200, body: {} }'],
    ['api', [], 'api(): "method" must be an HTTP method, such as "get"'],
    ['api', ['fetch', '/x'], 'api(): "method" must be an HTTP method, such as "get"'],
    ['api', ['get'], 'api(): "path" must be a text, such as "/v2/payment"'],
    ['api', ['get', '/x', 200], 'api(): "reply" must be an object or a function that returns one'],
    [
      'api',
      ['get', '/x', { data: {} }],
      'api(): "data" is not known in "reply"; known are: status, headers, body',
    ],
    ['api', ['get', '/x', {}, { token: false }], 'api(): "token" must be one of "handed-out", "any", "none"'],
    ['unauthorized', ['get'], 'unauthorized(): "path" must be a text'],
    ['unauthorized', ['get', '/x', 401], 'unauthorized(): "reply" must be an object'],
    [
      'rateLimited',
      ['get', '/x', 60],
      'rateLimited(): "options" must be an object, such as { retryAfter: 60 }',
    ],
    ['apiFault', ['get', '/x'], 'apiFault(): "fault" must be an object'],
    ['acceptToken', [''], 'acceptToken(): "accessToken" must be a text'],
    ['waitForTokenRequests', [], 'waitForTokenRequests(): "count" must be a whole number, 0 or more'],
    ['waitForApiRequests', [1.5], 'waitForApiRequests(): "count" must be a whole number, 0 or more'],
  ])('%s(…%j)', async (method, given, rule) => {
    const wrong = async (): Promise<unknown> => call(method, ...given)();
    await expect(wrong()).rejects.toThrow(TypeError);
    await expect(wrong()).rejects.toMatchObject({
      code: 'ERR_INVALID_OPTION',
      message: expect.stringContaining(rule),
    });
    expect(() => kit.done()).not.toThrow();
  });

  describe.each<[string, () => unknown]>([
    ['refers to itself', () => circular],
    ['is a bigint', () => 1n],
    ['holds one', () => ({ amount: 1n })],
    ['is a function', () => () => ({})],
    ['is a symbol', () => Symbol('x')],
    ['is a Buffer', () => Buffer.from('x')],
    ['is bytes', () => new Uint8Array(2)],
    ['fails to tell its JSON', () => ({ toJSON: () => JSON.parse('{') })],
  ])('a body that %s', (_title, body) => {
    test.each<[Method, (reply: object) => readonly unknown[]]>([
      ['token', (reply) => [reply]],
      ['revoke', (reply) => [reply]],
      ['api', (reply) => ['get', '/x', reply]],
      ['unauthorized', (reply) => ['get', '/x', reply]],
      ['apiFault', (reply) => ['get', '/x', { status: 502, ...reply }]],
    ])('%s()', (method, given) => {
      const rule = `${method}(): "body" must be a text, or what JSON can hold`;
      expect(call(method, ...given({ body: body() }))).toThrow(rule);
      expect(() => kit.done()).not.toThrow();
    });
  });

  test('what a function gives in the place of a reply is looked at, too', async () => {
    kit.token().api('get', '/x', () => 200 as unknown as object);
    await postForm();
    const headers = { Authorization: 'Bearer access_token_1' };
    const sent = http.get('https://uatoneapi.payu.in/payout/x', { headers });
    await expect(sent).rejects.toThrow('api(): "reply" must be an object');
  });

  test('each fixture, and what the types allow, passes', () => {
    kit
      .token(fixtures.token.clientCredentials)
      .token({ accessToken: 'a', expiresInSeconds: null, extra: { mid: '1' } })
      .tokenError('on_holiday', { status: 418 })
      .tokenRateLimited({ retryAfter: 'Thu, 01 Jan 2026 12:00:00 GMT', via: 'header', status: 429 })
      .tokenFault({ status: 502, body: 'x', headers: {} })
      .apiFault('get', '/x', { code: 'ECONNRESET', message: 'm' })
      .api('get', '/x', async () => ({ body: 'x' }), { token: 'none' });
  });
});

describe('mockPayu', () => {
  test.each([
    [[], '"options" must be an object, such as { environment: "test" }'],
    [['test'], '"options" must be an object, such as { environment: "test" }'],
    [
      [{ environment: 'test', apiHost: [] }],
      '"apiHost" is not known in "options"; known are: environment, apiHosts',
    ],
    [[{ environment: 'test', apiHosts: 'https://a.example' }], '"apiHosts" must be a list'],
    [
      [{ environment: 'production', header: 'X-Partner-Token' }],
      '"header" must be an object, such as { name: ',
    ],
    [[{ environment: 'production', header: { prefix: '' } }], '"header.name" must be a text'],
    [[{ environment: 'test', header: { name: 'X', prefix: null } }], '"header.prefix" must be a text'],
    [[{ environment: { tokenURL: 'https://a.example' } }], '"tokenURL" is not known in "environment"'],
  ])('%j is refused', (given, rule) => {
    const run = (): unknown => (mockPayu as (...given: unknown[]) => unknown)(...given);
    expect(run).toThrow(expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_OPTION' }));
    expect(messageOf(run)).toContain(rule);
  });
});

describe('a kit that was restored', () => {
  test.each<[Method, ...unknown[]]>([
    ['token'],
    ['refresh'],
    ['tokenError', 'invalid_client'],
    ['tokenRateLimited'],
    ['tokenFault', { status: 502 }],
    ['revoke'],
    ['api', 'get', '/x'],
    ['unauthorized', 'get', '/x'],
    ['rateLimited', 'get', '/x'],
    ['apiFault', 'get', '/x', { status: 502 }],
    ['acceptToken', 'x'],
  ])('takes no %s', (method, ...given) => {
    kit.restore();
    expect(messageOf(call(method, ...given))).toBe(
      `mockPayu: ${method}() on a kit that was restored: nothing would answer. Make a new kit, such as in beforeEach.`,
    );
  });

  test('does not wait for what cannot come any more', async () => {
    kit.restore();
    await expect(kit.waitForTokenRequests(1)).rejects.toThrow(
      'waitForTokenRequests() on a kit that was restored',
    );
    await expect(kit.waitForApiRequests(1)).rejects.toThrow(
      'waitForApiRequests() on a kit that was restored',
    );
  });

  test('still tells what happened', async () => {
    kit.token().api('get', '/left');
    await postForm();
    kit.restore();
    expect(kit.tokenRequests()).toHaveLength(1);
    expect([kit.apiRequests(), kit.revokeRequests()]).toEqual([[], []]);
    expect(() => kit.done()).toThrow('api: GET /left');
    expect(() => kit.restore()).not.toThrow();
  });
});
