import type { AxiosResponse } from 'axios';
import nock from 'nock';
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest';
import { startSandbox } from '../../src/sandbox/index.ts';
import {
  type Fixture,
  type Fixtures,
  fixtures,
  type JsonBody,
  listedTransactions,
  mockPayu,
  type PayoutsTransaction,
} from '../../src/testing/index.ts';
import { payment } from '../support/payments.ts';
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
    expect(reused.body.expires_in).toBeLessThan(clientCredentials.body.expires_in);
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

describe('the bodies are typed', () => {
  type NameOfUntyped<Group> = {
    [Name in keyof Group]: Group[Name] extends Fixture<infer Body>
      ? JsonBody extends Body
        ? Name
        : never
      : never;
  }[keyof Group];

  test('of each fixture', () => {
    expectTypeOf<{ [Group in keyof Fixtures]: NameOfUntyped<Fixtures[Group]> }[keyof Fixtures]>().toBeNever();
  });

  test('to the last field', () => {
    expectTypeOf(fixtures.token.clientCredentials.body.expires_in).toBeNumber();
    expectTypeOf(fixtures.token.stringExpiresIn.body.expires_in).toBeString();
    expectTypeOf(fixtures.payouts.accountDetail.body.data.balance).toBeNumber();
    expectTypeOf(fixtures.payouts.businessFailure.body.data[0]?.code).toEqualTypeOf<
      readonly number[] | undefined
    >();
    expectTypeOf(fixtures.payouts.statusEmpty.body.data.transactionDetails).toEqualTypeOf<
      readonly PayoutsTransaction[]
    >();
    // @ts-expect-error: it has none, as its name says
    expect(fixtures.token.withoutScope.body.scope).toBeUndefined();
  });
});

describe('the status check', () => {
  test.each([
    ['statusQueued', ['QUEUED']],
    ['statusInProgress', ['IN_PROGRESS']],
    ['statusPending', ['PENDING']],
    ['statusWaitingForRetry', ['WAITING_FOR_RETRY']],
    ['statusSuccess', ['SUCCESS']],
    ['statusFailed', ['FAILED']],
    ['statusEmpty', []],
    ['statusAmongOthers', ['SUCCESS']],
  ] as const)('fixtures.payouts.%s: %j for the reference 111', (name, statuses) => {
    const { totalElements, transactionDetails } = fixtures.payouts[name].body.data;
    const own = transactionDetails.filter(({ merchantRefId }) => merchantRefId === '111');
    expect(own.map(({ txnStatus }) => txnStatus)).toEqual(statuses);
    expect(totalElements).toBe(transactionDetails.length);
  });

  test('listedTransactions: what is given, and the sample for the rest', () => {
    const { body } = listedTransactions({ merchantRefId: 'a', txnStatus: 'PENDING' }, { merchantRefId: 'b' });
    expect(body.data.transactionDetails).toMatchObject([
      { txnId: 71870, merchantRefId: 'a', txnStatus: 'PENDING', amount: 1 },
      { txnId: 71871, merchantRefId: 'b', txnStatus: 'FAILED' },
    ]);
    expect(Object.isFrozen(body.data.transactionDetails[0])).toBe(true);
  });

  test('by default the kit lists nothing', async () => {
    using kit = mockPayu({ environment: 'test' });
    kit.acceptToken('token-1').api('post', '/payment/listTransactions');
    const { data } = await http.post(`${api}/payout/payment/listTransactions`, '', bearer('token-1'));
    expect(data).toEqual(fixtures.payouts.statusEmpty.body);
    kit.done();
  });
});

describe('the sandbox answers in the same shapes', () => {
  test('Payouts and Payment Links', async () => {
    await using sandbox = await startSandbox();
    const { accessToken } = sandbox.issueToken();
    const send = async (method: string, path: string, body?: unknown): Promise<unknown> => {
      const { data } = await http.request({
        method,
        url: sandbox.url + path,
        data: body,
        ...bearer(accessToken),
      });
      return shapeOf(data);
    };
    const link = { invoiceNumber: 'INV1', subAmount: 2 };
    const { payouts, paymentLinks } = fixtures;
    expect(await send('get', '/payout/merchant/getAccountDetail')).toEqual(
      shapeOf(payouts.accountDetail.body),
    );
    expect(await send('post', '/payout/v2/payment', [payment('1')])).toEqual(shapeOf(payouts.payment.body));
    expect(await send('post', '/payout/v2/payment', [payment('1')])).toEqual(
      shapeOf(payouts.duplicateMerchantRefId.body),
    );
    sandbox.movePayment('1', 'FAILED', { msg: 'no such account' });
    const question = new URLSearchParams({ merchantRefId: '1' });
    expect(await send('post', '/payout/payment/listTransactions', question)).toEqual(
      shapeOf(payouts.statusFailed.body),
    );
    expect(await send('post', '/payment-links', link)).toMatchObject(
      shapeOf(paymentLinks.created.body) as object,
    );
    expect(await send('get', '/payment-links/INV1')).toMatchObject(
      shapeOf(paymentLinks.found.body) as object,
    );
    expect(await send('get', '/payment-links/INV2')).toEqual(shapeOf(paymentLinks.notFound.body));
    expect(await send('post', '/payment-links', link)).toEqual(shapeOf(paymentLinks.duplicateInvoice.body));
  });
});

/** The types in the place of the values. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]));
}
