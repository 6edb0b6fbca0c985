import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { inspect } from 'node:util';
import axios, { type AxiosRequestConfig } from 'axios';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { PayuAuthOptions } from '../../src/options/options.ts';
import { createPayuAuth, createPayuAuthIn } from '../../src/payu-auth.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { json, recordingClient, startOrigin, tokenIn, tokensOf } from './support.ts';

const API = 'https://api.example';

/** A client whose server answers like this, and what came of one call. */
async function oneCall(
  answer: (token: string | undefined, nth: number) => { status: number; data?: unknown; headers?: object },
  config: AxiosRequestConfig = {},
  options: Partial<PayuAuthOptions> = {},
) {
  const tokens = tokensOf({ createPayuAuth }, options);
  const { client, sent } = recordingClient(axios, { baseURL: API }, ({ headers }, nth) =>
    answer(tokenIn(headers), nth),
  );
  tokens.auth.attach(client);
  const result = await client.request({ url: '/pay', method: 'post', data: { a: 1 }, ...config }).then(
    (response) => ({ kind: 'response' as const, response }),
    (error) => ({ kind: 'error' as const, error, response: error.response }),
  );
  return { ...tokens, client, sent, result };
}

test.each([{}, undefined])(
  'a timeout where the global "performance" is %j by now: the call is sent (T1)',
  async (nothing) => {
    const { client, sent } = await oneCall(() => ({ status: 200 }));
    vi.stubGlobal('performance', nothing);
    onTestFinished(() => void vi.unstubAllGlobals());
    await client.get('/pay', { timeout: 1_000 });
    expect(sent).toHaveLength(2);
  },
);

test.each([
  ['the same origin', `${API}/v2`, 2],
  ['another allowed origin', 'https://b.example', 1],
])('a config that leads to %s by the time of its replay', async (_, baseURL, sends) => {
  const { auth } = tokensOf({ createPayuAuth }, { origins: ['https://b.example'] });
  const { client, sent } = recordingClient(axios, { baseURL: API }, (config) => {
    Object.assign(config, { baseURL });
    return { status: 401 };
  });
  auth.attach(client);
  await expect(client.get('/pay')).rejects.toMatchObject({ status: 401 });
  expect(sent).toHaveLength(sends);
});

