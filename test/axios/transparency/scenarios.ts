import { Readable } from 'node:stream';
import type { AxiosInstance, AxiosRequestConfig, AxiosResponse, AxiosStatic } from 'axios';
import MockAdapter from 'axios-mock-adapter';
import NpmFormData from 'form-data';
import { vi } from 'vitest';

/** What a scenario writes down besides what every call shows, and what it hears of the server. */
export interface Probe {
  readonly axios: AxiosStatic;
  note(field: string, value: unknown): void;
  /** Called as a request arrives at the server. */
  onArrival(listener: () => void): void;
  /** Called as the first bytes of a streamed response have been read. */
  onFirstChunk(listener: () => void): void;
  readonly proxyUrl: string;
  /** For calls that are to end by their timeout. */
  readonly timeoutMs: number;
}

export interface Scenario {
  readonly name: string;
  /** Of the instance. Default: the server's. */
  readonly baseURL?: string;
  readonly config: (probe: Probe) => AxiosRequestConfig;
  /** For what is to be done with the instance first. */
  readonly prepare?: (client: AxiosInstance) => void;
}

const ADAPTERS = ['http', 'fetch'] as const;
const METHODS = ['get', 'head', 'delete', 'post', 'put', 'patch', 'options'] as const;

const BODIES: Readonly<Record<string, () => unknown>> = {
  none: () => undefined,
  text: () => 'π = 3',
  object: () => ({ amount: 1, list: [1, 'a'] }),
  Buffer: () => Buffer.from([0, 255, 10]),
  ArrayBuffer: () => new Uint8Array([1, 2, 3]).buffer,
  Blob: () => new Blob(['blob'], { type: 'image/png' }),
  URLSearchParams: () => new URLSearchParams({ a: '1 2', b: 'ü' }),
  stream: () => Readable.from([Buffer.from('a'), Buffer.from('b')]),
  'stream that breaks': () =>
    new Readable({
      read() {
        this.destroy(new Error('the disk is gone'));
      },
    }),
  FormData: () => {
    const form = new FormData();
    form.append('file', new Blob(['file']), 'file.csv');
    return form;
  },
  'npm form': () => {
    const form = new NpmFormData();
    form.setBoundary('own-boundary');
    form.append('a', '1');
    form.append('file', Buffer.from('bytes'), { filename: 'file.csv' });
    return form;
  },
};

/** What the server does, by the path. */
const PATHS = [
  ...[
    '/200/json',
    '/200/text',
    '/200/bytes',
    '/200/chunked',
    '/204/none',
    '/304/none',
    '/400/json',
    '/403/text',
  ],
  ...[
    '/404/json',
    '/409/json',
    '/422/json',
    '/500/json',
    '/502/text',
    '/503/none',
    '/redirect/302',
    '/redirect/303',
  ],
  ...['/redirect/307', '/redirect/308', '/reset', '/cut-off', '/not-json', '/not-gzip'],
] as const;

const CONFIGS: Readonly<Record<string, () => AxiosRequestConfig>> = {
  plain: () => ({}),
  arraybuffer: () => ({ responseType: 'arraybuffer' }),
  stream: () => ({ responseType: 'stream' }),
  'all statuses': () => ({ validateStatus: () => true }),
  'no redirects': () => ({ maxRedirects: 0 }),
  'params and headers': () => ({
    params: { a: 'ü', b: [1, 2] },
    headers: { 'X-Own': '1', accept: 'text/csv' },
  }),
  'strict JSON': () => ({ responseType: 'json', transitional: { silentJSONParsing: false } }),
  'a small limit': () => ({ maxContentLength: 3 }),
  'an abort before': () => ({ signal: AbortSignal.abort() }),
  'a transform that throws': () => ({
    transformResponse: () => {
      throw new Error('no response today');
    },
  }),
  'not decompressed': () => ({ decompress: false }),
};

