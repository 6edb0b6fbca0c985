import { AxiosHeaders, type AxiosResponse } from 'axios';
import { describe, expect, test } from 'vitest';
import { bbpsTokenRefused, headerOf, parseChallenges, readUnauthorized } from '../../src/axios/refusal.ts';

const response = (parts: { status?: number; headers?: object; data?: unknown }) =>
  ({ status: 401, headers: {}, data: '', ...parts }) as AxiosResponse;

const DOORKEEPER =
  'Bearer realm="Doorkeeper", error="invalid_token", error_description="The access token was revoked"';

describe('challenges, by the grammar of RFC 9110', () => {
  test.each<[string, readonly (readonly [scheme: string, parameters: Readonly<Record<string, string>>])[]]>([
    ['', []],
    [' , ,', []],
    ['Bearer', [['bearer', {}]]],
    ['bEaReR', [['bearer', {}]]],
    ['Bearer realm="a"', [['bearer', { realm: 'a' }]]],
    ['Bearer REALM = "a" ,  error = invalid_token', [['bearer', { realm: 'a', error: 'invalid_token' }]]],
    ['Bearer realm=""', [['bearer', { realm: '' }]]],
    ['Bearer realm="a, Basic realm=b"', [['bearer', { realm: 'a, Basic realm=b' }]]],
    ['Bearer realm="a \\"quoted\\" \\\\ word"', [['bearer', { realm: 'a "quoted" \\ word' }]]],
    ['Basic realm="proxy"', [['basic', { realm: 'proxy' }]]],
    [
      'Basic realm="proxy", Bearer',
      [
        ['basic', { realm: 'proxy' }],
        ['bearer', {}],
      ],
    ],
    [
      'Bearer error="x", Basic realm="y"',
      [
        ['bearer', { error: 'x' }],
        ['basic', { realm: 'y' }],
      ],
    ],
    ['Negotiate', [['negotiate', {}]]],
    [
      'Negotiate YIIB/+==, Bearer',
      [
        ['negotiate', {}],
        ['bearer', {}],
      ],
    ],
    [
      'Negotiate Bearer, Basic realm="x"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'x' }],
      ],
    ],
    [
      'Digest nonce=abc, Bearer error=insufficient_scope',
      [
        ['digest', { nonce: 'abc' }],
        ['bearer', { error: 'insufficient_scope' }],
      ],
    ],
    ['Bearer error="unterminated, Basic', [['bearer', { error: 'unterminated, Basic' }]]],
    ['realm="nobody\'s"', []],
    [
      DOORKEEPER,
      [
        [
          'bearer',
          { realm: 'Doorkeeper', error: 'invalid_token', error_description: 'The access token was revoked' },
        ],
      ],
    ],
    // As long as a header may be, and nothing in it that ends a word.
    ['!'.repeat(16_000), [['!'.repeat(16_000), {}]]],
  ])('%s', (header, expected) => {
    const found = parseChallenges(header).map(({ scheme, parameters }) => [scheme, parameters]);
    expect(found).toEqual(expected);
  });
});

