/** Marks our errors across copies of this package, where `instanceof` would fail. */
const BRAND: unique symbol = Symbol.for('axios-payu-auth.error');

export type PayuAuthErrorCode =
  | 'ERR_TOKEN_REFUSED'
  | 'ERR_RATE_LIMITED'
  | 'ERR_TOKEN_UNAVAILABLE'
  | 'ERR_TOKEN_RESPONSE'
  | 'ERR_CLOSED';

/** What the constructor of each error of this library takes. */
export interface PayuAuthErrorDetails {
  readonly cause?: unknown;
  /** Method of the API call that the error rejects, such as `POST`. */
  readonly method?: string;
  /** Its URL, without query, fragment and user info. */
  readonly url?: string;
}

/** The API call that an error rejects. */
export type RejectedCall = Pick<PayuAuthErrorDetails, 'method' | 'url'>;

/**
 * What all errors of this library have in common: a stable `code`, a message for the person on call, and never a
 * secret. They carry no `response`, `request` or `config`: what sends failed requests again would send what it finds
 * there.
 */
export abstract class PayuAuthError extends Error {
  abstract readonly code: PayuAuthErrorCode;
  /** Method of the API call that this error rejects, such as `POST`; absent without an API call, as with `getToken()`. */
  declare readonly method?: string;
  /** Its URL, without query, fragment and user info. */
  declare readonly url?: string;

  constructor(message: string, details: PayuAuthErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    marked(new.target);
    if (details.method !== undefined) this.method = details.method;
    if (details.url !== undefined) this.url = details.url;
  }
}

/**
 * Puts brand and name on the prototype, where the language's own errors have their name: no instance pays for them. The
 * first instance does it, as a static block would keep bundlers from dropping unused classes.
 */
function marked({ name, prototype }: { readonly name: string; readonly prototype: PayuAuthError }): void {
  if (Object.hasOwn(prototype, 'name')) return;
  Object.defineProperty(prototype, 'name', { value: name, configurable: true, writable: true });
  Object.defineProperty(prototype, BRAND, { value: true });
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
    } & PayuAuthErrorDetails,
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
    details: { readonly retryAt: Date; readonly retryAfterMs: number } & PayuAuthErrorDetails,
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
    details: { readonly attempts: number; readonly status?: number | undefined } & PayuAuthErrorDetails,
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
    details: { readonly status: number; readonly reason: string } & PayuAuthErrorDetails,
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
    details: PayuAuthErrorDetails = {},
  ) {
    super(message, details);
  }
}

/** Any error of this library: its `code` tells which, and so which fields it has. */
export type AnyPayuAuthError =
  | TokenRefusedError
  | RateLimitedError
  | TokenUnavailableError
  | TokenResponseError
  | ClosedError;

/**
 * Is this one of our errors? Works across copies of the package, where `instanceof` does not. Then `code` tells which
 * one, and so which fields it has.
 *
 * @example
 * try {
 *   await payouts.get('/merchant/getAccountDetail');
 * } catch (error) {
 *   if (isPayuAuthError(error) && error.code === 'ERR_RATE_LIMITED') scheduleLater(error.retryAt);
 *   else throw error;
 * }
 */
export function isPayuAuthError(value: unknown): value is AnyPayuAuthError {
  try {
    return typeof value === 'object' && value !== null && BRAND in value;
  } catch {
    return false; // a revoked proxy
  }
}

/**
 * The same failure for one of several callers, with the API call that it rejects, or for a listener. Each gets an object
 * of its own (C6): axios writes the caller's frames into `stack`, and ten thousand callers would write into one. A foreign
 * error, such as the caller's own abort, stays as it is.
 */
export function forCaller<T>(error: T, call?: RejectedCall): T {
  if (!isPayuAuthError(error)) return error;
  const Class = error.constructor as new (message: string, details: object) => PayuAuthError;
  const details = call === undefined ? error : { ...error, cause: error.cause, ...call };
  const own = withoutFrames(() => new Class(error.message, details));
  own.stack = error.stack ?? String(own);
  return own as T; // the same class with the same fields
}

/** Frames are most of what an error costs, and those of a copy tell nothing. Synchronous, as the limit is global. */
function withoutFrames<T>(make: () => T): T {
  const { stackTraceLimit } = Error;
  if (!Reflect.set(Error, 'stackTraceLimit', 0)) return make(); // frozen intrinsics
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** A wrong option: the option in quotes, the rule it breaks, what to write instead. */
export function invalidOption(option: string, rule: string): TypeError {
  return Object.assign(new TypeError(`"${option}" ${rule}`), { code: 'ERR_INVALID_OPTION' });
}
