import { expect, test } from 'vitest';
import { startHarness } from '../support/harness.ts';

test('a closed auth lets no request out bare, to whatever origin; what is not its business goes on', async () => {
  const { auth, payouts, sandbox } = await startHarness();
  await auth.close();
  const foreign = sandbox.url.replace('127.0.0.1', 'localhost');
  for (const url of ['/merchant/getAccountDetail', `${foreign}/payout/merchant/getAccountDetail`]) {
    await expect(payouts.get(url)).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  }
  expect(sandbox.stats().apiRequests).toBe(0);
  await expect(payouts.get('/x', { payuAuth: false })).rejects.toMatchObject({ response: { status: 401 } });
});
