import type { TokenRefusedError, TokenUnavailableError } from '../index.ts';
import {
  isPayuAuthError,
  type PayuAuthError,
  type RateLimitedError,
  type TokenResponseError,
} from '../index.ts';
import { type Finding, mend } from './finding.ts';
import { inVariables, type Settings } from './settings.ts';

/** Our errors by their `code`: narrowing works across copies of the package, `instanceof` does not. */
type KnownError = TokenRefusedError | RateLimitedError | TokenUnavailableError | TokenResponseError;

/** Why there is no token, in the words of the command line: which variable to look at, what to do. */
export function explain(error: unknown, settings: Settings): Finding {
  if (!isPayuAuthError(error)) return wrongValue(error);
  const known = error as PayuAuthError & KnownError;
  switch (known.code) {
    case 'ERR_TOKEN_REFUSED':
      return refused(known, settings);
    case 'ERR_RATE_LIMITED':
      return rateLimited(known.retryAt);
    case 'ERR_TOKEN_UNAVAILABLE':
      return unavailable(known, hostOf(settings));
    case 'ERR_TOKEN_RESPONSE':
      return mend(
        'reply',
        `${hostOf(settings)} answered ${known.status}, but with no token in it: ${known.reason}`,
        `check ${addressVariable(settings)}, and the proxy in between: a login page answers like this`,
      );
    default:
      throw known satisfies never;
  }
}

export function rateLimited(retryAt: Date): Finding {
  return mend(
    'rate limit',
    `PayU asked to be left alone until ${retryAt.toISOString()}, so nothing more was sent`,
    'try again after that time; if it comes often, find out which programs mint tokens with this client, and let them share one auth or a store',
  );
}

/** Where the tokens come from, for messages: a URL could hold more than a host. */
export function hostOf({ environment }: Settings): string {
  if (environment === 'test') return 'PayU (test)';
  if (environment === 'production') return 'PayU (production)';
  return URL.canParse(environment.tokenUrl) ? new URL(environment.tokenUrl).host : 'the token endpoint';
}

/** The library refused a value at construction; its messages name no value of a secret. */
function wrongValue(error: unknown): Finding {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code !== 'ERR_INVALID_OPTION') throw error;
  return mend('variables', inVariables(String(message)).replace(/\.$/, ''), 'correct it');
}

function refused({ error, status }: TokenRefusedError, settings: Settings): Finding {
  const host = hostOf(settings);
  const answer = `${host} answered ${error === undefined ? status : `"${error}"`}`;
  switch (error) {
    case 'invalid_client':
      return mend(
        'credentials',
        `${answer}: it does not know this client id with this secret`,
        `copy PAYU_CLIENT_ID and PAYU_CLIENT_SECRET anew from PayU's dashboard, and check that they belong to ${addressVariable(settings)}`,
      );
    case 'unauthorized_client':
    case 'unsupported_grant_type':
      return mend(
        'grant',
        `${answer}: this client may not use the grant "${grantName(settings)}"`,
        'use the grant that PayU gave you the client for, or ask PayU to enable this one',
      );
    case 'invalid_scope':
      return mend(
        'scope',
        `${answer}: this client may not ask for "${settings.scope}"`,
        'correct PAYU_SCOPE, or ask PayU to enable what is missing',
      );
    case 'invalid_grant':
      return settings.grant.type === 'refresh_token'
        ? mend(
            'credentials',
            `${answer}: the refresh token is wrong, used up or revoked`,
            'sign in again, and set PAYU_REFRESH_TOKEN to the new one',
          )
        : mend(
            'credentials',
            `${answer}: user name or password is wrong`,
            'correct PAYU_USERNAME and PAYU_PASSWORD; do not try often, accounts get locked',
          );
    case 'invalid_request':
      return mend(
        'grant',
        `${answer}: a parameter is missing, or unknown to it`,
        'compare the variables with what PayU told you about this grant',
      );
    default:
      return mend(
        'address',
        `${answer}: that is not what a token endpoint says`,
        `check ${addressVariable(settings)} (its path is usually /oauth/token), and the proxy in between`,
      );
  }
}

/** What Node.js calls the ways in which a connection fails, and what helps. */
const NETWORK: readonly (readonly [codes: RegExp, what: string, remedy: string])[] = [
  [
    /^(ENOTFOUND|EAI_AGAIN)$/,
    'its name cannot be resolved',
    'check the host name and DNS; where only a proxy reaches the internet, set HTTPS_PROXY',
  ],
  [
    /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH)$/,
    'nothing answers there',
    'check host and port, the firewall and HTTPS_PROXY',
  ],
  [
    /CERT|SIGNATURE|ISSUER|^ERR_TLS|^EPROTO$/,
    'its certificate or TLS was not accepted',
    'check the clock; behind a proxy that inspects TLS, set NODE_EXTRA_CA_CERTS to its certificate',
  ],
  [/^(ECONNRESET|EPIPE)$/, 'the connection was cut', 'try again; if it lasts, check proxy and firewall'],
];

function unavailable({ status, cause }: TokenUnavailableError, host: string): Finding {
  if (status !== undefined) {
    return mend(
      'host',
      `${host} answered ${status}: it is out of order at the moment`,
      "try again later; if it lasts, look at PayU's status and at the proxy in between",
    );
  }
  const { code = '', message = '' } = (cause ?? {}) as { code?: string; message?: string };
  const known = NETWORK.find(([codes]) => codes.test(code));
  const what = known?.[1] ?? (message.replace(/ \("tokenTimeoutMs"\)/, '') || 'no answer');
  return mend(
    'host',
    `${host} cannot be reached: ${what}${code === '' ? '' : ` (${code})`}`,
    known?.[2] ?? 'check the network path to it: DNS, HTTPS_PROXY, NO_PROXY, firewall',
  );
}

function addressVariable({ environment }: Settings): string {
  return typeof environment === 'string' ? `PAYU_ENVIRONMENT=${environment}` : 'PAYU_TOKEN_URL';
}

function grantName({ grant }: Settings): string {
  return grant.type === 'custom' ? grant.grantType : grant.type;
}
