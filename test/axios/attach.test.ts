import { createRequire } from 'node:module';
import type { AxiosInstance, AxiosRequestConfig, AxiosStatic, InternalAxiosRequestConfig } from 'axios';
import { beforeAll, describe, expect, expectTypeOf, test, vi } from 'vitest';
import type { PayuAuthOptions } from '../../src/options/options.ts';
import type { PayuAuth } from '../../src/payu-auth.ts';
import {
  AXIOS_VERSIONS,
  type Library,
  libraryOn,
  recordingClient,
  refuseFirst,
  startOrigin,
  tokenIn,
  tokensOf,
} from './support.ts';

const API = 'https://api.example';

describe.each(AXIOS_VERSIONS)('attaching on %s', (version) => {
  let library: Library;
  let axios: AxiosStatic;
  beforeAll(async () => {
    library = await libraryOn(version);
    axios = library.axios;
  });

  /** A client whose first token is refused, and an auth, not attached yet. */
  const refusing = (options: Partial<PayuAuthOptions> = {}) => ({
    ...tokensOf(library, options),
    ...recordingClient(axios, { baseURL: API }, (config) => ({
      status: tokenIn(config.headers) === 'access_token_1' ? 401 : 200,
      data: '{"answer":1}',
    })),
  });

  describe('the interceptors and transforms of the user run once per call (A1)', () => {
    const kinds = ['synchronous', 'asynchronous'] as const;
    const cases = ['before', 'after'].flatMap((order) =>
      kinds.flatMap((kind) => [true, false].map((legacy) => [order, kind, legacy] as const)),
    );
    test.each(cases)('installed %s ours, %s, legacy ordering %s', async (order, kind, legacy) => {
      const { client, sent, auth, minted } = refusing();
      const ran: string[] = [];
      const install = () => {
        const prefix = (config: InternalAxiosRequestConfig) => {
          ran.push('request');
          config.url = `/v2${config.url}`;
          return config;
        };
        if (kind === 'synchronous') client.interceptors.request.use(prefix, null, { synchronous: true });
        else client.interceptors.request.use(async (config) => prefix(await config));
        client.interceptors.response.use(({ data }) => {
          ran.push('response');
          return data;
        });
      };
      if (order === 'before') install();
      auth.attach(client);
      if (order === 'after') install();
      const answer = await client.post('/pay', { amount: 1 }, {
        ...(version !== 'axios-1.12' && { transitional: { legacyInterceptorReqResOrdering: legacy } }),
        transformRequest: (data) => {
          ran.push('transformRequest');
          return JSON.stringify({ wrapped: data });
        },
        transformResponse: (data) => {
          ran.push('transformResponse');
          return JSON.parse(data).answer;
        },
      } as AxiosRequestConfig);
      expect(answer).toBe(1);
      expect(ran).toEqual(['request', 'transformRequest', 'transformResponse', 'response']);
      expect(sent.map(({ token, config }) => [token, config.url, config.data])).toEqual([
        ['access_token_1', '/v2/pay', '{"wrapped":{"amount":1}}'],
        ['access_token_2', '/v2/pay', '{"wrapped":{"amount":1}}'],
      ]);
      expect(minted()).toBe(2);
    });

    test('a transformResponse that throws on the 401 does not hide it', async () => {
      const { client, sent, auth } = refusing();
      auth.attach(client);
      const { data } = await client.get('/x', { transformResponse: (body) => JSON.parse(body) });
      expect(data).toEqual({ answer: 1 });
      expect(sent).toHaveLength(2);
    });

    test('an interceptor of the user may wait for another call of the same instance', async () => {
      const { client, sent, auth } = refusing();
      client.interceptors.request.use(async (config) => {
        if (config.url === '/x') await client.get('/before');
        return config;
      });
      auth.attach(client);
      await client.get('/x');
      expect(sent.map(({ config }) => config.url)).toEqual(['/before', '/before', '/x']);
    });
  });

  test('with a token at hand, a request is on its way when the call returns', async () => {
    const { client, sent, auth } = refusing();
    auth.attach(client);
    await client.get('/x');
    sent.length = 0;
    const call = client.post('/x', 'body');
    expect(sent).toHaveLength(1);
    await call;
  });

  describe('a config that comes back (A2)', () => {
    test('of a failed call: is sent as before, with the token of the moment, and is not wrapped twice', async () => {
      const { client, sent, auth } = refusing();
      const { adapter } = client.defaults;
      auth.attach(client);
      const failing = { validateStatus: () => false };
      const error = await client.get('/x', failing).catch((caught) => caught);
      expect(error.config.adapter).toBe(adapter);
      expect(error.response.config.adapter).toBe(adapter);
      expect(tokenIn(error.config.headers)).toBeUndefined();
      await client.request(error.config).catch(() => {});
      expect(sent.map(({ token }) => token)).toEqual(['access_token_1', 'access_token_2', 'access_token_2']);
    });

    test('of a successful call: the same', async () => {
      const { client, sent, auth } = refusing();
      const { adapter } = client.defaults;
      auth.attach(client);
      const { config } = await client.get('/x');
      expect(config.adapter).toBe(adapter);
      expect(config.beforeRedirect).toBeUndefined();
      expect(config.fetchOptions).toBeUndefined();
      await client.request(config);
      expect(sent).toHaveLength(3);
    });

    test('of a call that was cancelled before it came to the adapter: can be sent again', async () => {
      const { client, sent, auth } = refusing();
      auth.attach(client);
      const controller = new AbortController();
      controller.abort();
      const { config } = await client.get('/x', { signal: controller.signal }).catch((caught) => caught);
      expect(sent).toHaveLength(0);
      await client.request({ url: '/x', ...config, signal: undefined });
      expect(sent.map(({ token }) => token)).toEqual(['access_token_1', 'access_token_2']);
    });

    describe('of a cancelled call, to which an interceptor that runs after ours gives another chance', () => {
      type Interceptor = (config: InternalAxiosRequestConfig) => InternalAxiosRequestConfig;
      test.each<[string, Interceptor]>([
        [
          'a signal for each try',
          (config) => Object.assign(config, { signal: new AbortController().signal }),
        ],
        ['no signal', (config) => Object.assign(config, { signal: undefined })],
        ['a copy without a signal', ({ signal: _, ...config }) => config],
      ])('%s: it goes with a token', async (_, giveAnotherChance) => {
        const { client, sent, auth } = refusing();
        client.interceptors.request.use(giveAnotherChance);
        auth.attach(client);
        await client.get('/x', { signal: AbortSignal.abort() });
        expect(sent.map(({ token }) => token)).toEqual(['access_token_1', 'access_token_2']);
      });
    });

    test('of a call that never came to the adapter, sent over an instance with another auth: with its token', async () => {
      const { client, sent, auth } = refusing();
      let kept: AxiosRequestConfig = {};
      client.interceptors.request.use((config) => {
        kept = config as AxiosRequestConfig;
        throw new Error('offline');
      });
      auth.attach(client);
      await client.get('/x').catch(() => {});
      const other = axios.create();
      const ofOther = tokensOf(library);
      await ofOther.auth.getToken();
      await ofOther.auth.invalidate();
      ofOther.auth.attach(other, { origins: [API] });
      await other.request(kept);
      expect(sent.map(({ token }) => token)).toEqual(['access_token_2']);
    });

    test('that is frozen: goes on as a copy', async () => {
      const { client, sent, auth } = refusing();
      auth.attach(client);
      client.interceptors.request.use((config) => Object.freeze({ ...config }));
      await client.get('/x');
      expect(sent.map(({ token }) => token)).toEqual(['access_token_1', 'access_token_2']);
    });

    test('that a transform cancels at the last moment: nothing goes out bare, whatever axios makes of it', async () => {
      const { client, sent, auth } = refusing();
      auth.attach(client);
      const controller = new AbortController();
      const transformRequest = () => controller.abort();
      const call = client.post('/x', {}, { signal: controller.signal, transformRequest });
      await expect(call).rejects.toMatchObject({ code: 'ERR_CANCELED' });
      expect(sent).toHaveLength(0);
    });

    test('of a call with a signal that is sent: the same as without', async () => {
      const { client, sent, auth } = refusing();
      const { adapter } = client.defaults;
      auth.attach(client);
      const { config } = await client.get('/x', { signal: new AbortController().signal });
      expect(config.adapter).toBe(adapter);
      expect(sent).toHaveLength(2);
    });

    test('of a call that never came to the adapter: has one wrapper, not two', async () => {
      const { client, sent, auth, events } = refusing();
      let again = 0;
      client.interceptors.request.use((config) => {
        if (again++ === 0) throw Object.assign(new Error('circuit is open'), { config });
        return config;
      });
      auth.attach(client);
      const error = await client.get('/x').catch((caught) => caught);
      expect(error.message).toBe('circuit is open');
      await client.request(error.config);
      expect(sent).toHaveLength(2);
      expect(sent[0]?.config.adapter).toBe(client.defaults.adapter);
      again = 0;
      const withheld = await client.get('https://other.example/x').catch((caught) => caught);
      await client.request(withheld.config);
      expect(events.filter(({ type }) => type === 'token-withheld')).toHaveLength(1);
    });

    test('sent over an instance that is not attached: goes out without a token', async () => {
      const { client, sent, auth } = refusing();
      auth.attach(client);
      const { config } = await client.get('/x');
      sent.length = 0;
      await axios.request(config);
      expect(sent.map(({ token }) => token)).toEqual([undefined]);
    });
  });

  describe('the adapter is the one that axios would take (A3)', () => {
    test.each([
      ['a name', 'http', 'http'],
      ['a name in upper case', 'HTTP', 'http'],
      ['a list of names', ['xhr', 'http'], 'http'],
      ['a list that begins with fetch', ['fetch', 'http'], 'fetch'],
      ['fetch', 'fetch', 'fetch'],
      ['nothing', undefined, 'http'],
      ['false, which is nothing to axios as well', false, 'http'],
    ])('%s', async (_title, adapter, taken) => {
      const home = await startOrigin(refuseFirst);
      const { auth } = tokensOf(library);
      const client = axios.create({ baseURL: home.url });
      client.defaults.adapter = adapter as never;
      auth.attach(client);
      const { status, config } = await client.post('/x', 'body');
      expect(status).toBe(200);
      expect(config.adapter).toEqual(adapter);
      expect(home.arrivals.map(({ body }) => String(body))).toEqual(['body', 'body']);
      expect(home.arrivals.map(({ headers }) => 'sec-fetch-mode' in headers)).toEqual(
        [1, 2].map(() => taken === 'fetch'),
      );
    });

    test('a list with a function in it', async () => {
      const { client, sent, auth } = refusing();
      client.defaults.adapter = ['xhr', client.defaults.adapter] as never;
      auth.attach(client);
      await client.get('/x');
      expect(sent).toHaveLength(2);
    });

    test('one given as a function is called as axios calls it, and its response is passed on, not copied', async () => {
      const calledOn: unknown[] = [];
      const made: object[] = [];
      function adapter(this: unknown, config: InternalAxiosRequestConfig) {
        calledOn.push(this);
        const response = {
          status: 200,
          statusText: 'OK',
          headers: {},
          data: '',
          config,
          request: { own: 1 },
        };
        made.push(response);
        return Promise.resolve(response);
      }
      const { auth } = tokensOf(library);
      for (const given of [adapter, ['xhr', adapter]]) {
        const client = axios.create({ baseURL: API, adapter: given as never });
        auth.attach(client);
        const response = await client.get('/x');
        expect(response).toBe(made.at(-1));
        expect(Object.keys(response)).not.toContain('request');
        expect(response.request).toEqual({ own: 1 });
        expect(response.config.headers.Authorization).toBe('Bearer access_token_1');
      }
      expect(calledOn).toEqual([undefined, undefined]);
    });

    test.each([
      ['as it is', (config: InternalAxiosRequestConfig) => config],
      ['frozen', (config: InternalAxiosRequestConfig) => Object.freeze(config)],
    ])('one may ask the config of each attempt what it has: %s', async (_title, handOn) => {
      const { client, sent, auth } = refusing();
      auth.attach(client);
      client.interceptors.request.use(handOn);
      await client.get('/x');
      expect(sent.map(({ config }) => typeof Reflect.get(config, 'hasOwnProperty'))).toEqual(
        Array(2).fill('function'),
      );
    });

    test.each<[string, (auth: PayuAuth) => unknown, AxiosRequestConfig]>([
      ['a wrong option', () => {}, { payuAuth: { nope: 1 } as never }],
      ['a closed auth, on the way to another origin', (auth) => auth.close(), { url: 'https://a.example' }],
    ])('one that takes its place may rely on a promise: %s', async (_title, prepare, config) => {
      const { client, auth } = refusing();
      let told: unknown;
      client.interceptors.request.use((config) => {
        const send = axios.getAdapter(config.adapter);
        const release = (error: unknown) => {
          told = error;
          throw error;
        };
        return Object.assign(config, { adapter: (sent: typeof config) => send(sent).catch(release) });
      });
      auth.attach(client);
      await prepare(auth);
      const error = await client.request(config).catch((caught) => caught);
      expect(error).toBeInstanceOf(Error);
      expect(told).toBe(error);
    });

    test('fetch, with a fetch of the user', async () => {
      const urls: string[] = [];
      const own = async (request: Request) => {
        urls.push(request.url);
        const isRefused = request.headers.get('authorization') === 'Bearer access_token_1';
        return new Response('{}', { status: isRefused ? 401 : 200 });
      };
      const { auth } = tokensOf(library);
      const client = axios.create({ baseURL: API, adapter: 'fetch', env: { fetch: own } } as never);
      auth.attach(client);
      expect((await client.get('/x')).status).toBe(200);
      expect(urls).toEqual([`${API}/x`, `${API}/x`]);
    });

    test.each([
      ['an unknown name', 'telepathy', /unknown adapter|no suitable adapter/i],
      ['an empty list', [], /no suitable adapter/],
    ])("%s is refused in axios' own words, and nothing is minted", async (_title, adapter, message) => {
      const { auth, minted } = tokensOf(library);
      const client = axios.create({ baseURL: API, adapter: adapter as never });
      const bare = await client.get('/x').catch((caught) => caught);
      auth.attach(client);
      const error = await client.get('/x').catch((caught) => caught);
      expect(error.message).toBe(bare.message);
      expect(error.message).toMatch(message);
      expect(axios.isAxiosError(error)).toBe(true);
      expect(minted()).toBe(0);
    });
  });

  describe('whatever an adapter does', () => {
    const boom = new Error('no config, no response');
    const frozen = Object.freeze(new Error('frozen'));
    test.each<[string, () => unknown, unknown]>([
      ['rejects with a plain error', () => Promise.reject(boom), boom],
      [
        'throws before it returns',
        () => {
          throw boom;
        },
        boom,
      ],
      ['rejects with a frozen error', () => Promise.reject(frozen), frozen],
      ['rejects with a string', () => Promise.reject('text'), 'text'],
      ['rejects with nothing', () => Promise.reject(undefined), undefined],
      ['rejects with null', () => Promise.reject(null), null],
      ['rejects with a number', () => Promise.reject(401), 401],
    ])('%s: passes through, and is sent once', async (_title, answer, expected) => {
      const { auth, minted } = tokensOf(library);
      let calls = 0;
      const client = axios.create({
        baseURL: API,
        adapter: ((): unknown => {
          calls++;
          return answer();
        }) as never,
      });
      auth.attach(client);
      const results = [];
      // Once with a mint in front, once on the short path.
      for (let i = 0; i < 2; i++)
        results.push(
          await client.get('/x').then(
            () => 'resolved',
            (reason) => reason,
          ),
        );
      expect(results).toEqual([expected, expected]);
      expect([calls, minted()]).toEqual([2, 1]);
    });

    test('returns no promise: fails as without us, with a TypeError', async () => {
      const { auth } = tokensOf(library);
      const client = axios.create({ baseURL: API, adapter: (() => undefined) as never });
      auth.attach(client);
      await expect(client.get('/x')).rejects.toThrow(TypeError);
    });

    test('an error that holds a copy of the sent config loses the token', async () => {
      const { auth } = tokensOf(library);
      const client = axios.create({
        baseURL: API,
        adapter: (config) =>
          Promise.reject(
            Object.assign(new Error(`sent ${config.headers.Authorization}`), { config: { ...config } }),
          ),
      });
      auth.attach(client);
      const error = await client.get('/x', { headers: { 'x-own': 'kept' } }).catch((caught) => caught);
      expect(JSON.stringify([error.message, error.config.headers])).not.toMatch(/access_token/);
      expect(error.config.headers['x-own']).toBe('kept');
    });
  });

  describe('a request that is left alone (A4)', () => {
    test.each<[string, AxiosRequestConfig]>([
      ['with an Authorization of its own', { headers: { Authorization: 'mine' } }],
      ['with one in lower case', { headers: { authorization: 'mine' } }],
      ['with Authorization: false', { headers: { Authorization: false as never } }],
      ['with an empty one', { headers: { Authorization: '' } }],
      ["with axios' auth", { auth: { username: 'u', password: 'p' } }],
      ['with payuAuth: false', { payuAuth: false }],
    ])('%s: no token, no replay', async (_title, own) => {
      const { auth, minted } = tokensOf(library);
      const { client, sent } = recordingClient(axios, { baseURL: API }, () => ({ status: 401 }));
      auth.attach(client);
      await expect(client.get('/x', own)).rejects.toMatchObject({ response: { status: 401 } });
      expect(sent).toHaveLength(1);
      expect(tokenIn(sent[0]?.headers ?? {})).toBeUndefined();
      expect(minted()).toBe(0);
    });

    test('an Authorization that is undefined is none', async () => {
      const { client, sent, auth } = refusing();
      auth.attach(client);
      await client.get('/x', { headers: { authorization: undefined } });
      expect(sent.map(({ token }) => token)).toEqual(['access_token_1', 'access_token_2']);
    });

    test("with the token in another header, Authorization and axios' auth are the caller's", async () => {
      const { client, sent, auth } = refusing({ header: { name: 'X-Partner-Token' } });
      auth.attach(client);
      await client.get('/x', { headers: { Authorization: 'hmac username="key"' } });
      await client.get('/y', { auth: { username: 'u', password: 'p' } });
      await client.get('/z', { headers: { 'x-partner-token': 'mine' } });
      expect(
        sent.map(({ token, headers }) => [token, (headers as Record<string, unknown>).Authorization]),
      ).toEqual([
        ['access_token_1', 'hmac username="key"'],
        ['access_token_2', 'hmac username="key"'],
        ['access_token_2', undefined],
        [undefined, undefined],
      ]);
    });
  });

  describe('attaching twice, and detaching (A5)', () => {
    test('the same auth with the same options is one attachment', async () => {
      const { client, sent, auth } = refusing();
      const detach = auth.attach(client, {
        scope: 'a b',
        origins: ['https://b.example', 'https://c.example'],
      });
      const origins = ['https://C.example', 'https://B.example:443', 'https://c.example/'];
      expect(auth.attach(client, { scope: ['b', 'a', 'a'], origins })).toBe(detach);
      await client.get('/x');
      expect(sent).toHaveLength(2);
      detach();
      await client.get('/x');
      expect(sent[2]?.token).toBeUndefined();
    });

    test.each([
      ['another scope', { scope: 'other' }],
      ['other origins', { origins: ['https://b.example'] }],
    ])('with %s it throws, and the first attachment stays', async (_title, options) => {
      const { client, sent, auth } = refusing();
      auth.attach(client);
      expect(() => auth.attach(client, options)).toThrow(
        expect.objectContaining({
          code: 'ERR_INVALID_OPTION',
          message: expect.stringMatching(/other options/),
        }),
      );
      await client.get('/x');
      expect(sent).toHaveLength(2);
    });

    test('another auth throws, and may follow once the first is detached', async () => {
      const { client, sent, auth } = refusing();
      const other = tokensOf(library, { scope: 'other' });
      const detach = auth.attach(client);
      expect(() => other.auth.attach(client)).toThrow(/another auth/);
      detach();
      detach();
      const detachOther = other.auth.attach(client);
      detach();
      expect(() => auth.attach(client)).toThrow(/another auth/);
      await client.get('/x');
      expect([sent.length, other.minted()]).toEqual([2, 2]);
      detachOther();
      await client.get('/x');
      expect(sent[2]?.token).toBeUndefined();
    });

    test('an auth that was closed gives way to another one, and its detach takes nothing away', async () => {
      const { client, sent, auth } = refusing();
      const detach = auth.attach(client);
      await auth.close();
      await expect(client.get('/x')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
      const other = tokensOf(library, { scope: 'other' });
      const detachOther = other.auth.attach(client);
      detach();
      await client.get('/x');
      expect([sent.length, other.minted()]).toEqual([2, 2]);
      detachOther();
      await client.get('/x');
      expect(sent[2]?.token).toBeUndefined();
    });

    test('another copy of the package sees the attachment', async () => {
      const { client, auth } = refusing();
      auth.attach(client);
      const copy = tokensOf(await libraryOn(version));
      expect(() => copy.auth.attach(client)).toThrow(/another auth/);
    });

    test.each([
      ['nothing', undefined],
      ['null', null],
      ['an object', {}],
      ['the options of an instance', { baseURL: API }],
    ])('%s is no instance', (_title, client) => {
      const { auth } = tokensOf(library);
      expect(() => auth.attach(client as never)).toThrow(/"client" must be an axios instance/);
    });

    test('a request in flight finishes when its instance is detached, replay and all', async () => {
      const { auth, minted } = tokensOf(library);
      let arrived = () => {};
      const arrival = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      let answer = () => {};
      const answered = new Promise<void>((resolve) => {
        answer = resolve;
      });
      const tokens: unknown[] = [];
      const client = axios.create({
        baseURL: API,
        adapter: async (config) => {
          tokens.push(tokenIn(config.headers));
          arrived();
          await answered;
          const status = tokens.length === 1 ? 401 : 200;
          return { status, statusText: '', headers: {}, data: '', config, request: {} };
        },
      });
      const detach = auth.attach(client);
      const call = client.get('/x');
      await arrival;
      detach();
      answer();
      expect((await call).status).toBe(200);
      expect(tokens).toEqual(['access_token_1', 'access_token_2']);
      await client.get('/y');
      expect(tokens[2]).toBeUndefined();
      expect(minted()).toBe(2);
    });

    test('after the instance was cleared of interceptors, it can be attached again', async () => {
      const { client, sent, auth } = refusing();
      const detach = auth.attach(client);
      client.interceptors.request.clear();
      await client.get('/x');
      expect(sent[0]?.token).toBeUndefined();
      const theirs = vi.fn((config) => config);
      client.interceptors.request.use(theirs);
      detach();
      await client.get('/x');
      expect(theirs).toHaveBeenCalledTimes(1);
      auth.attach(client);
      client.interceptors.request.clear();
      auth.attach(client);
      await client.get('/x');
      expect(sent.at(-1)?.token).toBe('access_token_2');
    });

    test('an instance made from an attached one is not attached', async () => {
      const { client, sent, auth } = refusing();
      auth.attach(client);
      const child = (client as AxiosInstance & { create: AxiosStatic['create'] }).create?.({
        timeout: 1_000,
      });
      if (child === undefined) throw new Error('instances of this version have no create()');
      await child.get('/x');
      expect(sent[0]?.token).toBeUndefined();
      auth.attach(child);
      await child.get('/x');
      expect(sent.at(-1)?.token).toBe('access_token_2');
    });
  });

  describe('payuAuth, per request', () => {
    test('another scope is another token', async () => {
      const { auth, events } = tokensOf(library);
      const { client, sent } = recordingClient(axios, { baseURL: API });
      auth.attach(client);
      await client.get('/x');
      await client.get('/x', { payuAuth: { scope: 'read_payment_links' } });
      await client.get('/x', { payuAuth: { scope: ['read_payment_links', 'create_payment_links'] } });
      await client.get('/x', { payuAuth: { scope: ' create_payment_links  read_payment_links ' } });
      await client.get('/x', { payuAuth: {} });
      expect(sent.map(({ token }) => token)).toEqual([1, 2, 3, 3, 1].map((n) => `access_token_${n}`));
      expect(events).toHaveLength(3);
    });

    test('the default of an instance counts, and a request may differ', async () => {
      const { auth } = tokensOf(library);
      const { client, sent } = recordingClient(axios, { baseURL: API, payuAuth: false });
      auth.attach(client);
      await client.get('/x');
      await client.get('/x', { payuAuth: {} });
      expect(sent.map(({ token }) => token)).toEqual([undefined, 'access_token_1']);
    });

    test('replay: false sends exactly once; the refused token is dropped all the same', async () => {
      const { client, sent, auth, events } = refusing();
      auth.attach(client);
      await expect(client.get('/x', { payuAuth: { replay: false } })).rejects.toMatchObject({
        response: { status: 401 },
      });
      await client.get('/x');
      expect(sent.map(({ token }) => token)).toEqual(['access_token_1', 'access_token_2']);
      expect(events).toContainEqual({ type: 'replay-skipped', reason: 'disabled' });
    });

    test.each<[string, unknown, RegExp]>([
      ['true', true, /"payuAuth" must be false or/],
      ['null', null, /"payuAuth" must be false or/],
      ['a string', 'read', /"payuAuth" must be false or/],
      ['a list', [], /"payuAuth" must be false or/],
      ['a Map', new Map([['scope', 'read']]), /"payuAuth" must be false or/],
      ['a signal', new AbortController().signal, /"payuAuth" must be false or/],
      [
        'a misspelt option',
        { scopes: 'a' },
        /"payuAuth.scopes" is not an option; there are: scope, maxWaitMs, replay/,
      ],
      ['an empty scope', { scope: '' }, /"payuAuth.scope" must be a scope/],
      ['an empty list', { scope: [] }, /"payuAuth.scope" must be a scope/],
      ['a scope with a quote', { scope: 'a"b' }, /"payuAuth.scope" holds/],
      ['a negative wait', { maxWaitMs: -1 }, /"payuAuth.maxWaitMs" must be a number of milliseconds/],
      ['a wait without end', { maxWaitMs: Number.POSITIVE_INFINITY }, /"payuAuth.maxWaitMs" must be/],
      ['a word for replay', { replay: 'no' }, /"payuAuth.replay" must be true or false/],
    ])('%s is refused, and nothing is sent', async (_title, payuAuth, message) => {
      const { auth, minted } = tokensOf(library);
      const { client, sent } = recordingClient(axios, { baseURL: API });
      auth.attach(client);
      const error = await client.get('/x', { payuAuth } as never).catch((caught) => caught);
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', message: expect.stringMatching(message) });
      expect([sent.length, minted()]).toEqual([0, 0]);
    });
  });

  test('no token, no request (A7)', async () => {
    const { client, sent, auth } = refusing({
      http: { adapter: () => Promise.reject(new Error('down')) },
      tokenAttempts: 1,
    });
    auth.attach(client);
    await expect(client.get('/x')).rejects.toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE' });
    await auth.close();
    await expect(client.get('/x')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    expect(sent).toEqual([]);
  });

  test('token requests pass none of the interceptors of attached instances or of axios itself (A6)', async () => {
    const home = await startOrigin((arrival, response) => {
      response.end(JSON.stringify({ access_token: 'access_token_1', expires_in: 60, at: arrival.url }));
    });
    const passed: unknown[] = [];
    const { auth } = tokensOf(library, {
      environment: { tokenUrl: `${home.url}/oauth/token` },
      http: {},
    });
    const id = axios.interceptors.request.use((config) => {
      passed.push(config.url);
      return config;
    });
    axios.defaults.headers.common['x-default'] = 'leaks';
    const detach = auth.attach(axios as unknown as AxiosInstance, { origins: [home.url] });
    await axios.get(`${home.url}/api`);
    detach();
    axios.interceptors.request.eject(id);
    delete axios.defaults.headers.common['x-default'];
    expect(passed).toEqual([`${home.url}/api`]);
    expect(
      home.arrivals.map(({ url, headers }) => [url, headers.authorization, headers['x-default']]),
    ).toEqual([
      ['/oauth/token', undefined, undefined],
      ['/api', 'Bearer access_token_1', 'leaks'],
    ]);
  });
});

test('payuAuth is a typed part of a request', () => {
  const config: AxiosRequestConfig = { payuAuth: { scope: ['a'], maxWaitMs: 5, replay: false } };
  expectTypeOf(config.payuAuth).exclude<undefined | false>().toExtend<{ readonly replay?: boolean }>();
  expectTypeOf<InternalAxiosRequestConfig>().toHaveProperty('payuAuth');
  // @ts-expect-error: true says nothing
  const on: AxiosRequestConfig = { payuAuth: true };
  // @ts-expect-error: misspelt
  const misspelt: AxiosRequestConfig = { payuAuth: { scopes: 'a' } };
  expect([on, misspelt]).toHaveLength(2);
});

describe('the other copy of axios', () => {
  const require = createRequire(import.meta.url);

  test('an instance of the CommonJS copy works, and isAxiosError knows the errors', async () => {
    const commonJs = require('axios') as AxiosStatic;
    const library = await libraryOn('axios');
    expect(commonJs.AxiosError).not.toBe(library.axios.AxiosError);
    const home = await startOrigin((arrival, response, nth) => {
      if (nth < 3) return refuseFirst(arrival, response, nth);
      response.writeHead(500);
      response.end();
    });
    const { auth } = tokensOf(library);
    const client = commonJs.create({ baseURL: home.url });
    auth.attach(client);
    expect((await client.post('/x', { a: 1 })).status).toBe(200);
    const error = await client.get('/x').catch((caught) => caught);
    expect(commonJs.isAxiosError(error)).toBe(true);
    expect(error.response.status).toBe(500);
    const controller = new AbortController();
    controller.abort();
    const canceled = await client.get('/x', { signal: controller.signal }).catch((caught) => caught);
    expect(commonJs.isCancel(canceled)).toBe(true);
  });

  test('the library on the CommonJS copy works with an instance of the ESM copy', async () => {
    const commonJs = require('axios') as AxiosStatic;
    const { axios } = await libraryOn('axios');
    vi.resetModules();
    vi.doMock('axios', () => ({ ...commonJs, default: commonJs }));
    const { createPayuAuth } = await import('../../src/payu-auth.ts');
    vi.doUnmock('axios');
    vi.resetModules();
    const home = await startOrigin(refuseFirst);
    const { auth } = tokensOf({ createPayuAuth });
    for (const adapter of ['http', 'fetch'] as const) {
      const client = axios.create({ baseURL: home.url, adapter });
      auth.attach(client);
      expect((await client.post('/x', { a: 1 })).status).toBe(200);
    }
    expect(home.arrivals.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer access_token_1',
      'Bearer access_token_2',
      'Bearer access_token_2',
    ]);
  });
});