describe('a 401 means', () => {
  test.each([
    ['no challenge, no body', {}, undefined, 'refused'],
    ["Payment Links' body", {}, { error: 'invalid_token' }, 'refused'],
    ["Partner v1's body", {}, { status: 'Unauthorized' }, 'refused'],
    ["Doorkeeper's challenge", { 'www-authenticate': DOORKEEPER }, undefined, 'refused'],
    ['a Bearer challenge without an error', { 'WWW-Authenticate': 'Bearer' }, undefined, 'refused'],
    ['an error that is an object', {}, { error: { reason: 'insufficient_scope' } }, 'refused'],
    ['a list', {}, ['insufficient_scope'], 'refused'],
    ['a scope is missing: body', {}, { error: 'insufficient_scope' }, 'insufficient-scope'],
    [
      'a scope is missing: challenge',
      { 'www-authenticate': 'Bearer error="insufficient_scope", scope="a"' },
      undefined,
      'insufficient-scope',
    ],
    [
      'the body before the challenge',
      { 'www-authenticate': DOORKEEPER },
      { error: 'insufficient_scope' },
      'insufficient-scope',
    ],
    ['a proxy', { 'www-authenticate': 'Basic realm="proxy"' }, undefined, 'other-scheme'],
    [
      'proxies of all kinds',
      { 'www-authenticate': 'Negotiate, NTLM, Digest realm="x"' },
      undefined,
      'other-scheme',
    ],
    [
      'an API that says OAuth',
      { 'www-authenticate': 'OAuth realm="api", error="invalid_token"' },
      undefined,
      'refused',
    ],
    [
      'an API that says OAuth, and no more',
      { 'www-authenticate': 'OAuth realm="api"' },
      undefined,
      'refused',
    ],
    ['an API that says Token', { 'www-authenticate': 'Token' }, undefined, 'refused'],
    [
      'a scope is missing, by another name',
      { 'www-authenticate': 'OAuth error=insufficient_scope' },
      undefined,
      'insufficient-scope',
    ],
    [
      'a proxy before an API that says invalid_token',
      { 'www-authenticate': 'Basic realm="x"' },
      { error: 'invalid_token' },
      'refused',
    ],
    [
      'an API that says invalid_token by Basic',
      { 'www-authenticate': 'Basic error="invalid_token"' },
      undefined,
      'refused',
    ],
    [
      'a proxy that says insufficient_scope',
      { 'www-authenticate': 'Basic error="insufficient_scope"' },
      undefined,
      'other-scheme',
    ],
    [
      'a proxy and PayU',
      { 'www-authenticate': 'Basic realm="x", Bearer error="invalid_token"' },
      undefined,
      'refused',
    ],
    [
      'the same in two fields',
      { 'www-authenticate': ['Basic realm="x"', 'Bearer error="insufficient_scope"'] },
      undefined,
      'insufficient-scope',
    ],
  ] as const)('%s', (_title, headers, body, expected) => {
    expect(readUnauthorized(response({ headers }), body)).toBe(expected);
    expect(readUnauthorized(response({ headers: AxiosHeaders.from(headers as never) }), body)).toBe(expected);
  });
});

test.each([
  [{ 'Retry-After': '5' }, '5'],
  [{ 'retry-after': 5 }, '5'],
  [{ 'retry-after': ['5', '6'] }, '5, 6'],
  [{ 'retry-after': null }, undefined],
  [{ 'x-retry-after': '5' }, undefined],
  [undefined, undefined],
])('a header of %o is %o, whatever object holds it', (headers, expected) => {
  expect(headerOf(response({ headers: headers as never }), 'retry-after')).toBe(expected);
});

describe('bbpsTokenRefused', () => {
  const failure = (...errors: unknown[]) => ({ code: 600, status: 'FAILURE', payload: { errors } });
  const refused = failure({ reason: 'Invalid authorization token', errorCode: 'AUTH_001' });
  test.each([
    ['the envelope at 200', 200, refused, true],
    ['the envelope as text', 200, JSON.stringify(refused), true],
    ['the envelope at 401', 401, refused, true],
    ['one of several errors', 200, failure({ errorCode: 'X' }, { errorCode: 'AUTH_001' }), true],
    ['any other 401', 401, '', true],
    ['a missing scope at 401', 401, { error: 'insufficient_scope' }, false],
    ['a business failure', 200, failure({ errorCode: 'BILLER_001' }), false],
    ['a success', 200, { code: 200, status: 'SUCCESS', payload: {} }, false],
    ['the envelope at 500', 500, refused, false],
    ['the envelope at 403', 403, refused, false],
    ['no list', 200, { payload: { errors: 'AUTH_001' } }, false],
    ['no payload', 200, { errors: [{ errorCode: 'AUTH_001' }] }, false],
    ['null in the list', 200, failure(null, 'AUTH_001'), false],
    ['no JSON', 200, '<html>AUTH_001</html>', false],
    ['nothing', 200, undefined, false],
  ])('%s: %d', (_title, status, data, expected) => {
    expect(bbpsTokenRefused(response({ status, data }))).toBe(expected);
  });
});
