import { AxiosHeaders, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { describe, expect, test } from 'vitest';
import { follow, type RedirectWatch } from '../../src/axios/redirects.ts';

const HOME = 'https://api.example';
const WATCH: RedirectWatch = {
  config: { headers: new AxiosHeaders() },
  origin: HOME,
  header: { name: 'X-Partner-Token' },
  headerValue: 'Bearer access_token_1',
  sentAtMs: 0,
  adapterIsUsers: false,
  hasLeftOrigin: false,
  mayHaveBeenProcessed: false,
};
const HEADERS = {
  'X-Partner-Token': 'Bearer access_token_1',
  Authorization: 'hmac',
  Cookie: 'a=1',
  'Proxy-Authorization': 'Basic cHJveHk=',
  'Content-Type': 'application/json',
  'Content-Length': '2',
  'Content-Encoding': 'gzip',
  'Content-Language': 'en',
  'Content-Location': '/pay/1',
  Host: 'api.example',
  pid: '1',
};

/** Follows one redirect of a request, as fetch left it to us. */
async function followed(
  redirect: { readonly status: number; readonly location?: string | undefined; readonly fetched?: unknown },
  config: Partial<InternalAxiosRequestConfig> = {},
) {
  const hops: InternalAxiosRequestConfig[] = [];
  const watch = { ...WATCH };
  const sent = {
    url: '/pay',
    baseURL: HOME,
    method: 'post',
    data: '{}',
    params: { a: 1 },
    ...config,
    headers: new AxiosHeaders(HEADERS),
  } as InternalAxiosRequestConfig;
  const response = (hop: InternalAxiosRequestConfig, status: number, location?: string): AxiosResponse =>
    ({
      status,
      headers: location === undefined ? {} : { Location: location },
      data: '',
      config: hop,
      request: { url: hop === sent ? `${HOME}/pay?a=1` : hop.url },
    }) as never;
  const first = response(sent, redirect.status, redirect.location);
  if ('fetched' in redirect) first.request = redirect.fetched;
  const outcome = await follow(
    { response: first },
    sent,
    async (hop) => {
      hops.push(hop);
      return response(hop, 200);
    },
    watch,
  );
  return { hops, watch, outcome, sent, hop: hops[0] };
}

const names = (hop: InternalAxiosRequestConfig | undefined) => Object.keys(hop?.headers ?? {});

describe('by the Fetch Standard', () => {
  test.each([
    [301, 'post', 'get'],
    [302, 'POST', 'get'],
    [303, 'post', 'get'],
    [303, 'put', 'get'],
    [303, undefined, 'get'],
    [303, 'head', 'head'],
    [301, 'put', 'put'],
    [302, 'delete', 'delete'],
    [307, 'post', 'post'],
    [308, 'post', 'post'],
  ])('%d of a %s is followed as a %s', async (status, method, expected) => {
    const { hop } = await followed({ status, location: `${HOME}/x` }, { method } as object);
    expect(hop).toMatchObject({ url: `${HOME}/x`, method: expected });
    expect([hop?.baseURL, hop?.params]).toEqual([undefined, undefined]);
  });

  test('a body that is dropped takes the headers that describe it along', async () => {
    const { hop, sent } = await followed({ status: 302, location: '/x' });
    expect(hop?.data).toBeUndefined();
    expect(names(hop)).toEqual([
      'X-Partner-Token',
      'Authorization',
      'Cookie',
      'Proxy-Authorization',
      'Host',
      'pid',
    ]);
    expect(names(sent)).toEqual(Object.keys(HEADERS));
  });

  test('a body that is kept keeps them', async () => {
    const { hop } = await followed({ status: 307, location: '/x' });
    expect(hop?.data).toBe('{}');
    expect(names(hop)).toEqual(Object.keys(HEADERS));
  });

  test('another origin gets neither the token, nor credentials and Host of the caller', async () => {
    const { hop, watch } = await followed({ status: 307, location: 'https://other.example/x' });
    expect(names(hop)).toEqual([
      'Content-Type',
      'Content-Length',
      'Content-Encoding',
      'Content-Language',
      'Content-Location',
      'pid',
    ]);
    expect(watch.hasLeftOrigin).toBe(true);
  });

  test('the same origin gets all of them', async () => {
    const { hop, watch } = await followed({ status: 307, location: `${HOME}:443/x` });
    expect(names(hop)).toEqual(Object.keys(HEADERS));
    expect(watch.hasLeftOrigin).toBe(false);
  });

  test.each([
    ['no redirect', { status: 200, location: '/x' }],
    ['304', { status: 304, location: '/x' }],
    ['300', { status: 300, location: '/x' }],
    ['no location', { status: 302 }],
    ['not from fetch', { status: 302, location: '/x', fetched: {} }],
    ['not from fetch, and no request', { status: 302, location: '/x', fetched: undefined }],
  ])('is left to the caller: %s', async (_, redirect) => {
    const { hops, outcome } = await followed(redirect);
    expect(hops).toEqual([]);
    expect(outcome.response?.status).toBe(redirect.status);
  });

  test.each([
    ['a location that is none', { status: 302, location: 'https://' }, {}, 'Invalid URL'],
    [
      'another scheme',
      { status: 302, location: 'ftp://api.example/x' },
      {},
      'URL scheme must be a HTTP(S) scheme',
    ],
    ['data', { status: 302, location: 'data:text/plain,x' }, {}, 'URL scheme must be a HTTP(S) scheme'],
    [
      'a user and a password',
      { status: 302, location: 'https://user:password@api.example/x' },
      {},
      'cross origin not allowed for request mode "cors"',
    ],
    [
      'a user',
      { status: 302, location: 'https://user@api.example/x' },
      {},
      'cross origin not allowed for request mode "cors"',
    ],
    [
      'a password alone',
      { status: 302, location: 'https://:password@api.example/x' },
      {},
      'cross origin not allowed for request mode "cors"',
    ],
  ])('is a network error, as fetch has it: %s', async (_, redirect, config, cause) => {
    const { hops, outcome } = await followed(redirect, config);
    expect(hops).toEqual([]);
    expect(outcome).toMatchObject({
      response: undefined,
      failure: { error: { message: 'Network Error', code: 'ERR_NETWORK', cause: { message: cause } } },
    });
  });

  // Axios makes a stream of a body whose progress is watched.
  const stream = () => ({ data: new ReadableStream() });
  const watched = () => ({ onUploadProgress: () => {} });
  test.each([
    ['a stream', 303, stream, 1],
    ['a stream', 301, stream, 0],
    ['a stream', 302, stream, 0],
    ['a stream', 307, stream, 0],
    ['a stream', 308, stream, 0],
    ['a body whose progress is watched', 303, watched, 1],
    ['a body whose progress is watched', 301, watched, 0],
    ['a body whose progress is watched', 302, watched, 0],
    ['a body whose progress is watched', 307, watched, 0],
    ['a body whose progress is watched', 308, watched, 0],
    ['a progress without a body', 307, () => ({ ...watched(), data: undefined }), 1],
  ])('is followed with 303 alone, as fetch has it: %s, %d', async (_, status, config, expected) => {
    for (const method of ['post', 'put']) {
      const { hops, outcome } = await followed({ status, location: '/x' }, { ...config(), method });
      expect(hops).toHaveLength(expected);
      const error = { message: 'Network Error', code: 'ERR_NETWORK', cause: { message: '' } };
      if (expected === 0) expect(outcome).toMatchObject({ response: undefined, failure: { error } });
    }
  });

  test.each([
    ['UTF-8, as its bytes arrive', '/\u00c3\u00bc?q=\u00e2\u0082\u00b9', '/%C3%BC?q=%E2%82%B9'],
    ['encoded', '/%C3%BC?q=%E2%82%B9', '/%C3%BC?q=%E2%82%B9'],
    ['no UTF-8', '/\u00fc', '/%EF%BF%BD'],
  ])('a location in %s', async (_, location, path) => {
    const { hop } = await followed({ status: 302, location });
    expect(hop?.url).toBe(`${HOME}${path}`);
  });

  test.each([
    [undefined, 1],
    [5, 1],
    [0, 0],
  ])('of "maxRedirects" the fetch adapter knows 0 alone: %s', async (maxRedirects, expected) => {
    const { hops } = await followed(
      { status: 302, location: 'http://api.example/x' },
      maxRedirects === undefined ? {} : { maxRedirects },
    );
    expect(hops.map(({ url }) => url)).toEqual(new Array(expected).fill('http://api.example/x'));
  });

  test.each([
    ['what is left of it', 1_000_000_000, (left: number) => left > 0 && left < 1_000_000_000],
    [
      'what is left of it, of one in a string',
      '1000000000',
      (left: number) => left > 0 && left < 1_000_000_000,
    ],
    ['next to nothing, where nothing is left', 1, (left: number) => left === 1],
    ['none, where there is none', 0, (left: number) => left === 0],
  ])('of the timeout, a hop gets %s', async (_, timeout, isRight) => {
    const { hop, sent } = await followed({ status: 307, location: '/x' }, { timeout } as object);
    expect(hop?.timeout).toSatisfy(isRight);
    expect(sent.timeout).toBe(timeout);
  });

  test('what is no response at all is handed on', async () => {
    const failure = { response: undefined, failure: { error: new Error('reset') } };
    expect(await follow(failure, {} as never, async () => ({}) as never, { ...WATCH })).toBe(failure);
  });
});
