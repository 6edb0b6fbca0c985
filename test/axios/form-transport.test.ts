import { Readable } from 'node:stream';
import { type AxiosAdapter, AxiosError, type InternalAxiosRequestConfig } from 'axios';
import { describe, expect, test } from 'vitest';
import { formTransport } from '../../src/axios/form-transport.ts';
import { resolveOptions } from '../../src/options/options.ts';
import { LARGEST_REPLY_BYTES } from '../../src/token/endpoint/form-post.ts';

test('what an adapter gets: the form, no redirects, and an "env", which axios 1.12.2 cannot do without', async () => {
  const sent: InternalAxiosRequestConfig[] = [];
  const post = formTransport({
    adapter: async (config) => {
      sent.push(config);
      return { status: 200, statusText: 'OK', headers: { 'X-Request-Id': 7 }, data: { a: 1 }, config };
    },
  });
  const form = new URLSearchParams({ grant_type: 'client_credentials', scope: 'read_bills' });
  const reply = await post('https://accounts.example/oauth/token', form, new AbortController().signal);
  expect(reply).toMatchObject({ kind: 'reply', status: 200, body: '{"a":1}' });
  expect(reply.kind === 'reply' && reply.header('x-request-id')).toBe('7');
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatchObject({
    url: 'https://accounts.example/oauth/token',
    data: 'grant_type=client_credentials&scope=read_bills',
    maxRedirects: 0,
    fetchOptions: { redirect: 'manual' },
    env: {},
  });
  expect({ ...sent[0]?.headers }).toMatchObject({
    'Content-Type': 'application/x-www-form-urlencoded',
    Accept: 'application/json',
    'Cache-Control': 'no-cache',
  });
});

test('an adapter that is given as undefined is none: the defaults of axios itself do not get the secret', () => {
  const { http } = resolveOptions({
    environment: 'test',
    grant: { type: 'client_credentials', clientId: 'id', clientSecret: 'secret' },
    scope: 'read_bills',
    http: { adapter: undefined as never, family: 4 },
  });
  expect(Object.keys(http)).toEqual(['family']);
});

test.each([
  ['of a compression that is none', 'incorrect header check', 'Z_DATA_ERROR'],
  ['of its connection', 'aborted', 'ECONNRESET'],
])('an answer that breaks for want %s is no reply, and says why', async (_, message, code) => {
  const breaking = async function* () {
    yield '{"access';
    throw Object.assign(new Error(message), { code });
  };
  const data = Readable.from(breaking());
  const adapter: AxiosAdapter = async (config) => ({
    status: 200,
    statusText: '',
    headers: {},
    data,
    config,
  });
  const { signal } = new AbortController();
  const reply = await formTransport({ adapter })('https://a.example', new URLSearchParams(), signal);
  expect(reply).toMatchObject({ kind: 'no-reply', error: { code } });
  expect(reply.kind === 'no-reply' && reply.error.message).toContain(message);
});

test("an adapter may hand over fetch's own Headers", async () => {
  const headers = new Headers({ 'Retry-After': '60' });
  const adapter: AxiosAdapter = async (config) => ({
    status: 429,
    statusText: '',
    headers: headers as never,
    data: '',
    config,
  });
  const reply = await formTransport({ adapter })(
    'https://a.example',
    new URLSearchParams(),
    new AbortController().signal,
  );
  expect(reply.kind === 'reply' && reply.header('retry-after')).toBe('60');
});

describe('an adapter that takes no notice of "responseType"', () => {
  const answering =
    (data: unknown): AxiosAdapter =>
    async (config) => ({ status: 200, statusText: 'OK', headers: {}, data, config });
  const form = new URLSearchParams({ client_secret: 'client-secret-1' });
  const bodyOf = async (data: unknown) => {
    const { signal } = new AbortController();
    const reply = await formTransport({ adapter: answering(data) })('https://a.example', form, signal);
    return reply.kind === 'reply' ? reply.body : reply;
  };

  test.each([
    ['text', '{"a":1}', '{"a":1}'],
    ['an object', { a: 1 }, '{"a":1}'],
    ['a Buffer', Buffer.from('{"a":1}'), '{"a":1}'],
    ['an ArrayBuffer', new TextEncoder().encode('{"a":1}').buffer, '{"a":1}'],
    ['a Blob', new Blob(['{"a":1}']), '{"a":1}'],
    ['a stream of texts', Readable.from(['{"a"', ':1}']), '{"a":1}'],
    ['nothing', undefined, ''],
    ['as much as is read', 'x'.repeat(LARGEST_REPLY_BYTES), 'x'.repeat(LARGEST_REPLY_BYTES)],
    ['more than is read', 'x'.repeat(LARGEST_REPLY_BYTES + 1), undefined],
  ])('%s', async (_, data, body) => {
    expect(await bodyOf(data)).toBe(body);
  });

  test.each([
    [400, { error: 'invalid_client' }],
    [429, ''],
  ])('nor of "validateStatus": its failure is an answer, %d', async (status, data) => {
    const adapter: AxiosAdapter = (config) => {
      const response = { status, statusText: '', headers: { 'retry-after': '60' }, data, config };
      return Promise.reject(new AxiosError('failed', 'ERR_BAD_REQUEST', config, undefined, response));
    };
    const { signal } = new AbortController();
    const reply = await formTransport({ adapter })('https://a.example', form, signal);
    expect(reply).toMatchObject({ kind: 'reply', status });
    expect(reply.kind === 'reply' && reply.header('retry-after')).toBe('60');
  });

  test('a failure keeps its words alone, without the secret', async () => {
    const adapter: AxiosAdapter = () => Promise.reject(new Error('no client-secret-1 here'));
    const { signal } = new AbortController();
    const reply = await formTransport({ adapter })('https://a.example', form, signal);
    expect(reply).toEqual({ kind: 'no-reply', error: new Error('no [redacted] here') });
  });

  test('aborted, it rejects with the reason', async () => {
    const controller = new AbortController();
    const adapter: AxiosAdapter = () => {
      controller.abort('all left');
      return Promise.reject(new Error('aborted'));
    };
    const reply = formTransport({ adapter })('https://a.example', form, controller.signal);
    await expect(reply).rejects.toBe('all left');
  });
});
