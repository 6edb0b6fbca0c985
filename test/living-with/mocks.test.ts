import axios, { AxiosError, type InternalAxiosRequestConfig } from 'axios';
import MockAdapter from 'axios-mock-adapter';
import NpmFormData from 'form-data';
import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import nock from 'nock';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createPayuAuth } from '../../src/payu-auth.ts';
import { tokenIn, tokensOf } from '../axios/support.ts';

const API = 'https://api.example';
const ORDERS = ['before', 'after'] as const;
const ADAPTERS = ['http', 'fetch'] as const;
const BOTH = ORDERS.flatMap((order) => ADAPTERS.map((adapter) => [order, adapter] as const));

/** Mocks and attaches, in this order; then makes one call. */
async function call(
  order: (typeof ORDERS)[number],
  mock: (client: ReturnType<typeof axios.create>) => void,
  config = {},
) {
  const tokens = tokensOf({ createPayuAuth });
  const client = axios.create({ baseURL: API, ...config });
  if (order === 'before') mock(client);
  tokens.auth.attach(client);
  if (order === 'after') mock(client);
  return { ...tokens, client, response: await client.post('/pay', { a: 1 }) };
}

describe('axios-mock-adapter', () => {
  // Its types are those of the CommonJS copy of axios, hence the casts.
  test.each(ORDERS)('installed %s ours: sees both sends, with their tokens', async (order) => {
    const tokens: unknown[] = [];
    const { response, client } = await call(order, (client) => {
      const mock = new MockAdapter(client as never);
      mock.onPost('/pay', { a: 1 }).reply(({ headers }) => {
        tokens.push(tokenIn(headers ?? {}));
        return tokens.length === 1 ? [401] : [200, { ok: true }];
      });
      mock.onGet('/gone').networkError();
    });
    expect(response.data).toEqual({ ok: true });
    expect(tokens).toEqual(['access_token_1', 'access_token_2']);
    await expect(client.get('/gone')).rejects.toMatchObject({ message: 'Network Error' });
    await expect(client.get('/unknown')).rejects.toMatchObject({ response: { status: 404 } });
  });

  test.each(ORDERS)(
    'installed %s ours: its history gives the token by name, and prints none',
    async (order) => {
      let mock: MockAdapter | undefined;
      await call(order, (client) => {
        mock = new MockAdapter(client as never);
        mock.onPost('/pay').reply(200);
      });
      expect(mock?.history.post.map(({ data }) => data)).toEqual(['{"a":1}']);
      expect(mock?.history.post[0]?.headers?.Authorization).toBe('Bearer access_token_1');
      expect(JSON.stringify(mock?.history.post)).not.toMatch(/access_token/);
    },
  );
});

describe('an adapter written by hand', () => {
  const answer = { statusText: '', headers: {}, data: { error: 'invalid_token' } };
  test.each<[string, (config: InternalAxiosRequestConfig) => unknown]>([
    ['a plain object', () => ({ response: { status: 401 } })],
    ['an error without a code', () => Object.assign(new Error('401'), { response: { status: 401 } })],
    [
      "axios' error, whatever its code",
      (config) =>
        new AxiosError('401', AxiosError.ERR_BAD_RESPONSE, config, null, { ...answer, status: 401, config }),
    ],
  ])('may reject a refused call with %s: it is sent once more', async (_, refusal) => {
    const tokens: unknown[] = [];
    const adapter = async (config: InternalAxiosRequestConfig) => {
      tokens.push(tokenIn(config.headers));
      if (tokens.length === 1) throw refusal(config);
      return { ...answer, status: 200, config };
    };
    const { response } = await call('before', () => {}, { adapter });
    expect(response.status).toBe(200);
    expect(tokens).toEqual(['access_token_1', 'access_token_2']);
  });
});

describe('nock', () => {
  test.each(BOTH)('installed %s ours, adapter %s', async (order, adapter) => {
    nock.disableNetConnect();
    onTestFinished(() => {
      nock.cleanAll();
      nock.enableNetConnect();
      nock.restore();
      nock.activate();
    });
    let scope: nock.Scope | undefined;
    const { response, minted } = await call(
      order,
      () => {
        scope = nock(API)
          .post('/pay', { a: 1 })
          .matchHeader('authorization', 'Bearer access_token_1')
          .reply(401, { error: 'invalid_token' })
          .post('/pay', { a: 1 })
          .matchHeader('authorization', 'Bearer access_token_2')
          .reply(200, { ok: true });
      },
      { adapter },
    );
    expect(response.data).toEqual({ ok: true });
    expect(minted()).toBe(2);
    scope?.done();
  });
});

describe('MSW', () => {
  test.each(BOTH)('listening %s we attach, adapter %s', async (order, adapter) => {
    const seen: unknown[] = [];
    const server = setupServer(
      http.post(`${API}/pay`, async ({ request }) => {
        seen.push([request.headers.get('authorization'), await request.text()]);
        return seen.length === 1
          ? HttpResponse.json({ error: 'invalid_token' }, { status: 401 })
          : HttpResponse.json({ ok: true });
      }),
    );
    onTestFinished(() => server.close());
    const { response } = await call(order, () => server.listen({ onUnhandledRequest: 'error' }), { adapter });
    expect(response.data).toEqual({ ok: true });
    expect(seen).toEqual([
      ['Bearer access_token_1', '{"a":1}'],
      ['Bearer access_token_2', '{"a":1}'],
    ]);
  });
});

describe('form-data', () => {
  test.each(ADAPTERS)(
    'sent with its getHeaders(), as its documentation says, adapter %s',
    async (adapter) => {
      onTestFinished(() => nock.cleanAll());
      const form = new NpmFormData();
      form.append('bill', Buffer.from('%PDF'), 'bill.pdf');
      const bodies: unknown[] = [];
      const answer = (status: number) =>
        nock(API)
          .post('/pay', (body) => bodies.push(body) > 0)
          .matchHeader('content-type', form.getHeaders()['content-type'] ?? '')
          .reply(status);
      const scopes = [answer(401), answer(200)];
      const { auth } = tokensOf({ createPayuAuth });
      const client = axios.create({ baseURL: API, adapter });
      auth.attach(client);
      expect((await client.post('/pay', form, { headers: form.getHeaders() })).status).toBe(200);
      expect(bodies[0]).toEqual(bodies[1]);
      expect(String(bodies[0])).toContain('filename="bill.pdf"');
      for (const scope of scopes) scope.done();
    },
  );
});
