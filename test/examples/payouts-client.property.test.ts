import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Verdict } from '../../examples/payouts-client.ts';
import type { Fault, PayoutStep, Sandbox } from '../../src/sandbox/index.ts';
import { payouts, salary } from './support/world.ts';

const processed = fc.boolean();
/** Faults that come to an end by themselves; those that hang are in the tables. */
const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.constantFrom<Fault>(
    { kind: 'reset-before-read' },
    { kind: 'reset-after-read' },
    { kind: 'reset-in-body' },
    { kind: 'truncated-json' },
    { kind: 'oauth-error', error: 'invalid_token', status: 401 },
    { kind: 'oauth-error', error: 'rate_limit_exceeded', status: 503 },
  ),
  fc.record({
    kind: fc.constant('status' as const),
    status: fc.constantFrom(400, 403, 500, 502, 504),
    processed,
  }),
  fc.record({
    kind: fc.constantFrom('html-200' as const, 'empty-200' as const, 'garbage' as const),
    processed,
  }),
);
const step = fc.constantFrom<PayoutStep>('UNLISTED', 'QUEUED', 'IN_PROGRESS', 'PENDING', 'WAITING_FOR_RETRY');
const plan = fc.record({
  /** Null: this request goes well. */
  sends: fc.array(fc.option(fault), { maxLength: 4 }),
  asks: fc.array(fc.option(fault), { maxLength: 6 }),
  course: fc.tuple(
    fc.array(step, { maxLength: 8 }),
    fc.constantFrom<PayoutStep>('SUCCESS', 'FAILED', 'PENDING'),
  ),
  isGood: fc.boolean(),
  giveUpAfterMs: fc.constantFrom(1_000, 8_000, 60_000),
});

/** Requests of each path meet their own plan, one fault each. */
function plant(sandbox: Sandbox, path: string, faults: readonly (Fault | null)[], index: number): void {
  const next = faults[index];
  if (next !== null && next !== undefined) sandbox.fail(1, next, { on: 'api', path });
}

/** Whether a client may say this, given what the sandbox knows. */
function isTrue(verdict: Verdict, sandbox: Sandbox): boolean {
  const step = sandbox.payments()[0]?.step;
  switch (verdict.kind) {
    case 'paid':
      return step === 'SUCCESS';
    case 'failed':
      return step === 'FAILED';
    case 'refused':
      return step === undefined;
    case 'pending':
      return step !== undefined;
    case 'mismatch':
      return false;
    case 'unknown':
      return true;
  }
}

test('whatever fails and whenever: paid at most once, and no verdict that is not so', async () => {
  await fc.assert(
    fc.asyncProperty(plan, async ({ sends, asks, course: [steps, last], isGood, giveUpAfterMs }) => {
      const world = await payouts({ paymentCourse: [...steps, last] });
      const { sandbox, http } = world;
      const seen = { '/v2/payment': 0, '/payment/listTransactions': 0 };
      http.interceptors.request.use((config) => {
        const path = config.url as keyof typeof seen;
        plant(sandbox, `/payout${path}`, path === '/v2/payment' ? sends : asks, seen[path]++);
        return config;
      });
      const payment = { ...salary('ref-1'), ...(!isGood && { purpose: '' }) };
      const said = await world.start().payOnce(payment, { giveUpAfterMs });
      expect(isTrue(said, sandbox), `${said.kind} of ${sandbox.payments()[0]?.step}`).toBe(true);

      // PayU is well again, and the process has started anew: now the same call finds out the end.
      sandbox.clearFaults();
      sends.splice(0);
      asks.splice(0);
      let told: Verdict = said;
      for (let call = 0; call < 3; call++) {
        told = await world.start().payOnce(salary('ref-1'));
        expect(isTrue(told, sandbox), `${told.kind} of ${sandbox.payments()[0]?.step}`).toBe(true);
      }
      expect(told.kind).toBe({ SUCCESS: 'paid', FAILED: 'failed' }[last as string] ?? 'pending');
      expect(sandbox.payments()).toHaveLength(1);
      await sandbox.close();
    }),
    { seed: 16, numRuns: 40 },
  );
});
