import type { AxiosResponse } from 'axios';
import nock from 'nock';
import { afterEach, describe, expect, test } from 'vitest';
import { type Fixture, fixtures, mockPayu } from '../../src/testing/index.ts';
import { api, bearer, http, postForm, revokeUrl } from './support.ts';

type AnyFixture = Fixture<unknown>;

const rows = Object.entries(fixtures).flatMap(([group, entries]) =>
  Object.entries(entries as Record<string, AnyFixture>).map(([name, fixture]) => ({ group, name, fixture })),
);

function expectServed(response: AxiosResponse, fixture: AnyFixture): void {
  expect(response.status).toBe(fixture.status);
  expect(response.data).toEqual(fixture.body ?? '');
  expect(response.headers).toMatchObject(fixture.headers ?? {});
}

describe('each fixture is served as it stands', () => {
  afterEach(() => nock.cleanAll());

  test.each(rows)('fixtures.$group.$name by the kit', async ({ group, fixture }) => {
    using kit = mockPayu({ environment: 'test' });
    if (group === 'token') {
      kit.token(fixture);
      expectServed(await postForm(), fixture);
    } else if (group === 'revoke') {
      kit.revoke(fixture);
      expectServed(await postForm({ client_id: 'client-1', token: 'token-1' }, http, revokeUrl), fixture);
    } else {
      kit.acceptToken('token-1').api('post', '/v2/payment', fixture);
      expectServed(await http.post(`${api}/payout/v2/payment`, [], bearer('token-1')), fixture);
    }
    kit.done();
  });

  test.each(rows)('fixtures.$group.$name by nock alone', async ({ fixture }) => {
    const { status, body, headers } = fixture as Fixture;
    nock('https://nock.example').get('/').reply(status, body, headers);
    expectServed(await http.get('https://nock.example/'), fixture);
  });
});

test.each(rows)('fixtures.$group.$name is frozen, headers and body included', ({ fixture }) => {
  const parts = [fixture, fixture.headers ?? fixture, fixture.body ?? fixture];
  expect(parts.filter((part) => !Object.isFrozen(part))).toEqual([]);
});

test('the groups are frozen', () => {
  expect(Object.isFrozen(fixtures) && Object.values(fixtures).every(Object.isFrozen)).toBe(true);
});

describe('what PayU documents', () => {
  test.each([
    ['invalidClient', 401, 'invalid_client'],
    ['invalidScope', 401, 'invalid_scope'],
    ['unauthorizedClient', 401, 'unauthorized_client'],
    ['invalidGrant', 401, 'invalid_grant'],
    ['rateLimited', 401, 'rate_limit_exceeded'],
    ['serverError', 401, 'server_error'],
    ['invalidScopeStatus400', 400, 'invalid_scope'],
    ['invalidGrantStatus400', 400, 'invalid_grant'],
    ['invalidTokenReuse', 400, 'invalid_token_reuse'],
    ['rateLimitedStatus429', 429, 'rate_limit_exceeded'],
    ['serverErrorStatus500', 500, 'server_error'],
    ['invalidRequest', 401, 'invalid_request'],
    ['unsupportedGrantType', 401, 'unsupported_grant_type'],
  ] as const)('fixtures.token.%s: %d, %s', (name, status, error) => {
    expect(fixtures.token[name]).toMatchObject({ status, body: { error } });
  });

  test.each([
    ['clientCredentials', { expires_in: 6351, scope: 'create_payout_transactions', token_type: 'Bearer' }],
    ['password', { expires_in: 7199, user_uuid: '11e8-5a8f-05faaaa4-84a5-020d245326e4' }],
    ['misspeltExpireIn', { expire_in: 7199 }],
    ['stringExpiresIn', { expires_in: '7199' }],
    ['expiresInZero', { expires_in: 0 }],
    ['successWithoutToken', { status: 'success', message: 'Credentials validated successfully' }],
  ] as const)('fixtures.token.%s holds %o', (name, body) => {
    expect(fixtures.token[name].body).toMatchObject(body);
  });

  test('a reused token is the same one with less life left', () => {
    const { clientCredentials, reused } = fixtures.token;
    expect(reused.body.access_token).toBe(clientCredentials.body.access_token);
    expect(reused.body.expires_in).toBeLessThan(Number(clientCredentials.body.expires_in));
  });

  test('what a fixture is named to leave out is not in it', () => {
    expect(fixtures.token.misspeltExpireIn.body).not.toHaveProperty('expires_in');
    expect(fixtures.token.withoutExpiresIn.body).not.toHaveProperty('expires_in');
    expect(fixtures.token.withoutScope.body).not.toHaveProperty('scope');
    expect(fixtures.token.withoutTokenType.body).not.toHaveProperty('token_type');
    expect(fixtures.token.refreshTokenOmitted.body).not.toHaveProperty('refresh_token');
  });

  test.each(['expired', 'revoked', 'invalid'] as const)(
    'Doorkeeper: %s is an empty 401 with a challenge',
    (name) => {
      const { status, headers, body } = fixtures.doorkeeper[name];
      expect({ status, body }).toEqual({ status: 401, body: undefined });
      expect(headers?.['www-authenticate']).toMatch(
        /^Bearer realm="Doorkeeper", error="invalid_token", error_description="The access token (expired|was revoked|is invalid)"$/,
      );
    },
  );

  test.each([
    [fixtures.paymentLinks.duplicateInvoice, 200],
    [fixtures.payouts.businessFailure, 200],
    [fixtures.bbps.businessFailure, 200],
    [fixtures.bbps.unauthorizedStatus200, 200],
    [fixtures.bankVerification.invalidAccount, 422],
    [fixtures.paymentLinks.insufficientScope, 401],
    [fixtures.partner.unauthorized, 401],
    [fixtures.partner.invalidHash, 403],
    [fixtures.payouts.forbidden, 403],
    [fixtures.doorkeeper.missingScope, 403],
  ])('%o has status %d', (fixture, status) => {
    expect(fixture.status).toBe(status);
  });
});
