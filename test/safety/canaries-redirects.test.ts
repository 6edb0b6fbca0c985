import { describe, expect, test } from 'vitest';
import { AXIOS_VERSIONS, libraryOn, startOrigin, tokensOf } from '../axios/support.ts';
import { findSecrets } from './support/find-secrets.ts';

/** A redirect that can't be followed, to a place that repeats the request's token: Node.js quotes it in `input`. */
const LOCATIONS: Readonly<Record<string, (token: string) => string>> = {
  'no host': (token) => `http://[${token}/`,
  'no port': (token) => `http://127.0.0.1:99999/${token}`,
  'the token in base64': (token) => `http://[${btoa(token)}/`,
  'another scheme': (token) => `foo://host/${token}`,
};

describe.each(AXIOS_VERSIONS)('a redirect that repeats the token, on %s', (version) => {
  describe.each(['http', 'fetch'] as const)('over the %s adapter', (adapter) => {
    test.each(Object.entries(LOCATIONS))('%s: it is in no error', async (_, locationOf) => {
      const { axios, createPayuAuth } = await libraryOn(version);
      const api = await startOrigin(({ headers }, response) => {
        const token = String(headers.authorization).replace('Bearer ', '');
        response.writeHead(302, { location: locationOf(token) }).end();
      });
      const { auth } = tokensOf({ createPayuAuth });
      const client = axios.create({ baseURL: api.url, adapter });
      auth.attach(client);
      const failure: unknown = await client.get('/x').catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(Error);
      expect(api.arrivals[0]?.headers.authorization).toBe('Bearer access_token_1');
      expect(findSecrets(failure, ['access_token_1'])).toEqual([]);
    });
  });
});
