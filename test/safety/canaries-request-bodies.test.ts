import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { PassThrough, Readable, Stream } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';
import type { AxiosError, AxiosRequestConfig } from 'axios';
import NpmFormData from 'form-data';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { deferred } from '../../src/sandbox/deferred.ts';
import {
  ADAPTERS,
  AXIOS_VERSIONS,
  type CanaryWorld,
  FIRST_TOKEN,
  SECRETS,
  startCanaryWorld,
} from './support/canary-world.ts';
import { findSecrets } from './support/find-secrets.ts';
import { expectNoSecrets } from './support/no-secrets.ts';

const THIS_FILE = fileURLToPath(import.meta.url);

/** A stream of no library's: it remembers the destinations it was piped into where anybody can look, as minipass does. */
class HomeMadeStream extends Stream {
  readonly destinations: unknown[] = [];
  #isFlowing = false;

  override pipe<T extends NodeJS.WritableStream>(destination: T): T {
    this.destinations.push(destination);
    super.pipe(destination);
    this.resume();
    return destination;
  }

  resume(): void {
    if (this.#isFlowing) return;
    this.#isFlowing = true;
    queueMicrotask(() => {
      this.emit('data', Buffer.from('home-made'));
      this.emit('end');
      this.emit('close');
    });
  }

  override on(name: string, listener: (...parameters: never[]) => void): this {
    super.on(name, listener as () => void);
    if (name === 'data') this.resume();
    return this;
  }
}

/** A stream that has something to say, and never ends. */
function endless(): Readable {
  const chunks = ['x'];
  return new Readable({
    read() {
      for (const chunk of chunks.splice(0)) this.push(chunk);
    },
  });
}

function formWithStream(): NpmFormData {
  const form = new NpmFormData();
  form.append('file', Readable.from([Buffer.from('file')]), { filename: 'file.csv' });
  return form;
}

const STREAMS: Readonly<Record<string, () => unknown>> = {
  'Readable.from': () => Readable.from([Buffer.from('a'), Buffer.from('b')]),
  'a file stream': () => createReadStream(THIS_FILE),
  'a PassThrough': () => new PassThrough().end('text'),
  'a gzip stream': () => Readable.from([Buffer.from('text')]).pipe(createGzip()),
  'a home-made stream': () => new HomeMadeStream(),
  'a form with a stream': formWithStream,
};

const OTHER_BODIES: Readonly<Record<string, () => unknown>> = {
  none: () => undefined,
  text: () => 'text',
  'an object': () => ({ amount: 1 }),
  'a Buffer': () => Buffer.from('bytes'),
  'an ArrayBuffer': () => new Uint8Array([1, 2]).buffer,
  'a Blob': () => new Blob(['blob']),
  URLSearchParams: () => new URLSearchParams({ a: '1' }),
  FormData: () => {
    const form = new FormData();
    form.append('file', new Blob(['file']), 'file.csv');
    return form;
  },
  'a form of buffers': () => {
    const form = new NpmFormData();
    form.append('a', '1');
    return form;
  },
};

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

function afterReading(answer: Answer): Answer {
  return (request, response) => void request.resume().on('end', () => answer(request, response));
}

function status(code: number, headers = {}): Answer {
  return (_, response) => void response.writeHead(code, headers).end(`{"status":${code}}`);
}

/** What the server does; each call asks for `/` first. */
const OUTCOMES: Readonly<Record<string, Answer>> = {
  'a success': afterReading(status(200)),
  'a 500': afterReading(status(500)),
  'a refusal': afterReading(status(401)),
  'an early 413': status(413),
  'an early 401': status(401),
  'an early 200': status(200),
  'a reset': (request) => void request.socket.destroy(),
  'a redirect': afterReading((request, response) =>
    request.url === '/'
      ? status(307, { location: '/there' })(request, response)
      : status(200)(request, response),
  ),
  'a redirect that is answered by a 500': afterReading((request, response) =>
    request.url === '/'
      ? status(308, { location: '/there' })(request, response)
      : status(500)(request, response),
  ),
};

const VARIANTS: Readonly<Record<string, AxiosRequestConfig>> = {
  plain: {},
  'with progress': { onUploadProgress: () => {} },
  'with a limit': { maxBodyLength: 1_000_000 },
  'without redirects': { maxRedirects: 0 },
  streamed: { responseType: 'stream' },
};

async function startApi(answer: Answer): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const FETCH_STREAMS: Readonly<Record<string, () => unknown>> = {
  'a Node stream': () => Readable.from([Buffer.from('a')]),
  'a web stream': () => new Blob(['a']).stream(),
};

/** With one token in use. */
async function start(
  version: (typeof AXIOS_VERSIONS)[number],
  adapter: 'http' | 'fetch',
): Promise<CanaryWorld> {
  const world = await startCanaryWorld({ version, adapter });
  await world.client.get('/echo');
  expect(world.sandbox.requests().at(-1)?.token).toBe(FIRST_TOKEN);
  return world;
}

/** What a call comes to, for the caller: a response or an error. */
function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  return call.catch((error: unknown) => error);
}

