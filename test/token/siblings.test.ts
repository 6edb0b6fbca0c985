import { expect, test } from 'vitest';
import { MemoryTokenStore } from '../../src/token/memory-token-store.ts';
import { startHarness } from '../support/harness.ts';

const ACCOUNT = '/merchant/getAccountDetail';

test('on a server that reuses tokens, one of two siblings asks inside the window: the other takes its word', async () => {
  const store = new MemoryTokenStore();
  const { auth, clock, createAuth, client, payouts, sandbox } = await startHarness(
    { store },
    { reuseTokens: true, tokenLifeSeconds: 100 },
  );
  const siblings = client('/payout');
  createAuth({ store }).attach(siblings);
  await payouts.get(ACCOUNT);
  await siblings.get(ACCOUNT);
  expect(sandbox.stats().tokenRequests).toBe(1);

  clock.advance(92_000);
  await payouts.get(ACCOUNT);
  await sandbox.until(
    ({ tokenRequests, tokenRequestsInFlight }) => tokenRequests === 2 && tokenRequestsInFlight === 0,
  );
  // Until the renewal in the background has stored what it was told.
  while ((await auth.getToken()).obtainedAt.getTime() !== clock.now()) await payouts.get(ACCOUNT);

  for (let calls = 0; calls < 20; calls++) await siblings.get(ACCOUNT);
  expect(sandbox.stats().tokenRequests).toBe(2);
});
