import { createHook } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
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

test('leaves no asynchronous resource behind: what looks for leaks would name it', async () => {
  const alive = new Set<number>();
  const hook = createHook({
    init: (id, type) => void (type === 'axios-payu-auth' && alive.add(id)),
    destroy: (id) => void alive.delete(id),
  }).enable();
  onTestFinished(() => void hook.disable());
  const { auth, payouts } = await startHarness();
  await payouts.get('/merchant/getAccountDetail');
  expect(alive.size).toBe(1);
  await Promise.all([auth.close(), auth.close()]);
  await nextTurn();
  expect(alive.size).toBe(0);
});
