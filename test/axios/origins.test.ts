import type { AxiosStatic } from 'axios';
import * as axios112 from 'axios-1.12';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { AXIOS_VERSIONS, type Library, libraryOn, recordingClient, tokensOf } from './support.ts';

const oldestAxios = axios112.default as unknown as AxiosStatic;

const OWN = 'https://api.example';
const OTHER = 'https://other.example';
const LISTED = 'https://listed.example:8443';

interface Target {
  readonly baseURL?: unknown;
  readonly url?: unknown;
  readonly allowAbsoluteUrls?: unknown;
  readonly params?: object;
  readonly socketPath?: string;
}

/** Sends one request to a recording adapter: did the token go with it? */
async function send(
  { axios, createPayuAuth }: Library,
  target: Target,
  setting: { readonly baseURL?: string; readonly origins?: readonly string[]; readonly header?: string } = {},
) {
  const { baseURL = OWN, origins = [LISTED], header = 'Authorization' } = setting;
  const { auth, events } = tokensOf({ createPayuAuth }, { origins, header: { name: header } });
  const { client, sent } = recordingClient(axios, { baseURL });
  auth.attach(client);
  await client.request({ ...(target as object), method: 'get' });
  const [first] = sent;
  if (first === undefined) throw new Error('nothing was sent');
  const withheld = events.find((event) => event.type === 'token-withheld');
  return { ...first, withheld, oracle: oracle({ axios }, first.config) };
}

/** The URL that axios would ask for, by its own means; undefined where it could ask for none. */
function oracle({ axios }: Pick<Library, 'axios'>, config: object): URL | undefined {
  for (const each of [axios, oldestAxios]) {
    try {
      return new URL(each.getUri(config));
    } catch {
      // The newest refuses URLs that others ask for; an adapter of the user's own need not.
    }
  }
  return undefined;
}

