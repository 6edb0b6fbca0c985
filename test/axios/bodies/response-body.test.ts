import { once } from 'node:events';
import http, { type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { Axios, type AxiosRequestConfig, type AxiosResponse } from 'axios';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BROKEN_OFF, MOST_PEEKED_BYTES, peekJson } from '../../../src/axios/bodies/peek.ts';
import { discardBody, isNodeStream, isWebStream } from '../../../src/axios/bodies/response-body.ts';
import { type Cancellation, Ending } from '../../../src/time/wait.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** JSON of exactly so many bytes. */
function jsonOf(bytes: number): string {
  const empty = JSON.stringify({ error: 'rate_limit_exceeded', fill: '' });
  return JSON.stringify({ error: 'rate_limit_exceeded', fill: 'x'.repeat(bytes - empty.length) });
}

/** A server that answers by hand. */
async function startServer(answer: (response: ServerResponse) => void) {
  const server = http.createServer((_, response) => answer(response));
  // Node.js would close idle connections after some seconds, which a busy machine may take between two requests.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  /** Resolves when a connection of a client has ended. */
  const freed = new Promise<void>((resolve) =>
    server.on('connection', (socket) => socket.once('close', () => resolve())),
  );
  let connections = 0;
  server.on('connection', () => connections++);
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, freed, connections: () => connections };
}

function get(url: string, config: AxiosRequestConfig): Promise<AxiosResponse> {
  const client = new Axios({});
  return client.request({ url, validateStatus: () => true, transformResponse: [], ...config });
}

describe('what is taken for a stream', () => {
  const something = () => {};
  test.each([
    ['a pipe and listeners', { pipe: something, on: something }, true, false],
    ['a pipe alone', { pipe: something }, false, false],
    ['listeners alone', { on: something }, false, false],
    ['a reader, and a way to cancel', { getReader: something, cancel: something }, false, true],
    ['a reader alone', { getReader: something }, false, false],
    ['a way to cancel alone', { cancel: something }, false, false],
    ['text', 'pipe', false, false],
  ])('%s', (_, data, isNode, isWeb) => {
    expect([isNodeStream(data), isWebStream(data)]).toEqual([isNode, isWeb]);
  });

  test('a web stream that somebody reads already is left alone', async () => {
    const data = new Response('a').body as ReadableStream<Uint8Array>;
    const reader = data.getReader();
    discardBody({ data } as AxiosResponse);
    expect((await reader.read()).done).toBe(false);
  });
});

/** What the caller reads of a response, and what it failed with in the end. */
async function readAll(data: unknown): Promise<{ text: string; error: unknown }> {
  if (typeof data === 'string') return { text: data, error: undefined };
  if (data instanceof Blob) return { text: await data.text(), error: undefined };
  if (data instanceof ArrayBuffer || Buffer.isBuffer(data)) {
    return { text: Buffer.from(data as ArrayBuffer).toString(), error: undefined };
  }
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of data as Readable | ReadableStream<Uint8Array>) chunks.push(chunk);
    return { text: Buffer.concat(chunks).toString(), error: undefined };
  } catch (error) {
    return { text: Buffer.concat(chunks).toString(), error };
  }
}

