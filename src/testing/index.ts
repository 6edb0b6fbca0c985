export type { ApiReply, ApiRequest, TokenHeader, TokenRule } from './api-mock.ts';
export type {
  BankVerificationFailureBody,
  BbpsFailureBody,
  OAuthErrorBody,
  PaymentLinkBody,
  PaymentLinkRefusalBody,
  PayoutsAccountBody,
  PayoutsListBody,
  PayoutsPaymentBody,
  PayoutsRefusalBody,
  PayoutsTransaction,
  PayoutsTxnStatus,
  RateLimitBody,
  TokenBody,
} from './fixtures/bodies.ts';
export type { EmptyFixture, Fixture, JsonBody, TextFixture } from './fixtures/fixture.ts';
export { type Fixtures, fixtures, type TokenFixtures } from './fixtures/fixtures.ts';
export type { BankVerificationFixtures, BbpsFixtures, PartnerFixtures } from './fixtures/other-products.ts';
export type { PaymentLinksFixtures } from './fixtures/payment-links.ts';
export type { PayoutsFixtures } from './fixtures/payouts.ts';
export {
  type ListedTransaction,
  listedTransactions,
  type PayoutsStatusFixtures,
} from './fixtures/payouts-status.ts';
export type { DoorkeeperFixtures, GatewayFixtures } from './fixtures/resource-server.ts';
export type { RevokeFixtures } from './fixtures/revoke.ts';
export type { TokenFailureFixtures } from './fixtures/token-failure.ts';
export type { TokenSuccessFixtures } from './fixtures/token-success.ts';
export type { TokenReply } from './handed-out-tokens.ts';
export type { MockEnvironment } from './hosts.ts';
export type { ApiMockOptions, MockPayu, MockPayuOptions } from './kit.ts';
export { mockPayu } from './mock-payu.ts';
export type { OAuthRequest } from './oauth-mock.ts';
export type { MockFault, MockReply, RateLimitOptions } from './reply.ts';
export type { TokenErrorName } from './usual-replies.ts';
