import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
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

const NAMES = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'].flatMap((name) => [
  name,
  name.toUpperCase(),
]);
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
