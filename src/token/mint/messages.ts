import {
  type AnyPayuAuthError,
  RateLimitedError,
  TokenRefusedError,
  TokenResponseError,
  TokenUnavailableError,
} from '../../errors.ts';
import { dateAt } from '../../time/clock.ts';
import { type Instant, msUntil } from '../../time/instant.ts';
import { shownUrl } from '../../url.ts';
import { type Classified, concernsClient, type Refusal } from '../endpoint/token-endpoint.ts';
import type { Block, Streak } from './gate.ts';

/**
 * True in each case: nothing was sent, or a first attempt was refused, by a 401 or 429, before any work was done. So
 * whoever reads it knows that sending once more can't pay twice.
 */
const NOT_PROCESSED = 'The API request was not processed.';

/** What each `error` of RFC 6749 §5.2, or a status without one, asks the person on call to do. */
const REMEDIES: Readonly<Record<string, string>> = {
  invalid_client:
    'PayU does not know this client id and secret. Check that "grant.clientId" and "grant.clientSecret" are whole, without a quotation mark too many, and that they belong to this environment',
  unauthorized_client:
    'PayU does not allow this client to use this grant. Check "grant.type", or ask PayU to enable it',
  invalid_scope: 'PayU does not allow this scope to this client. Check "scope", or ask PayU to enable it',
  unsupported_grant_type: 'PayU does not know this grant. Check "grant"',
  invalid_request: 'PayU misses a parameter or does not know one. Check "grant"',
  invalid_grant:
    'The user name, password or refresh token is wrong, expired or revoked. Check "grant", or have the user sign in again',
  403: 'A firewall or a list of allowed addresses, in between or at PayU, may keep this host out: have its address allowed',
  407: 'It wants credentials, or other ones: give them in "http.proxy", or in the variable that names the proxy, such as HTTPS_PROXY=http://user:password@host:port',
};

/** What the code of a failed connection points to: the other end's alert names a certificate, too, where it wants one. */
const REMEDIES_BY_CODE: readonly (readonly [codes: RegExp, remedy: string])[] = [
  [
    /^(?:EPROTO$|ERR_SSL_)/,
    'The two ends do not agree on TLS. Check that the port, and the proxy, speak it, and the TLS versions and the client certificate in "http.httpsAgent".',
  ],
  [
    /CERT|SIGNATURE|ISSUER/,
    'This host does not trust the certificate. Check its clock; behind a proxy that opens TLS, give the proxy\'s authority in NODE_EXTRA_CA_CERTS or "http.httpsAgent".',
  ],
  [/^ERR_NOT_SUPPORT$/, 'This axios is for browsers. In Jest, set "testEnvironment" to "node".'],
  [
    /^/,
    'If it lasts, check the network to this host (DNS, firewall, a proxy in "http.proxy" or HTTPS_PROXY) and the status of PayU.',
  ],
];

export interface RefusalContext {
  /** The answer comes from memory, and is remembered for so long. */
  readonly knownForMs?: number | undefined;
  /** Nothing is asked again: the refresh token is dead, and there is no other. */
  readonly isForGood?: boolean;
  /** When the refresh was sent whose answer was lost, if no token has come since. */
  readonly lostRefreshAt?: number | undefined;
}

export function refusedError(
  tokenUrl: string,
  refusal: Refusal,
  { knownForMs, lostRefreshAt, isForGood }: RefusalContext = {},
): TokenRefusedError {
  // RFC 9110 §15.5.8: never the origin's own answer.
  const isProxys = refusal.error === undefined && refusal.status === 407;
  const who = isProxys ? 'The proxy on the way to the' : 'The';
  const what = `${who} token endpoint ${shown(tokenUrl)} refused to give a token: ${saidBy(refusal)}.`;
  // Neither a firewall's page nor a wrong client secret says anything of the refresh token.
  const lost =
    lostRefreshAt === undefined || !refusal.isJson || concernsClient(refusal)
      ? ''
      : ` The answer to the refresh of ${clockTime(lostRefreshAt)} was lost. If the server replaced the refresh token then, the new one was lost with the answer.`;
  const next = isForGood
    ? 'This refresh token is not sent again: give another one, in "grant" or by setToken().'
    : knownForMs === undefined
      ? 'PayU is asked again in 10 s, or once the secret has changed.'
      : `This answer is less than 10 s old: PayU is asked again in ${Math.ceil(knownForMs / 1_000)} s, or once the secret has changed.`;
  return new TokenRefusedError(`${what} ${NOT_PROCESSED}${lost} ${remedyFor(refusal)}. ${next}`, refusal);
}

function remedyFor({ error, status }: Refusal): string {
  if (error === undefined && status >= 300 && status < 400) {
    return 'A redirect is never followed with credentials in the body: check "environment", and the proxy in between';
  }
  const word = error ?? status;
  // The server's word: "constructor" is one that every object knows.
  const known = Object.hasOwn(REMEDIES, word) ? REMEDIES[word] : undefined;
  return known ?? 'Check "environment" and "grant", and the proxy in between';
}

