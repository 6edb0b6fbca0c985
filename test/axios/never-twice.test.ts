import { gzipSync } from 'node:zlib';
import type { AxiosRequestConfig } from 'axios';
import { describe, expect, test } from 'vitest';
import type { Fault } from '../../src/sandbox/index.ts';
import { startHarness } from '../support/harness.ts';
import { payment } from '../support/payments.ts';
import { titled } from '../token/mint/support.ts';
import { AXIOS_VERSIONS, libraryOn, startOrigin, tokensOf } from './support.ts';

const PAYMENT = [payment('ref-1')];
/** Real time: Node's sockets know no other. Long enough for the request to arrive before. */
const TIMEOUT: AxiosRequestConfig = { timeout: 500 };

interface Row {
  readonly fault: Fault;
  /** Payments that the server has made: the money has moved, whatever the caller is told. */
  readonly payments: 0 | 1;
  readonly config?: AxiosRequestConfig;
}

const ROWS: readonly Row[] = [
  { fault: { kind: 'latency', ms: 10_000 }, payments: 1, config: TIMEOUT },
  { fault: { kind: 'hang' }, payments: 0, config: TIMEOUT },
  { fault: { kind: 'hang', processed: true }, payments: 1, config: TIMEOUT },
  { fault: { kind: 'hang-in-body' }, payments: 1, config: TIMEOUT },
  { fault: { kind: 'reset-before-read' }, payments: 0 },
  { fault: { kind: 'reset-after-read' }, payments: 1 },
  { fault: { kind: 'reset-in-body' }, payments: 1 },
  ...([500, 501, 502, 503, 504, 507, 511, 599] as const).flatMap((status): Row[] => [
    { fault: { kind: 'status', status }, payments: 0 },
    { fault: { kind: 'status', status, processed: true }, payments: 1 },
  ]),
  { fault: { kind: 'status', status: 502, body: 'html', processed: true }, payments: 1 },
  { fault: { kind: 'status', status: 503, body: 'text', processed: true }, payments: 1 },
  { fault: { kind: 'status', status: 504, body: 'none', processed: true }, payments: 1 },
  { fault: { kind: 'status', status: 408, processed: true }, payments: 1 },
  { fault: { kind: 'status', status: 409, processed: true }, payments: 1 },
  { fault: { kind: 'status', status: 425, processed: true }, payments: 1 },
  { fault: { kind: 'oauth-error', error: 'rate_limit_exceeded', status: 500 }, payments: 0 },
  { fault: { kind: 'oauth-error', error: 'rate_limit_exceeded', status: 503 }, payments: 0 },
  { fault: { kind: 'oauth-error', error: 'invalid_token', status: 403 }, payments: 0 },
  { fault: { kind: 'oauth-error', error: 'invalid_token', status: 500 }, payments: 0 },
  { fault: { kind: 'html-200' }, payments: 0 },
  { fault: { kind: 'empty-200' }, payments: 0 },
  { fault: { kind: 'truncated-json' }, payments: 1 },
  { fault: { kind: 'garbage' }, payments: 0 },
  { fault: { kind: 'redirect', location: '/payout/v2/payment' }, payments: 0 },
];

describe.each(['http', 'fetch'] as const)('a payment over the %s adapter is never sent twice', (adapter) => {
  test.each(titled(ROWS, ({ fault }) => fault))('%s', async (_, { fault, payments, config }) => {
    const { payouts, clock, sandbox, eventsOf } = await startHarness();
    // The token is there, the adapter loaded and connected: the payment is all that its time limit is for.
    await payouts.get('/merchant/getAccountDetail', { adapter });
    sandbox.fail(1, fault, { on: 'api' });
    await payouts.post('/v2/payment', PAYMENT, { adapter, validateStatus: null, ...config }).catch(() => {});
    // Nothing is planned for later either.
    expect(clock.pending).toBe(0);
    clock.advance(600_000);
    await payouts.get('/merchant/getAccountDetail');
    const posts = sandbox.requests().filter(({ kind, method }) => kind === 'api' && method === 'POST');
    expect(posts).toHaveLength(1);
    expect(sandbox.stats()).toMatchObject({ payments, duplicatePayments: 0, faults: 1 });
    expect(eventsOf('request-replayed')).toHaveLength(0);
  });
});

