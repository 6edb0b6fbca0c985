import http, { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { isProxiedByEnvironment } from '../../src/axios/proxy.ts';
import { AXIOS_VERSIONS, libraryOn, startOrigin, tokensOf } from './support.ts';

/** A proxy that writes down what it is asked for, and forwards nothing. */
async function startProxy() {
  const asked: string[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    asked.push([request.url, ...request.rawHeaders].join('\n'));
    response.end('{"access_token":"of_the_proxy","expires_in":7200}');
  });
  server.on('connect', (request: IncomingMessage, socket) => {
    asked.push([`CONNECT ${request.url}`, ...request.rawHeaders].join('\n'));
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const NAMES = [
  ...['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'],
  ...['npm_config_https_proxy', 'npm_config_proxy', 'npm_config_no_proxy'],
].flatMap((name) => [name, name.toUpperCase()]);
beforeEach(() => {
  for (const name of NAMES) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

describe.each(AXIOS_VERSIONS)('a proxy of the environment, on %s', (version) => {
  test.each(['http_proxy', 'HTTP_PROXY', 'all_proxy'])(
    'in %s gets nothing that is for this machine',
    async (name) => {
      const { axios, createPayuAuth } = await libraryOn(version);
      const proxy = await startProxy();
      vi.stubEnv(name, proxy.url);
      const accounts = await startOrigin((_, response) => response.end('{"access_token":"access_token_1"}'));
      const api = await startOrigin((_, response) => response.end());
      const { auth } = tokensOf(
        { createPayuAuth },
        { environment: { tokenUrl: `${accounts.url}/oauth/token` }, http: {} },
      );
      const client = axios.create({ baseURL: api.url });
      auth.attach(client);
      const { config } = await client.get('/');
      expect(proxy.asked).toEqual([]);
      expect(api.arrivals[0]?.headers.authorization).toBe('Bearer access_token_1');
      expect(config.proxy).toBeUndefined();
      // A call that was left alone goes as it always went.
      await client.get('/', { payuAuth: false });
      expect(proxy.asked).toHaveLength(1);
    },
  );

  test('gets no token on its way to another machine: tunnelled, or withheld', async () => {
    const library = await libraryOn(version);
    const proxy = await startProxy();
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    const { auth, events } = tokensOf(library);
    await auth.getToken();
    const client = library.axios.create({ baseURL: 'https://api.invalid' });
    auth.attach(client);
    await client.get('/').catch(() => {});
    expect(proxy.asked).toHaveLength(1);
    expect(proxy.asked.join()).not.toContain('access_token_1');
    const withheld = events.filter(({ type }) => type === 'token-withheld');
    expect(withheld).toEqual(
      version === 'axios'
        ? []
        : [{ type: 'token-withheld', reason: 'insecure-http', origin: 'https://api.invalid' }],
    );
  });
});

describe('a proxy of the caller’s own counts as where a plain request goes', () => {
  test.each([
    ['127.0.0.1', true],
    ['localhost', true],
    ['::1', true],
    ['proxy.invalid', false],
    ['10.0.0.1', false],
  ])('%s: gets the token: %s', async (host, isSent) => {
    const library = await libraryOn('axios');
    const { auth, events } = tokensOf(library);
    await auth.getToken();
    const client = library.axios.create({ baseURL: 'http://127.0.0.1:1', proxy: { host, port: 1 } });
    auth.attach(client);
    await client.get('/', { signal: AbortSignal.abort(), timeout: 1 }).catch(() => {});
    await client.get('/', { timeout: 1 }).catch(() => {});
    expect(events.some(({ type }) => type === 'token-withheld')).toBe(!isSent);
  });

  test('one on this machine is asked for a plain request to this machine, as without the library', async () => {
    const library = await libraryOn('axios');
    const { auth } = tokensOf(library);
    const proxy = await startProxy();
    const { hostname: host, port } = new URL(proxy.url);
    const client = library.axios.create({
      baseURL: 'http://127.0.0.1:1',
      proxy: { protocol: 'http', host, port: Number(port) },
    });
    auth.attach(client);
    await client.get('/pay');
    expect(proxy.asked).toEqual([expect.stringContaining('http://127.0.0.1:1/pay')]);
  });

  test('the form with the secret does not go to a proxy on another machine', async () => {
    const library = await libraryOn('axios');
    const { auth } = tokensOf(library, {
      environment: { tokenUrl: 'http://127.0.0.1:1/oauth/token' },
      http: { proxy: { host: 'proxy.invalid', port: 1 } },
      tokenAttempts: 1,
    });
    await expect(auth.getToken()).rejects.toMatchObject({
      code: 'ERR_TOKEN_UNAVAILABLE',
      cause: { message: expect.stringContaining('proxy on another one in the clear') },
    });
  });
});

/** As Node.js has it under NODE_USE_ENV_PROXY, from 22.21 on; older ones take no notice of `proxyEnv`. */
class EnvironmentAgent extends http.Agent {
  readonly dialled: string[] = [];
  constructor() {
    super({ keepAlive: false, proxyEnv: process.env } as http.AgentOptions);
  }
  override createConnection(options: { host?: string; port?: number }) {
    this.dialled.push(`${options.host}:${options.port}`);
    return connect(Number(options.port), String(options.host));
  }
}

/** What fetch hands its requests to under NODE_USE_ENV_PROXY, and after undici's `setGlobalDispatcher`. */
class EnvHttpProxyAgent {
  readonly dispatched: string[] = [];
  dispatch({ origin, path }: { origin: string; path: string }): boolean {
    this.dispatched.push(`${origin}${path}`);
    throw new Error('this is the proxy');
  }
}

const DISPATCHERS = ['undici.globalDispatcher.1', 'undici.globalDispatcher.2'].map(Symbol.for);

describe.each(AXIOS_VERSIONS)('Node’s own use of the environment’s proxy, on %s', (version) => {
  test.each(['the global agent', 'an agent of the caller’s'])(
    '%s: gets nothing that is for this machine',
    async (whose) => {
      const { axios, createPayuAuth } = await libraryOn(version);
      const agent = new EnvironmentAgent();
      const { globalAgent } = http;
      const own = whose === 'the global agent' ? {} : { httpAgent: agent };
      if (whose === 'the global agent') http.globalAgent = agent;
      onTestFinished(() => {
        http.globalAgent = globalAgent;
      });
      const accounts = await startOrigin((_, response) => response.end('{"access_token":"access_token_1"}'));
      const api = await startOrigin((_, response) => response.end());
      const environment = { tokenUrl: `${accounts.url}/oauth/token` };
      const { auth } = tokensOf({ createPayuAuth }, { environment, http: own });
      const client = axios.create({ baseURL: api.url, ...own });
      auth.attach(client);
      const { config } = await client.get('/');
      expect(api.arrivals[0]?.headers.authorization).toBe('Bearer access_token_1');
      expect(config.httpAgent).toBe(own.httpAgent);
      expect(agent.dialled).toEqual([]);
      // A call that was left alone goes as it always went.
      await client.get('/', { payuAuth: false });
      expect(agent.dialled).toHaveLength(1);
    },
  );

  test.each<[string, string, Record<string, string>, boolean]>([
    ['loopback', 'http://127.0.0.1:8181', { HTTP_PROXY: 'http://p' }, true],
    ['loopback by name', 'http://localhost:8181', { http_proxy: 'http://p' }, true],
    ['loopback, exempt', 'http://127.0.0.1:8181', { HTTP_PROXY: 'http://p', NO_PROXY: '127.0.0.1' }, false],
    ['loopback, for https alone', 'http://127.0.0.1:8181', { HTTPS_PROXY: 'http://p' }, false],
    ['another machine, tunnelled', 'https://api.invalid', { HTTPS_PROXY: 'http://p' }, false],
  ])('by fetch, to %s', async (_, origin, env, isWithheld) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const { axios, createPayuAuth } = await libraryOn(version);
    const proxy = new EnvHttpProxyAgent();
    const global = globalThis as Record<symbol, unknown>;
    for (const symbol of DISPATCHERS) {
      const before = global[symbol];
      global[symbol] = proxy;
      onTestFinished(() => {
        global[symbol] = before;
      });
    }
    const { auth: byFetch } = tokensOf(
      { createPayuAuth },
      { environment: { tokenUrl: `${origin}/token` }, http: { adapter: 'fetch' }, tokenAttempts: 1 },
    );
    const failure = await byFetch.getToken().catch((error: Error) => error);
    expect(String(failure).includes('by fetch to a proxy in the clear')).toBe(isWithheld);
    expect(proxy.dispatched).toEqual(isWithheld ? [] : [`${origin}/token`]);

    const { auth, events } = tokensOf({ createPayuAuth });
    await auth.getToken();
    const client = axios.create({ baseURL: origin, adapter: 'fetch' });
    auth.attach(client);
    await client.get('/').catch(() => {});
    expect(events.filter(({ type }) => type === 'token-withheld')).toEqual(
      isWithheld ? [{ type: 'token-withheld', reason: 'insecure-http', origin }] : [],
    );
    // A dispatcher of the call's own is the caller's business.
    await client.get('/', { fetchOptions: { dispatcher: proxy } }).catch(() => {});
    expect(events.filter(({ type }) => type === 'token-withheld')).toHaveLength(isWithheld ? 1 : 0);
  });
});

test.each<[string, Record<string, string>, boolean]>([
  ['https://api.example', {}, false],
  ['https://api.example', { https_proxy: 'http://p' }, true],
  ['https://api.example', { HTTPS_PROXY: 'http://p' }, true],
  ['https://api.example', { ALL_PROXY: 'http://p' }, true],
  ['https://api.example', { http_proxy: 'http://p' }, false],
  ['https://api.example', { https_proxy: '' }, false],
  ['https://api.example', { https_proxy: 'http://p', no_proxy: '*' }, false],
  ['https://api.example', { https_proxy: 'http://p', NO_PROXY: 'other.example, API.example' }, false],
  ['https://api.example', { https_proxy: 'http://p', no_proxy: '.example' }, false],
  ['https://api.example', { https_proxy: 'http://p', no_proxy: '*.example' }, false],
  ['https://api.example', { https_proxy: 'http://p', no_proxy: 'example' }, true],
  ['https://api.example', { https_proxy: 'http://p', no_proxy: 'api.example:443' }, false],
  ['https://api.example', { https_proxy: 'http://p', no_proxy: 'api.example:8443' }, true],
  ['https://api.example:8443', { https_proxy: 'http://p', no_proxy: 'api.example:8443' }, false],
])('%s, with %o, goes through a proxy: %s', (origin, env, expected) => {
  expect(isProxiedByEnvironment(origin, env)).toBe(expected);
});

// Axios asks them up to 1.13, and hands requests for https to a proxy in the clear before 1.16.1.
describe.each(AXIOS_VERSIONS)('npm’s settings, on %s', (version) => {
  const P = 'a proxy';
  test.each<[Record<string, string>, boolean]>([
    [{ npm_config_https_proxy: P }, true],
    [{ NPM_CONFIG_HTTPS_PROXY: P }, true],
    [{ npm_config_proxy: P }, true],
    [{ npm_config_http_proxy: P }, false],
    [{ npm_config_proxy: P, no_proxy: 'api.invalid' }, false],
    [{ npm_config_proxy: P, npm_config_no_proxy: 'api.invalid' }, false],
    [{ npm_config_proxy: P, no_proxy: 'api.invalid', npm_config_no_proxy: 'other.invalid' }, true],
  ])('%o: a proxy is asked up to axios 1.13: %s, and gets no token', async (env, isAsked) => {
    const { axios, createPayuAuth } = await libraryOn(version);
    const proxy = await startProxy();
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value === P ? proxy.url : value);
    const { auth, events } = tokensOf({ createPayuAuth });
    const client = axios.create({ baseURL: 'https://api.invalid' });
    auth.attach(client);
    await client.post('/pay', { amount: 1 }).catch(() => {});
    const isRead = isAsked && version === 'axios-1.12';
    expect(proxy.asked).toHaveLength(isRead ? 1 : 0);
    expect(String(proxy.asked)).not.toMatch(/access_token_/);
    expect(events.some(({ type }) => type === 'token-withheld')).toBe(isRead);
  });
});
