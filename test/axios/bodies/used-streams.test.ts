import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { Duplex, PassThrough, Readable, Stream } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { AxiosInstance } from 'axios';
import { beforeAll, describe, expect, test } from 'vitest';
import { unlinked } from '../../../src/axios/bodies/copied-stream.ts';
import { turns } from '../../token/support.ts';
import { AXIOS_VERSIONS, type Library, libraryOn, startOrigin, tokensOf } from '../support.ts';

const THIS_FILE = fileURLToPath(import.meta.url);

const chunks = () => [Buffer.from('pay '), Buffer.from('once')];

/** A stream may have had another reader before, or may have been stopped, as is done while something is waited for. */
const STREAMS: Readonly<Record<string, () => Promise<Readable>>> = {
  fresh: async () => Readable.from(chunks()),
  paused: async () => Readable.from(chunks()).pause(),
  'paused while it flows': async () => {
    const stream = new PassThrough();
    stream.resume().pause();
    for (const chunk of chunks()) stream.write(chunk);
    stream.end();
    return stream;
  },
  'half read': async () => {
    const stream = Readable.from(chunks());
    await once(stream, 'readable');
    stream.read();
    return stream;
  },
  'read to its end': async () => ended(Readable.from(chunks())),
  'a file, read to its end': async () => ended(createReadStream(THIS_FILE)),
  'a PassThrough, read to its end': async () => ended(new PassThrough().end('read')),
};

/** With these, axios' http adapter waits without end. */
const GONE: Readonly<Record<string, () => Promise<Readable>>> = {
  destroyed: async () => gone(Readable.from(chunks())),
  'destroyed by an error': async () => gone(Readable.from(chunks()), new Error('the disk is gone')),
  'destroyed half read': async () => gone(await (STREAMS['half read'] as () => Promise<Readable>)()),
};

/** What is left of a stream once its bytes were sent is its owner's: the other half of a socket waits for the answer. */
const SENT: Readonly<Record<string, () => Readable>> = {
  'a file': () => createReadStream(THIS_FILE),
  'a PassThrough': () => new PassThrough().end('pay once'),
  'one that destroys itself': () => Readable.from(chunks()),
  'one that does not destroy itself': () => readable(new Readable({ read() {}, autoDestroy: false })),
  'one half of a socket': () =>
    readable(new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })),
};

/** The end of the bytes counts, not what the stream does after it. */
const CLOSING: Readonly<Record<string, () => Stream>> = {
  'one that never closes': () => readable(new Readable({ read() {}, destroy() {} })),
  'one with another side that is never finished': () =>
    readable(new Duplex({ read() {}, write() {}, final() {} })).end(),
  'one without a close': () => readable(new Readable({ read() {}, emitClose: false })),
  'an old one': () => oldStream('end'),
  'an old one that closes at once': () => oldStream('end', 'close'),
};

/** As of the first versions of Node.js: nothing but events. */
function oldStream(...last: readonly string[]): Stream {
  const stream = new Stream();
  stream.on('newListener', (name) => {
    if (name !== 'data') return;
    setImmediate(() => {
      for (const chunk of chunks()) stream.emit('data', chunk);
      for (const event of last) stream.emit(event);
    });
  });
  return Object.assign(stream, { readable: true, destroy: () => stream.emit('destroyed by another') });
}

function readable<T extends Readable>(stream: T): T {
  for (const chunk of [...chunks(), null]) stream.push(chunk);
  return stream;
}

async function ended<T extends Readable>(stream: T): Promise<T> {
  stream.resume();
  await once(stream, 'close');
  return stream;
}

async function gone(stream: Readable, error?: Error): Promise<Readable> {
  stream.on('error', () => {});
  const closed = new Promise((resolve) => stream.once('close', resolve));
  stream.destroy(error);
  await closed;
  return stream;
}