/** What is asked for, whether the token goes along, and if not, what the event says. */
const TARGETS: readonly [
  title: string,
  target: Target,
  expected: 'sent' | 'origin' | 'insecure-http' | 'basic-auth',
][] = [
  // behind the instance's baseURL
  ['a path', { url: '/x' }, 'sent'],
  ['no url at all', {}, 'sent'],
  ['an empty url', { url: '' }, 'sent'],
  ['a query only', { url: '?a=https://other.example' }, 'sent'],
  ['user info in the path', { url: '/@other.example' }, 'sent'],
  ['user info without a slash', { url: '@other.example' }, 'sent'],
  ['a port without a slash', { url: ':8080/x' }, 'sent'],
  ['a suffix of the host name', { url: '.other.example' }, 'sent'],
  ['a scheme without slashes', { url: 'mailto:someone' }, 'sent'],
  ['a backslash pair', { url: '\\\\other.example' }, 'sent'],
  ['slash, backslash', { url: '/\\other.example' }, 'sent'],
  ['a leading space', { url: ' https://other.example/x' }, 'sent'],
  ['a leading tab', { url: '\thttps://other.example/x' }, 'sent'],
  ['a line break in the scheme', { url: 'ht\ntps://other.example/x' }, 'sent'],
  ['dots', { url: '/../../x' }, 'sent'],
  ['params', { url: '/x', params: { to: OTHER } }, 'sent'],
  // absolute
  ['the own origin', { url: `${OWN}/x` }, 'sent'],
  ['the own origin, bare', { url: OWN }, 'sent'],
  ['the own origin with a query', { url: `${OWN}?x` }, 'sent'],
  ['the own origin with a fragment that looks like user info', { url: `${OWN}#@other.example` }, 'sent'],
  ['upper case', { url: 'HTTPS://API.EXAMPLE/x' }, 'sent'],
  ['the default port', { url: 'https://api.example:443/x' }, 'sent'],
  ['the default port with zeros', { url: 'https://api.example:0443/x' }, 'sent'],
  ['full-width letters', { url: 'https://ａｐｉ.example/x' }, 'sent'],
  ['a percent-encoded host', { url: 'https://%61pi.example/x' }, 'sent'],
  ['a tab in the host', { url: 'https://api.exam\tple/x' }, 'sent'],
  ['a soft hyphen in the host', { url: 'https://api.exam\u00adple/x' }, 'sent'],
  ['a listed origin', { url: `${LISTED}/x` }, 'sent'],
  ['a listed host at another port', { url: 'https://listed.example/x' }, 'origin'],
  ['another origin', { url: `${OTHER}/x` }, 'origin'],
  ['another port', { url: 'https://api.example:444/x' }, 'origin'],
  ['another scheme', { url: 'http://api.example/x' }, 'origin'],
  ['http at the port of https', { url: 'http://api.example:443/x' }, 'origin'],
  ['a trailing dot', { url: 'https://api.example./x' }, 'origin'],
  ['a subdomain', { url: 'https://v2.api.example/x' }, 'origin'],
  ['the parent domain', { url: 'https://example/x' }, 'origin'],
  ['a longer host', { url: 'https://api.example.other.example/x' }, 'origin'],
  ['a look-alike letter', { url: 'https://аpi.example/x' }, 'origin'],
  ['user info that looks like the own host', { url: 'https://api.example@other.example/x' }, 'origin'],
  ['the same with a port', { url: 'https://api.example:443@other.example/x' }, 'origin'],
  ['the same behind a backslash', { url: 'https://other.example\\@api.example/x' }, 'origin'],
  ['the same behind a fragment', { url: 'https://other.example#@api.example/x' }, 'origin'],
  ['the same behind a query', { url: 'https://other.example?@api.example/x' }, 'origin'],
  ['a line break in the host', { url: 'https://api.example\n.other.example/x' }, 'origin'],
  ['user info at the own host', { url: 'https://user:pass@api.example/x' }, 'basic-auth'],
  ['a user alone at the own host', { url: 'https://user@api.example/x' }, 'basic-auth'],
  ['a password alone at the own host', { url: 'https://:pass@api.example/x' }, 'basic-auth'],
  ['an empty host', { url: 'https:///api.example/x' }, 'origin'],
  ['an IPv6 address', { url: 'https://[2001:db8::1]/x' }, 'origin'],
  ['no scheme', { url: '//other.example/x' }, 'origin'],
  ['no scheme, own host', { url: '//api.example/x' }, 'origin'],
  ['ftp', { url: 'ftp://api.example/x' }, 'origin'],
  ['a file', { url: 'file:///etc/passwd' }, 'origin'],
  // another baseURL
  ['another baseURL', { baseURL: OTHER, url: '/x' }, 'origin'],
  ['another baseURL without a url', { baseURL: OTHER }, 'origin'],
  ['a listed baseURL', { baseURL: `${LISTED}/v2`, url: '/x' }, 'sent'],
  ['the own host as a baseURL over http', { baseURL: 'http://api.example', url: '/x' }, 'origin'],
  ['a baseURL with user info', { baseURL: 'https://user@api.example', url: '/x' }, 'basic-auth'],
  ['a baseURL that is nothing but a scheme', { baseURL: 'https:', url: 'other.example' }, 'origin'],
  ['a baseURL that is nothing but slashes', { baseURL: '//', url: 'other.example' }, 'origin'],
  ['a scheme and slashes', { baseURL: 'https://', url: 'other.example' }, 'origin'],
  ['a baseURL without a scheme', { baseURL: 'api.example', url: '/x' }, 'origin'],
  ['a relative baseURL', { baseURL: '/api', url: '/x' }, 'origin'],
  ['an empty baseURL', { baseURL: '', url: `${OWN}/x` }, 'sent'],
  ['an empty baseURL and another origin', { baseURL: '', url: `${OTHER}/x` }, 'origin'],
  ['an empty baseURL and a leading space', { baseURL: '', url: ` ${OTHER}/x` }, 'origin'],
  ['an empty baseURL and a scheme without slashes', { baseURL: '', url: 'https:other.example/x' }, 'origin'],
  // allowAbsoluteUrls
  ['absolute URLs not allowed', { url: `${OTHER}/x`, allowAbsoluteUrls: false }, 'sent'],
  ['the same with another baseURL', { baseURL: OTHER, url: `${OWN}/x`, allowAbsoluteUrls: false }, 'origin'],
  ['the same without a baseURL', { baseURL: '', url: `${OTHER}/x`, allowAbsoluteUrls: false }, 'origin'],
  ['absolute URLs allowed', { url: `${OTHER}/x`, allowAbsoluteUrls: true }, 'origin'],
  ['allowed, and the own origin', { baseURL: OTHER, url: `${OWN}/x`, allowAbsoluteUrls: true }, 'sent'],
  // of which axios 1.12 makes another than later versions
  ['neither true nor false', { baseURL: OTHER, url: `${OWN}/x`, allowAbsoluteUrls: 0 }, 'origin'],
  ['the same the other way round', { url: `${OTHER}/x`, allowAbsoluteUrls: 0 }, 'origin'],
  // what is no string
  ['a URL object', { baseURL: '', url: new URL(`${OWN}/x`) }, 'sent'],
  ['a URL object for another origin', { baseURL: '', url: new URL(`${OTHER}/x`) }, 'origin'],
  ['a URL object as baseURL', { baseURL: new URL(`${OTHER}/x`) }, 'origin'],
  // a socket is a way, not a destination
  ['a socket', { url: '/x', socketPath: '/tmp/proxy.sock' }, 'sent'],
  ['a socket, and another origin', { url: `${OTHER}/x`, socketPath: '/tmp/proxy.sock' }, 'origin'],
];

