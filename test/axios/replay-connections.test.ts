import { setMaxListeners } from 'node:events';
import { Agent } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  type Answer,
  AXIOS_VERSIONS,
  json,
  type Library,
  libraryOn,
  refuseFirst,
  startOrigin,
  tokensOf,
} from './support.ts';

/** More than anybody reads of a refusal. */
const LARGE = 'x'.repeat(1024 * 1024);

/** Refuses each body when it comes for the first time. */
const refusesEachOnce = (): Answer => {
  const seen = new Set<string>();
  return ({ body }, response) => {
    const key = String(body);
    json(response, seen.has(key) ? 200 : 401, {});
    seen.add(key);
  };
};

/** Calls in batches: all of one are refused together, and renew once. */
async function inBatches(count: number, size: number, call: (index: number) => Promise<void>): Promise<void> {
  for (let begun = 0; begun < count; begun += size) {
    await Promise.all(Array.from({ length: size }, (_, index) => call(begun + index)));
  }
}

const refusesWithMuch: Answer = (arrival, response) => {
  const isRefused = /access_token_1\b/.test(arrival.head);
  response.writeHead(isRefused ? 401 : 200);
  response.end(isRefused ? LARGE : 'ok');
};

describe.each(AXIOS_VERSIONS)('connections on %s', (version) => {
  let library: Library;
  beforeAll(async () => {
    library = await libraryOn(version);
  });

  const agentOf = (options: object) => {
    const agent = new Agent({ keepAlive: true, ...options });
    onTestFinished(() => agent.destroy());
    return agent;
  };

  test.each(['json', 'text', 'arraybuffer', 'stream'] as const)(
    'with one socket and responseType "%s", the replay does not wait for the refusal to be read',
    async (responseType) => {
      const home = await startOrigin(refusesWithMuch);
      const { auth } = tokensOf(library);
      const client = library.axios.create({
        baseURL: home.url,
        httpAgent: agentOf({ maxSockets: 1 }),
        responseType,
      });
      auth.attach(client);
      const { status, data } = await client.post('/pay', { a: 1 });
      expect(status).toBe(200);
      if (responseType === 'stream') (data as Readable).destroy();
      expect(home.arrivals).toHaveLength(2);
    },
  );

  test('fetch: a large refusal that nobody reads leaves no connection behind', async () => {
    const home = await startOrigin(refusesWithMuch);
    const { auth, minted } = tokensOf(library);
    const client = library.axios.create({ baseURL: home.url, adapter: 'fetch', responseType: 'stream' });
    auth.attach(client);
    const { data } = await client.post('/pay', { a: 1 });
    expect(await new Response(data).text()).toBe('ok');
    expect(minted()).toBe(2);
  });

  test('hundreds of replays leave nothing behind: no socket, no waiting request, no listener', async () => {
    const home = await startOrigin(refusesEachOnce());
    const { auth, minted } = tokensOf(library);
    const agent = agentOf({ maxSockets: 4 });
    const client = library.axios.create({ baseURL: home.url, httpAgent: agent });
    auth.attach(client);
    const { signal } = new AbortController();
    // One of axios for each request in flight.
    setMaxListeners(0, signal);
    const source = library.axios.CancelToken.source();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    const count = 200;
    await inBatches(count, 50, async (i) => {
      const responseType = i % 2 === 0 ? 'json' : 'stream';
      const { status, data } = await client.post(
        '/pay',
        { i },
        { signal, cancelToken: source.token, responseType },
      );
      if (responseType === 'stream') for await (const _chunk of data as Readable);
      expect(status).toBe(200);
    });
    expect(minted()).toBe(1 + count / 50);
    expect(home.arrivals).toHaveLength(2 * count);
    // What a stream's end sets free is set free a moment later.
    await new Promise(setImmediate);
    expect(Object.values(agent.requests).flat()).toEqual([]);
    expect(Object.values(agent.sockets).flat()).toEqual([]);
    expect(Object.values(agent.freeSockets).flat().length).toBeLessThanOrEqual(4);
    expect(home.connections()).toBeLessThanOrEqual(4);
    expect(listeners).toBeLessThanOrEqual(0);
    expect((source.token as { _listeners?: unknown[] })._listeners ?? []).toEqual([]);
  });

  test('fetch: hundreds of replays leave no more connections than were in use at once', async () => {
    const home = await startOrigin(refusesEachOnce());
    const { auth } = tokensOf(library);
    const client = library.axios.create({ baseURL: home.url, adapter: 'fetch' });
    auth.attach(client);
    const count = 200;
    await inBatches(count, 20, async (i) => {
      const responseType = i % 2 === 0 ? 'json' : 'stream';
      const { data } = await client.post('/pay', { i }, { responseType });
      if (responseType === 'stream') await new Response(data).text();
    });
    expect(home.arrivals).toHaveLength(2 * count);
    // A refusal that is being let go of, and its replay, may overlap.
    expect(home.connections()).toBeLessThanOrEqual(2 * 20);
  });

  test('through a proxy, both sends take the same way', async () => {
    const proxy = await startOrigin(refuseFirst);
    const { auth } = tokensOf(library, { origins: ['http://127.0.0.1:9'] });
    const client = library.axios.create({
      baseURL: 'http://127.0.0.1:9/api',
      proxy: {
        host: '127.0.0.1',
        port: proxy.port,
        protocol: 'http',
        auth: { username: 'u', password: 'p' },
      },
    });
    auth.attach(client);
    expect((await client.post('/pay', { a: 1 })).status).toBe(200);
    expect(
      proxy.arrivals.map(({ url, body, headers }) => [url, String(body), headers['proxy-authorization']]),
    ).toEqual([1, 2].map(() => ['http://127.0.0.1:9/api/pay', '{"a":1}', 'Basic dTpw']));
  });

  test('a path without a host goes nowhere, and no token is minted for it', async () => {
    const home = await startOrigin(refuseFirst);
    const { auth, events } = tokensOf(library);
    const client = library.axios.create({ baseURL: '', httpAgent: agentOf({}) });
    auth.attach(client);
    await client.get('/x').catch(() => {});
    expect(home.arrivals).toEqual([]);
    expect(events).toMatchObject([{ type: 'token-withheld', reason: 'origin' }]);
  });
});

