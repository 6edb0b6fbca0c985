import {
  createServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { AxiosRequestConfig } from 'axios';
import { describe, expect, onTestFinished, test } from 'vitest';
import { deferred } from '../../src/sandbox/deferred.ts';
import { findSecrets } from '../safety/support/find-secrets.ts';
import { type Library, libraryOn, tokensOf } from './support.ts';

const TOKENS = ['access_token_1', 'access_token_2'];
const RESPONSE_TYPES = ['json', 'stream'] as const;

type Answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

const respond =
  (status: number, body: unknown): Answer =>
  (stream) => {
    stream.respond({ ':status': status, 'content-type': 'application/json' });
    stream.end(JSON.stringify(body));
  };

const refuseFirst: Answer = (stream, headers) =>
  respond(/_1$/.test(String(headers.authorization)) ? 401 : 200, { a: 1 })(stream, headers);

/** A server of HTTP/2 alone on loopback, and the bodies and tokens that it got. */
async function startServer(answer: Answer) {
  const arrivals: { readonly authorization: string | undefined; readonly body: string }[] = [];
  const server = createServer();
  const sessions: Http2Session[] = [];
  server.on('session', (session) => sessions.push(session));
  server.on('stream', async (stream, headers) => {
    let body = '';
    for await (const chunk of stream) body += chunk;
    arrivals.push({ authorization: headers.authorization, body });
    answer(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrivals };
}

function clientOf({ axios }: Library, baseURL: string, config: AxiosRequestConfig) {
  return axios.create({ baseURL, httpVersion: 2, ...config } as AxiosRequestConfig);
}

const reset = (stream: ServerHttp2Stream) => stream.session?.destroy(new Error(), 2);

// Axios 1.12 knows no HTTP/2.
describe.each(['axios-1.16', 'axios'] as const)('HTTP/2 on %s', (version) => {
  describe.each(RESPONSE_TYPES)('with a response as %s', (responseType) => {
    // Where a connection ends, Node.js ends the answer as if it were whole (D8).
    describe.each([401, 429])('a %i that breaks off is never sent again', (status) => {
      test.each<readonly [string, (stream: ServerHttp2Stream) => void]>([
        ['its stream is reset', (stream) => stream.destroy(new Error('the server has an error'))],
        ['its connection ends', (stream) => stream.session?.destroy()],
        // Axios 1.16 listens to no error of a connection, so that the process would end.
        ...(version === 'axios' ? [['its connection is reset', reset] as const] : []),
      ])('%s', async (_title, breakOff) => {
        const library = await libraryOn(version);
        const server = await startServer((stream) => {
          stream.on('error', () => {});
          stream.session?.on('error', () => {});
          stream.respond({ ':status': status, 'content-type': 'application/json', 'retry-after': '0' });
          stream.write('{"error":', () => breakOff(stream));
        });
        const client = clientOf(library, server.url, { responseType });
        const { auth, events } = tokensOf(library);
        auth.attach(client);
        await expect(client.post('/v2/payment', { a: 1 })).rejects.toThrow();
        expect(server.arrivals).toHaveLength(1);
        expect(events.map(({ type }) => type)).toEqual(['token-minted']);
      });
    });

    test('an answer whose connection ends right behind it is whole', async () => {
      const library = await libraryOn(version);
      const server = await startServer((stream, headers) => {
        const isRefused = /_1$/.test(String(headers.authorization));
        stream.respond({ ':status': isRefused ? 401 : 200 });
        stream.end('{}', () => isRefused && stream.session?.close());
      });
      const client = clientOf(library, server.url, { responseType });
      tokensOf(library).auth.attach(client);
      expect((await client.post('/v2/payment', { a: 1 })).status).toBe(200);
    });

    test('a refused token is replaced, with the same bytes, and is not shown', async () => {
      const library = await libraryOn(version);
      const server = await startServer(refuseFirst);
      const client = clientOf(library, server.url, { responseType });
      tokensOf(library).auth.attach(client);
      const response = await client.post('/x', { a: 1 });
      expect(server.arrivals).toEqual(
        TOKENS.map((token) => ({ authorization: `Bearer ${token}`, body: '{"a":1}' })),
      );
      expect(findSecrets(response, TOKENS)).toEqual([]);
      let text = '';
      if (responseType === 'stream') for await (const chunk of response.data) text += chunk;
      expect(responseType === 'stream' ? text : JSON.stringify(response.data)).toBe('{"a":1}');
      expect(response.data.statusCode ?? response.status).toBe(200);
    });

    test.each([400, 401, 500])(
      'a permanent %i shows no token, nor those of calls beside it',
      async (status) => {
        const library = await libraryOn(version);
        const [arrived, held] = [deferred<void>(), deferred<void>()];
        const server = await startServer((stream, headers) => {
          if (headers[':path'] !== '/beside') return respond(status, { error: 'no' })(stream, headers);
          arrived.resolve();
          held.promise.then(() => respond(200, {})(stream, headers));
        });
        const client = clientOf(library, server.url, { responseType });
        tokensOf(library).auth.attach(client);
        const beside = client.get('/beside');
        await arrived.promise;
        const error = await client.get('/x').catch((caught: unknown) => caught);
        expect(error).toMatchObject({ response: { status } });
        expect(findSecrets(error, TOKENS)).toEqual([]);
        held.resolve();
        expect((await beside).status).toBe(200);
      },
    );
  });
});
