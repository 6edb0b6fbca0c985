import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { Duplex, PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { AxiosInstance } from 'axios';
import { beforeAll, describe, expect, test } from 'vitest';
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

  // Bare axios lets the process end here: the stream's reader throws.
  test('a stream of chunks that can’t be sent fails its call, and not the process', async () => {
    const home = await startOrigin((_arrival, response) => response.end('{}'));
    const attached = library.axios.create({ baseURL: home.url, adapter: 'http' });
    tokensOf(library).auth.attach(attached);
    await expect(attached.post('/pay', Readable.from([{ amount: 1 }]))).rejects.toThrow(/string.* Buffer/);
  });
});
