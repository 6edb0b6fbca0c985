import { readFileSync } from 'node:fs';
import { inspect, types } from 'node:util';
import { AxiosError } from 'axios';
import { describe, expect, test, vi } from 'vitest';
import {
  type AnyPayuAuthError,
  ClosedError,
  forCaller,
  invalidOption,
  isPayuAuthError,
  PayuAuthError,
  RateLimitedError,
  TokenRefusedError,
  TokenResponseError,
  TokenUnavailableError,
} from '../src/errors.ts';
import type { Failure } from '../src/token/endpoint/token-endpoint.ts';
import * as messages from '../src/token/mint/messages.ts';

const TOKEN_URL = 'https://uat-accounts.payu.in/oauth/token';
const REVOKE_URL = 'https://uat-accounts.payu.in/oauth/revoke';
const NOON = Date.UTC(2026, 0, 1, 12);
const cause = new Error('connect ECONNREFUSED 10.0.0.1:443');
const fault = { kind: 'fault', what: cause.message, status: undefined, cause } as const;
const refusal = (error: string | undefined, status = 401, errorDescription?: string) => ({
  error,
  status,
  errorDescription,
  isJson: error !== undefined,
});
/** A moment, from noon on. */
const at = (afterNoonMs: number) => ({ wallMs: NOON + afterNoonMs, steadyMs: afterNoonMs });
const streak = (failure: Failure, attempts: number, pauseMs: number) => ({
  failure,
  attempts,
  since: at(0),
  until: at(pauseMs),
});

/** One of each message that a caller can meet. */
const MESSAGES: Readonly<Record<string, Error>> = {
  'invalid client': messages.refusedError(
    TOKEN_URL,
    refusal('invalid_client', 401, 'Client authentication failed.'),
  ),
  'invalid client, from memory': messages.refusedError(TOKEN_URL, refusal('invalid_client'), {
    knownForMs: 10_000,
  }),
  'unauthorized client': messages.refusedError(TOKEN_URL, refusal('unauthorized_client')),
  'invalid scope': messages.refusedError(TOKEN_URL, refusal('invalid_scope')),
  'invalid grant': messages.refusedError(TOKEN_URL, refusal('invalid_grant')),
  'invalid grant, after a lost refresh': messages.refusedError(TOKEN_URL, refusal('invalid_grant'), {
    lostRefreshAt: NOON,
  }),
  'invalid request': messages.refusedError(TOKEN_URL, refusal('invalid_request')),
  'unsupported grant type': messages.refusedError(TOKEN_URL, refusal('unsupported_grant_type')),
  'an error that nobody knows': messages.refusedError(TOKEN_URL, refusal('on_holiday')),
  'no error in the body': messages.refusedError(TOKEN_URL, refusal(undefined, 404)),
  'a firewall': messages.refusedError(TOKEN_URL, refusal(undefined, 403)),
  'a proxy that wants credentials': messages.refusedError(TOKEN_URL, refusal(undefined, 407)),
  'a redirect': messages.refusedError(TOKEN_URL, refusal(undefined, 302)),
  'one failure': messages.failureError(TOKEN_URL, streak(fault, 1, 1_000)),
  'a row of failures': messages.failureError(
    TOKEN_URL,
    streak({ kind: 'fault', what: 'status 502', status: 502, cause }, 9, 90_000),
  ),
  'a certificate that is not trusted': messages.failureError(
    TOKEN_URL,
    streak(
      {
        kind: 'fault',
        what: 'self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT)',
        status: undefined,
        cause: Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
      },
      1,
      1_000,
    ),
  ),
  'axios as a browser has it': messages.failureError(
    TOKEN_URL,
    streak(
      {
        kind: 'fault',
        what: 'There is no suitable adapter',
        status: undefined,
        cause: Object.assign(new Error('There is no suitable adapter'), { code: 'ERR_NOT_SUPPORT' }),
      },
      1,
      1_000,
    ),
  ),
  'a failure told in a sentence': messages.failureError(
    TOKEN_URL,
    streak({ kind: 'fault', what: 'The adapter is not there.', status: undefined, cause }, 1, 0),
  ),
  'no token in the reply': messages.failureError(
    TOKEN_URL,
    streak({ kind: 'unusable', status: 200, reason: 'it is not a JSON object' }, 1, 1_000),
  ),
  'a cool-down': messages.blockedError(
    TOKEN_URL,
    { kind: 'cool-down', since: at(0), until: at(60_000) },
    at(500),
  ),
  'out of patience, nothing sent': messages.outOfPatienceError(NOON, 0),
  'out of patience, the token endpoint slow': messages.outOfPatienceError(NOON, 2),
  'a secret that could not be had': messages.secretError(
    'grant.clientSecret',
    'failed: vault sealed',
    new Error('vault sealed'),
  ),
  'a secret that is unusable': messages.secretError(
    'grant.clientSecret',
    'gave no usable secret: it must not be empty',
  ),
  'what nobody foresaw': messages.unexpectedError(new Error('error:0308010C:digital envelope routines')),
  closed: new ClosedError(),
  'revocation, no reply': messages.revocationError(REVOKE_URL, fault, NOON),
  'revocation, limited': messages.revocationError(REVOKE_URL, { kind: 'rate-limited', toldMs: 60_000 }, NOON),
  'revocation, refused': messages.revocationError(
    REVOKE_URL,
    { kind: 'refused', refusal: refusal('unauthorized_client', 403) },
    NOON,
  ),
  'a wrong option': invalidOption('tokenAttempts', 'must be a whole number, 1 or more; got 0.'),
};