describe('what is sent a second time, and what never is', () => {
  test.each([
    ['a success', 200, {}, 1],
    ['a business failure', 200, { data: { status: -1, message: 'Invoice Number already exists.' } }, 1],
    ['a 400', 400, {}, 1],
    ['a 403', 403, { data: '<html>' }, 1],
    ['a 403 that speaks of the token', 403, { data: { error: 'invalid_token' } }, 1],
    ['a 404', 404, {}, 1],
    ['a 500', 500, {}, 1],
    ['a 502', 502, { data: { error: 'invalid_token' } }, 1],
    ['a 503', 503, { headers: { 'retry-after': '0' } }, 1],
    ['a 401 of another scheme', 401, { headers: { 'www-authenticate': 'Basic realm="proxy"' } }, 1],
    ['a 401 for a scope', 401, { data: { error: 'insufficient_scope' } }, 1],
    ['a 401', 401, {}, 2],
    ['a 401 of Partner v1', 401, { data: { status: 'Unauthorized' } }, 2],
  ])('%s', async (_title, status, rest, sends) => {
    const { sent, minted, result } = await oneCall(() => ({ status, ...rest }));
    expect([sent.length, minted()]).toEqual([sends, sends]);
    expect(result.response.status).toBe(status);
    expect(result.kind).toBe(status === 200 ? 'response' : 'error');
  });

  // As codes, adapters of one's own have names, numbers or nothing.
  test.each<[code: unknown, sends: number]>([
    [undefined, 2],
    [null, 2],
    ['', 2],
    [401, 2],
    ['E401', 2],
    ['ERR_UNAUTHORIZED', 2],
    ['ERR_BAD_REQUEST', 2],
    ['ERR_BAD_RESPONSE', 1],
    ['ERR_STREAM_PREMATURE_CLOSE', 1],
    ['ECONNRESET', 1],
  ])(
    "an adapter of one's own that rejects with a 401 without a body, and %j as code: %i",
    async (code, sends) => {
      const { auth } = tokensOf({ createPayuAuth });
      const tokens: unknown[] = [];
      const client = axios.create({
        baseURL: API,
        adapter: (config) => {
          tokens.push(tokenIn(config.headers));
          const response = { status: 401, statusText: '', headers: {}, config, data: undefined };
          return Promise.reject(Object.assign(new Error('refused'), { code, response, config }));
        },
      });
      auth.attach(client);
      await expect(client.post('/pay', { a: 1 })).rejects.toThrow('refused');
      expect(tokens).toHaveLength(sends);
    },
  );

  test.each(['ECONNRESET', 'ECONNABORTED', 'ETIMEDOUT', 'ENOTFOUND', 'ERR_NETWORK'])(
    '%s: once',
    async (code) => {
      const { auth, minted } = tokensOf({ createPayuAuth });
      let sends = 0;
      const client = axios.create({
        baseURL: API,
        adapter: (config) => {
          sends++;
          return Promise.reject(new axios.AxiosError(code, code, config));
        },
      });
      auth.attach(client);
      for (const expected of [1, 2]) {
        await expect(client.post('/pay', { a: 1 })).rejects.toMatchObject({ code });
        expect(sends).toBe(expected);
      }
      expect(minted()).toBe(1);
    },
  );

  describe('a call that is cancelled between our steps is not sent, as axios would not', () => {
    const WAYS = ['signal', 'cancelToken'] as const;
    function cancellable(way: (typeof WAYS)[number]) {
      const controller = new AbortController();
      const source = axios.CancelToken.source();
      return way === 'signal'
        ? { cancel: () => controller.abort(), config: { signal: controller.signal } }
        : { cancel: () => source.cancel(), config: { cancelToken: source.token } };
    }

    test.each(WAYS)('while its form is read ahead: %s', async (way) => {
      const { cancel, config } = cancellable(way);
      const { auth } = tokensOf({ createPayuAuth });
      await auth.getToken();
      const { client, sent } = recordingClient(axios, { baseURL: API });
      auth.attach(client);
      const form = new FormData();
      form.append('file', new Blob(['x'.repeat(100_000)]));
      const call = client.post('/pay', form, config);
      // The form is being read from the first microtasks on; cancelled in the turn after them.
      for (let turn = 0; turn < 6; turn++) await Promise.resolve();
      expect(sent).toHaveLength(0);
      cancel();
      await expect(call).rejects.toMatchObject({ code: 'ERR_CANCELED' });
      expect(sent).toHaveLength(0);
    });

    test.each(WAYS)('when it is about to be replayed: %s', async (way) => {
      const { cancel, config } = cancellable(way);
      const { auth } = tokensOf(
        { createPayuAuth },
        {
          onEvent: ({ type }) => {
            if (type === 'request-replayed') cancel();
          },
        },
      );
      const { client, sent } = recordingClient(axios, { baseURL: API }, () => ({ status: 401 }));
      auth.attach(client);
      await expect(client.post('/pay', {}, config)).rejects.toMatchObject({ code: 'ERR_CANCELED' });
      expect(sent).toHaveLength(1);
    });
  });

  test('a renewed token that this request is refused with as well is kept, though others succeed with it', async () => {
    const { auth, minted } = tokensOf({ createPayuAuth });
    const { client, sent } = recordingClient(axios, { baseURL: API }, ({ url, headers }) => ({
      status: url === '/bad' || tokenIn(headers) === 'access_token_1' ? 401 : 200,
    }));
    auth.attach(client);
    client.interceptors.request.use((config) => config);
    const bad = client.get('/bad').catch(({ response }) => response.status);
    const good = client.get('/good');
    expect([await bad, (await good).status, minted()]).toEqual([401, 200, 2]);
    await client.get('/good');
    expect(minted()).toBe(2);
    expect(sent.at(-1)?.token).toBe('access_token_2');
  });

  test('an endpoint that refuses any token, among others that accept it: renewals get rare, and good calls go on', async () => {
    // Pauses of a second would end while fifty calls are made on a busy machine.
    const standingStill = { clock: new ManualClock(), random: Math.random };
    const { auth, minted, events } = tokensOf({
      createPayuAuth: (options) => createPayuAuthIn(standingStill, options),
    });
    const { client, sent } = recordingClient(axios, { baseURL: API }, ({ url }) => ({
      status: url === '/bad' ? 401 : 200,
    }));
    auth.attach(client);
    for (let n = 0; n < 50; n++) {
      expect((await client.get('/good')).status).toBe(200);
      await expect(client.get('/bad')).rejects.toMatchObject({ response: { status: 401 } });
    }
    // The first, three renewals that were given a chance, and one that was not any more.
    expect(minted()).toBe(5);
    expect(sent).toHaveLength(50 + 50 + 4);
    expect(events.filter((event) => event.type === 'replay-skipped')).toEqual(
      new Array(46).fill({ type: 'replay-skipped', reason: 'renewals-paused' }),
    );
  });

  test("a permanent 401: two sends, one more mint, and the caller gets axios' own error", async () => {
    const { sent, minted, result, events } = await oneCall(() => ({ status: 401 }));
    expect(result).toMatchObject({ kind: 'error', error: { isAxiosError: true, response: { status: 401 } } });
    expect([sent.length, minted()]).toEqual([2, 2]);
    expect(events.filter(({ type }) => type === 'request-replayed')).toEqual([
      { type: 'request-replayed', cause: 'token-refused', attempt: 2, method: 'POST', url: `${API}/pay` },
    ]);
  });

  test.each([
    ['is cured all the same', 1, 200],
    ['that is permanent resolves as a response', 2, 401],
  ])('with validateStatus, a 401 %s', async (_title, refusals, status) => {
    const { sent, result } = await oneCall((_token, nth) => ({ status: nth <= refusals ? 401 : 200 }), {
      validateStatus: () => true,
    });
    expect(result).toMatchObject({ kind: 'response', response: { status } });
    expect(sent).toHaveLength(2);
  });

  test('a refusal in a 200, by the rule of the caller', async () => {
    const { sent, result } = await oneCall(
      (token) => ({ status: 200, data: { code: token === 'access_token_1' ? 600 : 200 } }),
      {},
      { isTokenRefused: ({ data }) => data.code === 600 },
    );
    expect(result.response.data).toEqual({ code: 200 });
    expect(sent).toHaveLength(2);
  });

  test('a token that others use with success is refused here: still no third send', async () => {
    const { auth, minted } = tokensOf({ createPayuAuth });
    const sends: unknown[] = [];
    const client = axios.create({
      baseURL: API,
      validateStatus: () => true,
      adapter: async (config) => {
        sends.push([config.url, tokenIn(config.headers)]);
        if (config.url === '/pay' && sends.length > 1) await client.get('/proof');
        return {
          status: config.url === '/pay' ? 401 : 200,
          statusText: '',
          headers: {},
          data: '',
          config,
          request: {},
        };
      },
    });
    auth.attach(client);
    expect((await client.post('/pay')).status).toBe(401);
    expect(sends).toEqual([
      ['/pay', 'access_token_1'],
      ['/pay', 'access_token_2'],
      ['/proof', 'access_token_2'],
    ]);
    expect(minted()).toBe(2);
  });

  test('no renewal: the caller gets its typed error, not the 401', async () => {
    let mints = 0;
    const { sent, result } = await oneCall(
      () => ({ status: 401 }),
      {},
      {
        tokenAttempts: 1,
        http: {
          adapter: async (config) => {
            if (++mints > 1) throw new Error('down');
            return {
              status: 200,
              statusText: '',
              headers: {},
              data: '{"access_token":"access_token_1"}',
              config,
            };
          },
        },
      },
    );
    expect(result).toMatchObject({
      kind: 'error',
      error: { code: 'ERR_TOKEN_UNAVAILABLE' },
      response: undefined,
    });
    expect(sent).toHaveLength(1);
  });

  test('the same token again: no replay, the 401 reaches the caller', async () => {
    const { sent, result, events } = await oneCall(
      () => ({ status: 401 }),
      {},
      {
        http: {
          adapter: async (config) => ({
            status: 200,
            statusText: '',
            headers: {},
            data: '{"access_token":"access_token_1"}',
            config,
          }),
        },
      },
    );
    expect(result.response.status).toBe(401);
    expect(sent).toHaveLength(1);
    expect(events).toContainEqual({ type: 'replay-skipped', reason: 'same-token' });
  });
});

