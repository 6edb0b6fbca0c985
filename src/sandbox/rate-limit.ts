import { checkStatus } from './fault.ts';
import { errorBody } from './oauth-errors.ts';
import { empty, html, json, type Reply } from './reply.ts';
import { check, invalid } from './validate.ts';

/** What a rate-limited request is answered. */
export interface RateLimitReply {
  /** `retry_after` of the body: a number, any text, or false for none. Default 60, as in PayU's sample. */
  readonly retryAfter?: number | string | false;
  /** Text of the `Retry-After` header. Default: no such header. */
  readonly retryAfterHeader?: string;
  /** Default 429; PayU's own description puts the error under 401. */
  readonly status?: number;
  /** Default `json`; a proxy in front answers `html`, the Partner API `none`. */
  readonly body?: 'json' | 'none' | 'html';
}

export function checkRateLimit(value: Readonly<Record<string, unknown>>): RateLimitReply {
  const { retryAfter, retryAfterHeader, status, body } = value;
  const isTold = Number.isFinite(retryAfter) || typeof retryAfter === 'string' || retryAfter === false;
  if (retryAfter !== undefined && !isTold) {
    throw invalid('retryAfter', 'must be a number of seconds, a text, or false for none');
  }
  if (retryAfterHeader !== undefined) check.header('retryAfterHeader', 'retry-after', retryAfterHeader);
  if (status !== undefined) checkStatus('status', status);
  if (body !== undefined) check.oneOf('body', body, ['json', 'none', 'html']);
  // Each property was checked above.
  return value as RateLimitReply;
}

export function rateLimitReply(limit: RateLimitReply): Reply {
  const status = limit.status ?? 429;
  const reply = rateLimitBody(limit, status);
  if (limit.retryAfterHeader === undefined) return reply;
  return { ...reply, headers: { ...reply.headers, 'retry-after': limit.retryAfterHeader } };
}

function rateLimitBody(limit: RateLimitReply, status: number): Reply {
  const retryAfter = limit.retryAfter ?? 60;
  switch (limit.body ?? 'json') {
    case 'none':
      return empty(status);
    case 'html':
      return html(status, 'Too Many Requests');
    case 'json':
      return json(status, {
        ...errorBody('rate_limit_exceeded'),
        ...(retryAfter !== false && { retry_after: retryAfter }),
      });
  }
}
