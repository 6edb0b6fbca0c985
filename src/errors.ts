/** Marks our errors across copies of this package, where `instanceof` would fail. */
const BRAND: unique symbol = Symbol.for('axios-payu-auth.error');

export type PayuAuthErrorCode =
  | 'ERR_TOKEN_REFUSED'
  | 'ERR_RATE_LIMITED'
  | 'ERR_TOKEN_UNAVAILABLE'
  | 'ERR_TOKEN_RESPONSE'
  | 'ERR_CLOSED';

/**
 * What all errors of this library have in common: a stable `code`, a message for the person on call, and never a
 * secret. They carry no `response`, `request` or `config`.
 */
export abstract class PayuAuthError extends Error {
  abstract readonly code: PayuAuthErrorCode;

  constructor(message: string, details: { readonly cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    // Not enumerable, like the name of the language's own errors.
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true, writable: true });
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/**
 * The token endpoint said no: the credentials, the scope or the grant are wrong, and trying again does not help.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export class TokenRefusedError extends PayuAuthError {
  static override readonly name = 'TokenRefusedError';
  readonly code = 'ERR_TOKEN_REFUSED';
  /** The `error` of the reply, such as `invalid_client`; undefined where the reply named none. */
  readonly error?: string | undefined;
  /** The server's own words, shortened, without secrets. */
  readonly errorDescription?: string | undefined;
  /** HTTP status of the reply. */
  readonly status: number;

  constructor(
    message: string,
    details: {
      readonly error?: string | undefined;
      readonly errorDescription?: string | undefined;
      readonly status: number;
      readonly cause?: unknown;
    },
  ) {
    super(message, details);
    this.error = details.error;
    this.errorDescription = details.errorDescription;
    this.status = details.status;
  }
}

/** The token endpoint told us to wait for longer than this caller may wait. */
export class RateLimitedError extends PayuAuthError {
  static override readonly name = 'RateLimitedError';
  readonly code = 'ERR_RATE_LIMITED';
  /** When it makes sense to try again. */
  readonly retryAt: Date;
  /** The same, in milliseconds from the moment of this error. */
  readonly retryAfterMs: number;

  constructor(
    message: string,
    details: { readonly retryAt: Date; readonly retryAfterMs: number; readonly cause?: unknown },
  ) {
    super(message, details);
    this.retryAt = details.retryAt;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** No token could be got: network, timeout, 5xx, or a limit on waiting was reached. It may pass by itself. */
export class TokenUnavailableError extends PayuAuthError {
  static override readonly name = 'TokenUnavailableError';
  readonly code = 'ERR_TOKEN_UNAVAILABLE';
  /** Token requests in a row that brought no token before this error; 0 when none was sent. */
  readonly attempts: number;
  /** HTTP status of the last reply, where there was one. */
  readonly status?: number | undefined;

  constructor(
    message: string,
    details: { readonly attempts: number; readonly status?: number | undefined; readonly cause?: unknown },
  ) {
    super(message, details);
    this.attempts = details.attempts;
    this.status = details.status;
  }
}

/** A success status, but no usable token in the reply. */
export class TokenResponseError extends PayuAuthError {
  static override readonly name = 'TokenResponseError';
  readonly code = 'ERR_TOKEN_RESPONSE';
  /** HTTP status of the reply. */
  readonly status: number;
  /** The rule that the reply broke. */
  readonly reason: string;

  constructor(
    message: string,
    details: { readonly status: number; readonly reason: string; readonly cause?: unknown },
  ) {
    super(message, details);
    this.status = details.status;
    this.reason = details.reason;
  }
}

/** `close()` was called on the auth that this request needed. */
export class ClosedError extends PayuAuthError {
  static override readonly name = 'ClosedError';
  readonly code = 'ERR_CLOSED';

  constructor(
    message = 'close() was called on this auth, so this request was not processed. Detach its instances, or create another auth.',
  ) {
    super(message);
  }
}

/**
 * Is this one of our errors? Works across copies of the package, where `instanceof` does not.
 *
 * @example
 * try {
 *   await payouts.get('/merchant/getAccountDetail');
 * } catch (error) {
 *   if (isPayuAuthError(error) && error.code === 'ERR_RATE_LIMITED') scheduleLater();
 *   else throw error;
 * }
 */
export function isPayuAuthError(value: unknown): value is PayuAuthError {
  return typeof value === 'object' && value !== null && BRAND in value;
}

/**
 * The same failure for one of several callers. Each gets an object of its own (axios writes the caller's frames into
 * `stack`), with the same cause.
 */
export function forCaller(error: unknown): unknown {
  if (!(error instanceof PayuAuthError)) return error;
  const Class = error.constructor as new (message: string, details: PayuAuthError) => PayuAuthError;
  return new Class(error.message, error);
}

/** A wrong option: the option in quotes, the rule it breaks, what to write instead. */
export function invalidOption(option: string, rule: string): TypeError {
  return Object.assign(new TypeError(`"${option}" ${rule}`), { code: 'ERR_INVALID_OPTION' });
}
