import { describe, expect, test } from 'vitest';
import { type Grant, wireGrant } from '../../../src/token/endpoint/grants.ts';
import { scopeSet } from '../../../src/token/endpoint/scope.ts';
import { cacheKey, clientKey, fingerprint } from '../../../src/token/store/cache-key.ts';

const URL_A = 'https://uat-accounts.payu.in/oauth/token';

interface Identity {
  readonly tokenUrl: string;
  readonly grant: Grant;
  readonly scope: string;
}

const CLIENT: Identity = {
  tokenUrl: URL_A,
  grant: { type: 'client_credentials', clientId: 'id', clientSecret: 'secret-1' },
  scope: 'a b',
};
const USER: Identity = {
  tokenUrl: URL_A,
  grant: { type: 'password', username: 'user-1', password: 'password-1', clientId: 'id' },
  scope: 'a',
};
const CUSTOM: Identity = {
  tokenUrl: URL_A,
  grant: { type: 'custom', grantType: 'bbps', clientId: 'id', parameters: { agent: '1', pin: '2' } },
  scope: 'a',
};

function keyOf({ tokenUrl, grant, scope }: Identity): string {
  const request = wireGrant(grant, grant.clientId);
  return cacheKey(tokenUrl, request, request.secret as Record<string, string>, scopeSet(scope));
}

function changed<T extends Identity>(from: T, grant: object): Identity {
  return { ...from, grant: { ...from.grant, ...grant } as Grant };
}

describe('another token is another key (B6)', () => {
  test.each([
    ['token URL', CLIENT, { ...CLIENT, tokenUrl: 'https://accounts.payu.in/oauth/token' }],
    ['client', CLIENT, changed(CLIENT, { clientId: 'id-2' })],
    ['rotated client secret', CLIENT, changed(CLIENT, { clientSecret: 'secret-2' })],
    ['scope', CLIENT, { ...CLIENT, scope: 'a c' }],
    ['larger scope', CLIENT, { ...CLIENT, scope: 'a b c' }],
    ['user', USER, changed(USER, { username: 'user-2' })],
    ['grant', CUSTOM, changed(CUSTOM, { grantType: 'bbps2' })],
    ["custom grant's parameter", CUSTOM, changed(CUSTOM, { parameters: { agent: '9', pin: '2' } })],
    [
      'refresh token as primary grant',
      changed(USER, { type: 'refresh_token', refreshToken: 'r1' }),
      changed(USER, { type: 'refresh_token', refreshToken: 'r2' }),
    ],
    [
      'border between two values',
      changed(CUSTOM, { parameters: { a: '1', b: '23' } }),
      changed(CUSTOM, { parameters: { a: '12', b: '3' } }),
    ],
    ['absence of a client', changed(CUSTOM, { clientId: undefined }), changed(CUSTOM, { clientId: 'null' })],
  ])('another %s', (_, one, other) => {
    expect(keyOf(one)).not.toBe(keyOf(other));
  });
});

describe('the same token is the same key', () => {
  test.each([
    ['scopes in another order', CLIENT, { ...CLIENT, scope: 'b a' }],
    ['scopes twice', CLIENT, { ...CLIENT, scope: 'a b a' }],
    ["a user's new password", USER, changed(USER, { password: 'password-2' })],
    ['parameters in another order', CUSTOM, changed(CUSTOM, { parameters: { pin: '2', agent: '1' } })],
  ])('%s', (_, one, other) => {
    expect(keyOf(one)).toBe(keyOf(other));
  });
});

test('a key shows nothing of what it is made of', () => {
  for (const identity of [CLIENT, USER, CUSTOM]) expect(keyOf(identity)).toMatch(/^[\w-]{43}$/);
});

describe("a client's key", () => {
  const request = (grant: Grant) => wireGrant(grant, grant.clientId);
  test('is the same for its scopes, grants and secrets', () => {
    expect(clientKey(URL_A, request(CLIENT.grant))).toBe(clientKey(URL_A, request(USER.grant)));
  });
  test('is another one for another client or token URL', () => {
    const other = changed(CLIENT, { clientId: 'id-2' }).grant;
    expect(clientKey(URL_A, request(CLIENT.grant))).not.toBe(clientKey(URL_A, request(other)));
    expect(clientKey(URL_A, request(CLIENT.grant))).not.toBe(clientKey('https://x', request(CLIENT.grant)));
  });
});

test('a fingerprint changes with any secret, a password too', () => {
  const prints = [
    { client_secret: 'a', password: 'b' },
    { client_secret: 'a', password: 'c' },
    { client_secret: 'd', password: 'b' },
  ].map(fingerprint);
  expect(new Set(prints).size).toBe(3);
});
