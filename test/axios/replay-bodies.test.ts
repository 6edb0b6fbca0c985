import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { AxiosRequestConfig } from 'axios';
import NpmFormData from 'form-data';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Arrival,
  AXIOS_VERSIONS,
  type Library,
  libraryOn,
  refuseFirst,
  startOrigin,
  tokensOf,
} from './support.ts';

const ADAPTERS = ['http', 'fetch'] as const;
/** All bytes there are: none may be changed on the way. */
const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

interface Body {
  readonly title: string;
  readonly make: () => unknown;
  readonly config?: AxiosRequestConfig;
  /** What must be in the body on the wire. */
  readonly holds: string | Buffer;
  readonly contentType?: RegExp;
}

const REPEATABLE: readonly Body[] = [
  { title: 'none', make: () => undefined, holds: '' },
  { title: 'null', make: () => null, holds: '' },
  { title: 'an empty string', make: () => '', holds: '' },
  { title: 'a string', make: () => 'π = 3', holds: 'π = 3', contentType: /urlencoded/ },
  { title: 'an object', make: () => ({ a: 'ü', b: [1] }), holds: '{"a":"ü","b":[1]}', contentType: /json/ },
  { title: 'a list', make: () => [{ a: 1 }], holds: '[{"a":1}]', contentType: /json/ },
  {
    title: 'an urlencoded object',
    make: () => ({ a: '+ %', b: 'ü' }),
    config: { headers: { 'Content-Type': 'application/x-www-form-urlencoded' } },
    holds: 'a=%2B+%25&b=%C3%BC',
    contentType: /urlencoded/,
  },
  {
    title: 'URLSearchParams',
    make: () => new URLSearchParams({ a: '1 2' }),
    holds: 'a=1+2',
    contentType: /urlencoded/,
  },
  { title: 'a Buffer', make: () => ALL_BYTES, holds: ALL_BYTES },
  { title: 'an ArrayBuffer', make: () => Uint8Array.from(ALL_BYTES).buffer, holds: ALL_BYTES },
  { title: 'a Uint8Array', make: () => Uint8Array.from(ALL_BYTES), holds: ALL_BYTES },
  // Axios sends all of the buffer behind a view; what counts here is that it does so twice.
  {
    title: 'a view of a part',
    make: () => Uint8Array.from(ALL_BYTES).subarray(8, 16),
    holds: ALL_BYTES.subarray(8, 16),
  },
  { title: 'a DataView', make: () => new DataView(Uint8Array.from(ALL_BYTES).buffer), holds: ALL_BYTES },
  {
    title: 'a Blob',
    make: () => new Blob([ALL_BYTES], { type: 'image/png' }),
    holds: ALL_BYTES,
  },
  { title: 'a File', make: () => new File([ALL_BYTES], 'a.png', { type: 'image/png' }), holds: ALL_BYTES },
  {
    title: 'FormData',
    make: () => nativeForm(),
    holds: ALL_BYTES,
    contentType: /^multipart\/form-data; boundary=/,
  },
  {
    title: 'FormData with a content type without a boundary',
    make: () => nativeForm(),
    config: { headers: { 'Content-Type': 'multipart/form-data' } },
    holds: ALL_BYTES,
    contentType: /^multipart\/form-data; boundary=/,
  },
  {
    title: 'FormData with a boundary of the caller',
    make: () => nativeForm(),
    config: { headers: { 'Content-Type': 'multipart/form-data; boundary=my-own-boundary' } },
    holds: ALL_BYTES,
    contentType: /^multipart\/form-data; boundary=(?!my-own)/,
  },
  {
    title: 'FormData with the Content-Length of a shorter body',
    make: () => nativeForm(),
    config: { headers: { 'Content-Length': '2' } },
    holds: ALL_BYTES,
    contentType: /^multipart\/form-data; boundary=/,
  },
  {
    title: 'FormData with the Content-Length of a longer body',
    make: () => nativeForm(),
    config: { headers: { 'Content-Length': '100000' } },
    holds: ALL_BYTES,
    contentType: /^multipart\/form-data; boundary=/,
  },
  {
    title: 'an object as a form',
    make: () => ({ a: 1, file: ALL_BYTES }),
    config: { headers: { 'Content-Type': 'multipart/form-data' } },
    holds: ALL_BYTES,
    contentType: /^multipart\/form-data; ?boundary=/,
  },
  {
    title: 'npm form-data with strings and Buffers',
    make: () => npmForm(),
    holds: ALL_BYTES,
    contentType: /^multipart\/form-data; ?boundary=-/,
  },
  {
    title: 'npm form-data with a boundary of its own',
    make: () => {
      const form = npmForm();
      form.setBoundary('npm-own-boundary');
      return form;
    },
    holds: '--npm-own-boundary--',
    contentType: /^multipart\/form-data; ?boundary="?npm-own-boundary"?$/,
  },
  {
    title: 'what a transformRequest of the caller makes',
    make: () => ({ a: 1 }),
    config: {
      transformRequest: (data) => `<a>${data.a}</a>`,
      headers: { 'Content-Type': 'application/xml' },
    },
    holds: '<a>1</a>',
    contentType: /^application\/xml$/,
  },
  {
    title: 'a gzipped body',
    make: () => ({ a: 1 }),
    config: {
      transformRequest: (data) => gzipSync(JSON.stringify(data)),
      headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
    },
    holds: gzipSync('{"a":1}'),
    contentType: /json/,
  },
  {
    title: 'an object without redirects',
    make: () => ({ a: 1 }),
    config: { maxRedirects: 0 },
    holds: '{"a":1}',
  },
  {
    title: 'a Buffer without redirects',
    make: () => ALL_BYTES,
    config: { maxRedirects: 0 },
    holds: ALL_BYTES,
  },
  {
    title: 'a form without redirects',
    make: () => nativeForm(),
    config: { maxRedirects: 0 },
    holds: ALL_BYTES,
  },
];

