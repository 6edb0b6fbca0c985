import { describe, expect, test } from 'vitest';
import {
  type Grant,
  optionOf,
  primaryForm,
  refreshForm,
  revokeForm,
  secretFault,
  wireGrant,
} from '../../../src/token/endpoint/grants.ts';

const SCOPE = ['a', 'b'];

/** The secrets as they are when asked: here none is a function. */
function asked(grant: Grant): Readonly<Record<string, string>> {
  return wireGrant(grant, grant.clientId).secret as Readonly<Record<string, string>>;
}

function fields(form: URLSearchParams): Record<string, string> {
  return Object.fromEntries(form);
}

const CLIENT_CREDENTIALS: Grant = { type: 'client_credentials', clientId: 'id', clientSecret: 's' };
const PASSWORD: Grant = { type: 'password', username: 'user', password: 'p', clientId: 'public' };
const REFRESH: Grant = { type: 'refresh_token', refreshToken: 'r', clientId: 'public' };

describe("the primary grant's form: exactly the parameters of docs/payu.md, no empty field (F1)", () => {
  const rows: readonly [string, Grant, Record<string, string>][] = [
    [
      'client_credentials',
      CLIENT_CREDENTIALS,
      { grant_type: 'client_credentials', client_id: 'id', client_secret: 's', scope: 'a b' },
    ],
    [
      'password of a public client: no client_secret',
      PASSWORD,
      { grant_type: 'password', client_id: 'public', username: 'user', password: 'p', scope: 'a b' },
    ],
    [
      'password of a confidential client',
      { ...PASSWORD, clientSecret: 's' },
      {
        grant_type: 'password',
        client_id: 'public',
        client_secret: 's',
        username: 'user',
        password: 'p',
        scope: 'a b',
      },
    ],
    [
      'refresh_token of a public client: no client_secret',
      REFRESH,
      { grant_type: 'refresh_token', client_id: 'public', refresh_token: 'r' },
    ],
    [
      'refresh_token of a confidential client',
      { ...REFRESH, clientSecret: 's' },
      {
        grant_type: 'refresh_token',
        client_id: 'public',
        client_secret: 's',
        refresh_token: 'r',
      },
    ],
    [
      'custom with all there is',
      {
        type: 'custom',
        grantType: 'bbps',
        clientId: 'id',
        clientSecret: 's',
        parameters: { agent_id: 'A1', pin: '1234' },
      },
      {
        grant_type: 'bbps',
        client_id: 'id',
        client_secret: 's',
        agent_id: 'A1',
        pin: '1234',
        scope: 'a b',
      },
    ],
    [
      'custom with nothing but its type',
      { type: 'custom', grantType: 'bbps' },
      { grant_type: 'bbps', scope: 'a b' },
    ],
  ];
  test.each(rows)('%s', (_, grant, expected) => {
    expect(fields(primaryForm(wireGrant(grant, grant.clientId), asked(grant), SCOPE))).toEqual(expected);
  });

  test('secrets with + % & : @ = and UTF-8 survive', () => {
    const secret = 'a+b%20&c:d@e=f ग £';
    const grant: Grant = { ...CLIENT_CREDENTIALS, clientSecret: secret };
    const form = primaryForm(wireGrant(grant, 'id'), asked(grant), SCOPE);
    expect(new URLSearchParams(form.toString()).get('client_secret')).toBe(secret);
    expect(form.toString()).toContain('client_secret=a%2Bb%2520%26c%3Ad%40e%3Df+%E0%A4%97+%C2%A3');
  });
});

describe('the form of a refresh', () => {
  test.each([
    ['of a public client: no client_secret, no username, no password', PASSWORD, undefined],
    ['of a confidential client: with its secret', { ...PASSWORD, clientSecret: 's' }, 's'],
    ['of a client that began with client credentials (partner OTP flow)', CLIENT_CREDENTIALS, 's'],
  ] as const)('%s', (_, grant, secret) => {
    const request = wireGrant(grant, grant.clientId);
    expect(fields(refreshForm(request, asked(grant), 'r2'))).toEqual({
      grant_type: 'refresh_token',
      client_id: grant.clientId,
      ...(secret === undefined ? {} : { client_secret: secret }),
      refresh_token: 'r2',
    });
  });
});

describe('the form of a revocation', () => {
  test.each([
    ['of a public client', PASSWORD, { client_id: 'public', token: 't' }],
    ['of a confidential client', CLIENT_CREDENTIALS, { client_id: 'id', client_secret: 's', token: 't' }],
  ])('%s', (_, grant, expected) => {
    expect(fields(revokeForm(wireGrant(grant, grant.clientId), asked(grant), 't'))).toEqual(expected);
  });
});

describe('a secret is', () => {
  test.each([
    ['fine', 's3cret', undefined],
    ['fine with white space inside', 'pass phrase', undefined],
    [
      'refused where it is no string',
      42,
      /^must be a string, or a function that returns one or a promise of one; got a number$/,
    ],
    ['refused where it is missing', undefined, /^must be a string/],
    ['refused where it is empty', '', /^must not be empty: check that the variable it comes from is set$/],
    ['refused with a line break at the end', 's3cret\n', /^must not begin or end with white space/],
    ['refused with a blank in front', ' s3cret', /^must not begin or end with white space/],
    ['refused where it is but white space', ' ', /^must not begin or end with white space/],
    ['refused with a byte order mark in front', '\uFEFFs3cret', /^must not begin or end with white space/],
  ])('%s', (_, secret, fault) => {
    if (fault === undefined) expect(secretFault(secret)).toBeUndefined();
    else expect(secretFault(secret)).toMatch(fault);
  });

  test.each([
    ['client_credentials', 'client_secret', 'grant.clientSecret'],
    ['password', 'password', 'grant.password'],
    ['refresh_token', 'refresh_token', 'grant.refreshToken'],
    ['custom', 'client_secret', 'grant.clientSecret'],
    ['custom', 'pin', 'grant.parameters.pin'],
    ['custom', 'password', 'grant.parameters.password'],
    ['custom', 'refresh_token', 'grant.parameters.refresh_token'],
    ['custom', 'constructor', 'grant.parameters.constructor'],
  ] as const)('named by its option: of %s, %s is %s', (type, parameter, option) => {
    expect(optionOf({ type }, parameter)).toBe(option);
  });
});