/** Those on which versions of axios could disagree; the others our own guard decides, before axios sees them. */
const READ_BY_AXIOS = TARGETS.filter(
  ([, target, expected]) =>
    expected === 'sent' || target.allowAbsoluteUrls !== undefined || typeof target.url === 'object',
);

describe.each(AXIOS_VERSIONS)('where the token goes, on %s', (version) => {
  let library: Library;
  beforeAll(async () => {
    library = await libraryOn(version);
  });

  test.each(version === 'axios' ? TARGETS : READ_BY_AXIOS)('%s', async (_title, target, expected) => {
    const { token, withheld, oracle } = await send(library, target);
    if (expected === 'sent') {
      expect(token).toBe('access_token_1');
      expect(withheld).toBeUndefined();
      expect([OWN, LISTED]).toContain(oracle?.origin);
    } else {
      expect(token).toBeUndefined();
      expect(withheld).toMatchObject({ type: 'token-withheld', reason: expected });
    }
  });

  test('a name in another script is the same as its ASCII form', async () => {
    const idn = { baseURL: 'https://bücher.example', origins: [] };
    expect(await send(library, { url: 'https://xn--bcher-kva.example/x' }, idn)).toHaveProperty(
      'token',
      'access_token_1',
    );
    expect(await send(library, { url: 'https://BÜCHER.example/x' }, idn)).toHaveProperty(
      'token',
      'access_token_1',
    );
    expect((await send(library, { url: 'https://bucher.example/x' }, idn)).token).toBeUndefined();
  });

  test('a baseURL that changes later takes the own origin along', async () => {
    const { auth } = tokensOf(library);
    const { client, sent } = recordingClient(library.axios, { baseURL: OWN });
    auth.attach(client);
    await client.get(`${OWN}/x`);
    client.defaults.baseURL = OTHER;
    for (const url of ['/x', `${OWN}/x`, `${OTHER}/x`]) await client.get(url);
    expect(sent.map(({ token }) => token !== undefined)).toEqual([true, true, false, true]);
  });

  test("no PayU host of the other environment is taken for the instance's own", async () => {
    const { auth } = tokensOf(library, { environment: 'test' });
    const { client, sent } = recordingClient(library.axios, { baseURL: 'https://uatoneapi.payu.in/payout' });
    auth.attach(client);
    for (const url of ['/x', 'https://uat-partner.payu.in/x', 'https://oneapi.payu.in/x'])
      await client.get(url);
    client.defaults.baseURL = 'https://oneapi.payu.in';
    await client.get('/x');
    expect(sent.map(({ token }) => token !== undefined)).toEqual([true, true, false, false]);
    const other = library.axios.create({ baseURL: 'https://ONEAPI.payu.in:443/payment-links' });
    expect(() => auth.attach(other)).toThrow(/"baseURL" of the instance leads to "oneapi.payu.in"/);
  });

  test('allowInsecureHttp lets the token go over plain http, to the allowed origins only', async () => {
    const { auth } = tokensOf(library, { allowInsecureHttp: true, origins: ['http://listed.example'] });
    const { client, sent } = recordingClient(library.axios, { baseURL: 'http://api.example' });
    auth.attach(client);
    for (const url of ['/x', 'http://listed.example/x', 'http://other.example/x']) await client.get(url);
    expect(sent.map(({ token }) => token !== undefined)).toEqual([true, true, false]);
  });

  test('user info does not keep a token of another header back', async () => {
    const { token } = await send(
      library,
      { url: 'https://u:p@api.example/x' },
      { header: 'X-Partner-Token' },
    );
    expect(token).toBe('access_token_1');
  });

  test('whatever the pieces of the URL are, no token leaves for an origin that is not allowed', async () => {
    const { axios, createPayuAuth } = library;
    const { auth } = tokensOf({ createPayuAuth }, { origins: [LISTED] });
    const { client, sent } = recordingClient(axios, { baseURL: OWN });
    auth.attach(client);
    const numRuns = version === 'axios' ? 2_000 : 500;
    let tokens = 0;
    await fc.assert(
      fc.asyncProperty(pieces, pieces, fc.constantFrom(undefined, true, false), async (base, url, allow) => {
        sent.length = 0;
        const request = { baseURL: base, url, ...(allow === undefined ? {} : { allowAbsoluteUrls: allow }) };
        await client.request({ ...request, method: 'get' });
        const target = oracle({ axios }, request);
        const isAllowed = target !== undefined && [OWN, LISTED].includes(target.origin);
        if (sent[0]?.token !== undefined) tokens++;
        expect(
          sent[0]?.token !== undefined && !isAllowed,
          `${JSON.stringify(request)} → ${target?.href}`,
        ).toBe(false);
      }),
      { numRuns, seed: 20_261_122 },
    );
    expect(tokens).toBeGreaterThan(numRuns / 20);
  });
});