/** Those of our own classes. */
const OURS = Object.entries(MESSAGES).filter((entry): entry is [string, AnyPayuAuthError] =>
  isPayuAuthError(entry[1]),
);

test('the messages, to be read aloud as the person on call', () => {
  const lines = Object.entries(MESSAGES).map(([when, error]) => {
    const { code } = error as Error & { code: string };
    return `${when} · ${code}\n${error.message}`;
  });
  expect(`\n${lines.join('\n\n')}\n`).toMatchInlineSnapshot(`
    "
    invalid client · ERR_TOKEN_REFUSED
    The token endpoint "https://uat-accounts.payu.in/oauth/token" refused to give a token: "invalid_client" (Client authentication failed.). The API request was not processed. PayU does not know this client id and secret. Check that "grant.clientId" and "grant.clientSecret" are whole, without a quotation mark too many, and that they belong to this environment. PayU is asked again in 10 s, or once the secret has changed.

    invalid client, from memory · ERR_TOKEN_REFUSED
    The token endpoint "https://uat-accounts.payu.in/oauth/token" refused to give a token: "invalid_client". The API request was not processed. PayU does not know this client id and secret. Check that "grant.clientId" and "grant.clientSecret" are whole, without a quotation mark too many, and that they belong to this environment. This answer is less than 10 s old: PayU is asked again in 10 s, or once the secret has changed.

    unauthorized client · ERR_TOKEN_REFUSED
    The token endpoint "https://uat-accounts.payu.in/oauth/token" refused to give a token: "unauthorized_client". The API request was not processed. PayU does not allow this client to use this grant. Check "grant.type", or ask PayU to enable it. PayU is asked again in 10 s, or once the secret has changed.

    invalid scope · ERR_TOKEN_REFUSED
    The token endpoint "https://uat-accounts.payu.in/oauth/token" refused to give a token: "invalid_scope". The API request was not processed. PayU does not allow this scope to this client. Check "scope", or ask PayU to enable it. PayU is asked again in 10 s, or once the secret has changed.

    invalid grant · ERR_TOKEN_REFUSED
    The token endpoint "https://uat-accounts.payu.in/oauth/token" refused to give a token: "invalid_grant". The API request was not processed. The user name, password or refresh token is wrong, expired or revoked. Check "grant", or have the user sign in again. PayU is asked again in 10 s, or once the secret has changed.

    invalid grant, after a lost refresh · ERR_TOKEN_REFUSED
    The token endpoint "https://uat-accounts.payu.in/oauth/token" refused to give a token: "invalid_grant". The API request was not processed. The answer to the refresh of 2026-01-01T12:00:00.000Z was lost. If the server replaced the refresh token then, the new one was lost with the answer. The user name, password or refresh token is wrong, expired or revoked. Check "grant", or have the user sign in again. PayU is asked again in 10 s, or once the secret has changed.

    invalid request · ERR_TOKEN_REFUSED
    The token endpoint "https://uat-accounts.payu.in/oauth/token" refused to give a token: "invalid_request". The API request was not processed. PayU misses a parameter or does not know one. Check "grant". PayU is asked again in 10 s, or once the secret has changed.

    unsupported grant type · ERR_TOKEN_REFUSED
    The token endpoint "https://uat-accounts.payu.in/oauth/token" refused to give a token: "unsupported_grant_type". The API request was not processed. PayU does not know this grant. Check "grant". PayU is asked again in 10 s, or once the secret has changed.

    an error that nobody knows · ERR_TOKEN_REFUSED
    The token endpoint "https://uat-accounts.payu.in/oauth/token" refused to give a token: "on_holiday". The API request was not processed. Check "environment" and "grant", and the proxy in between. PayU is asked again in 10 s, or once the secret has changed.

    no error in the body · ERR_TOKEN_REFUSED
    The token endpoint "https://uat-accounts.payu.in/oauth/token" refused to give a token: status 404. The API request was not processed. Check "environment" and "grant", and the proxy in between. PayU is asked again in 10 s, or once the secret has changed.

    a firewall · ERR_TOKEN_REFUSED
    The token endpoint "https://uat-accounts.payu.in/oauth/token" refused to give a token: status 403. The API request was not processed. A firewall or a list of allowed addresses, in between or at PayU, may keep this host out: have its address allowed. PayU is asked again in 10 s, or once the secret has changed.

    a proxy that wants credentials · ERR_TOKEN_REFUSED
    The proxy on the way to the token endpoint "https://uat-accounts.payu.in/oauth/token" refused to give a token: status 407. The API request was not processed. It wants credentials, or other ones: give them in "http.proxy", or in the variable that names the proxy, such as HTTPS_PROXY=http://user:password@host:port. PayU is asked again in 10 s, or once the secret has changed.

    a redirect · ERR_TOKEN_REFUSED
    The token endpoint "https://uat-accounts.payu.in/oauth/token" refused to give a token: status 302. The API request was not processed. A redirect is never followed with credentials in the body: check "environment", and the proxy in between. PayU is asked again in 10 s, or once the secret has changed.

    one failure · ERR_TOKEN_UNAVAILABLE
    No token from "https://uat-accounts.payu.in/oauth/token": the token request of 2026-01-01T12:00:00.000Z failed with connect ECONNREFUSED 10.0.0.1:443. The API request was not processed. The next token request goes out from 2026-01-01T12:00:01.000Z on; until then whatever needs a token fails at once. If it lasts, check the network to this host (DNS, firewall, a proxy in "http.proxy" or HTTPS_PROXY) and the status of PayU.

    a row of failures · ERR_TOKEN_UNAVAILABLE
    No token from "https://uat-accounts.payu.in/oauth/token": 9 token requests in a row have failed since 2026-01-01T12:00:00.000Z, the last with status 502. The API request was not processed. The next token request goes out from 2026-01-01T12:01:30.000Z on; until then whatever needs a token fails at once. If it lasts, check the network to this host (DNS, firewall, a proxy in "http.proxy" or HTTPS_PROXY) and the status of PayU.

    a certificate that is not trusted · ERR_TOKEN_UNAVAILABLE
    No token from "https://uat-accounts.payu.in/oauth/token": the token request of 2026-01-01T12:00:00.000Z failed with self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT). The API request was not processed. The next token request goes out from 2026-01-01T12:00:01.000Z on; until then whatever needs a token fails at once. This host does not trust the certificate. Check its clock; behind a proxy that opens TLS, give the proxy's authority in NODE_EXTRA_CA_CERTS or "http.httpsAgent".

    axios as a browser has it · ERR_TOKEN_UNAVAILABLE
    No token from "https://uat-accounts.payu.in/oauth/token": the token request of 2026-01-01T12:00:00.000Z failed with There is no suitable adapter. The API request was not processed. The next token request goes out from 2026-01-01T12:00:01.000Z on; until then whatever needs a token fails at once. This axios is for browsers. In Jest, set "testEnvironment" to "node".

    a failure told in a sentence · ERR_TOKEN_UNAVAILABLE
    No token from "https://uat-accounts.payu.in/oauth/token": the token request of 2026-01-01T12:00:00.000Z failed with The adapter is not there. The API request was not processed. The next request that needs a token asks again. If it lasts, check the network to this host (DNS, firewall, a proxy in "http.proxy" or HTTPS_PROXY) and the status of PayU.

    no token in the reply · ERR_TOKEN_RESPONSE
    No token from "https://uat-accounts.payu.in/oauth/token": the token request of 2026-01-01T12:00:00.000Z failed with status 200, but a body that holds no usable token: it is not a JSON object. The API request was not processed. The next token request goes out from 2026-01-01T12:00:01.000Z on; until then whatever needs a token fails at once. Check "environment" and the proxy in between: a login page or a web site answers like this.

    a cool-down · ERR_RATE_LIMITED
    The token endpoint "https://uat-accounts.payu.in/oauth/token" has limited our rate since 2026-01-01T12:00:00.000Z. No token request goes out until 2026-01-01T12:01:00.000Z, in 60 s, and this request may not wait that long ("maxWaitMs"). The API request was not processed. Try again then, or allow a longer wait. If it happens often, look for what else mints with this client id.

    out of patience, nothing sent · ERR_TOKEN_UNAVAILABLE
    No token has come since 2026-01-01T12:00:00.000Z, and this request may wait no longer ("maxWaitMs"). The API request was not processed. No token request was sent yet: the token store or the source of a secret is slow. The next request tries again. If it lasts, check what is slow, or allow a longer wait.

    out of patience, the token endpoint slow · ERR_TOKEN_UNAVAILABLE
    No token has come since 2026-01-01T12:00:00.000Z, and this request may wait no longer ("maxWaitMs"). The API request was not processed. Token requests that brought none: 2. The token endpoint is slow, or asks to be left alone. The next request tries again. If it lasts, check what is slow, or allow a longer wait.

    a secret that could not be had · ERR_TOKEN_UNAVAILABLE
    The function given as "grant.clientSecret" failed: vault sealed. The API request was not processed. No token request was sent either. Check where this secret comes from; the next request asks again.

    a secret that is unusable · ERR_TOKEN_UNAVAILABLE
    The function given as "grant.clientSecret" gave no usable secret: it must not be empty. The API request was not processed. No token request was sent either. Check where this secret comes from; the next request asks again.

    what nobody foresaw · ERR_TOKEN_UNAVAILABLE
    No token, as something unexpected happened on the way to one: error:0308010C:digital envelope routines. The API request was not processed. The next request tries again. If it lasts, report it with the "cause" of this error.

    closed · ERR_CLOSED
    close() was called on this auth, so this request was not processed. Detach its instances, or create another auth.

    revocation, no reply · ERR_TOKEN_UNAVAILABLE
    The revocation endpoint "https://uat-accounts.payu.in/oauth/revoke" failed with connect ECONNREFUSED 10.0.0.1:443. The token is forgotten here, but may stay valid at PayU until it expires: ask PayU to revoke it if that matters.

    revocation, limited · ERR_RATE_LIMITED
    The revocation endpoint "https://uat-accounts.payu.in/oauth/revoke" wants no request until 2026-01-01T12:01:00.000Z. The token is forgotten here, but may stay valid at PayU until it expires: ask PayU to revoke it if that matters.

    revocation, refused · ERR_TOKEN_REFUSED
    The revocation endpoint "https://uat-accounts.payu.in/oauth/revoke" refused: "unauthorized_client". The token is forgotten here, but may stay valid at PayU until it expires: ask PayU to revoke it if that matters. Check "grant.clientId" and "grant.clientSecret".

    a wrong option · ERR_INVALID_OPTION
    "tokenAttempts" must be a whole number, 1 or more; got 0.
    "
  `);
});

