import axios, { type AxiosInstance } from 'axios';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PayoutsClient, type Verdict } from '../../examples/payouts-client.ts';
import { createPayuAuth } from '../../src/index.ts';
import type { Fault, PayoutStep, Sandbox } from '../../src/sandbox/index.ts';
import { fakeTime, MERCHANT_ID, payouts, salary } from './support/world.ts';

const RUNS = 40;
const PATHS = ['/payout/v2/payment', '/payout/payment/listTransactions'] as const;

/** What happens at PayU while several processes pay one reference, before each of their requests. */
const incident = fc.oneof(
  { weight: 3, arbitrary: fc.constant('none' as const) },
  fc.constant('revoke' as const),
  fc.constant('crash' as const),
  fc.record({
    path: fc.constantFrom(...PATHS),
    fault: fc.constantFrom<Fault>(
      { kind: 'reset-before-read' },
      { kind: 'reset-after-read' },
      { kind: 'reset-in-body' },
      { kind: 'oauth-error', error: 'invalid_token', status: 401 },
      { kind: 'status', status: 502, processed: true },
      { kind: 'status', status: 403, processed: false },
      { kind: 'empty-200', processed: true },
    ),
  }),
  fc.record({ limited: fc.constantFrom(...PATHS) }),
);
const step = fc.constantFrom<PayoutStep>('UNLISTED', 'QUEUED', 'IN_PROGRESS', 'PENDING', 'WAITING_FOR_RETRY');
const plan = fc.record({
  incidents: fc.array(incident, { maxLength: 24 }),
  course: fc.array(step, { maxLength: 10 }),
  last: fc.constantFrom<PayoutStep>('SUCCESS', 'FAILED'),
  processes: fc.integer({ min: 2, max: 4 }),
});

/** Whether a client may say this, given what became of the money in the end. */
function isTrue({ kind }: Verdict, sandbox: Sandbox, last: PayoutStep): boolean {
  const isTaken = sandbox.payments().length === 1;
  const possible: Readonly<Record<Verdict['kind'], boolean>> = {
    paid: isTaken && last === 'SUCCESS',
    failed: isTaken && last === 'FAILED',
    pending: isTaken,
    refused: !isTaken,
    mismatch: false,
    unknown: true,
  };
  return possible[kind];
}

/** A client for whom time passes only while it waits, at once. */
function start(http: AxiosInstance): PayoutsClient {
  const time = fakeTime();
  const surroundings = {
    now: () => time.now(),
    wait: (ms: number, signal: AbortSignal) => time.wait(ms, signal),
    timeout: (ms: number) => time.timeout(ms),
  };
  return new PayoutsClient(http, { merchantId: MERCHANT_ID }, surroundings);
}

function ownHttp({ environment, clientId, clientSecret, url }: Sandbox): AxiosInstance {
  const auth = createPayuAuth({
    environment,
    grant: { type: 'client_credentials', clientId, clientSecret },
    scope: 'create_payout_transactions',
  });
  const http = axios.create({ baseURL: `${url}/payout`, adapter: 'http' });
  auth.attach(http);
  return http;
}

test('several processes with one reference, tokens revoked and processes gone meanwhile: paid at most once, and no verdict that is not so', async () => {
  await fc.assert(
    fc.asyncProperty(plan, async ({ incidents, course, last, processes }) => {
      const world = await payouts({ paymentCourse: [...course, last] });
      const { sandbox, http } = world;
      const lives = Array.from({ length: processes }, () => new AbortController());
      let requests = 0;
      http.interceptors.request.use((config) => {
        const next = incidents[requests++];
        if (next === undefined || next === 'none') return config;
        if (next === 'revoke') sandbox.revokeAllTokens();
        else if (next === 'crash') lives[requests % processes]?.abort();
        else if ('limited' in next) sandbox.rateLimit(1, { on: 'api', path: next.limited, retryAfter: 0 });
        else sandbox.fail(1, next.fault, { on: 'api', path: next.path });
        return config;
      });
      const verdicts = await Promise.all(
        lives.map(({ signal }) => start(http).payOnce(salary('ref-1'), { signal })),
      );
      sandbox.clearFaults();
      // Tokens that were revoked one after the other make an auth pause: whoever looks afterwards has one of its own.
      const later = ownHttp(sandbox);
      let told = await start(later).payOnce(salary('ref-1'));
      for (let call = 0; call < 2; call++) told = await start(later).payOnce(salary('ref-1'));
      expect(told.kind).toBe(last === 'SUCCESS' ? 'paid' : 'failed');
      for (const verdict of verdicts) expect(isTrue(verdict, sandbox, last), verdict.kind).toBe(true);
      expect(sandbox.payments()).toHaveLength(1);
      await sandbox.close();
    }),
    { seed: 17, numRuns: RUNS },
  );
});
