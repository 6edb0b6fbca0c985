import { AsyncLocalStorage } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import axios, { type InternalAxiosRequestConfig } from 'axios';
import { expect, onTestFinished, test } from 'vitest';
import { createPayuAuth, type PayuAuthOptions } from '../../../src/index.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

function answering(status: number, body: object) {
  return async (config: InternalAxiosRequestConfig) => {
    const response = { status, statusText: '', data: JSON.stringify(body), headers: {}, config };
    if (status < 300) return response;
    throw new axios.AxiosError('refused', 'ERR_BAD_REQUEST', config, undefined, response);
  };
}

let tokens = 0;
const mints = async (config: InternalAxiosRequestConfig) =>
  answering(200, { access_token: `access_token_${++tokens}`, expires_in: 7200 })(config);
const silent = () => new Promise<never>(() => {});
const secret = 'client-secret-1';

/** What is remembered after a call: a token, a failure, a pause. */
const rows: readonly [
  name: string,
  clientSecret: string | (() => Promise<string>),
  http: PayuAuthOptions['http'],
][] = [
  ['a token that its API refuses', secret, { adapter: mints }],
  ['a token endpoint that fails', secret, { adapter: answering(503, {}) }],
  ['one that refuses', secret, { adapter: answering(401, { error: 'invalid_client' }) }],
  ['one that says nothing', secret, { adapter: silent }],
  ['a secret that does not come', silent, { adapter: mints }],
];

/** The context leads to the request's body, its user and its spans: with an auth for each of many merchants that adds up. */
test('nothing that an auth remembers keeps the async context of a request alive', async () => {
  const context = new AsyncLocalStorage<object>();
  const contexts = await Promise.all(
    rows.map(async ([name, clientSecret, http]) => {
      const auth = createPayuAuth({
        environment: { tokenUrl: 'https://accounts.example/oauth/token' },
        grant: { type: 'client_credentials', clientId: 'client-1', clientSecret },
        scope: 'create_payout_transactions',
        tokenTimeoutMs: 1,
        tokenAttempts: 1,
        ...(http === undefined ? {} : { http }),
      });
      onTestFinished(() => auth.close());
      const client = axios.create({ baseURL: 'https://api.example', adapter: answering(401, {}) });
      auth.attach(client);
      const store = { name };
      const call = () => client.get('/').catch(() => {});
      // The first call renews its token and finds it refused; the second one looks for a sibling's in the pause (D5).
      await context.run(store, () => call().then(call));
      return [name, new WeakRef(store)] as const;
    }),
  );
  const kept = () => {
    collectGarbage();
    return contexts.flatMap(([name, store]) => (store.deref() === undefined ? [] : [name]));
  };
  await expect.poll(kept, { timeout: 30_000, interval: 10 }).toEqual([]);
});