describe.each(AXIOS_VERSIONS)('a stream that is not fresh, on %s', (version) => {
  let library: Library;
  beforeAll(async () => {
    library = await libraryOn(version);
  });

  test.each([
    ...Object.entries(STREAMS).flatMap(([title, make]) => [
      ['http', title, make] as const,
      ['fetch', title, make] as const,
    ]),
    ...Object.entries(GONE).map(([title, make]) => ['fetch', title, make] as const),
  ])('%s, %s: as without the library', async (adapter, _, make) => {
    const home = await startOrigin((_arrival, response) => response.end('{}'));
    const seenBy = async (client: AxiosInstance) => {
      const told = await client.post('/pay', await make()).then(
        ({ status }) => status,
        ({ name, code, message }) => ({ name, code, message }),
      );
      return [told, home.arrivals.splice(0).map(({ body }) => String(body))];
    };
    const config = { baseURL: home.url, adapter };
    const attached = library.axios.create(config);
    tokensOf(library).auth.attach(attached);
    expect(await seenBy(attached)).toEqual(await seenBy(library.axios.create(config)));
  });

  test.each(
    Object.entries(SENT).flatMap(([title, make]) =>
      [200, 401].map((status) => [title, status, make] as const),
    ),
  )('%s, answered with %d: it is left as without the library', async (_, status, make) => {
    const home = await startOrigin((_arrival, response) => response.writeHead(status).end('{}'));
    const leftBy = async (client: AxiosInstance) => {
      const stream = make();
      const heard: string[] = [];
      for (const event of ['end', 'error', 'close', 'finish']) stream.on(event, () => heard.push(event));
      await client.post('/pay', stream, { validateStatus: null });
      await turns();
      if (stream.destroyed && !stream.closed) await once(stream, 'close');
      const { destroyed, readableEnded, errored } = stream;
      return { heard, destroyed, readableEnded, errored, sent: String(home.arrivals.pop()?.body) };
    };
    const config = { baseURL: home.url, adapter: 'http' };
    const attached = library.axios.create(config);
    tokensOf(library).auth.attach(attached);
    expect(await leftBy(attached)).toEqual(await leftBy(library.axios.create(config)));
  });

  test.each(Object.entries(CLOSING))('%s: it is sent and left as without the library', async (_, make) => {
    const home = await startOrigin((_arrival, response) => response.end('{}'));
    const seenBy = async (client: AxiosInstance) => {
      const stream = make();
      const heard: string[] = [];
      for (const event of ['end', 'error', 'destroyed by another']) stream.on(event, () => heard.push(event));
      const { status } = await client.post('/pay', stream, { maxRedirects: 0 });
      await turns();
      return { status, heard, sent: String(home.arrivals.pop()?.body) };
    };
    const config = { baseURL: home.url, adapter: 'http' };
    const attached = library.axios.create(config);
    tokensOf(library).auth.attach(attached);
    expect(await seenBy(attached)).toEqual(await seenBy(library.axios.create(config)));
  });

  // Bare axios lets the process end here: the stream's reader throws.
  test('a stream of chunks that can’t be sent fails its call, and not the process', async () => {
    const home = await startOrigin((_arrival, response) => response.end('{}'));
    const attached = library.axios.create({ baseURL: home.url, adapter: 'http' });
    tokensOf(library).auth.attach(attached);
    await expect(attached.post('/pay', Readable.from([{ amount: 1 }]))).rejects.toThrow(/string.* Buffer/);
  });
});

// A server that reads no more must not hold up a call whose body is broken: axios ends it at once.
test.each([
  ['with an error', new Error('the disk is gone')],
  ['without an error', undefined],
])('a stream that breaks %s while nobody reads on breaks its copy at once', async (_, error) => {
  const stream = new Readable({ read: () => void stream.push(Buffer.alloc(1024)) });
  const copy = unlinked(stream) as Readable;
  const heard: unknown[] = [];
  copy.on('error', (broken) => heard.push(broken));
  copy.once('data', () => copy.pause());
  await once(copy, 'pause');
  await turns();
  const closed = once(stream, 'close').catch(() => {});
  stream.destroy(error);
  await closed;
  await turns();
  expect(copy.destroyed).toBe(true);
  expect(heard).toEqual(error === undefined ? [] : [error]);
});
