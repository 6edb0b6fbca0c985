import type { AxiosInstance } from 'axios';
import { setupCache } from 'axios-cache-interceptor';
import axiosRetry from 'axios-retry';
import { describe, expect, test } from 'vitest';
import { type ClientWorld, links, payouts, salary } from './support/world.ts';

/** What an application's instance may have been given for its other calls. */
const INSTANCES: readonly (readonly [name: string, setUp: (http: AxiosInstance) => unknown])[] = [
  ['nothing', () => {}],
  [
    'JSON as content type',
    ({ defaults }) => Object.assign(defaults.headers, { 'Content-Type': 'application/json' }),
  ],
  [
    'a form as content type',
    ({ defaults }) =>
      Object.assign(defaults.headers, { 'Content-Type': 'application/x-www-form-urlencoded' }),
  ],
  [
    'a form as content type of POST',
    ({ defaults }) =>
      Object.assign(defaults.headers.post, { 'Content-Type': 'application/x-www-form-urlencoded' }),
  ],
  ['text as response type', ({ defaults }) => Object.assign(defaults, { responseType: 'text' })],
  ['bytes as response type', ({ defaults }) => Object.assign(defaults, { responseType: 'arraybuffer' })],
  ['any status as success', ({ defaults }) => Object.assign(defaults, { validateStatus: () => true })],
  [
    'a transform that renames what is sent',
    ({ defaults }) => Object.assign(defaults, { transformRequest: [snakeCase, JSON.stringify] }),
  ],
  [
    'an interceptor that renames what is sent',
    ({ interceptors }) =>
      interceptors.request.use((config) => Object.assign(config, { data: snakeCase(config.data) })),
  ],
  [
    'a transform that unwraps and renames what comes',
    ({ defaults }) =>
      Object.assign(defaults, { transformResponse: [(text: string) => snakeCase(JSON.parse(text).data)] }),
  ],
  ['redirects to follow', ({ defaults }) => Object.assign(defaults, { maxRedirects: 5 })],
  ['the fetch adapter', ({ defaults }) => Object.assign(defaults, { adapter: 'fetch' })],
  ['axios-retry', (http) => axiosRetry(http, { retries: 3, retryDelay: () => 0 })],
  [
    'axios-retry, whatever fails',
    (http) => axiosRetry(http, { retries: 3, retryCondition: () => true, retryDelay: () => 0 }),
  ],
  ['retry-axios', retryAsRetryAxiosDoes],
  ['a cache', (http) => setupCache(http as never)],
  ['a cache of POSTs as well', (http) => setupCache(http as never, { methods: ['get', 'post'] })],
];

/** As packages that change the case of fields do: objects and lists, and nothing else. */
function snakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCase);
  if (typeof value !== 'object' || value === null || value instanceof URLSearchParams) return value;
  const rename = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [rename(name), snakeCase(each)]));
}

/** As retry-axios does where POST is among its methods: three times after an answer, twice where none came. */
function retryAsRetryAxiosDoes(http: AxiosInstance): void {
  const usual = { retry: 3, noResponseRetries: 2 };
  http.interceptors.response.use(undefined, (error) => {
    const raxConfig = { ...usual, ...error.config.raxConfig };
    const counter = error.response === undefined ? 'noResponseRetries' : 'retry';
    if (raxConfig[counter]-- <= 0) throw error;
    return http.request({ ...error.config, raxConfig });
  });
}

/** Methods and paths, in order. */
function sent({ sandbox }: ClientWorld<unknown>): readonly string[] {
  return sandbox
    .requests()
    .flatMap(({ kind, method, path }) => (kind === 'api' ? `${method} ${path.split('/').at(-1)}` : []));
}

/** The answer to the first POST that fits is lost, after it took its effect. */
function loseFirst({ http, sandbox }: ClientWorld<unknown>, url: string): void {
  let isLost = false;
  http.interceptors.request.use((config) => {
    if (!isLost && config.method === 'post' && config.url === url) {
      isLost = true;
      sandbox.fail(1, { kind: 'reset-after-read' }, { on: 'api' });
    }
    return config;
  });
}

describe.each(INSTANCES)('over an instance that has %s', (_, setUp) => {
  test('a payment whose answer is lost is paid once, is sent once, and is known to be paid', async () => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    setUp(world.http);
    loseFirst(world, '/v2/payment');
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
    expect(world.sandbox.stats()).toMatchObject({ payments: 1, duplicatePayments: 0 });
    expect(sent(world)).toEqual(['POST listTransactions', 'POST payment', 'POST listTransactions']);
  });

  test('a link whose answer is lost is made once, is sent once, and is found', async () => {
    const world = await links();
    setUp(world.http);
    loseFirst(world, '/');
    const link = { invoiceNumber: 'INV1', subAmount: 2, description: 'order 1', source: 'API' } as const;
    expect(await world.start().createOnce(link)).toMatchObject({ kind: 'created' });
    expect(sent(world)).toEqual(['GET INV1', 'POST ', 'GET INV1']);
  });
});

describe.each(['http', 'fetch'] as const)('over the %s adapter', (adapter) => {
  test.each([301, 302, 303, 307, 308])(
    'a payment that is redirected (%i) is followed nowhere',
    async (status) => {
      const world = await payouts({ paymentCourse: ['SUCCESS'] });
      world.http.defaults.adapter = adapter;
      const location = '/payout/payment';
      world.sandbox.fail(
        1,
        { kind: 'redirect', location, status },
        { on: 'api', path: '/payout/v2/payment' },
      );
      expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
      expect(sent(world)).toEqual([
        'POST listTransactions',
        'POST payment',
        ...Array.from({ length: 3 }, () => 'POST listTransactions'),
        'POST payment',
        'POST listTransactions',
      ]);
    },
  );
});

describe('where the signal is not heeded, a call ends in time all the same, and sends nothing later', () => {
  const DEAF: readonly (readonly [
    name: string,
    setUp: (http: AxiosInstance, isAsked: () => void) => unknown,
  ])[] = [
    [
      'an interceptor that never ends',
      (http, isAsked) =>
        http.interceptors.request.use(() => {
          isAsked();
          return new Promise(() => {});
        }),
    ],
    [
      'an adapter that never ends',
      ({ defaults }, isAsked) =>
        Object.assign(defaults, {
          adapter: () => {
            isAsked();
            return new Promise(() => {});
          },
        }),
    ],
  ];

  test.each(DEAF)('%s', async (_, setUp) => {
    const [salaries, invoices] = [await payouts(), await links()];
    for (const { http, time } of [salaries, invoices]) setUp(http, () => time.timeOut());
    expect(await salaries.start().payOnce(salary('ref-1'))).toMatchObject({
      kind: 'unknown',
      why: 'not-answered',
    });
    const link = { invoiceNumber: 'INV1', subAmount: 2, description: 'order 1', source: 'API' } as const;
    expect(await invoices.start().createOnce(link)).toMatchObject({ kind: 'unknown', why: 'not-answered' });
    expect([...sent(salaries), ...sent(invoices)]).toEqual([]);
  });
});
