import type { AxiosResponse } from 'axios';
import { toldWaitMs } from '../time/retry-after.ts';
import type { PeekLimit } from './bodies/read-ahead.ts';
import { isNodeStream, isWebStream, peekJson } from './bodies/response-body.ts';
import { errorOf, headerOf, readUnauthorized } from './refusal.ts';

/** What a response says about the token and about us. */
export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'insufficient-scope' }
  /** A 401 of somebody else than the API, such as a proxy. */
  | { readonly kind: 'other-scheme' }
  | { readonly kind: 'rate-limited'; readonly toldMs: number | undefined }
  /** Neither: the caller's business. */
  | { readonly kind: 'other' };

const OTHER: Verdict = { kind: 'other' };

/** How long a streamed body may be looked at; then it goes to the caller as it is. */
const LONGEST_LOOK_MS = 1_000;

/** Reads a response (D1, E1). The body is looked at only where status or configuration call for it. */
export async function readVerdict(
  response: AxiosResponse,
  parts: PeekLimit & { readonly isTokenRefused: ((response: AxiosResponse) => boolean) | undefined },
): Promise<Verdict> {
  const { status } = response;
  const { clock, isTokenRefused } = parts;
  const isClientError = status >= 400 && status < 500;
  if (!isClientError && isTokenRefused === undefined) return sign(status);
  const limitMs = Math.min(parts.limitMs, LONGEST_LOOK_MS);
  const body = isLookedInto(response) ? await peekJson(response, { ...parts, limitMs }) : undefined;
  if (isClientError && (status === 429 || errorOf(body) === 'rate_limit_exceeded')) {
    const header = (name: string) => headerOf(response, name);
    return { kind: 'rate-limited', toldMs: toldWaitMs(header, body, clock.now()) };
  }
  const unauthorized = status === 401 ? readUnauthorized(response, body) : undefined;
  const isRefused = asksUser(isTokenRefused, response, body) ?? unauthorized === 'refused';
  if (isRefused) return { kind: 'refused' };
  return unauthorized === undefined || unauthorized === 'refused' ? sign(status) : { kind: unauthorized };
}

/** Only a success shows that the token is good: a 403 may come from a firewall, a 5xx from anywhere. */
function sign(status: number): Verdict {
  return status >= 200 && status < 300 ? { kind: 'accepted' } : OTHER;
}

/** A download is never held up, whatever might be in it (E1). */
function isLookedInto(response: AxiosResponse): boolean {
  const { data, status } = response;
  if (!isNodeStream(data) && !isWebStream(data)) return true;
  if (status < 400 || status >= 500) return false;
  return status === 401 || status === 429 || /\bjson\b/i.test(headerOf(response, 'content-type') ?? '');
}

/**
 * What the caller's own rule says, of the response with its body parsed. A yes is `true` alone: to take a promise or an
 * empty list for one would send again what has been done. A no may be an empty text or 0, as `&&` leaves them.
 */
function asksUser(
  isTokenRefused: ((response: AxiosResponse) => boolean) | undefined,
  response: AxiosResponse,
  body: unknown,
): boolean | undefined {
  if (isTokenRefused === undefined) return undefined;
  try {
    const answer: unknown = isTokenRefused(body === undefined ? response : { ...response, data: body });
    if (typeof answer === 'boolean' || answer === '' || answer === 0) return answer === true;
    // A promise that nobody waits for must not end the process when it rejects.
    Promise.resolve(answer).catch(() => {});
    return undefined;
  } catch {
    return undefined;
  }
}
