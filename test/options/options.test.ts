import http from 'node:http';
import https from 'node:https';
import { describe, expect, test } from 'vitest';
import { createPayuAuth, MemoryTokenStore, type PayuAuthOptions, publicClientIds } from '../../src/index.ts';

/** Marks all that must never be read in a message. */
const SECRET = 'C4NARY';

const CLIENT = { type: 'client_credentials', clientId: 'id', clientSecret: SECRET };
const PASSWORD = { type: 'password', username: 'user', password: SECRET };
const REFRESH = { type: 'refresh_token', refreshToken: SECRET };
const CUSTOM = { type: 'custom', grantType: 'bbps' };
const RIGHT = { environment: 'test', grant: CLIENT, scope: 'read_bills' };

/** A token URL of one's own, with or without more. */
const at = (tokenUrl: unknown, more: object = {}) => ({ environment: { tokenUrl, ...more } });
const grant = (from: object, change: object) => ({ grant: { ...from, ...change } });

/** What is wrong → the options that differ from the right ones. */
const WRONG: readonly (readonly [string, unknown])[] = [
  ['no options', undefined],
  ['options that are a list', []],
  ['a misspelt option', { scopes: 'read_bills' }],

  ['no environment', { environment: undefined }],
  ['an unknown environment', { environment: 'prod' }],
  ['an environment that is a URL', { environment: 'https://accounts.payu.in/oauth/token' }],
  ['an environment that is a list', { environment: ['test'] }],
  ['a misspelt URL', at('https://a.example/token', { revocationUrl: 'https://a.example/revoke' })],
  ['no token URL', at(undefined)],
  ['a token URL that is a URL object', at(new URL('https://a.example/token'))],
  ['a token URL without a scheme', at('accounts.payu.in/oauth/token')],
  ['a token URL with a placeholder as host', at('https://{host}/oauth/token')],
  ['a token URL with a placeholder as path', at('https://a.example/{path}')],
  ['a token URL with a line break', at('https://a.example/token\n')],
  ['a token URL with a variable of a shell', at('https://a.example/$TOKEN_PATH')],
  ['a token URL with a variable that is not set', at('https://undefined/oauth/token')],
  ['a token URL with an encoded placeholder', at('https://a.example/%7Benv%7D/token')],
  ['a token URL with a placeholder in brackets', at('https://a.example/[env]/token')],
  ['a token URL with a zero-width space', at('https://a.example/\u200btoken')],
  ['a token URL in quotes', at('"https://a.example/token"')],
  ['a token URL from a sentence', at('https://a.example/token,')],
  ['a token URL without a host', at('https:///oauth/token')],
  ['a token URL without its slashes', at('https:a.example/token')],
  ['a token URL behind a base URL with a slash', at('https://a.example//oauth/token')],
  ['a token URL of another scheme', at('ftp://a.example/token')],
  ['a token URL with user info', at(`https://user:${SECRET}@a.example/token`)],
  ['a token URL with a fragment', at('https://a.example/token#top')],
  ['a token URL over plain http', at('http://a.example/token')],
  ['a host that only begins like loopback', at('http://127.0.0.1.evil.example/token')],
  [
    'a revocation URL over plain http',
    at('https://a.example/token', { revokeUrl: 'http://a.example/revoke' }),
  ],
  ['a revocation URL that is none', at('https://a.example/token', { revokeUrl: 7 })],

  ['no grant', { grant: undefined }],
  ['a grant that is a string', { grant: 'client_credentials' }],
  ['a grant without a type', grant(CLIENT, { type: undefined })],
  ['an unknown grant', grant(CLIENT, { type: 'authorization_code' })],
  ['a grant named like a property of every object', grant(CLIENT, { type: 'constructor' })],
  ["another grant's option", grant(CLIENT, { password: SECRET })],
  ['a misspelt credential', grant(CLIENT, { clientsecret: SECRET })],
  ['no client id', grant(CLIENT, { clientId: undefined })],
  ['an empty client id', grant(CLIENT, { clientId: ' ' })],
  ['a client id that is a function', grant(CLIENT, { clientId: () => 'id' })],
  ['no client secret', grant(CLIENT, { clientSecret: undefined })],
  ['an empty client secret', grant(CLIENT, { clientSecret: '' })],
  ['a client secret with a line break', grant(CLIENT, { clientSecret: `${SECRET}\n` })],
  ['a client secret that is a promise', grant(CLIENT, { clientSecret: Promise.resolve(SECRET) })],
  ...[
    ['double quotes', `"${SECRET}"`],
    ['single quotes', `'${SECRET}'`],
    ['back quotes', `\`${SECRET}\``],
    ['an empty pair of quotes', '""'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as a shell would have filled it in
    ['a variable', '${PAYU_CLIENT_SECRET}'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as a shell would have filled it in
    ['a variable inside', 'prefix-${PAYU_CLIENT_SECRET}'],
    ['a template', '{{ .Values.secret }}'],
    ['the place where it belongs', '<your client secret>'],
    ['a variable that is not set, as text', 'undefined'],
    ['a null, as text', 'null'],
    ['a promise, as text', '[object Promise]'],
    ['an object, as text', '[object Object]'],
    ['a NUL', `${SECRET}\0x`],
    ['a line break inside', `${SECRET}\nx`],
    ['a DEL', `${SECRET}\x7Fx`],
    ['a zero-width space', `${SECRET}\u200Bx`],
    ['half of a character', `${SECRET}\uD83Dx`],
  ].map(
    ([what, secret]) => [`a client secret with ${what}`, grant(CLIENT, { clientSecret: secret })] as const,
  ),
  ['a password with quotes', grant(PASSWORD, { password: `"${SECRET}"` })],
  ['a refresh token with quotes', grant(REFRESH, { refreshToken: `'${SECRET}'` })],
  ['a parameter with quotes', grant(CUSTOM, { parameters: { otp: `"${SECRET}"` } })],
  ['a user name with quotes', grant(PASSWORD, { username: '"user"' })],
  ['a client id with quotes', grant(CLIENT, { clientId: '"id"' })],
  ['a client id that begins with a quote', grant(CLIENT, { clientId: '"id' })],
  ['a client id that ends with a quote', grant(CLIENT, { clientId: "id'" })],
  ['a user name that ends with a quote', grant(PASSWORD, { username: '9876543210"' })],
  ['a user name that begins with a quote', grant(PASSWORD, { username: "'o-brien@example.in" })],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as a shell would have filled it in
  ['a client id that is a variable', grant(CLIENT, { clientId: '${PAYU_CLIENT_ID}' })],
  ['a client id with a dash of a text editor', grant(CLIENT, { clientId: 'client–1' })],
  ['no user name', grant(PASSWORD, { username: undefined })],
  ['a user name with a space behind it', grant(PASSWORD, { username: 'user ' })],
  ['a user name that is a number', grant(PASSWORD, { username: 9_876_543_210 })],
  ['no password', grant(PASSWORD, { password: undefined })],
  ['a password with a blank in front', grant(PASSWORD, { password: ` ${SECRET}` })],
  ["production's public client in test", grant(PASSWORD, { clientId: publicClientIds.production })],
  [
    "test's public client in production",
    { environment: 'production', ...grant(REFRESH, { clientId: publicClientIds.test }) },
  ],
  [
    "production's public client, broken as the documents print it",
    grant(PASSWORD, { clientId: publicClientIds.production.replace(/^(.{20})/, '$1 ') }),
  ],
  [
    "production's public client in capitals",
    grant(PASSWORD, { clientId: publicClientIds.production.toUpperCase() }),
  ],
  [
    "production's public client at test's token URL",
    {
      ...at('https://uat-accounts.payu.in/oauth/token'),
      ...grant(PASSWORD, { clientId: publicClientIds.production }),
    },
  ],
  [
    "an origin of PayU's test at production's token URL",
    { ...at('https://ACCOUNTS.payu.in:443/oauth/token'), origins: ['https://uatoneapi.payu.in'] },
  ],
  [
    "a revoke URL of PayU's test at production's token URL",
    {
      environment: {
        tokenUrl: 'https://accounts.payu.in/oauth/token',
        revokeUrl: 'https://uat-accounts.payu.in/oauth/revoke',
      },
    },
  ],
  ["no client id at PayU's token URL", { ...at('https://accounts.payu.in/oauth/token'), grant: PASSWORD }],
  ['a secret of the public client', grant(PASSWORD, { clientSecret: SECRET })],
  ["no client id at a token URL of one's own", { ...at('https://a.example/token'), grant: PASSWORD }],
  ['no refresh token', grant(REFRESH, { refreshToken: undefined })],
  ['an empty refresh token', grant(REFRESH, { refreshToken: '' })],
  ['a custom grant without its type', grant(CUSTOM, { grantType: undefined })],
  ['an empty grant type', grant(CUSTOM, { grantType: '' })],
  ['a grant type in quotes', grant(CUSTOM, { grantType: '"bbps"' })],
  ['a grant type that ends with a quote', grant(CUSTOM, { grantType: 'bbps`' })],
  ['parameters that are a list', grant(CUSTOM, { parameters: [['agent', '1']] })],
  ['parameters that are a form', grant(CUSTOM, { parameters: new URLSearchParams({ agent: '1' }) })],
  ['parameters that are a Map', grant(CUSTOM, { parameters: new Map([['agent', '1']]) })],
  ['a parameter that is a number', grant(CUSTOM, { parameters: { agent: 1 } })],
  ['an empty parameter', grant(CUSTOM, { parameters: { agent: '' } })],
  ['a parameter without a name', grant(CUSTOM, { parameters: { '': 'x' } })],
  ['a parameter with an option of its own', grant(CUSTOM, { parameters: { client_secret: SECRET } })],
  ['the scope as a parameter', grant(CUSTOM, { parameters: { scope: 'read_bills' } })],

  ['a client id that is not set, as text', grant(CLIENT, { clientId: 'undefined' })],
  ['a client id that is an object, as text', grant(CLIENT, { clientId: '[object Object]' })],
  ['a user name that is not set, as text', grant(PASSWORD, { username: 'null' })],

  ['no scope', { scope: undefined }],
  ['a scope that is not set, as text', { scope: 'undefined' }],
  ['a null among scopes, as text', { scope: ['read_bills', 'null'] }],
  ['an object as scope, as text', { scope: '[object Object]' }],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as a shell would have filled it in
  ['a scope that is a variable', { scope: '${PAYU_SCOPE}' }],
  ['a scope that is a template', { scope: '{{ .Values.scope }}' }],
  ['the place where the scope belongs', { scope: '<scope>' }],
  ['an empty scope', { scope: ' ' }],
  ['an empty list of scopes', { scope: [] }],
  ['an empty scope among others', { scope: ['read_bills', ''] }],
  ['a scope that is an object', { scope: { create: 'read_bills' } }],
  ['scopes with commas', { scope: 'read_bills,read_plans' }],
  ['scopes with a comma in a list', { scope: ['read_bills,'] }],
  ['scopes with a semicolon', { scope: 'read_bills;read_plans' }],
  ['scopes with semicolons and blanks', { scope: 'read_bills; read_plans' }],
  ['scopes with a bar', { scope: 'read_bills|read_plans' }],
  ['scopes of a form', { scope: 'read_bills+read_plans' }],
  ['scopes of a URL', { scope: 'read_bills%20read_plans' }],
  ['a scope with a quotation mark inside', { scope: 'read_bills"read_plans' }],
  ['scopes in quotes', { scope: "'read_bills read_plans'" }],

  ['origins in a string', { origins: 'https://api.example' }],
  ['an origin with a path', { origins: ['https://api.example', 'https://api.example/v1'] }],
  ['an origin without a scheme', { origins: ['api.example'] }],
  ["an origin of PayU's other environment", { origins: ['https://oneapi.payu.in'] }],
  ["the accounts server of PayU's other environment", { origins: ['https://accounts.payu.in'] }],
  ['an origin with a wildcard', { origins: ['https://*.payu.in'] }],
  ['an origin that is an object', { origins: [new URL('https://api.example')] }],

  ['a header in a string', { header: 'X-Partner-Token' }],
  ['a header without a name', { header: { prefix: 'Bearer' } }],
  ['a header name with a colon', { header: { name: 'X-Partner-Token:' } }],
  ['a misspelt part of the header', { header: { name: 'X-Partner-Token', scheme: 'Bearer' } }],
  ['a prefix that is no string', { header: { name: 'X-Partner-Token', prefix: false } }],
  ['a prefix with a line break', { header: { name: 'X-Partner-Token', prefix: 'Bearer\nX' } }],

  ['a negative duration', { renewAheadMs: -1 }],
  ['a duration in a string', { renewAheadMs: '60s' }],
  ['a duration that is NaN', { renewAheadMs: Number.NaN }],
  ['a life of nothing', { defaultLifeMs: 0 }],
  ['no end of a token request', { tokenTimeoutMs: Number.POSITIVE_INFINITY }],
  ['no time for a token request', { tokenTimeoutMs: 0 }],
  ['a negative wait', { maxWaitMs: -1 }],
  ['a wait of null', { maxWaitMs: null }],
  ['no try', { tokenAttempts: 0 }],
  ['half a try', { tokenAttempts: 1.5 }],
  ['tries of null', { tokenAttempts: null }],
  ['fewer than no retries', { rateLimitRetries: -1 }],
  ['retries without end', { rateLimitRetries: Number.POSITIVE_INFINITY }],

  ['a status as refusal', { isTokenRefused: 401 }],
  ['null as refusal', { isTokenRefused: null }],
  ['a store that is a Map', { store: new Map() }],
  ['no store', { store: null }],
  ['http that is an agent', { http: 'https' }],
  ['another option of axios', { http: { timeout: 1_000 } }],
  ['an adapter that is none', { http: { adapter: {} } }],
  ['an adapter that axios does not know', { http: { adapter: 'nope' } }],
  ['an adapter named like a property of every object', { http: { adapter: 'constructor' } }],
  ['an adapter without a name', { http: { adapter: '' } }],
  ['an adapter of a browser', { http: { adapter: 'xhr' } }],
  ['no adapter', { http: { adapter: [] } }],
  ['an unknown adapter among others', { http: { adapter: ['http', 'nope'] } }],
  ['a number among adapters', { http: { adapter: ['http', 7] } }],
  ['a proxy in a string', { http: { proxy: `http://user:${SECRET}@proxy.example:3128` } }],
  ['a proxy without a host', { http: { proxy: { port: 3128 } } }],
  ['a proxy whose host is a URL', { http: { proxy: { host: 'http://proxy.example', port: 3128 } } }],
  ['a proxy whose host has its port', { http: { proxy: { host: 'proxy.example:3128' } } }],
  ['a proxy whose port is none', { http: { proxy: { host: 'proxy.example', port: 'abc' } } }],
  ['a proxy whose port is too high', { http: { proxy: { host: 'proxy.example', port: 65_536 } } }],
  [
    'a proxy of a protocol that axios does not speak',
    { http: { proxy: { host: 'proxy.example', port: 1080, protocol: 'socks5' } } },
  ],
  ['a proxy whose host is a number', { http: { proxy: { host: 3128 } } }],
  ['a proxy whose host is a list', { http: { proxy: { host: ['proxy.example'] } } }],
  ['a proxy whose host has no text at all', { http: { proxy: { host: Object.create(null) } } }],
  ['a proxy whose host has a NUL', { http: { proxy: { host: 'proxy.example\0' } } }],
  ['a proxy whose port is a list', { http: { proxy: { host: 'proxy.example', port: [] } } }],
  [
    'a proxy whose port has no text at all',
    { http: { proxy: { host: 'proxy.example', port: Object.create(null) } } },
  ],
  ['a proxy whose protocol is a list', { http: { proxy: { host: 'proxy.example', protocol: ['http'] } } }],
  ['a proxy with credentials that are a number', { http: { proxy: { host: 'proxy.example', auth: 7 } } }],
  ['a proxy with credentials that are a flag', { http: { proxy: { host: 'proxy.example', auth: true } } }],
  ['a proxy with no credentials in their object', { http: { proxy: { host: 'proxy.example', auth: {} } } }],
  [
    'a proxy with the credentials of another library',
    { http: { proxy: { host: 'proxy.example', auth: { user: 'u', pass: SECRET } } } },
  ],
  [
    'a proxy whose password is a function',
    { http: { proxy: { host: 'proxy.example', auth: { username: 'u', password: () => SECRET } } } },
  ],
  ['a proxy that fetch knows nothing of', { http: { adapter: 'fetch', proxy: { host: 'a.b', port: 1 } } }],
  ['an agent that fetch knows nothing of', { http: { adapter: 'fetch', httpsAgent: new https.Agent() } }],
  [
    'a lookup that the first adapter knows nothing of',
    { http: { adapter: ['xhr', 'fetch', 'http'], lookup() {} } },
  ],
  ['a socket that fetch knows nothing of', { http: { adapter: ['fetch'], socketPath: '/tmp/socket' } }],
  ['a family that fetch knows nothing of', { http: { adapter: 'fetch', family: 4 } }],
  ['an agent that is none', { http: { httpAgent: 'keep-alive' } }],
  ['an agent that is a flag', { http: { httpsAgent: true } }],
  ['the options of an agent', { http: { httpsAgent: { keepAlive: true } } }],
  ['an agent of plain http for https', { http: { httpsAgent: new http.Agent() } }],
  ['an unknown family', { http: { family: 5 } }],
  ['a lookup that is none', { http: { lookup: '8.8.8.8' } }],
  ['an empty socket path', { http: { socketPath: '' } }],
  ['a listener that is an object', { onEvent: {} }],
  ['insecure http as text', { allowInsecureHttp: 'yes' }],
];

function create(options: unknown): unknown {
  return createPayuAuth(options as PayuAuthOptions);
}

function thrownBy(difference: unknown): unknown {
  const isWhole = typeof difference !== 'object' || Array.isArray(difference);
  try {
    create(isWhole ? difference : { ...RIGHT, ...difference });
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a wrong option throws a TypeError with the code ERR_INVALID_OPTION at construction', () => {
  test.each(WRONG)('%s', (_, difference) => {
    const error = thrownBy(difference);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION' });
    expect(`${(error as Error).message} ${(error as Error).stack}`).not.toContain(SECRET);
  });

  test('and says in plain words what is wrong, and what to write instead', () => {
    const messages = WRONG.map(([what, difference]) => `${what}: ${(thrownBy(difference) as Error).message}`);
    expect(messages.join('\n')).toMatchInlineSnapshot(`
      "no options: "options" must be an object such as { environment, grant, scope }.
      options that are a list: "options" must be an object such as { environment, grant, scope }.
      a misspelt option: "scopes" is not an option; there are: environment, grant, scope, origins, header, renewAheadMs, defaultLifeMs, tokenTimeoutMs, maxWaitMs, tokenAttempts, rateLimitRetries, isTokenRefused, store, http, onEvent, allowInsecureHttp.
      no environment: "environment" must be "test" or "production", exactly so, or { tokenUrl, revokeUrl? }; got undefined: check that the variable it comes from is set.
      an unknown environment: "environment" must be "test" or "production", exactly so, or { tokenUrl, revokeUrl? }; got a string.
      an environment that is a URL: "environment" must be "test" or "production", exactly so, or { tokenUrl, revokeUrl? }; got a string.
      an environment that is a list: "environment" must be "test" or "production", exactly so, or { tokenUrl, revokeUrl? }; got a list.
      a misspelt URL: "environment.revocationUrl" is not an option; there are: tokenUrl, revokeUrl.
      no token URL: "environment.tokenUrl" must be a URL such as "https://accounts.payu.in/oauth/token"; got undefined: check that the variable it comes from is set.
      a token URL that is a URL object: "environment.tokenUrl" must be a URL such as "https://accounts.payu.in/oauth/token"; got an object.
      a token URL without a scheme: "environment.tokenUrl" must begin with https://, such as "https://accounts.payu.in/oauth/token".
      a token URL with a placeholder as host: "environment.tokenUrl" holds white space, a quotation mark, braces or other debris: leave it out, or fill in the placeholder.
      a token URL with a placeholder as path: "environment.tokenUrl" holds white space, a quotation mark, braces or other debris: leave it out, or fill in the placeholder.
      a token URL with a line break: "environment.tokenUrl" holds white space, a quotation mark, braces or other debris: leave it out, or fill in the placeholder.
      a token URL with a variable of a shell: "environment.tokenUrl" holds white space, a quotation mark, braces or other debris: leave it out, or fill in the placeholder.
      a token URL with a variable that is not set: "environment.tokenUrl" holds white space, a quotation mark, braces or other debris: leave it out, or fill in the placeholder.
      a token URL with an encoded placeholder: "environment.tokenUrl" holds white space, a quotation mark, braces or other debris: leave it out, or fill in the placeholder.
      a token URL with a placeholder in brackets: "environment.tokenUrl" holds white space, a quotation mark, braces or other debris: leave it out, or fill in the placeholder.
      a token URL with a zero-width space: "environment.tokenUrl" holds white space, a quotation mark, braces or other debris: leave it out, or fill in the placeholder.
      a token URL in quotes: "environment.tokenUrl" holds white space, a quotation mark, braces or other debris: leave it out, or fill in the placeholder.
      a token URL from a sentence: "environment.tokenUrl" holds white space, a quotation mark, braces or other debris: leave it out, or fill in the placeholder.
      a token URL without a host: "environment.tokenUrl" must begin with https://, such as "https://accounts.payu.in/oauth/token".
      a token URL without its slashes: "environment.tokenUrl" must begin with https://, such as "https://accounts.payu.in/oauth/token".
      a token URL behind a base URL with a slash: "environment.tokenUrl" holds a doubled slash: was it put together from a URL that ends with one?
      a token URL of another scheme: "environment.tokenUrl" must begin with https://, such as "https://accounts.payu.in/oauth/token".
      a token URL with user info: "environment.tokenUrl" must hold neither user name, password nor fragment: leave them out.
      a token URL with a fragment: "environment.tokenUrl" must hold neither user name, password nor fragment: leave them out.
      a token URL over plain http: "environment.tokenUrl" must begin with https://: over plain http, anybody on the way reads the secret. For a host that you trust all the same, set "allowInsecureHttp".
      a host that only begins like loopback: "environment.tokenUrl" must begin with https://: over plain http, anybody on the way reads the secret. For a host that you trust all the same, set "allowInsecureHttp".
      a revocation URL over plain http: "environment.revokeUrl" must begin with https://: over plain http, anybody on the way reads the secret. For a host that you trust all the same, set "allowInsecureHttp".
      a revocation URL that is none: "environment.revokeUrl" must be a URL such as "https://accounts.payu.in/oauth/token"; got a number.
      no grant: "grant" must be an object such as { type: "client_credentials", … }.
      a grant that is a string: "grant" must be an object such as { type: "client_credentials", … }.
      a grant without a type: "grant.type" must be "client_credentials", "password", "refresh_token" or "custom".
      an unknown grant: "grant.type" must be "client_credentials", "password", "refresh_token" or "custom".
      a grant named like a property of every object: "grant.type" must be "client_credentials", "password", "refresh_token" or "custom".
      another grant's option: "grant.password" is not an option; there are: type, clientId, clientSecret.
      a misspelt credential: "grant.clientsecret" is not an option; there are: type, clientId, clientSecret.
      no client id: "grant.clientId" must be given: the client id that PayU shared with you.
      an empty client id: "grant.clientId" must be a non-empty string; got an empty string: check that the variable it comes from is set.
      a client id that is a function: "grant.clientId" must be a non-empty string; got a function.
      no client secret: "grant.clientSecret" must be a string, or a function that returns one or a promise of one; got undefined: check that the variable it comes from is set.
      an empty client secret: "grant.clientSecret" must not be empty: check that the variable it comes from is set.
      a client secret with a line break: "grant.clientSecret" must not begin or end with white space, such as a line break from a file: trim it.
      a client secret that is a promise: "grant.clientSecret" must be a string, or a function that returns one or a promise of one; got a promise.
      a client secret with double quotes: "grant.clientSecret" must not begin and end with a quotation mark, as a value of an .env file may: leave the marks out.
      a client secret with single quotes: "grant.clientSecret" must not begin and end with a quotation mark, as a value of an .env file may: leave the marks out.
      a client secret with back quotes: "grant.clientSecret" must not begin and end with a quotation mark, as a value of an .env file may: leave the marks out.
      a client secret with an empty pair of quotes: "grant.clientSecret" must not begin and end with a quotation mark, as a value of an .env file may: leave the marks out.
      a client secret with a variable: "grant.clientSecret" holds a placeholder that nobody filled in, of a shell, a template or a variable that is not set: give the value itself.
      a client secret with a variable inside: "grant.clientSecret" holds a placeholder that nobody filled in, of a shell, a template or a variable that is not set: give the value itself.
      a client secret with a template: "grant.clientSecret" holds a placeholder that nobody filled in, of a shell, a template or a variable that is not set: give the value itself.
      a client secret with the place where it belongs: "grant.clientSecret" holds a placeholder that nobody filled in, of a shell, a template or a variable that is not set: give the value itself.
      a client secret with a variable that is not set, as text: "grant.clientSecret" holds a placeholder that nobody filled in, of a shell, a template or a variable that is not set: give the value itself.
      a client secret with a null, as text: "grant.clientSecret" holds a placeholder that nobody filled in, of a shell, a template or a variable that is not set: give the value itself.
      a client secret with a promise, as text: "grant.clientSecret" holds a placeholder that nobody filled in, of a shell, a template or a variable that is not set: give the value itself.
      a client secret with an object, as text: "grant.clientSecret" holds a placeholder that nobody filled in, of a shell, a template or a variable that is not set: give the value itself.
      a client secret with a NUL: "grant.clientSecret" holds a control character, such as a line break, which RFC 6749 does not allow (appendix A): take it out.
      a client secret with a line break inside: "grant.clientSecret" holds a control character, such as a line break, which RFC 6749 does not allow (appendix A): take it out.
      a client secret with a DEL: "grant.clientSecret" holds a control character, such as a line break, which RFC 6749 does not allow (appendix A): take it out.
      a client secret with a zero-width space: "grant.clientSecret" holds a character that can not be seen, as copied text may: type that place anew.
      a client secret with half of a character: "grant.clientSecret" holds half of a character: it was cut, or read in a wrong encoding.
      a password with quotes: "grant.password" must not begin and end with a quotation mark, as a value of an .env file may: leave the marks out.
      a refresh token with quotes: "grant.refreshToken" must not begin and end with a quotation mark, as a value of an .env file may: leave the marks out.
      a parameter with quotes: "grant.parameters.otp" must not begin and end with a quotation mark, as a value of an .env file may: leave the marks out.
      a user name with quotes: "grant.username" must not begin and end with a quotation mark, as a value of an .env file may: leave the marks out.
      a client id with quotes: "grant.clientId" must not begin and end with a quotation mark, as a value of an .env file may: leave the marks out.
      a client id that begins with a quote: "grant.clientId" must not begin or end with a quotation mark that has no other, as copied text may: leave the mark out.
      a client id that ends with a quote: "grant.clientId" must not begin or end with a quotation mark that has no other, as copied text may: leave the mark out.
      a user name that ends with a quote: "grant.username" must not begin or end with a quotation mark that has no other, as copied text may: leave the mark out.
      a user name that begins with a quote: "grant.username" must not begin or end with a quotation mark that has no other, as copied text may: leave the mark out.
      a client id that is a variable: "grant.clientId" holds a placeholder that nobody filled in, of a shell, a template or a variable that is not set: give the value itself.
      a client id with a dash of a text editor: "grant.clientId" must be ASCII without control characters (RFC 6749 appendix A.1): copy it anew.
      no user name: "grant.username" must be a non-empty string; got undefined: check that the variable it comes from is set.
      a user name with a space behind it: "grant.username" must not begin or end with white space: trim it.
      a user name that is a number: "grant.username" must be a non-empty string; got a number.
      no password: "grant.password" must be a string, or a function that returns one or a promise of one; got undefined: check that the variable it comes from is set.
      a password with a blank in front: "grant.password" must not begin or end with white space, such as a line break from a file: trim it.
      production's public client in test: "grant.clientId" is PayU's public client id of the production environment, but "environment" is "test". Leave it out.
      test's public client in production: "grant.clientId" is PayU's public client id of the test environment, but "environment" is "production". Leave it out.
      production's public client, broken as the documents print it: "grant.clientId" is PayU's public client id of the production environment, but "environment" is "test". Leave it out.
      production's public client in capitals: "grant.clientId" is PayU's public client id of the production environment, but "environment" is "test". Leave it out.
      production's public client at test's token URL: "grant.clientId" is PayU's public client id of the production environment, but "environment.tokenUrl" leads to test. Change one of the two.
      an origin of PayU's test at production's token URL: "origins[0]" is a host of PayU's other environment than the option "environment" says. Change one of the two.
      a revoke URL of PayU's test at production's token URL: "environment.revokeUrl" is a host of PayU's other environment than "environment.tokenUrl". Change one of the two.
      no client id at PayU's token URL: "grant.clientId" must be given where "environment" is neither "test" nor "production".
      a secret of the public client: "grant.clientSecret" needs "grant.clientId": the public client, which is the default, has no secret. Give both or neither.
      no client id at a token URL of one's own: "grant.clientId" must be given where "environment" is neither "test" nor "production".
      no refresh token: "grant.refreshToken" must be a string, or a function that returns one or a promise of one; got undefined: check that the variable it comes from is set.
      an empty refresh token: "grant.refreshToken" must not be empty: check that the variable it comes from is set.
      a custom grant without its type: "grant.grantType" must be a non-empty string; got undefined: check that the variable it comes from is set.
      an empty grant type: "grant.grantType" must be a non-empty string; got an empty string: check that the variable it comes from is set.
      a grant type in quotes: "grant.grantType" must not begin and end with a quotation mark, as a value of an .env file may: leave the marks out.
      a grant type that ends with a quote: "grant.grantType" must not begin or end with a quotation mark that has no other, as copied text may: leave the mark out.
      parameters that are a list: "grant.parameters" must be an object such as { name: value }, one form parameter each.
      parameters that are a form: "grant.parameters" must be an object such as { name: value }, one form parameter each.
      parameters that are a Map: "grant.parameters" must be an object such as { name: value }, one form parameter each.
      a parameter that is a number: "grant.parameters.agent" must be a string, or a function that returns one or a promise of one; got a number.
      an empty parameter: "grant.parameters.agent" must not be empty: check that the variable it comes from is set.
      a parameter without a name: "grant.parameters" holds a parameter without a name.
      a parameter with an option of its own: "grant.parameters.client_secret" is set by an option of its own: leave it out here.
      the scope as a parameter: "grant.parameters.scope" is set by an option of its own: leave it out here.
      a client id that is not set, as text: "grant.clientId" holds a placeholder that nobody filled in, of a shell, a template or a variable that is not set: give the value itself.
      a client id that is an object, as text: "grant.clientId" holds a placeholder that nobody filled in, of a shell, a template or a variable that is not set: give the value itself.
      a user name that is not set, as text: "grant.username" holds a placeholder that nobody filled in, of a shell, a template or a variable that is not set: give the value itself.
      no scope: "scope" must be a scope such as scopes.payouts.create, or a non-empty list of them; got undefined: check that the variable it comes from is set.
      a scope that is not set, as text: "scope" holds "undefined", a placeholder that nobody filled in: give the scope.
      a null among scopes, as text: "scope" holds "null", a placeholder that nobody filled in: give the scope.
      an object as scope, as text: "scope" holds "[object", a placeholder that nobody filled in: give the scope.
      a scope that is a variable: "scope" holds "\${PAYU_SCOPE}", a placeholder that nobody filled in: give the scope.
      a scope that is a template: "scope" holds "{{", a placeholder that nobody filled in: give the scope.
      the place where the scope belongs: "scope" holds "<scope>", a placeholder that nobody filled in: give the scope.
      an empty scope: "scope" must be a scope such as scopes.payouts.create, or a non-empty list of them; got an empty string: check that the variable it comes from is set.
      an empty list of scopes: "scope" must be a scope such as scopes.payouts.create, or a non-empty list of them; got a list.
      an empty scope among others: "scope" must be a scope such as scopes.payouts.create, or a non-empty list of them; got an empty string: check that the variable it comes from is set.
      a scope that is an object: "scope" must be a scope such as scopes.payouts.create, or a non-empty list of them; got an object.
      scopes with commas: "scope" holds "read_bills,read_plans", with another separator: separate scopes by spaces, or give a list.
      scopes with a comma in a list: "scope" holds "read_bills,", with another separator: separate scopes by spaces, or give a list.
      scopes with a semicolon: "scope" holds "read_bills;read_plans", with another separator: separate scopes by spaces, or give a list.
      scopes with semicolons and blanks: "scope" holds "read_bills;", with another separator: separate scopes by spaces, or give a list.
      scopes with a bar: "scope" holds "read_bills|read_plans", with another separator: separate scopes by spaces, or give a list.
      scopes of a form: "scope" holds "read_bills+read_plans", with another separator: separate scopes by spaces, or give a list.
      scopes of a URL: "scope" holds "read_bills%20read_plans", with another separator: separate scopes by spaces, or give a list.
      a scope with a quotation mark inside: "scope" holds "read_bills\\"read_plans", which has a character that no scope may have (RFC 6749 section 3.3).
      scopes in quotes: "scope" holds "'read_bills", with a quotation mark, as a value of an .env file may have: leave it out.
      origins in a string: "origins" must be a list such as ["https://api.example"].
      an origin with a path: "origins[1]" must be an http or https origin such as "https://api.example", without a path.
      an origin without a scheme: "origins[0]" must be an http or https origin such as "https://api.example", without a path.
      an origin of PayU's other environment: "origins[0]" is a host of PayU's other environment than the option "environment" says. Change one of the two.
      the accounts server of PayU's other environment: "origins[0]" is a host of PayU's other environment than the option "environment" says. Change one of the two.
      an origin with a wildcard: "origins[0]" must be one whole origin: there are no wildcards. List each host.
      an origin that is an object: "origins[0]" must be an http or https origin such as "https://api.example", without a path.
      a header in a string: "header" must be { name, prefix? } such as { name: "X-Partner-Token" }.
      a header without a name: "header.name" must be a header name such as "X-Partner-Token".
      a header name with a colon: "header.name" must be a header name such as "X-Partner-Token".
      a misspelt part of the header: "header.scheme" is not an option; there are: name, prefix.
      a prefix that is no string: "header.prefix" must be an auth-scheme such as "Bearer", or "" for the bare token.
      a prefix with a line break: "header.prefix" must be an auth-scheme such as "Bearer", or "" for the bare token.
      a negative duration: "renewAheadMs" must be a number of milliseconds, 0 or more; got -1.
      a duration in a string: "renewAheadMs" must be a number of milliseconds, 0 or more; got a string.
      a duration that is NaN: "renewAheadMs" must be a number of milliseconds, 0 or more; got NaN.
      a life of nothing: "defaultLifeMs" must be a number of milliseconds, 1 or more; got 0.
      no end of a token request: "tokenTimeoutMs" must be a number of milliseconds, 1 or more; got Infinity.
      no time for a token request: "tokenTimeoutMs" must be a number of milliseconds, 1 or more; got 0.
      a negative wait: "maxWaitMs" must be a number of milliseconds, 0 or more; got -1.
      a wait of null: "maxWaitMs" must be a number of milliseconds, 0 or more; got null.
      no try: "tokenAttempts" must be a whole number, 1 or more; got 0.
      half a try: "tokenAttempts" must be a whole number, 1 or more; got 1.5.
      tries of null: "tokenAttempts" must be a whole number, 1 or more; got null.
      fewer than no retries: "rateLimitRetries" must be a whole number, 0 or more; got -1.
      retries without end: "rateLimitRetries" must be a whole number, 0 or more; got Infinity.
      a status as refusal: "isTokenRefused" must be a function; got 401.
      null as refusal: "isTokenRefused" must be a function; got null.
      a store that is a Map: "store" must be a TokenStore such as new MemoryTokenStore() or redisTokenStore(client); it has no method "withLock".
      no store: "store" must be a TokenStore such as new MemoryTokenStore() or redisTokenStore(client); it has no method "get".
      http that is an agent: "http" must be an object such as { proxy, httpsAgent }.
      another option of axios: "http.timeout" is not an option; there are: adapter, proxy, httpAgent, httpsAgent, family, lookup, socketPath.
      an adapter that is none: "http.adapter" must be an adapter function, "http" or "fetch", or a list of these.
      an adapter that axios does not know: "http.adapter" must be an adapter function, "http" or "fetch", or a list of these.
      an adapter named like a property of every object: "http.adapter" must be an adapter function, "http" or "fetch", or a list of these.
      an adapter without a name: "http.adapter" must be an adapter function, "http" or "fetch", or a list of these.
      an adapter of a browser: "http.adapter" must be an adapter function, "http" or "fetch", or a list of these.
      no adapter: "http.adapter" must be an adapter function, "http" or "fetch", or a list of these.
      an unknown adapter among others: "http.adapter" must be an adapter function, "http" or "fetch", or a list of these.
      a number among adapters: "http.adapter" must be an adapter function, "http" or "fetch", or a list of these.
      a proxy in a string: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy without a host: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy whose host is a URL: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy whose host has its port: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy whose port is none: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy whose port is too high: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy of a protocol that axios does not speak: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy whose host is a number: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy whose host is a list: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy whose host has no text at all: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy whose host has a NUL: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy whose port is a list: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy whose port has no text at all: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy whose protocol is a list: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy with credentials that are a number: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy with credentials that are a flag: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy with no credentials in their object: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy with the credentials of another library: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy whose password is a function: "http.proxy" must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.
      a proxy that fetch knows nothing of: "http.proxy" is not heeded by the fetch adapter: leave it out, or leave out "http.adapter".
      an agent that fetch knows nothing of: "http.httpsAgent" is not heeded by the fetch adapter: leave it out, or leave out "http.adapter".
      a lookup that the first adapter knows nothing of: "http.lookup" is not heeded by the fetch adapter: leave it out, or leave out "http.adapter".
      a socket that fetch knows nothing of: "http.socketPath" is not heeded by the fetch adapter: leave it out, or leave out "http.adapter".
      a family that fetch knows nothing of: "http.family" is not heeded by the fetch adapter: leave it out, or leave out "http.adapter".
      an agent that is none: "http.httpAgent" must be an agent such as new http.Agent({ keepAlive: true }).
      an agent that is a flag: "http.httpsAgent" must be an agent that speaks https, such as new https.Agent({ keepAlive: true }).
      the options of an agent: "http.httpsAgent" must be an agent that speaks https, such as new https.Agent({ keepAlive: true }).
      an agent of plain http for https: "http.httpsAgent" must be an agent that speaks https, such as new https.Agent({ keepAlive: true }).
      an unknown family: "http.family" must be 4 or 6.
      a lookup that is none: "http.lookup" must be a function such as dns.lookup.
      an empty socket path: "http.socketPath" must be the path of a socket, or null.
      a listener that is an object: "onEvent" must be a function; got an object.
      insecure http as text: "allowInsecureHttp" must be true or false; got a string."
    `);
  });
});

describe('what a polluted Object.prototype holds is no option (G6)', () => {
  const OWN_URLS = { environment: { tokenUrl: 'http://127.0.0.1:9/token' } };

  /** With `polluted` on each object there is, for as long as the task takes. */
  function polluting<T>(polluted: object, task: () => T): T {
    Object.assign(Object.prototype, polluted);
    try {
      return task();
    } finally {
      for (const name of Object.keys(polluted)) delete (Object.prototype as Record<string, unknown>)[name];
    }
  }

  test.each<[string, object, object, RegExp]>([
    ['a scope', { scope: 'read_bills' }, { scope: undefined, ...OWN_URLS }, /^"scope"/],
    ['an environment', { environment: 'test' }, { environment: undefined }, /^"environment"/],
    ['a grant', { grant: CLIENT }, { grant: undefined }, /^"grant"/],
    [
      'a client secret',
      { clientSecret: SECRET },
      { grant: { type: 'client_credentials', clientId: 'id' } },
      /^"grant.clientSecret"/,
    ],
    [
      'a client id',
      { clientId: 'id' },
      { grant: { type: 'client_credentials', clientSecret: SECRET } },
      /^"grant.clientId"/,
    ],
    [
      'the type of a grant',
      { type: 'client_credentials' },
      { grant: { clientId: 'id', clientSecret: SECRET } },
      /^"grant.type"/,
    ],
    [
      'a token URL',
      { tokenUrl: 'https://evil.example/token' },
      { environment: {} },
      /^"environment.tokenUrl"/,
    ],
    ['the name of a header', { name: 'X-Token' }, { header: {} }, /^"header.name"/],
    ['the host of a proxy', { host: 'evil.example' }, { http: { proxy: {} } }, /^"http.proxy"/],
    [
      'leave for plain http',
      { allowInsecureHttp: true },
      { environment: { tokenUrl: 'http://a.example/token' } },
      /^"environment.tokenUrl"/,
    ],
  ])('%s', (_, polluted, wrong, message) => {
    const { environment, grant, scope, ...rest } = { ...RIGHT, ...wrong };
    const options = Object.fromEntries(
      Object.entries({ environment, grant, scope, ...rest }).filter(([, value]) => value !== undefined),
    );
    expect(() => create(options)).toThrow(message);
    polluting(polluted, () => expect(() => create(options)).toThrow(message));
  });

  test.each<[string, object]>([
    ['a store', { store: 7 }],
    ['http', { http: 7 }],
    ['a listener', { onEvent: 7 }],
    ['a number', { maxWaitMs: -1 }],
    ['a header', { header: 7 }],
    ['origins', { origins: 7 }],
    ['a revocation URL', { revokeUrl: 7 }],
    ['a client secret', { clientSecret: 7 }],
    ['parameters', { parameters: 7 }],
    ['a parameter that has an option of its own', { client_secret: SECRET }],
    ['the prefix of a header', { prefix: 7 }],
  ])('%s that would be refused', (_, polluted) => {
    polluting(polluted, () => {
      create({
        scope: 'read_bills',
        grant: {
          ...CUSTOM,
          clientId: 'id',
          ...('parameters' in Object.prototype ? {} : { parameters: { id: 'x' } }),
        },
        ...OWN_URLS,
        ...('header' in Object.prototype ? {} : { header: { name: 'X-Token' } }),
      });
    });
  });

  test('but what a class of their own has, options have: it was written for them', () => {
    class Settings {
      readonly type = 'client_credentials';
      readonly clientId = 'id';
      get clientSecret(): string {
        return SECRET;
      }
    }
    create({ ...RIGHT, grant: new Settings() });
  });
});

describe('options on the right side of the boundary are taken', () => {
  test.each<[string, unknown]>([
    ['the fewest', {}],
    ['production', { environment: 'production' }],
    ["a token URL of one's own", at('https://a.example/token')],
    ['plain http to 127.0.0.1', at('http://127.0.0.1:8080/token')],
    ['plain http to all of 127/8', at('http://127.9.9.9/token')],
    ['plain http to localhost', at('http://localhost/token')],
    ['plain http to a name below localhost', at('http://payu.localhost/token')],
    ['plain http to [::1]', at('http://[::1]/token')],
    ['plain http elsewhere, on purpose', { ...at('http://a.example/token'), allowInsecureHttp: true }],
    ['a secret as a function', grant(CLIENT, { clientSecret: () => SECRET })],
    ['a secret with quotes inside', grant(CLIENT, { clientSecret: `a"${SECRET}'b` })],
    ['a secret that only begins with a quote', grant(CLIENT, { clientSecret: `"${SECRET}` })],
    ['a secret with a dollar and braces', grant(CLIENT, { clientSecret: `$a{${SECRET}}` })],
    ['a secret in UTF-8, with + % & : @', grant(CLIENT, { clientSecret: 'pässwörd ₹ 😀 +%&:@' })],
    ['a password with a tab inside', grant(PASSWORD, { password: 'a\tb' })],
    ['a user name that is an address', grant(PASSWORD, { username: "o'brien+payu@example.in" })],
    ['the public client by default', { grant: PASSWORD }],
    ['the public client by name', grant(PASSWORD, { clientId: publicClientIds.test })],
    [
      "the other environment's public client at a token URL of one's own",
      { ...at('https://a.example/token'), ...grant(PASSWORD, { clientId: publicClientIds.production }) },
    ],
    [
      "test's public client at test's token URL",
      {
        ...at('https://uat-accounts.payu.in/oauth/token'),
        ...grant(PASSWORD, { clientId: publicClientIds.test }),
      },
    ],
    ['a confidential client with a password', grant(PASSWORD, { clientId: 'id', clientSecret: SECRET })],
    ['a custom grant without a client', { grant: CUSTOM }],
    ['several scopes in a string', { scope: 'read_bills read_plans' }],
    ['origins', { origins: ['HTTPS://API.example:443', 'http://localhost:8080'] }],
    ['the bare token in another header', { header: { name: 'X-Partner-Token', prefix: '' } }],
    ['never early', { renewAheadMs: 0 }],
    ['a life of a millisecond', { defaultLifeMs: 1 }],
    ['a token request of a millisecond', { tokenTimeoutMs: 1 }],
    ['no waiting', { maxWaitMs: 0 }],
    ['a single try', { tokenAttempts: 1 }],
    ['no retries', { rateLimitRetries: 0 }],
    ['a store', { store: new MemoryTokenStore() }],
    ['no proxy', { http: { proxy: false } }],
    ['a proxy', { http: { proxy: { host: 'proxy.example', port: 3128 } } }],
    [
      'a proxy with credentials',
      { http: { proxy: { host: 'a.b', auth: { username: 'u', password: 'p' } } } },
    ],
    ['a proxy with a user alone', { http: { proxy: { host: 'a.b', auth: { username: 'u' } } } }],
    ['a proxy with credentials as text', { http: { proxy: { host: 'a.b', auth: 'u:p' } } }],
    ['a proxy that has no credentials', { http: { proxy: { host: 'a.b', auth: undefined } } }],
    ['a list of adapters', { http: { adapter: ['fetch'] } }],
    ['an adapter by name', { http: { adapter: 'http' } }],
    ['an adapter of a browser before one of Node.js', { http: { adapter: ['xhr', 'http'] } }],
    ['an adapter as a function', { http: { adapter: async () => undefined } }],
    ['an adapter as a function in a list', { http: { adapter: [async () => undefined] } }],
    ['a proxy by its address', { http: { proxy: { host: '::1', port: '3128', protocol: 'https:' } } }],
    ['a proxy by its address in brackets', { http: { proxy: { hostname: '[::1]', port: 3128 } } }],
    ['no proxy for fetch', { http: { adapter: 'fetch', proxy: false, socketPath: null } }],
    ['a proxy, with fetch in reserve', { http: { adapter: ['http', 'fetch'], proxy: { host: 'a.b' } } }],
    [
      "a proxy for an adapter of one's own",
      { http: { adapter: async () => undefined, proxy: { host: 'a.b' } } },
    ],
    ['an agent', { http: { httpsAgent: new https.Agent() } }],
    ['one agent for both', { http: { httpAgent: new https.Agent(), httpsAgent: new https.Agent() } }],
    ["an agent of one's own", { http: { httpsAgent: { addRequest: () => {} } } }],
    ['a user name with a part in quotes', grant(PASSWORD, { username: '"o brien"@example.in' })],
    ['a secret that only ends with a quote', grant(CLIENT, { clientSecret: `${SECRET}'` })],
    ['a scope with a colon, a dot, a slash', { scope: 'https://payu.in/scope?a=b.c:d' }],
    ['options that are undefined', { origins: undefined, store: undefined, tokenAttempts: undefined }],
  ])('%s', (_, difference) => {
    expect(thrownBy(difference)).toBeUndefined();
  });
});

describe('a wrong option of a method', () => {
  const auth = createPayuAuth(RIGHT as PayuAuthOptions);
  type Message = readonly [method: string, call: () => unknown, message: string];
  const messages: readonly Message[] = [
    ['getToken', () => auth.getToken({ scope: '' }), '"scope" must be a scope such as'],
    [
      'getToken',
      () => auth.getToken({ scopes: 'a' } as never),
      '"scopes" is not an option; there are: scope, signal, maxWaitMs.',
    ],
    ['getToken', () => auth.getToken({ maxWaitMs: -1 }), '"maxWaitMs" must be a number of milliseconds'],
    ['status', async () => auth.status({ scope: '' }), '"scope" must be a scope such as'],
    ...['read_bills', [], new Map([['scope', 'read_bills']]), new AbortController().signal].map(
      (options): Message => [
        'getToken',
        () => auth.getToken(options as never),
        '"options of getToken()" must be an object.',
      ],
    ),
    [
      'setToken',
      () => auth.setToken(SECRET as never),
      '"token" must be { accessToken, expiresInSeconds?, refreshToken? }.',
    ],
    ['setToken', () => auth.setToken({ accessToken: '' }), '"token.accessToken" must be a bearer token'],
    [
      'setToken',
      () => auth.setToken({ accessToken: `Bearer ${SECRET}` }),
      '"token.accessToken" must be a bearer token without the word "Bearer"',
    ],
    [
      'setToken',
      () => auth.setToken({ accessToken: `${SECRET}\n` }),
      '"token.accessToken" must be a bearer token',
    ],
    [
      'setToken',
      () => auth.setToken({ accessToken: SECRET, expiresInSeconds: -1 }),
      '"token.expiresInSeconds" must be a number of seconds, 0 or more.',
    ],
    [
      'setToken',
      () => auth.setToken({ accessToken: SECRET, expiresIn: 60 } as never),
      '"token.expiresIn" is not an option; there are: accessToken, expiresInSeconds, refreshToken.',
    ],
    [
      'setToken',
      () => auth.setToken({ accessToken: SECRET, refreshToken: ` ${SECRET}` }),
      '"token.refreshToken" must not begin or end with white space',
    ],
    [
      'invalidate',
      () => auth.invalidate(SECRET as never),
      '"token" must be a token that getToken() returned',
    ],
    ['revoke', () => auth.revoke({ scope: [] }), '"scope" must be a scope such as'],
    ['attach', async () => auth.attach({} as never), '"client" must be an axios instance'],
    [
      'attach',
      async () => auth.attach({} as never, { origins: ['x'] }),
      '"origins[0]" must be an http or https origin',
    ],
  ];
  test.each(messages)('%s: it rejects, and no secret is told', async (_, call, message) => {
    const error: Error = await Promise.resolve(call()).then(
      () => new Error('nothing was refused'),
      (caught) => caught,
    );
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION' });
    expect(error.message).toContain(message);
    expect(error.message).not.toContain(SECRET);
  });
});
