const variables = `Variables (secrets are read from nowhere else, and never printed):
  PAYU_ENVIRONMENT        test (default) or production
  PAYU_TOKEN_URL          a token endpoint of your own, in place of PAYU_ENVIRONMENT
  PAYU_SCOPE              the scopes, split by spaces
  PAYU_CLIENT_ID, PAYU_CLIENT_SECRET            client credentials
  PAYU_USERNAME, PAYU_PASSWORD                  password grant; PayU's public client id by default
  PAYU_REFRESH_TOKEN                            refresh grant; needs --save-refresh-token
  PAYU_GRANT_TYPE, PAYU_GRANT_PARAMETERS        another grant; parameters as "name=value&name=value"
  HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY  as axios understands them`;

export const generalHelp: string = `Usage: axios-payu-auth <command> [options]

Commands:
  token     get an access token with the credentials of the environment
  doctor    check credentials, scopes, clock, proxy and network, and say what to mend
  demo      see the library at work against a PayU on this machine; no account needed
  sandbox   run a PayU on this machine, for tests in any language

  axios-payu-auth <command> --help    options and exit codes of a command
  axios-payu-auth --version

${variables}

Exit codes: 0 well · 1 failed, or something to mend · 2 called wrongly; nothing was sent`;

const saving = `  --save-refresh-token FILE
                 write the refresh token that is in force afterwards to FILE, readable by you
                 alone. PayU may replace a refresh token whenever it is used, so with
                 PAYU_REFRESH_TOKEN this option is needed: else the new one would be lost.`;

export const tokenHelp: string = `Usage: axios-payu-auth token [options]

Gets one access token, and prints how long it lives and what it is for.

Options:
  --show-token   print the token, alone on stdout, and all the rest on stderr:
                 curl -H "Authorization: Bearer $(npx axios-payu-auth token --show-token)" …
${saving}

${variables}

Exit codes: 0 a token · 1 no token; the reason is on stderr · 2 called wrongly; nothing was sent`;

export const doctorHelp: string = `Usage: axios-payu-auth doctor [options]

Checks credentials, mix-ups of the environments, each scope, this machine's clock, whether the
server reuses tokens, the proxy settings in force, the rate limit and the network. One line each:
  ok    nothing to do
  note  good to know
  MEND  something is wrong; behind the arrow: what to do

It sends 6 token requests at most, never one after PayU asked to wait. Where a server revokes a
client's earlier tokens, programs that run with this client renew theirs once.

Options:
  --api URL      make one GET to an API with the token, and say what its answer means: a 401 of the
                 token, or a 403, which is the merchant id or this machine's address. Choose a GET
                 that changes nothing. The token goes there: https, or this machine
  --header 'name: value'
                 with --api, for the merchant id and the like; may be given several times
  --ask-other-environment
                 if PayU does not know the credentials, ask PayU's other environment with them too
${saving}

${variables}

Exit codes: 0 nothing to mend · 1 something to mend · 2 called wrongly; nothing was sent`;

export const demoHelp: string = `Usage: axios-payu-auth demo

Plays four scenes on this machine, in a few seconds, with axios as your project has it: 50 calls
and no token yet, 50 calls one after another, 50 calls whose token was just revoked, and 50 calls
while the token endpoint says "retry_after": 2. Nothing leaves this machine.

Exit codes: 0 each scene came to the figures that it claims · 1 one did not · 2 called wrongly`;

export const sandboxHelp: string = `Usage: axios-payu-auth sandbox [options]

Runs an HTTP server on 127.0.0.1 that behaves like PayU's token endpoint and APIs, with made-up
credentials. Prints its address and process id; ends when that process gets SIGINT (Ctrl+C) or
SIGTERM. Started by npx in the background, send the signal to that id, not to npx.

Options:
  --port NUMBER              default 0: a free port
  --token-life SECONDS       life of a new token; default 7200
  --reuse-tokens             answer a mint with the running token of the same scopes
  --revoke-previous          a mint kills the client's earlier tokens
  --refresh-rotation HOW     previous (default), immediate or none
  --status-style STYLE       documented (default), doorkeeper-5.0, doorkeeper-5.1 or doorkeeper-5.5
  --seed NUMBER              the same token values each time
  --json                     print one line of JSON: url, tokenUrl, revokeUrl, pid, credentials

Faults and counters over HTTP, with JSON bodies; GET /_sandbox lists all routes:
  curl URL/_sandbox/stats
  curl -d '{"count":2,"retryAfter":5}' URL/_sandbox/rate-limit
  curl -d '{"count":1,"fault":{"kind":"hang"}}' URL/_sandbox/fail
  curl -d '{}' URL/_sandbox/revoke-all

Exit codes: 0 ended by a signal · 1 the port is taken · 2 called wrongly`;