// Axios speaks HTTP/2 since 1.13.
describe.each(['axios-1.16', 'axios'] as const)('HTTP/2 on %s', (version) => {
  test.each([
    ['an object', { a: 1 }, '{"a":1}'],
    ['a Buffer', Buffer.from('bytes'), 'bytes'],
    ['a form', Object.assign(new FormData(), {}), ''],
  ])('%s is sent a second time, with the same bytes', async (_title, body, expected) => {
    const library = await libraryOn(version);
    const home = await startHttp2();
    const { auth } = tokensOf(library);
    const client = library.axios.create({ baseURL: home.url, httpVersion: 2 } as never);
    auth.attach(client);
    const { status } = await client.post('/pay', body);
    expect(status).toBe(200);
    expect(home.arrivals.map(({ authorization }) => authorization)).toEqual([
      'Bearer access_token_1',
      'Bearer access_token_2',
    ]);
    expect(home.arrivals[0]?.body).toBe(home.arrivals[1]?.body);
    expect(home.arrivals[0]?.body).toContain(expected);
  });

  test('a redirect reaches the caller: nobody follows it with the token', async () => {
    const library = await libraryOn(version);
    const home = await startHttp2();
    const foreign = await startOrigin(refuseFirst);
    const { auth } = tokensOf(library);
    const client = library.axios.create({
      baseURL: home.url,
      httpVersion: 2,
      validateStatus: () => true,
    } as never);
    auth.attach(client);
    const { status } = await client.get('/go', { headers: { 'x-to': foreign.url } });
    expect(status).toBe(302);
    expect(foreign.arrivals).toEqual([]);
  });
});

async function startHttp2() {
  const arrivals: { authorization: unknown; body: string }[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createHttp2Server();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', async (stream, headers) => {
    let body = '';
    for await (const chunk of stream) body += chunk;
    arrivals.push({ authorization: headers.authorization, body });
    if (headers[':path'] === '/go') stream.respond({ ':status': 302, location: String(headers['x-to']) });
    else stream.respond({ ':status': headers.authorization === 'Bearer access_token_1' ? 401 : 200 });
    stream.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrivals };
}
