import { describe, expect, test } from 'vitest';
import { isTokenValue, readToken } from '../../../src/token/endpoint/token-response.ts';

const SENT_AT = Date.UTC(2026, 0, 1);
const asked = { scope: ['create_payout_transactions'], sentAt: SENT_AT, defaultLifeMs: 3_600_000 };

const CLIENT_SAMPLE = {
  access_token: '994a',
  token_type: 'Bearer',
  expires_in: 6_351,
  scope: 'create_payout_transactions',
  created_at: 1_585_215_909,
};
const USER_SAMPLE = {
  access_token: '581b',
  token_type: 'Bearer',
  expires_in: 7_199,
  refresh_token: 'ff8e',
  scope: 'create_payout_transactions',
  created_at: 1_585_216_027,
  user_uuid: '11e8-5a8f-05faaaa4-84a5-020d245326e4',
};

const readText = (body: string) => readToken(200, body, asked);
const read = (reply: unknown) => readText(JSON.stringify(reply));

function recordOf(reply: unknown) {
  const reading = read(reply);
  if (reading.kind !== 'token') throw new Error(reading.reason);
  return reading.record;
}

describe('the sample replies of docs/payu.md', () => {
  test('client credentials', () => {
    expect(recordOf(CLIENT_SAMPLE)).toEqual({
      accessToken: '994a',
      scope: ['create_payout_transactions'],
      obtainedAt: SENT_AT,
      expiresAt: SENT_AT + 6_351_000,
      extra: { created_at: 1_585_215_909 },
    });
  });

  test('password', () => {
    expect(recordOf(USER_SAMPLE)).toEqual({
      accessToken: '581b',
      refreshToken: 'ff8e',
      scope: ['create_payout_transactions'],
      obtainedAt: SENT_AT,
      expiresAt: SENT_AT + 7_199_000,
      extra: { created_at: 1_585_216_027, user_uuid: '11e8-5a8f-05faaaa4-84a5-020d245326e4' },
    });
  });
});

describe('"expires_in"', () => {
  test.each([
    ['counts from when the request was sent', { expires_in: 60 }, 60_000],
    ['is read where it is misspelt', { expires_in: undefined, expire_in: 60 }, 60_000],
    ['may be absent: then the default life applies', { expires_in: undefined }, 3_600_000],
    ['may be 0', { expires_in: 0 }, 0],
  ])('%s', (_, fields, expected) => {
    expect(recordOf({ ...CLIENT_SAMPLE, ...fields }).expiresAt - SENT_AT).toBe(expected);
  });
});

describe('"created_at" is for information only', () => {
  test.each([
    ['in the past', 1_500_000_000, 1_500_000_000],
    ['ten minutes ahead', SENT_AT / 1_000 + 600, SENT_AT / 1_000 + 600],
    ['in milliseconds, which becomes seconds', 1_585_215_909_000, 1_585_215_909],
    ['on the boundary: still seconds', 1e11, 1e11],
    ['just above it: milliseconds', 1e11 + 1_000, 1e8 + 1],
    ['a string, as it is', '1585215909', '1585215909'],
  ])('%s', (_, createdAt, extra) => {
    const record = recordOf({ ...CLIENT_SAMPLE, created_at: createdAt });
    expect(record.extra).toEqual({ created_at: extra });
    expect(record.expiresAt - SENT_AT).toBe(6_351_000);
  });
});

test('another field with a large number is kept as it is', () => {
  const fields = { merchant_number: 1_585_215_909_000 };
  expect(recordOf({ ...CLIENT_SAMPLE, ...fields }).extra).toMatchObject(fields);
});

describe('"token_type"', () => {
  test.each([['Bearer'], ['bearer'], ['BEARER'], [null], [undefined]])('%s is accepted', (tokenType) => {
    expect(read({ ...CLIENT_SAMPLE, token_type: tokenType }).kind).toBe('token');
  });
  test.each([
    ['mac'],
    ['DPoP'],
    ['Bearer2'],
    ['XBearer'],
    ['Bearer '],
    ['Bearer\n'],
    [''],
    [7],
    [['Bearer']],
    [{}],
  ])('%j is refused', (tokenType) => {
    expect(read({ ...CLIENT_SAMPLE, token_type: tokenType })).toEqual({
      kind: 'unusable',
      status: 200,
      reason: 'its "token_type" is not Bearer',
    });
  });
});

