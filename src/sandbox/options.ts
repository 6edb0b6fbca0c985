import type { StatusStyle } from './oauth-errors.ts';
import type { PayoutStep } from './payment-ledger.ts';
import type { RefreshRotation } from './token-ledger.ts';
import type { TokenReplyShape } from './token-reply.ts';

/** A further client of the sandbox; without a secret it is a public one. */
export interface SandboxClient {
  readonly clientId: string;
  readonly clientSecret?: string;
  /** Grants it may use. Default: all for a confidential client; `password` and `refresh_token` for a public one. */
  readonly grants?: readonly string[];
  /** Scopes it may ask for. Default: the sandbox's. */
  readonly scopes?: readonly string[];
  /**
   * Its own merchant, with payments and links of its own: calls with its tokens must name it in `payoutMerchantId`,
   * `pid`, `merchantId` or `mid`, or get PayU's 403 in HTML. Default: none, and it shares those of the sandbox.
   */
  readonly merchantId?: string;
}

/** A grant that PayU shares with a merchant, such as BBPS's. */
export interface SandboxCustomGrant {
  readonly grantType: string;
  /** Form fields that must arrive with exactly these values. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/** How a sandbox behaves; each part has a default, so that `startSandbox()` is usable at once. */
export interface SandboxOptions {
  /** Port on 127.0.0.1. Default 0: a free one. */
  readonly port?: number;
  /** The merchant's own client id, the one with a secret. Default `sandbox-client-id`. */
  readonly clientId?: string;
  /** Default `sandbox-client-secret`. */
  readonly clientSecret?: string;
  /** Grants the client with the secret may use. Default: all. */
  readonly clientGrants?: readonly string[];
  /** Registered mobile number or e-mail of the password grant's user. Default `merchant@sandbox.example`. */
  readonly username?: string;
  /** Default `sandbox-password`. */
  readonly password?: string;
  /** The public client id of the password grant; it has no secret. Default `sandbox-public-client-id`. */
  readonly publicClientId?: string;
  /** Further clients, such as a second merchant. */
  readonly clients?: readonly SandboxClient[];
  /** Scopes a client may ask for. Default: all that PayU documents. */
  readonly scopes?: readonly string[];
  /** Life of a new token in seconds; null: it never expires, and its reply has no `expires_in`. Default 7200. */
  readonly tokenLifeSeconds?: number | null;
  /** Answer a mint with the newest unexpired token of the same scope set and its remaining life. Default false. */
  readonly reuseTokens?: boolean;
  /** Whether a `client_credentials` mint kills the client's earlier tokens; true means `all-scopes`, `same-scope` is Doorkeeper 5.5's way. Default false. */
  readonly revokePrevious?: boolean | 'same-scope' | 'all-scopes';
  /** Answer 400 `invalid_token_reuse` to a mint while another of the same client is parked or delayed. Default false. */
  readonly raceInvalidTokenReuse?: boolean;
  /** What happens to the old pair in a refresh. Default `previous`. */
  readonly refreshRotation?: RefreshRotation;
  /** Which status carries the token endpoint's errors. Default `documented`: 401 for all. */
  readonly statusStyle?: StatusStyle;
  /** Deviations of the token reply that PayU's documents show. Default: none. */
  readonly replyShape?: TokenReplyShape | readonly TokenReplyShape[];
  /** The answer to revoking a token that is already revoked: 200, or 401 `invalid_token`. Default `ok`. */
  readonly revokedTwice?: 'ok' | 'invalid-token';
  /** Status of BBPS's refusal of a token: documents leave open which. Default 200. */
  readonly bbpsRefusalStatus?: 200 | 401;
  /** What the status checks of a payment show, one after the other; the last one stays. Default `['QUEUED']`. */
  readonly paymentCourse?: readonly PayoutStep[];
  /** Whether the good payments in a list that also has a bad one are taken; documents leave it open. Default `all-or-none`. */
  readonly batches?: 'all-or-none' | 'per-entry';
  /** If given, requests with another `payoutMerchantId`, `pid`, `merchantId` or `mid` header get PayU's 403 in HTML. */
  readonly merchantId?: string;
  /** A further grant. Default: none. */
  readonly customGrant?: SandboxCustomGrant;
  /** The clock, in milliseconds since the epoch; the `Date` header of replies follows it. Default: `Date.now`, looked up at each call. */
  readonly now?: () => number;
  /** Makes token values and the choice of requests that fail repeatable. Default: random. */
  readonly seed?: number;
  /** How many requests `requests()` remembers. Default 1000. */
  readonly requestLogLimit?: number;
}