/** Where the outcomes of these calls show a secret, by the body; one world for all, as the rows are many. */
async function leaks(
  world: CanaryWorld,
  bodies: Readonly<Record<string, () => unknown>>,
  call: (data: unknown) => Promise<unknown>,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const found: Record<string, readonly string[]> = {};
  for (const [name, makeBody] of Object.entries(bodies)) {
    const data = makeBody();
    const outcome = await outcomeOf(call(data));
    const places = [outcome, data].flatMap((each) => findSecrets(each, SECRETS));
    if (places.length > 0) found[name] = places;
    // The caller gets its own body back.
    const { config } = outcome as AxiosError;
    if (data instanceof Stream && config?.data !== data)
      found[`${name}: config.data`] = [String(config?.data)];
    world.events.length = 0;
  }
  return found;
}

describe.each(AXIOS_VERSIONS)('on %s', (version) => {
  describe.each(Object.entries(OUTCOMES))('%s', (_, answer) => {
    test.each(Object.entries(VARIANTS))('to a stream shows no token (%s)', async (_name, config) => {
      const world = await start(version, 'http');
      const client = world.clientFor({ baseURL: await startApi(answer) });
      expect(await leaks(world, STREAMS, (data) => client.post('/', data, config))).toEqual({});
    });

    test.each(ADAPTERS)('to a body that can be sent again shows no token, by %s', async (adapter) => {
      const world = await start(version, adapter);
      const client = world.clientFor({ baseURL: await startApi(answer) });
      expect(await leaks(world, OTHER_BODIES, (data) => client.post('/', data))).toEqual({});
    });

    test('to a stream by fetch shows no token', async () => {
      const world = await start(version, 'fetch');
      const client = world.clientFor({ baseURL: await startApi(answer) });
      expect(await leaks(world, FETCH_STREAMS, (data) => client.post('/', data))).toEqual({});
    });
  });

  test('while a stream is on its way, it shows no token, nor does what the abort rejects with', async () => {
    const world = await start(version, 'http');
    const arrived = deferred<void>();
    const url = await startApi((request) => void request.once('data', () => arrived.resolve()));
    const controller = new AbortController();
    const data = endless();
    const call = outcomeOf(world.clientFor({ baseURL: url }).post('/', data, { signal: controller.signal }));
    await arrived.promise;
    expectNoSecrets(world, [data]);
    controller.abort();
    expectNoSecrets(world, [await call, data]);
  });

  test("the caller's own incoming request, passed on, shows no token", async () => {
    const world = await start(version, 'http');
    const client = world.clientFor({ baseURL: await startApi(afterReading(status(500))) });
    const passedOn = deferred<readonly unknown[]>();
    const front = await startApi((request, response) => {
      void outcomeOf(client.post('/', request)).then((outcome) => {
        response.end();
        passedOn.resolve([outcome, request]);
      });
    });
    const caller = connect(Number(new URL(front).port), '127.0.0.1');
    caller.end('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody');
    expectNoSecrets(world, await passedOn.promise);
  });

  const ownAgent = new Agent({ keepAlive: true });
  afterAll(() => ownAgent.destroy());

  describe.each([
    ["Node's agent", undefined],
    ['an agent of its own', ownAgent],
  ])('over %s', (_agent, httpAgent) =>
    test.each([
      ['payuAuth: false', { payuAuth: false }],
      ['a header of its own', { headers: { authorization: 'Basic mine' } }],
      ['another origin', { baseURL: 'http://localhost' }],
    ] as const)("a call that was left alone (%s) shows nobody else's token", async (_, config) => {
      const world = await start(version, 'http');
      const arrived = deferred<void>();
      const url = await startApi((request, response) => {
        if (request.url === '/held') return arrived.resolve(undefined);
        response.writeHead(500).end();
      });
      // A request leads to its agent, and to all sockets of it.
      const client = world.clientFor({ baseURL: url, httpAgent });
      const controller = new AbortController();
      const held = outcomeOf(client.get('/held', { signal: controller.signal }));
      await arrived.promise;
      const baseURL = 'baseURL' in config ? `${config.baseURL}:${new URL(url).port}` : url;
      const data = Readable.from([Buffer.from('body')]);
      const failure = await outcomeOf(client.post('/', data, { ...config, baseURL }));
      const answered = await client.get('/', { ...config, baseURL, validateStatus: () => true });
      const streamed = await client.get('/', {
        ...config,
        baseURL,
        validateStatus: null,
        responseType: 'stream',
      });
      expectNoSecrets(world, [failure, data, answered, streamed]);
      expect((failure as AxiosError).request).toBeDefined();
      expect(answered.request).toBeDefined();
      controller.abort();
      await held;
    }),
  );

  describe.each(Object.entries(FETCHED_OVER))('by fetch over %s', (_kind, over) =>
    test.each([
      ['a call with a token', {}],
      ['a call that was left alone', { payuAuth: false as const }],
    ])('%s shows no token of another call under way', async (_, config) => {
      const world = await start(version, 'fetch');
      const arrived = deferred<void>();
      const url = await startApi((request, response) => {
        if (request.url === '/held') return arrived.resolve(undefined);
        response.writeHead(500).end();
      });
      // As for a proxy. It keeps the requests that are under way, with their headers.
      const { fetchOptions, ...env } = await over();
      const client = world.clientFor({ baseURL: url, fetchOptions, ...env });
      const controller = new AbortController();
      const held = outcomeOf(client.get('/held', { signal: controller.signal }));
      await arrived.promise;
      const failure = await outcomeOf(client.post('/', 'body', config));
      const answered = await client.get('/', { ...config, validateStatus: null });
      expect(answered.config.fetchOptions).toMatchObject(fetchOptions);
      expect(answered.status).toBe(500);
      expectNoSecrets(world, [failure, answered, client.defaults]);
      controller.abort();
      expectNoSecrets(world, [await held]);
    }),
  );
});