describe('what an event says of the URL', () => {
  test.each([
    [{ url: '/pay?account=1#x' }, `${API}/pay`],
    [{ url: 'pay', params: { account: 1 } }, `${API}/pay`],
    [{ url: `${API}/other?account=1` }, `${API}/other`],
    [{ baseURL: `${API}/v2/`, url: '//api.example/x', allowAbsoluteUrls: false }, `${API}/v2/api.example/x`],
    [{ baseURL: '', url: new URL(`${API}/object?account=1`) as never }, `${API}/object`],
    [{ baseURL: 'https://user:pass@api.example/v2', url: '/x@y' }, 'https://api.example/v2/x@y'],
  ])('%o: %s', async (config, url) => {
    const { events } = await oneCall((_token, nth) => ({ status: nth === 1 ? 401 : 200 }), config, {
      header: { name: 'X-Partner-Token' },
    });
    expect(events).toContainEqual(expect.objectContaining({ type: 'request-replayed', url }));
  });
});

describe('what the caller gets back', () => {
  test.each(['http', 'fetch'] as const)(
    '%s: an error of axios, with the own config and without a token',
    async (adapter) => {
      const home = await startOrigin((_arrival, response) => json(response, 401, {}));
      const { auth } = tokensOf({ createPayuAuth });
      const client = axios.create({ baseURL: home.url, adapter });
      auth.attach(client);
      const error = await client
        .post('/x', { a: 1 }, { headers: { 'x-own': 'kept' } })
        .catch((caught) => caught);
      expect(error.config.headers['x-own']).toBe('kept');
      expect(error.config.adapter).toBe(adapter);
      expect(error.config.data).toBe('{"a":1}');
      expect(error.response.config).toBe(error.config);
      expect(Object.keys(error)).not.toContain('request');
      expect(error.request).toBeDefined();
      expect(inspect(error, { depth: Number.POSITIVE_INFINITY })).not.toMatch(/access_token/);
    },
  );

  test.each([
    ['its first send', 'access_token_1'],
    ['a replay', 'access_token_2'],
  ])('a stream that is aborted after %s breaks without a token in its error', async (_title, good) => {
    const home = await startOrigin((arrival, response) => {
      const isRefused = !arrival.head.includes(good);
      response.writeHead(isRefused ? 401 : 200, { 'content-length': '10' });
      if (isRefused) response.end('0123456789');
      else response.write('01234');
    });
    const { auth } = tokensOf({ createPayuAuth });
    const client = axios.create({ baseURL: home.url });
    auth.attach(client);
    const controller = new AbortController();
    const { data } = await client.post<Readable>(
      '/x',
      { a: 1 },
      { responseType: 'stream', signal: controller.signal },
    );
    const broken = once(data.resume(), 'error');
    controller.abort();
    const [error] = await broken.catch((caught) => [caught]);
    expect(axios.isCancel(error)).toBe(true);
    expect((error as { config?: unknown }).config).toBeDefined();
    expect(inspect(error, { depth: Number.POSITIVE_INFINITY })).not.toMatch(/access_token/);
  });

  test('fetch: a stream that grows too long after a replay breaks without a token in the config', async () => {
    const home = await startOrigin((arrival, response) => {
      response.writeHead(/access_token_1\b/.test(arrival.head) ? 401 : 200);
      response.end(Buffer.alloc(100_000));
    });
    const { auth } = tokensOf({ createPayuAuth });
    const client = axios.create({ baseURL: home.url, adapter: 'fetch', maxContentLength: 1_000 });
    auth.attach(client);
    const { data } = await client.post<ReadableStream>(
      '/x',
      { a: 1 },
      {
        responseType: 'stream',
        // A refusal of that length would be an error of its own.
        validateStatus: () => true,
      },
    );
    const error = await new Response(data).text().catch((caught) => caught);
    const { config } = error.cause ?? error;
    expect(inspect(config, { depth: Number.POSITIVE_INFINITY })).not.toMatch(/access_token/);
  });

  test.each(
    (['http', 'fetch'] as const).flatMap((adapter) =>
      [
        { status: 200, type: 'text/plain' },
        { status: 400, type: 'application/json' },
        { status: 401, type: 'text/plain' },
        { status: 500, type: 'text/plain' },
      ].map((answer) => ({ adapter, ...answer })),
    ),
  )(
    '$adapter, $status: a stream of untold length that grows too long breaks without a token, even by name',
    async ({ adapter, status, type }) => {
      const home = await startOrigin((_arrival, response) => {
        response.writeHead(status, { 'content-type': type });
        response.write('a'.repeat(500));
        response.end('a'.repeat(5_000));
      });
      const { auth } = tokensOf({ createPayuAuth });
      const client = axios.create({ baseURL: home.url, adapter, maxContentLength: 1_000 });
      auth.attach(client);
      const call = client.get<AsyncIterable<unknown>>('/x', { responseType: 'stream' });
      const { data } = await call.catch(({ response }) => response);
      const read = async () => {
        for await (const _ of data);
      };
      const error = await read().catch((caught) => caught);
      expect(error.message).toBe('maxContentLength size of 1000 exceeded');
      expect(Object.keys(error)).not.toContain('request');
      expect(error.config.headers.Authorization).toBeUndefined();
      expect(inspect(error, { depth: Number.POSITIVE_INFINITY })).not.toMatch(/access_token/);
    },
  );

  test('a limited web stream: to cancel it cancels the one behind it', async () => {
    let isCancelled = false;
    const data = new ReadableStream({
      cancel() {
        isCancelled = true;
      },
    });
    const { result } = await oneCall(() => ({ status: 200, data }), {
      responseType: 'stream',
      maxContentLength: 1_000,
    });
    await result.response.data.cancel();
    expect(isCancelled).toBe(true);
  });

  test('an error that comes after the adapter was done holds no token', async () => {
    const { result } = await oneCall(() => ({ status: 200, data: 'no json' }), {
      transformResponse: () => {
        throw new Error('transform');
      },
    });
    expect(result.kind).toBe('error');
    expect(inspect(result, { depth: Number.POSITIVE_INFINITY })).not.toMatch(/access_token/);
    const controller = new AbortController();
    const aborted = await oneCall(
      () => {
        controller.abort();
        return { status: 200 };
      },
      { signal: controller.signal },
    );
    expect(aborted.result).toMatchObject({ kind: 'error', error: { code: 'ERR_CANCELED' } });
    expect(inspect(aborted.result, { depth: Number.POSITIVE_INFINITY })).not.toMatch(/access_token/);
  });
});
