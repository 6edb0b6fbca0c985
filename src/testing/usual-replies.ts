import type { OAuthErrorBody } from './fixtures/bodies.ts';
import type { Fixture } from './fixtures/fixture.ts';
import { fixtures } from './fixtures/fixtures.ts';
import { productOf } from './hosts.ts';
import type { MockReply } from './reply.ts';

/** What an API answers when a test does not care: PayU's sample for the product. */
export function usualReply(method: string, url: URL): MockReply {
  const product = productOf(url);
  if (product === 'payment-links') return method === 'POST' ? fixtures.paymentLinks.created : emptyLinks;
  if (product === 'payouts') return usualPayoutsReply(url);
  return { status: 200, body: {} };
}

function usualPayoutsReply({ pathname }: URL): MockReply {
  if (pathname.endsWith('/getAccountDetail')) return fixtures.payouts.accountDetail;
  // It is about a payment that the kit knows nothing of.
  if (pathname.endsWith('/listTransactions')) return fixtures.payouts.statusEmpty;
  return fixtures.payouts.payment;
}

/** How the product behind a URL refuses a token. */
export function refusedReply(url: URL): MockReply {
  switch (productOf(url)) {
    case 'payment-links':
      return fixtures.paymentLinks.invalidToken;
    case 'partner':
      return /\/v3(\/|$)/.test(url.pathname) ? fixtures.partner.invalidToken : fixtures.partner.unauthorized;
    case 'bbps':
      return fixtures.bbps.unauthorized;
    case 'payouts':
    case 'other':
      return fixtures.payouts.unauthorized;
  }
}

const emptyLinks: Fixture = Object.freeze({
  status: 200,
  body: Object.freeze({ status: 0, message: null, result: null, errorCode: null, guid: null }),
});

/** Names of the errors that PayU and Doorkeeper give at the token endpoint. */
export type TokenErrorName =
  | 'invalid_client'
  | 'invalid_scope'
  | 'unauthorized_client'
  | 'invalid_grant'
  | 'invalid_request'
  | 'unsupported_grant_type'
  | 'server_error'
  | 'rate_limit_exceeded'
  | 'invalid_token_reuse';

const tokenErrors: Readonly<Record<TokenErrorName, Fixture<OAuthErrorBody>>> = {
  invalid_client: fixtures.token.invalidClient,
  invalid_scope: fixtures.token.invalidScope,
  unauthorized_client: fixtures.token.unauthorizedClient,
  invalid_grant: fixtures.token.invalidGrant,
  invalid_request: fixtures.token.invalidRequest,
  unsupported_grant_type: fixtures.token.unsupportedGrantType,
  server_error: fixtures.token.serverError,
  rate_limit_exceeded: fixtures.token.rateLimited,
  invalid_token_reuse: fixtures.token.invalidTokenReuse,
};

/** The documented reply for an error, or one of the same shape for an error of the test's own. */
export function tokenErrorReply(error: string, status: number | undefined): MockReply {
  const known = Object.hasOwn(tokenErrors, error) ? tokenErrors[error as TokenErrorName] : undefined;
  const reply = known ?? { status: 400, body: { error } };
  return status === undefined ? reply : { ...reply, status };
}