/** Why nobody may send now, for a caller that can't wait for it to end. */
export function blockedError(tokenUrl: string, block: Block, now: Instant): AnyPayuAuthError {
  if (block.kind !== 'cool-down') return failureError(tokenUrl, block);
  const retryAfterMs = Math.ceil(msUntil(block.until, now));
  const until = now.wallMs + retryAfterMs;
  return new RateLimitedError(
    `The token endpoint ${shown(tokenUrl)} has limited our rate since ${clockTime(block.since.wallMs)}. No token request goes out until ${clockTime(until)}, ` +
      `in ${Math.ceil(retryAfterMs / 1_000)} s, and this request may not wait that long ("maxWaitMs"). ${NOT_PROCESSED} ` +
      'Try again then, or allow a longer wait. If it happens often, look for what else mints with this client id.',
    { retryAt: dateAt(until), retryAfterMs },
  );
}

export function failureError(
  tokenUrl: string,
  { failure, attempts, since, until }: Streak,
): AnyPayuAuthError {
  const failed =
    attempts === 1
      ? `the token request of ${clockTime(since.wallMs)} failed with`
      : `${attempts} token requests in a row have failed since ${clockTime(since.wallMs)}, the last with`;
  const next =
    until.steadyMs > since.steadyMs
      ? `The next token request goes out from ${clockTime(until.wallMs)} on; until then whatever needs a token fails at once.`
      : 'The next request that needs a token asks again.';
  const message = (what: string, remedy: string) =>
    `No token from ${shown(tokenUrl)}: ${failed} ${withoutStop(what)}. ${NOT_PROCESSED} ${next} ${remedy}`;
  if (failure.kind === 'unusable') {
    const what = `status ${failure.status}, but a body that holds no usable token: ${failure.reason}`;
    const remedy =
      'Check "environment" and the proxy in between: a login page or a web site answers like this.';
    return new TokenResponseError(message(what, remedy), failure);
  }
  const { status, cause } = failure;
  const { code = '' } = cause as { readonly code?: string };
  const remedy = REMEDIES_BY_CODE.find(([codes]) => codes.test(code))?.[1] ?? '';
  return new TokenUnavailableError(message(failure.what, remedy), { attempts, status, cause });
}

export function outOfPatienceError(since: number, attempts: number): TokenUnavailableError {
  const sent =
    attempts === 0
      ? 'No token request was sent yet: the token store or the source of a secret is slow.'
      : `Token requests that brought none: ${attempts}. The token endpoint is slow, or asks to be left alone.`;
  return new TokenUnavailableError(
    `No token has come since ${clockTime(since)}, and this request may wait no longer ("maxWaitMs"). ${NOT_PROCESSED} ` +
      `${sent} The next request tries again. If it lasts, check what is slow, or allow a longer wait.`,
    { attempts },
  );
}

/** `what` the function did, without its value. */
export function secretError(option: string, what: string, cause?: Error): TokenUnavailableError {
  return new TokenUnavailableError(
    `The function given as "${option}" ${withoutStop(what)}. ${NOT_PROCESSED} No token request was sent either. Check where this secret comes from; the next request asks again.`,
    { attempts: 0, cause },
  );
}

/** What nobody foresaw: a failure of Node.js, or of this library. `cause`: fit to be shown. */
export function unexpectedError(cause: Error): TokenUnavailableError {
  return new TokenUnavailableError(
    `No token, as something unexpected happened on the way to one: ${withoutStop(cause.message)}. ${NOT_PROCESSED} ` +
      'The next request tries again. If it lasts, report it with the "cause" of this error.',
    { attempts: 0, cause },
  );
}

/** What the revocation endpoint said, where that was no yes. */
export function revocationError(
  revokeUrl: string,
  failure: Exclude<Classified, { kind: 'accepted' }>,
  now: number,
): AnyPayuAuthError {
  const message = (what: string) =>
    `The revocation endpoint ${shown(revokeUrl)} ${what}. The token is forgotten here, but may stay valid at PayU until it expires: ask PayU to revoke it if that matters.`;
  if (failure.kind === 'fault') {
    return new TokenUnavailableError(message(`failed with ${failure.what}`), { ...failure, attempts: 1 });
  }
  if (failure.kind === 'refused') {
    const remedy = 'Check "grant.clientId" and "grant.clientSecret".';
    return new TokenRefusedError(
      `${message(`refused: ${saidBy(failure.refusal)}`)} ${remedy}`,
      failure.refusal,
    );
  }
  const retryAfterMs = failure.toldMs ?? 0;
  const retryAt = dateAt(now + retryAfterMs);
  return new RateLimitedError(message(`wants no request until ${retryAt.toISOString()}`), {
    retryAt,
    retryAfterMs,
  });
}

/** Without query: the key of a gateway may be in it (G2). */
function shown(url: string): string {
  return `"${shownUrl({ url })}"`;
}

/** Others' words, in a sentence of ours. */
function withoutStop(words: string): string {
  return words.replace(/\.$/, '');
}

function saidBy({ status, error, errorDescription }: Refusal): string {
  return `${error === undefined ? `status ${status}` : `"${error}"`}${errorDescription ? ` (${errorDescription})` : ''}`;
}

function clockTime(time: number): string {
  return dateAt(time).toISOString();
}