const ONCE: readonly Body[] = [
  { title: 'a Readable', make: () => Readable.from([ALL_BYTES]), holds: ALL_BYTES },
  {
    title: 'a Readable without redirects',
    make: () => Readable.from([ALL_BYTES]),
    config: { maxRedirects: 0 },
    holds: ALL_BYTES,
  },
  {
    title: 'npm form-data with a stream',
    make: () => {
      const form = new NpmFormData();
      form.append('file', Readable.from([ALL_BYTES]), { filename: 'a.bin' });
      return form;
    },
    holds: ALL_BYTES,
  },
  {
    title: 'npm form-data with a part that a function gives',
    make: () => {
      const form = new NpmFormData();
      // Its types leave it out. Without a length, axios counts the part as empty.
      const give = (next: (part: Buffer) => void) => next(ALL_BYTES);
      form.append('file', give as never, { filename: 'a.bin', knownLength: ALL_BYTES.length });
      return form;
    },
    holds: ALL_BYTES,
  },
];

function nativeForm(): FormData {
  const form = new FormData();
  form.append('name', 'ü\nnew line');
  form.append('file', new Blob([ALL_BYTES], { type: 'application/octet-stream' }), 'ü "quoted".bin');
  return form;
}

function npmForm(): NpmFormData {
  const form = new NpmFormData();
  form.append('name', 'ü');
  form.append('file', ALL_BYTES, { filename: 'a.bin', contentType: 'image/png' });
  return form;
}

/** Headers as they came, but for the token. */
const head = ({ head }: Arrival) => head.replace(/access_token_\d/, 'access_token');

