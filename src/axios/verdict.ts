import type { AxiosResponse } from 'axios';
import { fieldOf } from '../json.ts';
import { toldWaitMs } from '../time/retry-after.ts';
import { BROKEN_OFF, peekJson } from './bodies/peek.ts';
import { isNodeStream, isWebStream } from './bodies/response-body.ts';
import type { WaitBounds } from './cancellation.ts';
import { headerOf, readUnauthorized } from './refusal.ts';

/** What a response says about the token and about us. */
export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'insufficient-scope' }
  /** A 401 that is not the API's, but a proxy's, say. */
  | { readonly kind: 'other-scheme' }
  | { readonly kind: 'rate-limited'; readonly toldMs: number | undefined }
  /** None of these. The caller gets it as it is. */
  | { readonly kind: 'other' };

const OTHER: Verdict = { kind: 'other' };

/** How long a streamed body may be looked at. Then the caller gets it as it is. */
const LONGEST_LOOK_MS = 1_000;

/** Reads a response (D1, E1). It looks at the body only if the status or an option requires that. */
export async function readVerdict(
  response: AxiosResponse,
  parts: WaitBounds & { readonly isTokenRefused: ((response: AxiosResponse) => boolean) | undefined },
): Promise<Verdict> {
  const { status } = response;
  const { clock, isTokenRefused } = parts;
  const isClientError = status >= 400 && status < 500;
  if (!isClientError && isTokenRefused === undefined) return sign(status);
  const limitMs = Math.min(parts.limitMs, LONGEST_LOOK_MS);
  const body = isLookedInto(response) ? await peekJson(response, { ...parts, limitMs }) : undefined;
  if (body === BROKEN_OFF) return OTHER;
  if (isClientError && (status === 429 || fieldOf(body, 'error') === 'rate_limit_exceeded')) {
    const header = (name: string) => headerOf(response, name);
    return { kind: 'rate-limited', toldMs: toldWaitMs(header, body, clock.now()) };
  }
  const unauthorized = status === 401 ? readUnauthorized(response, body) : undefined;
  const isRefused = asksUser(isTokenRefused, response, body) ?? unauthorized === 'refused';
  if (isRefused) return { kind: 'refused' };
  return unauthorized === undefined || unauthorized === 'refused' ? sign(status) : { kind: unauthorized };
}

/** Only a success shows that the token is good. A 403 may come from a firewall, a 5xx from anywhere. */
function sign(status: number): Verdict {
  return status >= 200 && status < 300 ? { kind: 'accepted' } : OTHER;
}

/** A download is never delayed, whatever it may hold (E1). */
function isLookedInto(response: AxiosResponse): boolean {
  const { data, status } = response;
  if (!isNodeStream(data) && !isWebStream(data)) return true;
  // What can't be held up, such as a home-made stream, is lost to its reader.
  if (isNodeStream(data) && data.pause === undefined) return false;
  if (status < 400 || status >= 500) return false;
  return status === 401 || status === 429 || /\bjson\b/i.test(headerOf(response, 'content-type') ?? '');
}

/**
 * Asks the caller's `isTokenRefused`, with the body parsed. Only `true` is a yes: to take a promise or an empty list for
 * one would send a payment again. `''` and `0` are a no, as `&&` may return them. Anything else is no answer.
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
    // If it is a promise, its rejection must not end the process.
    Promise.resolve(answer).catch(() => {});
  } catch {
    // To throw is no answer either.
  }
  return undefined;
}