/** How a call looks at its answer: each way has another stream that breaks, with another code. */
const LOOKS: readonly (readonly [
  title: string,
  headers: Record<string, string>,
  config: AxiosRequestConfig,
])[] = [
  ['as text', {}, {}],
  ['as bytes', {}, { responseType: 'arraybuffer' }],
  ['as a stream', {}, { responseType: 'stream' }],
  ['compressed', { 'content-encoding': 'gzip' }, {}],
  ['compressed, as a stream', { 'content-encoding': 'gzip' }, { responseType: 'stream' }],
  ['with its progress watched', {}, { onDownloadProgress: () => {} }],
  ['at a limited rate', {}, { maxRate: [1_000_000, 1_000_000] }],
];

describe.each(AXIOS_VERSIONS)('an answer that breaks off, on %s', (version) => {
  describe.each(['http', 'fetch'] as const)('over the %s adapter', (adapter) => {
    describe.each([401, 429])('says nothing, although it begins with %s', (status) => {
      test.each(LOOKS)('%s', async (_title, headers, config) => {
        const library = await libraryOn(version);
        const api = await startOrigin((_, response) => {
          response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0', ...headers });
          const body = '{"error":"insufficient_scope"}'.repeat(100);
          const half = 'content-encoding' in headers ? gzipSync(body).subarray(0, 15) : body.slice(0, 9);
          response.write(half, () => response.destroy());
        });
        const { auth, events } = tokensOf(library);
        const payouts = library.axios.create({ baseURL: api.url, adapter, ...config });
        auth.attach(payouts);
        await expect(payouts.post('/v2/payment', PAYMENT)).rejects.toThrow();
        expect(api.arrivals).toHaveLength(1);
        expect(events.map(({ type }) => type)).toEqual(['token-minted']);
      });
    });
  });
});

// Else a server whose 401 has the wrong header would refuse an expired token for good.
describe.each(['axios-1.16', 'axios'] as const)('a 401 that has come whole, on %s', (version) => {
  test.each<[string, Record<string, string>, AxiosRequestConfig]>([
    ['is no gzip, although it says so', { 'content-encoding': 'gzip' }, {}],
    ['is no gzip, as a stream', { 'content-encoding': 'gzip' }, { responseType: 'stream' }],
    [
      'is no gzip, as a stream by fetch',
      { 'content-encoding': 'gzip' },
      { responseType: 'stream', adapter: 'fetch' },
    ],
    ['is no deflate', { 'content-encoding': 'deflate' }, {}],
    ['is no Brotli', { 'content-encoding': 'br' }, {}],
    ['is longer than the caller reads of a stream', {}, { responseType: 'stream', maxContentLength: 3 }],
  ])('and %s, is a refusal', async (_title, headers, config) => {
    const library = await libraryOn(version);
    const api = await startOrigin((_, response, nth) => {
      if (nth > 1) return void response.writeHead(204).end();
      response.writeHead(401, { 'content-type': 'application/json', ...headers });
      // Without its length, fetch can't know beforehand that it is too long.
      response.write('not ');
      response.end('compressed');
    });
    const { auth } = tokensOf(library);
    const payouts = library.axios.create({ baseURL: api.url, ...config });
    auth.attach(payouts);
    expect((await payouts.post('/v2/payment', PAYMENT)).status).toBe(204);
    expect(api.arrivals).toHaveLength(2);
  });
});

test('whatever the adapter that the payment went over, a connection that was closed while idle is no exception', async () => {
  for (const adapter of ['http', 'fetch'] as const) {
    const { payouts, sandbox } = await startHarness();
    await payouts.get('/merchant/getAccountDetail', { adapter });
    sandbox.fail({ share: 1 }, { kind: 'reset-after-read' }, { on: 'api' });
    await payouts.post('/v2/payment', PAYMENT, { adapter }).catch(() => {});
    expect(sandbox.stats()).toMatchObject({ payments: 1, apiRequests: 2 });
  }
});