describe('plain http is for this machine', () => {
  let library: Library;
  beforeAll(async () => {
    library = await libraryOn('axios');
  });

  test.each([
    ['http://127.0.0.1:8080', 'sent'],
    ['http://127.1', 'sent'],
    ['http://0x7f.1', 'sent'],
    ['http://localhost', 'sent'],
    ['http://LOCALHOST:80', 'sent'],
    ['http://api.localhost', 'sent'],
    ['http://[::1]:8080', 'sent'],
    ['http://[0:0::1]', 'sent'],
    ['https://api.example', 'sent'],
    ['http://api.example', 'insecure-http'],
    ['http://localhost.', 'insecure-http'],
    ['http://localhost.example', 'insecure-http'],
    ['http://notlocalhost', 'insecure-http'],
    ['http://0.0.0.0', 'insecure-http'],
    ['http://128.0.0.1', 'insecure-http'],
    ['http://127.0.0.1.example', 'insecure-http'],
    ['http://[::ffff:127.0.0.1]', 'insecure-http'],
    ['http://[::2]', 'insecure-http'],
  ] as const)('an instance that was attached, and leads to %s now: %s', async (baseURL, expected) => {
    const { auth, events } = tokensOf(library);
    const { client, sent } = recordingClient(library.axios, { baseURL: OWN });
    auth.attach(client);
    client.defaults.baseURL = baseURL;
    await client.get('/x');
    const withheld = events.find((event) => event.type === 'token-withheld');
    expect(withheld?.reason ?? 'sent').toBe(expected);
    expect(sent[0]?.token).toBe(expected === 'sent' ? 'access_token_1' : undefined);
  });

  test.each([
    ['http://api.example', true],
    ['http://0.0.0.0:3000', true],
    ['HTTP://128.0.0.1', true],
    [' http://api.example', true],
    ['h\nttp:/api.example', true],
    ['http://localhost:3000', false],
    ['http://[::1]', false],
    ['https://api.example', false],
    ['/relative', false],
  ])('an instance of %s is refused where it is attached: %s', (baseURL, isRefused) => {
    const { client } = recordingClient(library.axios, { baseURL });
    const attach = () => tokensOf(library).auth.attach(client);
    if (!isRefused) return expect(attach).not.toThrow();
    expect(attach).toThrow('"baseURL" of the instance leads to');
    expect(() => tokensOf(library, { allowInsecureHttp: true }).auth.attach(client)).not.toThrow();
  });
});

/** URLs put together of what parsers disagree about. */
const pieces = fc
  .array(
    fc.constantFrom(
      'https:',
      'http:',
      'HTTPS:',
      'ftp:',
      '//',
      '/',
      '\\',
      '\\\\',
      '@',
      ':',
      ':443',
      ':8443',
      '?',
      '#',
      '.',
      '..',
      ' ',
      '\t',
      '\n',
      '\r',
      '\0',
      '%2f',
      '%40',
      '%00',
      '；',
      '。',
      '／',
      'api.example',
      'API.example',
      'listed.example',
      'other.example',
      'user',
      '[::1]',
      'x',
      '',
      `${OWN}/`,
      `${LISTED}/`,
      OWN,
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));