test('a name that every object has is no error that anybody knows', () => {
  const { message } = messages.refusedError(TOKEN_URL, refusal('constructor'));
  expect(message).toContain(
    '"constructor". The API request was not processed. Check "environment" and "grant", and',
  );
});

describe('each error', () => {
  const details = { status: 401, reason: 'r', retryAt: new Date(NOON), retryAfterMs: 1, attempts: 2, cause };
  test.each([
    [
      new TokenRefusedError('m', { ...details, error: 'e', errorDescription: 'd' }),
      'TokenRefusedError',
      'ERR_TOKEN_REFUSED',
      { error: 'e', errorDescription: 'd', status: 401 },
    ],
    [
      new RateLimitedError('m', details),
      'RateLimitedError',
      'ERR_RATE_LIMITED',
      { retryAt: new Date(NOON), retryAfterMs: 1 },
    ],
    [
      new TokenUnavailableError('m', details),
      'TokenUnavailableError',
      'ERR_TOKEN_UNAVAILABLE',
      { attempts: 2, status: 401 },
    ],
    [
      new TokenResponseError('m', details),
      'TokenResponseError',
      'ERR_TOKEN_RESPONSE',
      { status: 401, reason: 'r' },
    ],
    [new ClosedError('m'), 'ClosedError', 'ERR_CLOSED', {}],
  ] as const)('%s', (error, name, code, carried) => {
    expect({ ...error }).toEqual({ code, ...carried });
    expect(String(error)).toBe(`${name}: m`);
    expect(inspect(error)).toContain(`${name}: m`);
    expect(error).toBeInstanceOf(PayuAuthError);
    expect(error).toBeInstanceOf(Error);
    expect(isPayuAuthError(error)).toBe(true);
    // Axios would run the caller's transforms on an error with a response.
    for (const absent of ['response', 'request', 'config']) expect(error).not.toHaveProperty(absent);
  });

  test('has a cause only where there is one', () => {
    expect('cause' in new TokenUnavailableError('m', { attempts: 1 })).toBe(false);
    expect(new TokenUnavailableError('m', { attempts: 1, cause }).cause).toBe(cause);
  });
});

