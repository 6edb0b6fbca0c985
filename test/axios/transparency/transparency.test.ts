import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import axios, { type AxiosInstance, type AxiosRequestConfig } from 'axios';
import NpmFormData from 'form-data';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPayuAuth } from '../../../src/payu-auth.ts';
import { type Arrival, json, type Origin, startOrigin } from '../support.ts';
import { DIFFERENCES, OTHER_HEADINGS } from './differences.ts';

interface Scenario {
  readonly name: string;
  readonly config: () => AxiosRequestConfig;
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

const SCENARIOS: readonly Scenario[] = ADAPTERS.flatMap((adapter) => [
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
]);

let server: Origin;
let bare: AxiosInstance;
let attached: AxiosInstance;
const auth = createPayuAuth({
  environment: { tokenUrl: 'https://accounts.test/oauth/token' },
  grant: { type: 'client_credentials', clientId: 'client', clientSecret: 'secret' },
  scope: 'create_payout_transactions',
  http: {
    adapter: async (config) => {
      const data = JSON.stringify({ access_token: 'access_token_1', expires_in: 7200 });
      return { status: 200, statusText: 'OK', headers: {}, data, config };
    },
  },
});
afterAll(() => auth.close());

beforeAll(async () => {
  await auth.getToken();
});

function answer({ url, method }: Arrival, response: import('node:http').ServerResponse): void {
  const [, first = '', second = ''] = url.split(/[/?]/);
  if (first === 'redirect') return void response.writeHead(Number(second), { location: '/200/json' }).end();
  if (first === 'reset') return void response.destroy();
  if (first === 'cut-off') {
    response.writeHead(200, { 'content-length': 100 });
    return void response.write('{"a":', () => response.destroy());
  }
  if (first === 'not-json')
    return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":');
  if (first === 'not-gzip')
    return void response.writeHead(200, { 'content-encoding': 'gzip' }).end('not gzip');
  const status = Number(first);
  response.setHeader('x-method', method);
  if (second === 'json') return void json(response, status, { status, of: method });
  if (second === 'none') return void response.writeHead(status).end();
  response.writeHead(status, {
    'content-type': second === 'bytes' ? 'application/octet-stream' : 'text/plain',
  });
  if (second === 'chunked') response.write('first ');
  response.end(second === 'bytes' ? Buffer.from([0, 255]) : 'some text');
}

/** All that a caller and the server see of a call, in one flat list of fields. */
async function observe(
  client: AxiosInstance,
  { config }: Scenario,
): Promise<Readonly<Record<string, unknown>>> {
  const seen: Record<string, unknown> = {};
  const before = server.arrivals.length;
  const outcome = await client.request(config()).then(
    (response) => ({ response, error: undefined }),
    (error: unknown) => ({ response: undefined, error }),
  );
  seen['outcome.kind'] = outcome.error === undefined ? 'response' : 'error';
  const { error } = outcome;
  if (axios.isAxiosError(error)) {
    for (const name of ['name', 'message', 'code', 'status'] as const) seen[`error.${name}`] = error[name];
    seen['error.cause'] = (error.cause as Error | undefined)?.message;
    for (const key of Object.keys(error)) seen[`outcome.keys.${key}`] = true;
    seen['error.hasRequest'] = error.request !== undefined;
  } else if (error !== undefined) seen['error.other'] = String(error);
  const response = outcome.response ?? (axios.isAxiosError(error) ? error.response : undefined);
  const givenConfig = response?.config ?? (axios.isAxiosError(error) ? error.config : undefined);
  if (givenConfig !== undefined) {
    seen['config.prototype'] = Object.getPrototypeOf(givenConfig) === null;
    seen['config.keys'] = Object.keys(givenConfig)
      .filter((key) => !['response'].includes(key))
      .sort();
    seen['config.adapter'] = givenConfig.adapter;
    seen['config.proxy'] = givenConfig.proxy;
    seen['config.data'] = Object.prototype.toString.call(givenConfig.data);
  }
  if (response !== undefined) {
    for (const key of Object.keys(response)) seen[`response.keys.${key}`] = true;
    seen['response.status'] = response.status;
    seen['response.statusText'] = response.statusText;
    const { date: _, ...headers } = { ...response.headers };
    seen['response.headers'] = headers;
    seen['response.data'] = await contentOf(response.data);
    if (response.data instanceof Readable) {
      const { statusCode, statusMessage } = response.data as unknown as Record<string, unknown>;
      seen['response.stream'] = { statusCode, statusMessage };
    }
  }
  for (const [n, { method, url, headers, body }] of server.arrivals.slice(before).entries()) {
    seen[`server.${n}.method`] = method;
    seen[`server.${n}.url`] = url;
    for (const [name, value] of Object.entries(headers)) seen[`server.${n}.headers.${name}`] = value;
    seen[`server.${n}.body`] = body.toString('latin1');
  }
  return seen;
}

async function contentOf(data: unknown): Promise<unknown> {
  if (typeof (data as AsyncIterable<unknown> | null)?.[Symbol.asyncIterator] !== 'function') {
    return Buffer.isBuffer(data) || data instanceof ArrayBuffer
      ? Buffer.from(data as ArrayBuffer).toString('latin1')
      : data;
  }
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of data as AsyncIterable<Uint8Array>) chunks.push(chunk);
  } catch (error) {
    return `${Buffer.concat(chunks).toString('latin1')}, then ${(error as Error).message}`;
  }
  return Buffer.concat(chunks).toString('latin1');
}

describe('a bare and an attached instance', () => {
  test.each(SCENARIOS)('$name', async (scenario) => {
    server = await startOrigin(answer);
    bare = axios.create({ baseURL: server.url });
    attached = axios.create({ baseURL: server.url });
    auth.attach(attached);
    const [expected, actual] = [await observe(bare, scenario), await observe(attached, scenario)];
    const listed = DIFFERENCES.filter(({ scenarios }) => scenarios.test(scenario.name));
    const unlisted = (fields: Readonly<Record<string, unknown>>) =>
      Object.fromEntries(
        Object.entries(fields).filter(
          ([field]) => !listed.some(({ fields: allowed }) => allowed.test(field)),
        ),
      );
    expect(unlisted(actual)).toEqual(unlisted(expected));
  });

  test('are compared in some two hundred scenarios', () => {
    expect(SCENARIOS.length).toBeGreaterThan(200);
  });

  test('differ in what docs/differences.md lists, and it lists nothing else', () => {
    const page = readFileSync(new URL('../../../docs/differences.md', import.meta.url), 'utf8');
    const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    expect(headings.toSorted()).toEqual(
      [...DIFFERENCES.map(({ heading }) => heading), ...OTHER_HEADINGS].toSorted(),
    );
  });
});
