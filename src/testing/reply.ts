import { deepFreeze, type Fixture, type JsonBody } from './fixtures/fixture.ts';

/**
 * What a mock answers. Every entry of `fixtures` is one. `status` defaults to 200; an object or array as
 * `body` is sent as JSON, a string as it stands, `undefined` as no body.
 */
export interface MockReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Whether a reply is given as it goes over the wire, and not as what it should hold. */
export function isMockReply(reply: object): reply is MockReply {
  return 'status' in reply || 'body' in reply || 'headers' in reply;
}

/**
 * A passing fault: a connection that breaks with this error code before an answer came, or an answer with
 * this status, as a proxy in front of the server gives it (in HTML, unless `body` says otherwise).
 */
export type MockFault =
  | { readonly code: string; readonly message?: string }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown };

/** How the server tells how long to wait. */
export interface RateLimitOptions {
  /** Delay-seconds; as a string also an HTTP-date, which only the header can hold. Default: the server does not tell. */
  readonly retryAfter?: number | string;
  /** Where it is told: `retry_after` in the body, the `Retry-After` header, or both. */
  readonly via?: 'body' | 'header' | 'both';
  readonly status?: number;
}

/** What is done with one request. */
export type MockAnswer =
  | { readonly kind: 'reply'; readonly reply: MockReply }
  | { readonly kind: 'fault'; readonly error: Error };

/** The outcome of a {@link MockFault}. */
export function faultAnswer(fault: MockFault): MockAnswer {
  if ('status' in fault) {
    const { status } = fault;
    const html = {
      headers: { 'content-type': 'text/html' },
      body: `<html><body><h1>${status}</h1></body></html>`,
    };
    return { kind: 'reply', reply: { ...html, ...fault } };
  }
  const message = fault.message ?? faultMessages[fault.code] ?? `mockPayu: ${fault.code}`;
  return { kind: 'fault', error: connectionError(message, fault.code) };
}

/** An error as Node's sockets give it. */
export function connectionError(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

const faultMessages: Readonly<Record<string, string>> = {
  ECONNRESET: 'socket hang up',
  ECONNREFUSED: 'connect ECONNREFUSED 127.0.0.1:443',
  ENOTFOUND: 'getaddrinfo ENOTFOUND',
  ETIMEDOUT: 'connect ETIMEDOUT',
};

/** A rate limit; the caller says what is usual for its server. */
export function rateLimitReply(
  options: RateLimitOptions,
  usual: { readonly via: 'body' | 'header'; readonly status: number },
): MockReply {
  const { retryAfter, via = usual.via, status = usual.status } = options;
  const inHeader = retryAfter !== undefined && via !== 'body';
  const inBody = retryAfter !== undefined && via !== 'header';
  return {
    status,
    ...(inHeader ? { headers: { 'retry-after': String(retryAfter) } } : {}),
    body: {
      error: 'rate_limit_exceeded',
      error_description: 'Too many requests. Please retry after some time.',
      ...(inBody ? { retry_after: retryAfter } : {}),
    },
  };
}

/** A 400 that says what is wrong with the test: an OAuth client reports `error_description`, and gives up at once. */
export function complaintReply(message: string): Fixture<JsonBody> {
  return deepFreeze({
    status: 400,
    headers: { 'cache-control': 'no-store' },
    body: { error: 'invalid_request', error_description: `mockPayu: ${message}` },
  });
}

/** The triple that nock wants. */
export function wireReply(reply: MockReply): [number, string, Record<string, string>] {
  const { status = 200, headers = {}, body } = reply;
  if (body === undefined || typeof body === 'string') return [status, body ?? '', { ...headers }];
  return [status, JSON.stringify(body), { 'content-type': 'application/json; charset=utf-8', ...headers }];
}
