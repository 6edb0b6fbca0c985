import { Writable } from 'node:stream';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import pino from 'pino';
import { Registry } from 'prom-client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { meterPayuAuth } from '../../examples/opentelemetry.ts';
import { logPayuAuth } from '../../examples/pino.ts';
import { countPayuAuth } from '../../examples/prom-client.ts';
import type { PayuAuthEvent } from '../../src/index.ts';
import { type Harness, startHarness } from '../support/harness.ts';

const ACCOUNT = '/merchant/getAccountDetail';

/** The examples are typed by the built package, as a user's are: here they hear the events of the sources. */
function listener(example: (event: never) => void): (event: PayuAuthEvent) => void {
  return example as (event: PayuAuthEvent) => void;
}

/** A day in the life: each kind of event that the sandbox can cause, in a known order. */
async function live({ payouts, links, sandbox, createAuth, client }: Harness): Promise<void> {
  await payouts.get(ACCOUNT);
  sandbox.revokeAllTokens();
  await payouts.get(ACCOUNT);
  await payouts.get('https://elsewhere.example/', { adapter: async (config) => answer(config) });
  sandbox.rateLimit(1, { on: 'api', retryAfter: 600 });
  await expect(payouts.get(ACCOUNT)).rejects.toThrow('429');
  await expect(links.put('/INV1', {})).rejects.toThrow('401');
  sandbox.setReplyShape('other-scope');
  const other = createAuth({ scope: 'read_bills' });
  await other.getToken();
  sandbox.setClientSecret('another');
  const stranger = client('/payout');
  createAuth({ scope: 'read_plans' }).attach(stranger);
  await expect(stranger.get(ACCOUNT)).rejects.toThrow('invalid_client');
}

function answer<C>(config: C): {
  data: string;
  status: number;
  statusText: string;
  headers: object;
  config: C;
} {
  return { data: '', status: 200, statusText: 'OK', headers: {}, config };
}

const EXPECTED: readonly PayuAuthEvent['type'][] = [
  'token-minted',
  'token-minted',
  'request-replayed',
  'token-withheld',
  'rate-limited',
  'token-minted',
  'replay-skipped',
  'token-minted',
  'scope-missing',
  'token-failed',
];

describe('examples/pino.ts', () => {
  test('writes one line per event, with a level, and no secret', async () => {
    const lines: string[] = [];
    const stream = new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk));
        done();
      },
    });
    const onEvent = listener(logPayuAuth(pino({ level: 'debug' }, stream), 'merchant-101'));
    const harness = await startHarness({ onEvent });
    await live(harness);

    const written = lines.map((line) => JSON.parse(line));
    expect(written.map(({ event }) => event)).toEqual(EXPECTED);
    expect(written.every(({ component }) => component === 'payu-auth')).toBe(true);
    expect(written.every(({ merchant }) => merchant === 'merchant-101')).toBe(true);
    expect(written[0]).toMatchObject({
      level: 30,
      msg: 'got a token from PayU',
      cause: 'missing',
      expiresInMs: 7_200_000,
    });
    expect(written.at(-1)).toMatchObject({
      level: 50,
      msg: 'got no token from PayU',
      cause: 'missing',
      err: { type: 'TokenRefusedError', code: 'ERR_TOKEN_REFUSED' },
    });
    const tokens = harness.sandbox.requests().map(({ token }) => token ?? harness.sandbox.clientSecret);
    for (const secret of tokens) expect(lines.join('')).not.toContain(secret);
  });
});

describe('examples/prom-client.ts', () => {
  test('counts each event', async () => {
    const registry = new Registry();
    const harness = await startHarness({ onEvent: listener(countPayuAuth(registry)('101')) });
    await live(harness);

    const text = await registry.metrics();
    for (const line of [
      'payu_auth_mint_duration_seconds_count{merchant="101",grant="client_credentials",cause="missing"} 3',
      'payu_auth_mint_duration_seconds_count{merchant="101",grant="client_credentials",cause="refused"} 1',
      'payu_auth_mint_failures_total{merchant="101",code="ERR_TOKEN_REFUSED",cause="missing"} 1',
      'payu_auth_rate_limits_total{merchant="101",source="api"} 1',
      'payu_auth_replays_total{merchant="101",cause="token-refused"} 1',
      'payu_auth_oddities_total{merchant="101",event="replay-skipped",reason="insufficient-scope"} 1',
      'payu_auth_oddities_total{merchant="101",event="token-withheld",reason="origin"} 1',
      'payu_auth_oddities_total{merchant="101",event="scope-missing",reason="read_bills"} 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  test('an error that is not ours is counted by its name', async () => {
    const registry = new Registry();
    countPayuAuth(registry)('101')({
      type: 'token-failed',
      cause: 'missing',
      error: new TypeError('wrong option'),
    });
    expect(await registry.metrics()).toContain('code="TypeError",cause="missing"} 1');
  });
});

describe('examples/opentelemetry.ts', () => {
  test('counts each event of every auth in the process, until it is told to stop', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const provider = new MeterProvider({ readers: [reader] });
    const stop = meterPayuAuth(provider.getMeter('payu'));
    onTestFinished(() => provider.shutdown());
    await live(await startHarness());
    stop();
    await (await startHarness()).auth.getToken();

    await reader.forceFlush();
    const counted = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) =>
        scopeMetrics.flatMap(({ metrics }) =>
          metrics.flatMap(({ descriptor, dataPoints }) =>
            dataPoints.map(({ attributes, value }) => [
              descriptor.name,
              Object.values(attributes).join(' '),
              typeof value === 'number' ? value : value.count,
            ]),
          ),
        ),
      );
    expect(counted).toEqual([
      ['payu_auth.mint.duration', 'client_credentials missing', 3],
      ['payu_auth.mint.duration', 'client_credentials refused', 1],
      ['payu_auth.mint.failures', 'ERR_TOKEN_REFUSED missing', 1],
      ['payu_auth.rate_limits', 'api', 1],
      ['payu_auth.replays', 'token-refused', 1],
      ['payu_auth.oddities', 'token-withheld origin', 1],
      ['payu_auth.oddities', 'replay-skipped insufficient-scope', 1],
      ['payu_auth.oddities', 'scope-missing read_bills', 1],
    ]);
  });
});
