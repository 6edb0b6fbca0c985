import { RateLimitedError, TokenRefusedError, TokenResponseError, TokenUnavailableError } from '../errors.ts';
import type { Fault, Refusal } from './token-endpoint.ts';

const NOT_SENT = 'The API request was not sent.';

/** What each `error` of RFC 6749 §5.2 asks the person on call to do. */
const REMEDIES: Readonly<Record<string, string>> = {
  invalid_client:
    'PayU does not know this client id and secret. Check "grant.clientId" and "grant.clientSecret", and that they belong to this environment',
  unauthorized_client:
    'PayU does not allow this client to use this grant. Check "grant.type", or ask PayU to enable it',
  invalid_scope: 'PayU does not allow this scope to this client. Check "scope", or ask PayU to enable it',
  unsupported_grant_type: 'PayU does not know this grant. Check "grant"',
  invalid_request: 'PayU misses a parameter or does not know one. Check "grant"',
  invalid_grant:
    'The user name, password or refresh token is wrong, expired or revoked. Check "grant", or have the user sign in again',
};

export function refusedError(tokenUrl: string, refusal: Refusal, memoryUntil?: number): TokenRefusedError {
  const said = refusal.error === undefined ? `status ${refusal.status}` : `"${refusal.error}"`;
  const remedy =
    (refusal.error === undefined ? undefined : REMEDIES[refusal.error]) ??
    (refusal.status >= 300 && refusal.status < 400
      ? 'A redirect is never followed with credentials in the body: check "environment", and the proxy in between'
      : 'Check "environment" and "grant", and the proxy in between');
  const memory =
    memoryUntil === undefined
      ? 'The same request would be refused again, so the answer is remembered for 10 s or until the secret changes.'
      : `This answer is remembered from shortly before; PayU is asked again from ${clockTime(memoryUntil)}, or when the secret changes.`;
  const words = refusal.errorDescription ? ` (${refusal.errorDescription})` : '';
  return new TokenRefusedError(
    `The token endpoint "${tokenUrl}" refused to give a token: ${said}${words}. ${NOT_SENT} ${remedy}. ${memory}`,
    refusal,
  );
}

export function unavailableError(
  tokenUrl: string,
  fault: Fault,
  streak: { readonly attempts: number; readonly since: number; readonly nextAt: number },
): TokenUnavailableError {
  const { attempts } = streak;
  return new TokenUnavailableError(
    `No token from "${tokenUrl}": ${attempts} token request${attempts === 1 ? '' : 's'} in a row failed since ${clockTime(streak.since)}, the last with: ${fault.what}. ${NOT_SENT} ` +
      `The next token request goes out from ${clockTime(streak.nextAt)} on; until then requests that need a token fail at once. ` +
      'If it lasts: check the network path to this host (DNS, proxy, firewall) and the status of PayU.',
    { attempts, status: fault.status, cause: fault.cause },
  );
}

export function rateLimitedError(tokenUrl: string, now: number, retryAt: number): RateLimitedError {
  const retryAfterMs = Math.max(0, retryAt - now);
  return new RateLimitedError(
    `The token endpoint "${tokenUrl}" asked to be left alone until ${clockTime(retryAt)} (${Math.ceil(retryAfterMs / 1_000)} s), which is longer than this request may wait ("maxWaitMs"). ${NOT_SENT} ` +
      'No token request goes out before. Try again then, or allow a longer wait.',
    { retryAt: new Date(retryAt), retryAfterMs },
  );
}

export function responseError(
  tokenUrl: string,
  { status, reason }: { readonly status: number; readonly reason: string },
  nextAt: number,
): TokenResponseError {
  return new TokenResponseError(
    `The token endpoint "${tokenUrl}" answered with status ${status}, but with no token that can be used: ${reason}. ${NOT_SENT} ` +
      `It is asked again from ${clockTime(nextAt)} on. Check "environment" and the proxy in between: a login page or a web site answers like this.`,
    { status, reason },
  );
}

export function secretFailedError(option: string, cause: Error): TokenUnavailableError {
  return new TokenUnavailableError(
    `The function given as "${option}" failed: ${cause.message}. ${NOT_SENT} No token request was sent either. Check where this secret comes from; the next request asks again.`,
    { attempts: 0, cause },
  );
}

function clockTime(time: number): string {
  // A told wait may lead beyond what a Date can hold.
  return new Date(Math.min(time, 8.64e15)).toISOString();
}