/** What a fetch sends its requests over. */
const FETCHED_OVER: Readonly<
  Record<string, () => Promise<Pick<AxiosRequestConfig, 'env'> & { readonly fetchOptions: object }>>
> = {
  'an undici Agent': async () => ({ fetchOptions: { dispatcher: await newDispatcher() } }),
  'a composed one': async () => ({ fetchOptions: { dispatcher: (await newDispatcher()).compose([]) } }),
  'an agent, as node-fetch takes it': async () => {
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    return { fetchOptions: { agent }, env: { fetch: fetchOver } as NonNullable<AxiosRequestConfig['env']> };
  },
};

async function fetchOver(sent: Request, { agent }: { readonly agent: Agent }): Promise<Response> {
  const { url, method, headers, signal } = sent;
  const request = httpRequest(url, { agent, method, headers: Object.fromEntries(headers), signal });
  request.end(await sent.text());
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  return new Response((await answer.toArray()).join(''), { status: Number(answer.statusCode) });
}

interface Dispatcher {
  compose(interceptors: readonly never[]): Dispatcher;
  close(): Promise<void>;
}

/** Of the undici that Node.js has inside. It shows the class only by the dispatcher that all fetches share. */
async function newDispatcher(): Promise<Dispatcher> {
  await fetch('data:,');
  const shared = Reflect.get(globalThis, Symbol.for('undici.globalDispatcher.1')) as object;
  const dispatcher = new (shared.constructor as new () => Dispatcher)();
  onTestFinished(() => dispatcher.close());
  return dispatcher;
}