describe('isPayuAuthError', () => {
  test('knows the errors of another copy of this package, where instanceof fails', async () => {
    vi.resetModules();
    const copy = await import('../src/errors.ts');
    const error = new copy.ClosedError();
    expect(error).not.toBeInstanceOf(PayuAuthError);
    expect(isPayuAuthError(error)).toBe(true);
  });

  test.each([
    undefined,
    null,
    'ERR_CLOSED',
    1,
    {},
    new Error('m'),
    new AxiosError('m'),
    { code: 'ERR_CLOSED' },
  ])('does not know %s', (value) => {
    expect(isPayuAuthError(value)).toBe(false);
  });

  test('does not know what may not be looked at', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(isPayuAuthError(proxy)).toBe(false);
  });
});

describe('the same failure for several callers', () => {
  test.each(OURS)('%s', (_, error) => {
    const own = forCaller(error) as Error;
    expect(own).not.toBe(error);
    expect(own.constructor).toBe(error.constructor);
    expect([own.message, { ...own }, own.cause]).toEqual([error.message, { ...error }, error.cause]);
    expect(own.cause).toBe(error.cause);
  });

  test.each([new Error('m'), invalidOption('scope', 'must be given.'), 'text', undefined])(
    '%s, which is not ours, stays as it is',
    (error) => {
      expect(forCaller(error, { method: 'GET' })).toBe(error);
    },
  );

  test.each(OURS)('%s: with the API call that it rejects, and all that it had', (_, error) => {
    const own = forCaller(error, { method: 'POST', url: 'https://api.example/pay' }) as PayuAuthError;
    expect({ ...own }).toEqual({ ...error, method: 'POST', url: 'https://api.example/pay' });
    expect([own.constructor, own.message, own.cause]).toEqual([
      error.constructor,
      error.message,
      error.cause,
    ]);
    expect(error).not.toHaveProperty('url');
    expect({ ...(forCaller(own) as object) }).toEqual({ ...own });
  });

  test('has the frames of the failure, and what axios appends is its own', () => {
    const error = new ClosedError('m');
    const [first, second] = [forCaller(error) as Error, forCaller(error) as Error];
    expect(first.stack).toBe(error.stack);
    first.stack += '\n    at the first caller';
    expect([second.stack, forCaller(error)]).toEqual([error.stack, error]);
    expect(Object.keys(first)).toEqual(['code']);
    expect(types.isNativeError(first)).toBe(true);
  });

  test('collects no frames, and leaves the limit of frames as it was', () => {
    const before = Error.stackTraceLimit;
    const error = new TokenUnavailableError('m', { attempts: 1 });
    const limits: unknown[] = [];
    Object.defineProperty(error, 'attempts', { get: () => limits.push(Error.stackTraceLimit) });
    forCaller(error);
    expect([...limits, Error.stackTraceLimit]).toEqual([0, before]);
  });

  test('leaves it as it was where a copy can not be made', () => {
    const before = Error.stackTraceLimit;
    const error = new ClosedError('m');
    const fail = () => {
      throw new Error('no copy');
    };
    Object.defineProperty(error, 'constructor', { value: fail });
    expect(() => forCaller(error)).toThrow();
    expect(Error.stackTraceLimit).toBe(before);
  });

  test('works where the limit of frames can not be set (--frozen-intrinsics)', () => {
    const descriptor = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit') as PropertyDescriptor;
    const error = new ClosedError('m');
    Object.defineProperty(Error, 'stackTraceLimit', { ...descriptor, writable: false });
    let own: unknown;
    try {
      own = forCaller(error);
    } finally {
      Object.defineProperty(Error, 'stackTraceLimit', descriptor);
    }
    expect(own).toMatchObject({ message: 'm', code: 'ERR_CLOSED' });
  });
});

test('docs/errors.md has a section on each code', () => {
  const text = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
  const headings = text.split('\n').filter((line) => line.startsWith('## '));
  for (const error of Object.values(MESSAGES)) {
    const { code } = error as Error & { code: string };
    expect(headings.filter((line) => line.includes(`\`${code}\``))).toHaveLength(1);
  }
});