/** Progress, limits of time, aborts, and streams as they flow. */
function inFlight(adapter: 'http' | 'fetch'): readonly Scenario[] {
  const large = 'x'.repeat(300_000);
  const rows: Readonly<Record<string, Scenario['config']>> = {
    'progress of a small download': (probe) => ({ url: '/200/json', ...progress(probe) }),
    'progress of a large download': (probe) => ({ url: '/200/large', ...progress(probe) }),
    'progress of a large stream': (probe) => ({
      url: '/200/large',
      responseType: 'stream',
      ...progress(probe),
    }),
    'progress of an upload': (probe) => ({
      method: 'post',
      url: '/200/json',
      data: large,
      ...progress(probe),
    }),
    'progress of an uploaded object, refused': (probe) => ({
      method: 'post',
      url: '/403/json',
      data: { large },
      ...progress(probe),
    }),
    'a timeout before the headers': ({ timeoutMs }) => ({ url: '/hold', timeout: timeoutMs }),
    'a timeout before the headers of a post': ({ timeoutMs }) => ({
      method: 'post',
      url: '/hold',
      data: { a: 1 },
      timeout: timeoutMs,
    }),
    'a timeout with words of its own': ({ timeoutMs }) => ({
      url: '/hold',
      timeout: timeoutMs,
      timeoutErrorMessage: 'too slow',
    }),
    'a timeout that says ETIMEDOUT': ({ timeoutMs }) => ({
      url: '/hold',
      timeout: timeoutMs,
      transitional: { clarifyTimeoutError: true },
    }),
    'a timeout in the body': ({ timeoutMs }) => ({ url: '/hold-body', timeout: timeoutMs * 5 }),
    'an abort before the headers': (probe) => ({ url: '/hold', signal: onceArrived(probe) }),
    'an abort before the headers of a post': (probe) => ({
      method: 'post',
      url: '/hold',
      data: { a: 1 },
      signal: onceArrived(probe),
    }),
    'an abort by a cancelToken': (probe) => {
      const source = probe.axios.CancelToken.source();
      probe.onArrival(() => source.cancel('enough'));
      return { url: '/hold', cancelToken: source.token };
    },
    'an abort in the body': () => {
      const controller = new AbortController();
      return {
        url: '/hold-body',
        signal: controller.signal,
        onDownloadProgress: () => controller.abort(),
      };
    },
    'an abort in a stream': (probe) => abortInStream(probe, '/hold-body'),
    'an abort in the stream of a refusal': (probe) => abortInStream(probe, '/403/hold-body'),
    'a stream that breaks off': () => ({ url: '/cut-off', responseType: 'stream' }),
    'a large stream': () => ({ url: '/200/large', responseType: 'stream' }),
    'a stream of gzip': () => ({ url: '/200/gzip', responseType: 'stream' }),
    'a redirect to no URL': () => ({ url: '/redirect-to/http:%2F%2F%5B' }),
    'a redirect to a mail address': () => ({ url: '/redirect-to/mailto:a@b.example' }),
    'a redirect without end': () => ({ url: '/redirect-forever' }),
    'a redirect that a stream would have to be sent to': () => ({
      method: 'post',
      url: '/redirect/307',
      data: Readable.from([Buffer.from('once')]),
      maxRedirects: 3,
    }),
  };
  const both = Object.entries(rows).map(([name, make]) => ({
    name: `${adapter}: ${name}`,
    config: (probe: Probe) => ({ adapter, ...make(probe) }),
  }));
  return adapter === 'fetch' ? both : [...both, ...HTTP_ALONE];
}

/** No address is looked up, so that a name is needed; a token may go to this one over plain http. */
const NAMED = 'http://name.localhost';

const lookedUpForEver = ({ timeoutMs }: Probe): AxiosRequestConfig => ({
  adapter: 'http',
  url: '/200/json',
  lookup: () => {},
  timeout: timeoutMs,
});

/** Where axios' http adapter alone has the means. */
const HTTP_ALONE: readonly Scenario[] = [
  {
    name: 'http: a timeout while the host is looked up',
    baseURL: NAMED,
    config: lookedUpForEver,
  },
  {
    name: 'http: a timeout while the host is looked up, without redirects',
    baseURL: NAMED,
    config: (probe) => ({ ...lookedUpForEver(probe), maxRedirects: 0 }),
  },
];

