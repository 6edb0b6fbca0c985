import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { PaymentLinksClient } from '../../examples/payment-links-client.ts';
import { PayoutsClient } from '../../examples/payouts-client.ts';
import { type Harness, startHarness } from '../support/harness.ts';

// Below the limit of one request, what is left of the whole is the limit, and that is a fraction of a millisecond.
const giveUpAfterMs = 19_000;

const PAYMENT = {
  merchantRefId: 'a-1',
  batchId: '1',
  paymentType: 'UPI',
  amount: 10,
  purpose: 'salary',
  vpa: 'r.p@bank',
} as const;
const LINK = { invoiceNumber: 'INV1', subAmount: 2, description: 'order 1', source: 'API' } as const;

test('a payment, by the clock and the timers of the client itself', async () => {
  const { payouts } = await startHarness({}, { paymentCourse: ['SUCCESS'] });
  const verdict = await new PayoutsClient(payouts, { merchantId: '1111123' }).payOnce(PAYMENT, {
    giveUpAfterMs,
  });
  expect(verdict.kind).toBe('paid');
});

test('a link, likewise', async () => {
  const { links } = await startHarness();
  const verdict = await new PaymentLinksClient(links, { merchantId: '8390925' }).createOnce(LINK, {
    giveUpAfterMs,
  });
  expect(verdict.kind).toBe('created');
});

// Node.js 20 forgets a time limit that only AbortSignal.any() knows as soon as it collects garbage.
describe('a server that never answers is left in time, also where garbage was collected meanwhile', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const patience = { giveUpAfterMs: 200 };

  test.each<[string, (harness: Harness) => Promise<{ readonly kind: string }>]>([
    [
      'a payment',
      ({ payouts }) => new PayoutsClient(payouts, { merchantId: '1' }).payOnce(PAYMENT, patience),
    ],
    ['a link', ({ links }) => new PaymentLinksClient(links, { merchantId: '1' }).createOnce(LINK, patience)],
  ])('%s', async (_, start) => {
    const harness = await startHarness();
    const hold = harness.sandbox.hold('api');
    const verdict = start(harness);
    await Promise.race([hold.waitFor(1), verdict]);
    for (let n = 0; n < 3; n++) {
      collectGarbage();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await verdict).kind).toBe('unknown');
  });
});
