import { expect, test } from 'vitest';
import { MemoryTokenStore } from '../../../src/token/store/memory-token-store.ts';
import { startHarness } from '../../support/harness.ts';
import { StoreUnderTest } from '../support.ts';

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

test("a sibling's token is used at once, also while our own mints are in a pause, and is no token that we minted", async () => {
  const store = new StoreUnderTest();
  const { auth, clock, createAuth, eventsOf, sandbox } = await startHarness({ store, tokenAttempts: 1 });
  sandbox.fail(1, { kind: 'status', status: 503 });
  await expect(auth.getToken()).rejects.toMatchObject({ status: 503 });
  const { value } = await createAuth().getToken();
  expect((await auth.getToken()).value).toBe(value);
  expect(sandbox.stats().tokenRequests).toBe(2);
  expect(eventsOf('token-minted')).toHaveLength(1);
  expect(clock.pending).toBe(0);
});

test("a sibling's token has no grace: it was not received just now", async () => {
  const store = new StoreUnderTest();
  const { clock, createAuth, sandbox } = await startHarness(
    { store, renewAheadMs: 0 },
    { tokenLifeSeconds: 1 },
  );
  await createAuth().getToken();
  clock.advance(900);
  const sibling = createAuth();
  await sibling.getToken();
  clock.advance(100);
  await sibling.getToken();
  expect(sandbox.stats().tokenRequests).toBe(2);
});

test('what a mint tells of itself is what it took, and what is left of the token', async () => {
  const { auth, clock, eventsOf, sandbox } = await startHarness({}, { tokenLifeSeconds: 100 });
  const hold = sandbox.hold('token', undefined, { process: 'before' });
  const token = auth.getToken();
  await hold.waitFor(1);
  clock.advance(3_000);
  hold.release();
  await token;
  expect(eventsOf('token-minted')).toMatchObject([{ durationMs: 3_000, expiresInMs: 97_000 }]);
});
