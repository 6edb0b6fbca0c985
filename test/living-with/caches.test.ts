import axios, { AxiosError, type AxiosInstance } from 'axios';
import { setupCache } from 'axios-cache-interceptor';
import { describe, expect, test } from 'vitest';
import { isPayuAuthError } from '../../src/errors.ts';
import { createPayuAuth } from '../../src/payu-auth.ts';
import { refuseFirst, startOrigin, tokensOf } from '../axios/support.ts';

const ORDERS = ['before', 'after'] as const;

describe('axios-cache-interceptor', () => {
  const set = async (order: (typeof ORDERS)[number]) => {
    const home = await startOrigin(refuseFirst);
    const tokens = tokensOf({ createPayuAuth });
    const client = axios.create({ baseURL: home.url });
    const cache = () => setupCache(client as AxiosInstance, { interpretHeader: false, ttl: 60_000 });
    const cached = order === 'before' ? cache() : undefined;
    tokens.auth.attach(client);
    return { home, client: cached ?? cache(), ...tokens };
  };

  test.each(ORDERS)('set up %s we attach: what was answered once is not asked again', async (order) => {
    const { home, client } = await set(order);
    const [first, second] = [await client.get('/links'), await client.get('/links')];
    expect([first.cached, second.cached]).toEqual([false, true]);
    expect(second.data).toEqual({ ok: true });
    expect(home.arrivals).toHaveLength(2); // refused, and replayed
  });

  test.each(ORDERS)('set up %s we attach: calls at once share an answer', async (order) => {
    const { home, client } = await set(order);
    const answers = await Promise.all([1, 2, 3].map(() => client.get('/links')));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(home.arrivals).toHaveLength(2);
  });

  test('set up before we attach: an answer from the cache needs no token', async () => {
    const { client, auth, minted } = await set('before');
    await client.get('/links');
    await auth.invalidate();
    expect((await client.get('/links')).cached).toBe(true);
    expect(minted()).toBe(2);
  });

  test('set up after we attach: it does need one, as we see one adapter like any other', async () => {
    const { client, auth, minted } = await set('after');
    await client.get('/links');
    await auth.invalidate();
    expect((await client.get('/links')).cached).toBe(true);
    expect(minted()).toBe(3);
  });

  // As docs/recipes.md says. Without it, the second call and the third would wait for ever.
  test.each(ORDERS)('set up %s we attach: a call without a token blocks no other one', async (order) => {
    const { auth } = tokensOf(
      { createPayuAuth },
      { tokenAttempts: 1, http: { adapter: () => Promise.reject(new Error('down')) } },
    );
    const client = axios.create({ baseURL: 'https://accounts.test' });
    client.interceptors.request.use((config) => {
      const send = axios.getAdapter(config.adapter);
      config.adapter = async (sent) => {
        try {
          return await send(sent);
        } catch (error) {
          throw axios.isAxiosError(error) ? error : AxiosError.from(error as Error, undefined, sent);
        }
      };
      return config;
    });
    if (order === 'before') setupCache(client as AxiosInstance);
    auth.attach(client);
    if (order === 'after') setupCache(client as AxiosInstance);
    const failed = await Promise.allSettled([client.get('/links'), client.get('/links')]);
    failed.push(...(await Promise.allSettled([client.get('/links')])));
    const causes = failed.map((each) => each.status === 'rejected' && each.reason.cause);
    expect(causes.map((cause) => isPayuAuthError(cause) && cause.code)).toEqual(
      Array(3).fill('ERR_TOKEN_UNAVAILABLE'),
    );
  });
});
