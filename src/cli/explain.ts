import type { TokenRefusedError, TokenUnavailableError } from '../index.ts';
import { environments, isPayuAuthError } from '../index.ts';
import type { ProxyInForce } from './doctor/proxy.ts';
import { type Finding, mend } from './finding.ts';
import { inVariables, type Settings } from './settings.ts';

/**
 * Why there is no token, in the words of the command line: which variable to look at, what to do. `proxy` is the one
 * that the token request went through.
 */
export function explain(error: unknown, settings: Settings, proxy: ProxyInForce | undefined): Finding {
  if (!isPayuAuthError(error)) return wrongValue(error);
  switch (error.code) {
    case 'ERR_TOKEN_REFUSED':
      return refused(error, settings, proxy);
    case 'ERR_RATE_LIMITED':
      return rateLimited(error.retryAt);
    case 'ERR_TOKEN_UNAVAILABLE':
      return unavailable(error, hostOf(settings), proxy);
    case 'ERR_TOKEN_RESPONSE':
      return mend(
        'reply',
        `${hostOf(settings)} answered ${error.status}, but with no token in it: ${error.reason}`,
        `check ${addressVariable(settings)}, and the proxy in between: a login page answers like this`,
      );
    case 'ERR_CLOSED':
      throw error;
    default:
      throw error satisfies never;
  }
}

export function rateLimited(retryAt: Date): Finding {
  return mend(
    'rate limit',
    'PayU asked to be left alone for a while, so nothing more was sent',
    `try again after ${retryAt.toISOString()}; if it comes often, find out which programs mint tokens with this client, and let them share one auth or a store`,
  );
}

/** Where the tokens come from, for messages: a URL could hold more than a host. */
export function hostOf({ environment }: Settings): string {
  if (typeof environment === 'string') {
    return `${new URL(environments[environment].tokenUrl).host} (PayU ${environment})`;
  }
  return URL.canParse(environment.tokenUrl) ? new URL(environment.tokenUrl).host : 'the token endpoint';
}

/** Remedies in the library's messages that speak of code: a user of the command line has variables. */
const WRONG_VALUES: readonly (readonly [words: RegExp, remedy: string])[] = [
  [
    / For a host that you trust all the same, set "allowInsecureHttp"$/,
    'use its https address; plain http is for this machine alone',
  ],
  [/, or give a list$/, 'correct it'],
  [
    / Give both or neither$/,
    'unset PAYU_CLIENT_SECRET; with a client of your own, set PAYU_CLIENT_ID as well',
  ],
];

/** Whether the library refused a value at construction, so that nothing was sent. */
export function isWrongValue(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_INVALID_OPTION';
}

/** The library's messages name no value of a secret. */
export function wrongValue(error: unknown): Finding {
  if (!isWrongValue(error)) throw error;
  const message = inVariables(String((error as Error).message)).replace(/\.$/, '');
  const [words, remedy] = WRONG_VALUES.find(([each]) => each.test(message)) ?? [/$/, 'correct it'];
  return mend('variables', message.replace(words, '').replace(/\.$/, ''), remedy);
}

/** Some secrets do begin or end with one, so that only a refusal makes it worth a word. */
function loneMark({ grant: { clientSecret } }: Settings): string {
  return /^["'`]|["'`]$/.test(String(clientSecret)) ? ', which begins or ends with a quotation mark' : '';
}

function refused(
  { error, status }: TokenRefusedError,
  settings: Settings,
  proxy: ProxyInForce | undefined,
): Finding {
  const host = hostOf(settings);
  if (error === undefined && status === 407) return strangerAtTheProxy(host, proxy);
  if (error === undefined && status === 403) {
    return mend(
      'firewall',
      `${host} answered 403, and nothing that a token endpoint says`,
      'a firewall or a list of allowed addresses, in between or at PayU, may keep this machine out: have its address allowed',
    );
  }
  const answer = `${host} answered ${error === undefined ? status : `"${error}"`}`;
  switch (error) {
    case 'invalid_client':
      return mend(
        'credentials',
        `${answer}: it does not know this client id with this secret${loneMark(settings)}`,
        `${copyAnew(settings)} from PayU's dashboard, and check that they belong to ${addressVariable(settings)}`,
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
    /^(?:EPROTO$|ERR_SSL_)/,
    'the two ends do not agree on TLS',
    'check that the port speaks TLS, and the scheme in HTTPS_PROXY; a client certificate, if one is wanted, can be given in code alone ("http.httpsAgent")',
  ],
  [
    /CERT|SIGNATURE|ISSUER|^ERR_TLS/,
    'its certificate was not accepted',
    'check the clock; behind a proxy that inspects TLS, set NODE_EXTRA_CA_CERTS to its certificate',
  ],
  [/^(ECONNRESET|EPIPE)$/, 'the connection was cut', 'try again; if it lasts, check proxy and firewall'],
];

/** Public clients have the grants of a user alone; some leave the secret of another client set beside them. */
function copyAnew({ grant }: Settings): string {
  const mayBePublic = grant.type === 'password' || grant.type === 'refresh_token';
  return mayBePublic && grant.clientSecret !== undefined
    ? 'unset PAYU_CLIENT_SECRET if PAYU_CLIENT_ID is a public one, which is refused with a secret; else copy both anew'
    : 'copy PAYU_CLIENT_ID and PAYU_CLIENT_SECRET anew';
}

function strangerAtTheProxy(host: string, proxy: ProxyInForce | undefined): Finding {
  const who = proxy === undefined ? 'a proxy in between' : `${proxy.name}=${proxy.address}`;
  return mend(
    'proxy',
    `${who} wants credentials, or other ones (407), so ${host} was not reached`,
    `write them into the variable: ${proxy?.name ?? 'HTTPS_PROXY'}=http://USER:PASSWORD@HOST:PORT`,
  );
}

/** With a proxy, nothing but the proxy is connected to: these are never the host's. */
const NO_CONNECTION: readonly (readonly [codes: RegExp, what: string])[] = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'cannot be found'],
  [/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/, 'does not answer'],
];

function deadProxy(code: string, host: string, proxy: ProxyInForce | undefined): Finding | undefined {
  const what = NO_CONNECTION.find(([codes]) => codes.test(code))?.[1];
  if (what === undefined || proxy === undefined) return undefined;
  return mend(
    'proxy',
    `${proxy.name}=${proxy.address} ${what} (${code}), so ${host} was not reached`,
    `check the address of the proxy and whether it runs; where PayU is reached without it, unset ${proxy.name} or name the host in NO_PROXY`,
  );
}

function unavailable(
  { status, cause }: TokenUnavailableError,
  host: string,
  proxy: ProxyInForce | undefined,
): Finding {
  if (status !== undefined) {
    return mend(
      'host',
      `${host} answered ${status}: it is out of order at the moment`,
      "try again later; if it lasts, look at PayU's status and at the proxy in between",
    );
  }
  return noAnswer('host', cause, host, proxy);
}

/** Why nothing came back from a host, by the network's own code. */
export function noAnswer(
  subject: string,
  cause: unknown,
  host: string,
  proxy: ProxyInForce | undefined,
): Finding {
  const { code = '', message = '' } = (cause ?? {}) as { code?: string; message?: string };
  const dead = deadProxy(code, host, proxy);
  if (dead !== undefined) return dead;
  const known = NETWORK.find(([codes]) => codes.test(code));
  const what = known?.[1] ?? (message.replace(/ \("tokenTimeoutMs"\)/, '') || 'no answer');
  return mend(
    subject,
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
