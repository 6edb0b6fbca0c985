import http, { type ServerResponse } from 'node:http';
import axios from 'axios';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createPayuAuth } from '../../src/payu-auth.ts';
import { deferred } from '../../src/sandbox/deferred.ts';
import { startOrigin } from '../axios/support.ts';
import { findSecrets } from './support/find-secrets.ts';

const SECRETS = ['access_token_of_ours', 'client_secret_of_ours'];

/** A server that answers when the test says so. */
async function holding(body: string) {
  const { promise: asked, resolve } = deferred<ServerResponse>();
  const { url } = await startOrigin((_, response) => resolve(response));
  return { url, asked, answer: async () => void (await asked).end(body) };
}

/** The agents that an instance may share with an attached one. */
const AGENTS: Readonly<Record<string, () => http.Agent | undefined>> = {
  'the global agent': () => undefined,
  'an agent of the caller’s': () => {
    const agent = new http.Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    return agent;
  },
  'a global agent that came later': () => {
    const { globalAgent } = http;
    onTestFinished(() => {
      http.globalAgent = globalAgent;
    });
    return undefined;
  },
};

describe.each(Object.entries(AGENTS))('an instance that is not attached, over %s', (title, make) => {
  test.each(['a token request', 'an API request', 'an API request with a token that was not minted here'])(
    'tells nothing of %s under way beside it',
    async (what) => {
      const httpAgent = make();
      const accounts = await holding('{"access_token":"access_token_of_ours"}');
      const api = await holding('{}');
      const auth = createPayuAuth({
        environment: { tokenUrl: `${accounts.url}/token` },
        grant: { type: 'client_credentials', clientId: 'client', clientSecret: 'client_secret_of_ours' },
        scope: 'a',
        http: httpAgent === undefined ? {} : { httpAgent },
      });
      onTestFinished(() => auth.close());
      const defaults = httpAgent === undefined ? {} : { httpAgent };
      const client = axios.create({ baseURL: api.url, ...defaults });
      auth.attach(client);
      if (title === 'a global agent that came later') http.globalAgent = new http.Agent({ keepAlive: true });
      const isMinted = !what.includes('not minted');
      if (!isMinted) await auth.setToken({ accessToken: 'access_token_of_ours' });
      const call = client.get('/');
      if (isMinted) await accounts.asked;
      if (isMinted && what !== 'a token request') await accounts.answer();
      if (what !== 'a token request') await api.asked;
      const stranger = await startOrigin((_, response) => response.writeHead(500).end());
      const error = await axios.get(stranger.url, defaults).catch((failure: unknown) => failure);
      expect(error).toMatchObject({ status: 500 });
      expect(findSecrets(error, SECRETS)).toEqual([]);
      if (isMinted) await accounts.answer();
      await api.answer();
      await call;
    },
  );
});