export const SCENARIOS: readonly Scenario[] = ADAPTERS.flatMap((adapter) => [
  ...METHODS.map((method) => ({
    name: `${adapter}: ${method}`,
    config: () => ({ adapter, method, url: '/200/json' }),
  })),
  ...Object.entries(BODIES).flatMap(([body, make]) =>
    (adapter === 'fetch' && (body === 'npm form' || body === 'stream that breaks')
      ? []
      : ['/200/json', '/500/json']
    ).map((url) => ({
      name: `${adapter}: post ${body} to ${url}`,
      config: () => ({ adapter, method: 'post', url, data: make() }),
    })),
  ),
  ...PATHS.flatMap((url) =>
    ['plain', 'stream', 'all statuses'].map((config) => ({
      name: `${adapter}: get ${url}, ${config}`,
      config: () => ({ adapter, url, ...CONFIGS[config]?.() }),
    })),
  ),
  ...Object.entries(CONFIGS).flatMap(([config, make]) =>
    ['/200/json', '/404/json', '/redirect/307'].map((url) => ({
      name: `${adapter}: put an object to ${url}, ${config}`,
      config: () => ({ adapter, method: 'put', url, data: { a: 1 }, ...make() }),
    })),
  ),
  ...inFlight(adapter),
]);

/** How far it came; how many events there are depends on the time that it takes. */
function progress(probe: Probe): AxiosRequestConfig {
  const note = (field: string) => (event: object) => {
    const { loaded, total, progress: share, upload, download } = event as Record<string, unknown>;
    probe.note(field, { loaded, total, share, upload, download });
  };
  return { onUploadProgress: note('progress.upload'), onDownloadProgress: note('progress.download') };
}

function onceArrived(probe: Probe): AbortSignal {
  const controller = new AbortController();
  probe.onArrival(() => controller.abort());
  return controller.signal;
}

/** Once the first bytes have been read. */
function abortInStream(probe: Probe, url: string): AxiosRequestConfig {
  const controller = new AbortController();
  probe.onFirstChunk(() => controller.abort());
  return { url, responseType: 'stream', signal: controller.signal, validateStatus: () => true };
}

/** Scenarios for what differs by an adapter, a proxy or a mock of the caller's. */
export const SHOWING: Readonly<Record<'streamAsCopy' | 'ownFetch' | 'proxied' | 'mocked', Scenario>> = {
  streamAsCopy: {
    name: 'a stream, as an adapter gets it',
    config: (probe) => {
      const data = Readable.from([Buffer.from('a')]);
      return {
        method: 'post',
        url: '/200/json',
        data,
        adapter: async (config) => {
          probe.note('adapter.isSameStream', config.data === data);
          const chunks: unknown[] = [];
          for await (const chunk of config.data) chunks.push(chunk);
          probe.note('adapter.bytes', String(chunks));
          return { status: 200, statusText: 'OK', headers: {}, data: 'ok', config } satisfies AxiosResponse;
        },
      };
    },
  },
  ownFetch: {
    name: 'a redirect, as env.fetch sees it',
    config: (probe) => {
      const asked: string[] = [];
      probe.note('fetch.asked', asked);
      const ownFetch: typeof fetch = (input, init) => {
        const { redirect, url } = new Request(input, init);
        asked.push(`${redirect} ${new URL(url).pathname}`);
        return fetch(input, init);
      };
      return { adapter: 'fetch', url: '/redirect/302', env: { fetch: ownFetch } };
    },
  },
  proxied: {
    name: 'http: get through a proxy of the environment',
    config: ({ proxyUrl }) => {
      vi.stubEnv('http_proxy', proxyUrl);
      return { adapter: 'http', url: '/200/json' };
    },
  },
  mocked: {
    name: 'a mock that names exact headers',
    prepare: (client) => {
      const headers = { Accept: 'application/json, text/plain, */*', 'X-Own': '1' };
      // Its types are those of the CommonJS copy.
      new MockAdapter(client as never).onGet('/mocked', { headers }).reply(200, { ok: true });
    },
    config: () => ({ url: '/mocked', headers: { 'X-Own': '1' } }),
  },
};