describe.each(AXIOS_VERSIONS)('what is sent a second time, on %s', (version) => {
  let library: Library;
  beforeAll(async () => {
    library = await libraryOn(version);
  });

  const attached = async (config: AxiosRequestConfig) => {
    const home = await startOrigin(refuseFirst);
    const tokens = tokensOf(library);
    const client = library.axios.create({ baseURL: home.url, ...config } as never);
    tokens.auth.attach(client);
    return { home, client, ...tokens };
  };

  describe.each(ADAPTERS)('by the adapter "%s"', (adapter) => {
    test.each(REPEATABLE)(
      '$title: the same bytes and headers',
      async ({ make, config, holds, contentType }) => {
        const { home, client } = await attached({ adapter });
        const body = make();
        const { status, config: back } = await client.post('/pay', body, config);
        expect(status).toBe(200);
        const [first, second] = home.arrivals as [Arrival, Arrival];
        expect(home.arrivals).toHaveLength(2);
        expect([first.method, first.url]).toEqual([second.method, second.url]);
        expect(head(first)).toBe(head(second));
        expect(first.body.equals(second.body)).toBe(true);
        expect(first.body.includes(holds)).toBe(true);
        if (contentType !== undefined) expect(first.headers['content-type']).toMatch(contentType);
        expect(home.arrivals.map(({ headers }) => headers.authorization)).toEqual([
          'Bearer access_token_1',
          'Bearer access_token_2',
        ]);
        // A form is still the caller's own object.
        if (body instanceof FormData || body instanceof NpmFormData) expect(back.data).toBe(body);
      },
    );

    test.each(ONCE.filter(({ title }) => adapter === 'http' || !title.startsWith('npm')))(
      '$title: sent once; the 401 reaches the caller, and the next call has a new token',
      async ({ make, config, holds }) => {
        const { home, client, events } = await attached({ adapter });
        await expect(client.post('/pay', make(), config)).rejects.toMatchObject({
          response: { status: 401 },
        });
        expect(home.arrivals).toHaveLength(1);
        expect(home.arrivals[0]?.body.includes(holds)).toBe(true);
        expect(events).toContainEqual({ type: 'replay-skipped', reason: 'body-not-replayable' });
        await client.get('/next');
        expect(home.arrivals[1]?.headers.authorization).toBe('Bearer access_token_2');
      },
    );

    test("a failed call's error holds the caller's own form too", async () => {
      const { client } = await attached({ adapter });
      const form = nativeForm();
      const error = await client
        .post('/pay', form, { validateStatus: () => false })
        .catch((caught) => caught);
      expect(error.config.data).toBe(form);
      expect(error.response.config.data).toBe(form);
    });

    test.each(['stream', 'arraybuffer', 'blob', 'text', 'json'] as const)(
      'with responseType "%s": the caller gets the second response, whole',
      async (responseType) => {
        const { client } = await attached({ adapter });
        const { data } = await client.post('/pay', { a: 1 }, { responseType });
        expect(await textOf(data)).toBe('{"ok":true}');
      },
    );
  });

  test('fetch: a ReadableStream is sent once', async () => {
    const { home, client } = await attached({ adapter: 'fetch' });
    const stream = new Blob([ALL_BYTES]).stream();
    await expect(client.post('/pay', stream)).rejects.toMatchObject({ response: { status: 401 } });
    expect(home.arrivals.map(({ body }) => body.equals(ALL_BYTES))).toEqual([true]);
  });

  test('a form of another library than the platform is sent as it is, once', async () => {
    class TheirFormData {
      readonly [Symbol.toStringTag] = 'FormData';
      append(): void {}
      getHeaders?: never;
      entries(): Iterable<[string, string]> {
        return [['name', 'value']];
      }
      [Symbol.iterator](): Iterator<[string, string]> {
        return this.entries()[Symbol.iterator]();
      }
    }
    const { home, client } = await attached({ adapter: 'http' });
    await expect(client.post('/pay', new TheirFormData())).rejects.toMatchObject({
      response: { status: 401 },
    });
    expect(home.arrivals).toHaveLength(1);
    expect(String(home.arrivals[0]?.body)).toMatch(/name="name"\r\n\r\nvalue/);
  });

  test('a gzipped body arrives as it was zipped', async () => {
    const { home, client } = await attached({ adapter: 'http' });
    await client.post('/pay', 'text', {
      transformRequest: (data) => gzipSync(data),
      headers: { 'Content-Encoding': 'gzip' },
    });
    expect(home.arrivals.map(({ body }) => String(gunzipSync(body)))).toEqual(['text', 'text']);
  });

  test('replay: false leaves a form as it is, and sends it once', async () => {
    const { home, client } = await attached({ adapter: 'http' });
    const call = client.post('/pay', nativeForm(), { payuAuth: { replay: false } } as never);
    await expect(call).rejects.toMatchObject({ response: { status: 401 } });
    expect(home.arrivals.map(({ headers }) => headers['content-type'])).toEqual([
      expect.stringMatching(/boundary=axios-/),
    ]);
  });
});

async function textOf(data: unknown): Promise<string> {
  if (typeof data === 'string') return data;
  if (data instanceof Blob) return data.text();
  if (data instanceof ArrayBuffer || ArrayBuffer.isView(data))
    return Buffer.from(data as ArrayBuffer).toString();
  if (data instanceof Readable || data instanceof ReadableStream) return new Response(data as never).text();
  return JSON.stringify(data);
}
