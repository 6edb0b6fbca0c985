import { expect, test } from 'vitest';
import { PaymentLinksClient } from '../../examples/payment-links-client.ts';
import { PayoutsClient } from '../../examples/payouts-client.ts';
import { startHarness } from '../support/harness.ts';

// Below the limit of one request, what is left of the whole is the limit, and that is a fraction of a millisecond.
const giveUpAfterMs = 19_000;

test('a payment, by the clock and the timers of the client itself', async () => {
  const { payouts } = await startHarness({}, { paymentCourse: ['SUCCESS'] });
  const verdict = await new PayoutsClient(payouts, { merchantId: '1111123' }).payOnce(
    {
      merchantRefId: 'a-1',
      batchId: '1',
      paymentType: 'UPI',
      amount: 10,
      purpose: 'salary',
      vpa: 'r.p@bank',
    },
    { giveUpAfterMs },
  );
  expect(verdict.kind).toBe('paid');
});

test('a link, likewise', async () => {
  const { links } = await startHarness();
  const link = { invoiceNumber: 'INV1', subAmount: 2, description: 'order 1', source: 'API' } as const;
  const verdict = await new PaymentLinksClient(links, { merchantId: '8390925' }).createOnce(link, {
    giveUpAfterMs,
  });
  expect(verdict.kind).toBe('created');
});
