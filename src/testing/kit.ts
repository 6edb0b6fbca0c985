import type { ApiReply, ApiRequest, TokenHeader, TokenRule } from './api-mock.ts';
import type { TokenReply } from './handed-out-tokens.ts';
import type { MockEnvironment } from './hosts.ts';
import type { OAuthRequest } from './oauth-mock.ts';
import type { MockFault, MockReply, RateLimitOptions } from './reply.ts';
import type { TokenErrorName } from './usual-replies.ts';

export interface MockPayuOptions {
  /** The one given to `createPayuAuth`. */
  readonly environment: MockEnvironment;
  /**
   * Further API hosts, as base URLs: `'https://uat-partner.payu.in'`. With `'test'` and `'production'` the
   * hosts of Payouts and Payment Links are there already; a custom environment has none of its own.
   */
  readonly apiHosts?: readonly string[];
  /** Where the APIs expect the token; as given to `createPayuAuth`. Default `{ name: 'Authorization' }`. */
  readonly header?: TokenHeader;
}

export interface ApiMockOptions {
  /** Default `'handed-out'`. `'none'` for requests sent with `payuAuth: false`. */
  readonly token?: TokenRule;
}

/**
 * PayU's servers for one test. Each declaring call stands for one request; they chain.
 *
 * Token requests use up the token mocks in the order in which they were declared, revocations and APIs
 * likewise; an API request takes the first unused mock that its method and path fit, so that requests which
 * run side by side do not depend on their order.
 */
export interface MockPayu {
  /** Answers one token request, of any grant, with a new token; or with a fixture, word for word. */
  token(reply?: TokenReply | MockReply): this;
  /** As `token`, for a request that must have the grant `refresh_token`. */
  refresh(reply?: TokenReply | MockReply): this;
  /** Answers one token request with PayU's documented error, or with any other one (status 400). */
  tokenError(error: TokenErrorName | (string & {}), options?: { readonly status?: number }): this;
  /** Answers one token request with `rate_limit_exceeded`: as PayU documents it, status 401 and `retry_after` in the body. */
  tokenRateLimited(options?: RateLimitOptions): this;
  /** Lets one token request fail in passing: `{ code: 'ECONNRESET' }` or `{ status: 502 }`. */
  tokenFault(fault: MockFault): this;
  /** Answers one revocation. Default: revoked. */
  revoke(reply?: MockReply): this;
  /**
   * Answers one API request that carries a token which was handed out. Default: PayU's sample for the product.
   *
   * `path` is the whole path on a host (`/payout/v2/payment`), relative to the product (`/v2/payment`), or an
   * absolute URL; without a query it fits any query.
   */
  api(method: string, path: string, reply?: ApiReply, options?: ApiMockOptions): this;
  /** Refuses the token of one API request, as the product does. */
  unauthorized(method: string, path: string, reply?: MockReply): this;
  /** Answers one API request with 429 and, if `retryAfter` is given, `Retry-After`. */
  rateLimited(method: string, path: string, options?: RateLimitOptions): this;
  /** Lets one API request fail: `{ code: 'ECONNRESET' }` or `{ status: 502 }`. Such a request must not be sent again. */
  apiFault(method: string, path: string, fault: MockFault): this;
  /** Lets the API mocks accept a token that was obtained elsewhere (`setToken`, a store). */
  acceptToken(accessToken: string): this;

  /** The token requests so far: parsed forms, without secrets. */
  tokenRequests(): readonly OAuthRequest[];
  /** The revocations so far. */
  revokeRequests(): readonly OAuthRequest[];
  /** The API requests that mocks have taken so far. */
  apiRequests(): readonly ApiRequest[];

  /** Resolves when that many token requests, from the beginning, have been answered and the answers have arrived. Uses no timers. */
  waitForTokenRequests(count: number): Promise<void>;
  /** The same for API requests. */
  waitForApiRequests(count: number): Promise<void>;

  /** Throws one error that lists mocks nobody used, unexpected requests, and requests that broke a rule. */
  done(): void;
  /**
   * Takes the kit out of nock, and touches nothing else: no foreign interceptor, no `disableNetConnect`. Until then no
   * request reaches a host of PayU's (`payu.in`, `payumoney.com`), unless an interceptor of nock answers it.
   * Afterwards the kit tells what happened (`done()`, `apiRequests()`, …), and throws if it has to answer something.
   * Idempotent. nock goes on to refuse requests to hosts that ever had an interceptor, until `nock.cleanAll()`.
   */
  restore(): void;
  /** As `restore`, for `using kit = mockPayu(…)`. */
  [Symbol.dispose](): void;
}

declare global {
  /** Each Node.js that the package runs on has it; not so the types of a project without `esnext.disposable`. */
  interface SymbolConstructor {
    readonly dispose: unique symbol;
  }
}
