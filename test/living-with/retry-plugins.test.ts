import axios, { type AxiosInstance } from 'axios';
import axiosRetry from 'axios-retry';
import * as rax from 'retry-axios';
import { describe, expect, test } from 'vitest';
import { createPayuAuth, type PayuAuth } from '../../src/payu-auth.ts';
import { type Origin, startOrigin, tokensOf } from '../axios/support.ts';

interface Plugin {
  readonly name: string;
  /** Retries a 503 up to three times, at once; calls back before each retry. */
  readonly install: (client: AxiosInstance, beforeRetry: () => Promise<void>) => void;
}

const PLUGINS: readonly Plugin[] = [
  {
    name: 'axios-retry',
    install: (client, beforeRetry) => {
      axiosRetry(client, { retries: 3, retryDelay: () => 0, onRetry: beforeRetry });
    },
  },
  {
    name: 'retry-axios',
    install: (client, beforeRetry) => {
      client.defaults.raxConfig = {
        retry: 3,
        retryDelay: 0,
        backoffType: 'static',
        statusCodesToRetry: [[503, 503]],
        onRetryAttempt: beforeRetry,
      };
      rax.attach(client);
    },
  },
];

const ORDERS = ['before', 'after'] as const;

describe.each(PLUGINS)('$name', ({ install }) => {
  /** A client on a server that answers with these statuses, in turn; then with 200. */
  const set = async (
    order: (typeof ORDERS)[number],
    statuses: readonly number[],
    beforeRetry?: (auth: PayuAuth) => Promise<void>,
  ) => {
    const home = await startOrigin((_arrival, response, nth) => {
      response.writeHead(statuses[nth - 1] ?? 200);
      response.end('{}');
    });
    const tokens = tokensOf({ createPayuAuth }, { tokenAttempts: 1 });
    const client = axios.create({ baseURL: home.url });
    const retry = () => install(client, async () => beforeRetry?.(tokens.auth));
    if (order === 'before') retry();
    tokens.auth.attach(client);
    if (order === 'after') retry();
    return { home, client, ...tokens };
  };
  const tokensAt = ({ arrivals }: Origin) => arrivals.map(({ headers }) => headers.authorization?.slice(-1));

  test.each(ORDERS)('installed %s: a 503 after a replay is retried with the new token', async (order) => {
    const { home, client, minted } = await set(order, [401, 503, 503]);
    expect((await client.get('/x')).status).toBe(200);
    expect(tokensAt(home)).toEqual(['1', '2', '2', '2']);
    expect(minted()).toBe(2);
  });

  test.each(ORDERS)(
    'installed %s: a retry after the token was renewed carries the new one',
    async (order) => {
      const { home, client } = await set(order, [503, 503], (auth) => auth.invalidate());
      expect((await client.get('/x')).status).toBe(200);
      expect(tokensAt(home)).toEqual(['1', '2', '3']);
    },
  );

  test.each(ORDERS)(
    'installed %s: a retry may be refused and replayed like any other request',
    async (order) => {
      const { home, client } = await set(order, [503, 401]);
      expect((await client.put('/x', { a: 1 })).status).toBe(200);
      expect(tokensAt(home)).toEqual(['1', '1', '2']);
      expect(home.arrivals.map(({ body }) => String(body))).toEqual(Array(3).fill('{"a":1}'));
    },
  );

  test.each(ORDERS)(
    'installed %s: a permanent 503 reaches the caller, with its own config',
    async (order) => {
      const { home, client } = await set(order, [503, 503, 503, 503]);
      const error = await client.get('/x').catch((caught) => caught);
      expect(error.response.status).toBe(503);
      expect(JSON.stringify(error.config)).not.toMatch(/access_token/);
      expect(home.arrivals).toHaveLength(4);
    },
  );

  test.each(ORDERS)('installed %s: no token is not retried: that was done already', async (order) => {
    const { home, client, auth } = await set(order, []);
    await auth.close();
    await expect(client.get('/x')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    expect(home.arrivals).toEqual([]);
  });
});