describe('"scope"', () => {
  test.each([
    ['in another order is the same set', 'b a', ['a', 'b']],
    ['that was not asked for is what was granted', 'user_profile', ['user_profile']],
    ['absent means as requested', undefined, ['create_payout_transactions']],
    ['empty means as requested', ' ', ['create_payout_transactions']],
    ['of another type means as requested', ['a'], ['create_payout_transactions']],
  ])('%s', (_, scope, expected) => {
    expect(recordOf({ ...CLIENT_SAMPLE, scope }).scope).toEqual(expected);
  });
});

describe('"refresh_token"', () => {
  test.each([[undefined], [''], [null], [7], [{}]])('%j is none', (refreshToken) => {
    expect('refreshToken' in recordOf({ ...USER_SAMPLE, refresh_token: refreshToken })).toBe(false);
  });
});

describe('the other fields are kept as "extra", the ones we use are not', () => {
  test('user_uuid, mid, whatever', () => {
    const { extra } = recordOf({
      ...USER_SAMPLE,
      mid: '8',
      nested: { a: [1] },
      expire_in: 3,
      constructor: 'x',
    });
    expect(extra).toEqual({
      created_at: 1_585_216_027,
      user_uuid: '11e8-5a8f-05faaaa4-84a5-020d245326e4',
      mid: '8',
      nested: { a: [1] },
      constructor: 'x',
    });
  });

  test('a token that the reply repeats is not printed with them, wherever it stands (G2)', () => {
    const [access, refresh] = ['4cc355t0k3n', 'r/f+sh t0k3n'];
    const { accessToken, refreshToken, extra } = recordOf({
      access_token: access,
      refresh_token: refresh,
      token: access,
      id: refresh,
      header: `Bearer ${access}`,
      link: `https://a.example/?t=${encodeURIComponent(refresh)}`,
      nested: { list: ['mid', access, { deep: refresh, count: 2, none: null }] },
      [access]: { [`of ${refresh}`]: true },
      mid: '8',
    });
    expect({ accessToken, refreshToken }).toEqual({ accessToken: access, refreshToken: refresh });
    expect(extra).toEqual({
      token: '[redacted]',
      id: '[redacted]',
      header: 'Bearer [redacted]',
      link: 'https://a.example/?t=[redacted]',
      nested: { list: ['mid', '[redacted]', { deep: '[redacted]', count: 2, none: null }] },
      '[redacted]': { 'of [redacted]': true },
      mid: '8',
    });
  });

  test('a token of digits that is repeated as a number neither; other numbers that hold it stay', () => {
    const { extra } = recordOf({ access_token: '12345678', id: 12345678, other: 123456789 });
    expect(extra).toEqual({ id: '[redacted]', other: 123456789 });
  });

  test.each([
    '{"access_token":"a","__proto__":{"polluted":1}}',
    '{"access_token":"a","x":[{"__proto__":{"polluted":1}}]}',
    '{"access_token":"a","__pro\\u0074o__":null}',
    '{"__proto__":{"access_token":"a","polluted":1}}',
  ])('a reply with __proto__ in it is no token, and pollutes nothing (G3): %s', (body) => {
    expect(readText(body)).toEqual({ kind: 'unusable', status: 200, reason: 'it holds "__proto__"' });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

test('what every object has by a polluted prototype is no part of a reply (G6)', () => {
  const polluted = {
    access_token: 'of_another',
    refresh_token: 'of_another',
    token_type: 'mac',
    expires_in: 1,
    expire_in: 1,
    scope: 'of_another',
    created_at: 1,
  };
  Object.assign(Object.prototype, polluted);
  try {
    expect(recordOf({ access_token: 'a' })).toEqual(recordOf({ access_token: 'a', token_type: 'Bearer' }));
    expect(Object.keys(recordOf({ access_token: 'a' }))).not.toContain('refreshToken');
    expect(recordOf({ access_token: 'a' })).toMatchObject({ scope: asked.scope, extra: {} });
    expect(readText('{}')).toMatchObject({ kind: 'unusable', reason: 'its "access_token" is missing' });
  } finally {
    for (const name of Object.keys(polluted)) delete (Object.prototype as Record<string, unknown>)[name];
  }
});

describe('a 2xx without a usable token', () => {
  const documented = { status: 'success', message: 'Credentials validated successfully' };
  test.each([
    ['an empty body', '', 'it is empty'],
    ['white space', ' \n', 'it is empty'],
    ['a login page', '<html><body>Sign in</body></html>', 'it is not a JSON object'],
    ['truncated JSON', '{"access_token":"994a","expi', 'it is not a JSON object'],
    ['two values', '{"access_token":"a"}{"access_token":"b"}', 'it is not a JSON object'],
    ['a form', 'access_token=a&token_type=Bearer', 'it is not a JSON object'],
    ['a number', '42', 'it is not a JSON object'],
    ['a list', '[{"access_token":"a"}]', 'it is not a JSON object'],
    ['null', 'null', 'it is not a JSON object'],
    ['a string', '"994a"', 'it is not a JSON object'],
    ["PayU's body without a token", JSON.stringify(documented), 'its "access_token" is missing'],
    ["BBPS's failure", '{"code":600,"status":"FAILURE","payload":{}}', 'its "access_token" is missing'],
    ['null as token', '{"access_token":null}', 'its "access_token" is not a string'],
    ['an object as token', '{"access_token":{"a":1}}', 'its "access_token" is not a string'],
    ['true as token', '{"access_token":true}', 'its "access_token" is not a string'],
    ['a list as token', '{"access_token":["a"]}', 'its "access_token" is not a string'],
    ['a token by a name in capitals', '{"Access_Token":"a"}', 'its "access_token" is missing'],
    [
      'a token in constructor',
      '{"constructor":{"prototype":{"access_token":"a"}}}',
      'its "access_token" is missing',
    ],
    ['a number as token', '{"access_token":7}', 'its "access_token" is not a string'],
    ['an empty token', '{"access_token":""}', 'its "access_token" is empty'],
    [
      'a line break in the token',
      '{"access_token":"a\\r\\nX-Evil: 1"}',
      'its "access_token" holds a character that no Authorization header may hold',
    ],
  ])('%s', (_, body, reason) => {
    expect(readText(body)).toEqual({ kind: 'unusable', status: 200, reason });
  });
});

describe('what a header may hold as a token (RFC 6750 b64token)', () => {
  test.each([['a'], ['A9-._~+/'], ['a='], ['a=='], ['x'.repeat(8_000)]])('%s', (value) => {
    expect(isTokenValue(value)).toBe(true);
  });
  test.each([
    [''],
    ['='],
    ['a=b'],
    ['a b'],
    ['a\n'],
    ['a\r'],
    ['a\rb'],
    ['a\u2028b'],
    ['a\u0000'],
    ['ä'],
    ['a,b'],
    ['a"'],
    [7],
    [null],
  ])('not %j', (value) => {
    expect(isTokenValue(value)).toBe(false);
  });
});

test('whatever its depth, a reply is read or is unusable (G3)', () => {
  const kindAt = (depth: number) =>
    readText(`{"access_token":"a","x":${'['.repeat(depth)}${']'.repeat(depth)}}`).kind;
  let read = 500;
  let unread = 30_000;
  while (unread - read > 1) {
    const depth = Math.floor((read + unread) / 2);
    if (kindAt(depth) === 'token') read = depth;
    else unread = depth;
  }
  // Where the stack has room for one of the steps of reading, and not for the next.
  const kinds = new Set(Array.from({ length: 80 }, (_, index) => kindAt(read - 40 + index)));
  expect([...kinds].sort()).toEqual(['token', 'unusable']);
  // More than mutation testing allows a test: there each call is counted.
}, 180_000);