/** A cancellation that counts its listeners. */
function byHand() {
  const listeners = new Set<() => void>();
  let reason: unknown;
  const cancellation: Cancellation = {
    reason: () => reason,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const cancel = (why: unknown) => {
    reason = why;
    for (const listener of [...listeners]) listener();
  };
  return { cancellation, cancel, listeners };
}

const KINDS = [
  { adapter: 'http', responseType: 'text' },
  { adapter: 'http', responseType: 'json' },
  { adapter: 'http', responseType: 'arraybuffer' },
  { adapter: 'http', responseType: 'stream' },
  { adapter: 'fetch', responseType: 'text' },
  { adapter: 'fetch', responseType: 'json' },
  { adapter: 'fetch', responseType: 'arraybuffer' },
  { adapter: 'fetch', responseType: 'blob' },
  { adapter: 'fetch', responseType: 'stream' },
] as const;
const STREAMS = [
  { adapter: 'http', responseType: 'stream' },
  { adapter: 'fetch', responseType: 'stream' },
] as const;

describe.each(KINDS)('a body over $adapter as $responseType', (kind) => {
  test.each([
    { what: 'a small one', body: '{"error":"invalid_token"}', expected: { error: 'invalid_token' } },
    { what: 'UTF-8', body: '{"error":"नमस्ते"}', expected: { error: 'नमस्ते' } },
    { what: 'exactly 64 KiB', body: jsonOf(MOST_PEEKED_BYTES), expected: 'parsed' },
    { what: '64 KiB and a byte', body: jsonOf(MOST_PEEKED_BYTES + 1), expected: undefined },
    { what: '1 MiB', body: jsonOf(1024 * 1024), expected: undefined },
    { what: 'HTML', body: '<html>Forbidden</html>', expected: undefined },
    { what: 'nothing', body: '', expected: undefined },
    { what: 'cut off', body: '{"error":"inval', expected: undefined },
    { what: '"error" an object', body: '{"error":{"reason":"x"}}', expected: { error: { reason: 'x' } } },
    { what: 'poison', body: '{"__proto__":{"error":"x"},"a":1}', expected: { a: 1 } },
  ])('$what: looked into where it may be, and whole for the caller', async ({ body, expected }) => {
    const { url } = await startServer((response) => response.end(body));
    const response = await get(url, kind);
    const clock = new ManualClock();
    const json = await peekJson(response, { limitMs: 1_000, clock });
    expect(json).toEqual(expected === 'parsed' ? JSON.parse(body) : expected);
    expect(await readAll(response.data)).toEqual({ text: body, error: undefined });
    expect(clock.pending).toBe(0);
  });
});

describe('other bodies', () => {
  test.each([
    ['what an adapter parsed already', { error: 'x' }, { error: 'x' }],
    ['a list', ['x'], undefined],
    ['a number', 1, undefined],
    ['null', null, undefined],
    ['nothing', undefined, undefined],
    ['a view', new TextEncoder().encode('{"a":1}'), { a: 1 }],
    ['a part of a buffer', Buffer.from('..{"a":1}..').subarray(2, 9), { a: 1 }],
    ['a Blob of jsdom, which has no text()', Object.assign(new Blob(['{}']), { text: undefined }), undefined],
    [
      'a Blob that can’t be read',
      Object.assign(new Blob(['{}']), { text: () => Promise.reject(new Error('gone')) }),
      undefined,
    ],
  ])('%s', async (_, data, expected) => {
    expect(await peekJson({ data } as AxiosResponse, { limitMs: 1_000, clock: new ManualClock() })).toEqual(
      expected,
    );
  });

  test('a Node stream of strings', async () => {
    const response = { data: Readable.from(['{"a"', ':1}']) as unknown } as AxiosResponse;
    expect(await peekJson(response, { limitMs: 1_000, clock: new ManualClock() })).toEqual({ a: 1 });
    expect((await readAll(response.data)).text).toBe('{"a":1}');
  });
});

describe.each(STREAMS)('a stream over $adapter', (kind) => {
  /** A response of which the first half has come. */
  async function half(body = jsonOf(1_000)) {
    let rest = (_how: 'send' | 'reset') => {};
    const { url, freed } = await startServer((response) => {
      response.writeHead(429, { 'content-length': body.length });
      response.write(body.slice(0, 500));
      rest = (how) => (how === 'send' ? response.end(body.slice(500)) : response.destroy());
    });
    const clock = new ManualClock();
    const response = await get(url, kind);
    return { body, response, clock, freed, rest: (how: 'send' | 'reset') => rest(how) };
  }

  test('slower than the limit: goes on to the caller, whole', async () => {
    const { body, response, clock, rest } = await half();
    const [caller, auth] = [byHand(), byHand()];
    const { cancellation } = caller;
    const peeking = peekJson(response, { limitMs: 1_000, clock, cancellation, closed: auth.cancellation });
    clock.advance(1_000);
    expect(await peeking).toBeUndefined();
    // The rest may never come, and a signal or an auth live as long as the process.
    expect([clock.pending, caller.listeners.size, auth.listeners.size]).toEqual([0, 0, 0]);
    rest('send');
    expect(await readAll(response.data)).toEqual({ text: body, error: undefined });
  });

  test('a moment faster: looked into', async () => {
    const { body, response, clock, rest } = await half();
    const peeking = peekJson(response, { limitMs: 1_000, clock });
    clock.advance(999);
    rest('send');
    expect(await peeking).toEqual(JSON.parse(body));
    expect(clock.pending).toBe(0);
  });

  test('failing half way: the caller reads the first half, then meets the failure', async () => {
    const { body, response, clock, rest } = await half();
    const peeking = peekJson(response, { limitMs: 1_000, clock });
    rest('reset');
    expect(await peeking).toBe(BROKEN_OFF);
    const { text, error } = await readAll(response.data);
    expect(body.startsWith(text)).toBe(true);
    expect(error).toBeInstanceOf(Error);
    expect(clock.pending).toBe(0);
  });

  test.each([undefined, null, 'a text', new Error('an error')])(
    'of the web, failing with %s: broken off',
    async (reason) => {
      const data = new ReadableStream({
        pull(controller) {
          controller.error(reason);
        },
      });
      const response = { data, status: 401, headers: {} } as AxiosResponse;
      expect(await peekJson(response, { limitMs: 1_000, clock: new ManualClock() })).toBe(BROKEN_OFF);
    },
  );

  test('failing after the deadline: the same', async () => {
    const { body, response, clock, rest } = await half();
    const peeking = peekJson(response, { limitMs: 1_000, clock });
    clock.advance(1_000);
    await peeking;
    rest('reset');
    const { text, error } = await readAll(response.data);
    expect(body.startsWith(text)).toBe(true);
    expect(error).toBeInstanceOf(Error);
  });

  test('cancelled: rejects in the same turn, and nothing is left: no timer, listener or connection', async () => {
    const { response, clock, freed } = await half();
    const { cancellation, cancel, listeners } = byHand();
    const peeking = peekJson(response, { limitMs: 1_000, clock, cancellation }).catch(
      (reason: unknown) => reason,
    );
    expect([clock.pending, listeners.size]).toEqual([1, 1]);
    cancel('left');
    const first = await Promise.race([peeking, new Promise((resolve) => setImmediate(resolve, 'later'))]);
    expect(first).toBe('left');
    expect([clock.pending, listeners.size]).toEqual([0, 0]);
    await freed;
  });

  test.each(['during', 'before'] as const)(
    'the auth is closed %s: goes on to the caller, whole',
    async (when) => {
      const { body, response, clock, rest } = await half();
      const closed = new Ending(() => new Error('closed'));
      if (when === 'before') closed.come();
      const peeking = peekJson(response, { limitMs: 1_000, clock, closed });
      closed.come();
      expect(await peeking).toBeUndefined();
      expect(clock.pending).toBe(0);
      rest('send');
      expect(await readAll(response.data)).toEqual({ text: body, error: undefined });
    },
  );

  test('given up after the look, larger than we look: its connection is freed', async () => {
    const { url, freed } = await startServer((response) => response.end(jsonOf(8 * 1024 * 1024)));
    const response = await get(url, kind);
    await peekJson(response, { limitMs: 1_000, clock: new ManualClock() });
    discardBody(response);
    await freed;
  });

  test('given up after the deadline, while more is awaited: its connection is freed', async () => {
    const { response, clock, freed } = await half();
    const peeking = peekJson(response, { limitMs: 1_000, clock });
    clock.advance(1_000);
    await peeking;
    discardBody(response);
    await freed;
  });

  test('given up by the caller while it reads: its connection is freed', async () => {
    const { response, clock, freed } = await half();
    const peeking = peekJson(response, { limitMs: 1_000, clock });
    clock.advance(1_000);
    await peeking;
    for await (const chunk of response.data) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await freed;
  });

  test('given up without a look: its connection is freed', async () => {
    const { response, freed } = await half();
    discardBody(response);
    await freed;
  });
});

test('a connection whose body was looked at as a whole is used again', async () => {
  const { url, connections } = await startServer((response) => response.end('{"a":1}'));
  const httpAgent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => httpAgent.destroy());
  for (let n = 1; n <= 3; n++) {
    const response = await get(url, { adapter: 'http', responseType: 'stream', httpAgent });
    expect(await peekJson(response, { limitMs: 1_000, clock: new ManualClock() })).toEqual({ a: 1 });
    discardBody(response);
  }
  expect(connections()).toBe(1);
});
