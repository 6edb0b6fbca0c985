import { expect, onTestFinished, test } from 'vitest';
import { createPayuAuthIn } from '../../../src/payu-auth.ts';
import { MemoryTokenStore } from '../../../src/token/store/memory-token-store.ts';
import { middling, PAYOUTS_SCOPE, startHarness } from '../../support/harness.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { PASSWORD_GRANT, StoreUnderTest, tokenForms } from '../support.ts';

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

test.each([
  ['3 s', 3_000],
  ['a fraction less', 2_999.6],
])(
  'what a mint tells of itself is what it took, in whole milliseconds, and what is left: %s',
  async (_, tookMs) => {
    const { auth, clock, eventsOf, sandbox } = await startHarness({}, { tokenLifeSeconds: 100 });
    const hold = sandbox.hold('token', undefined, { process: 'before' });
    const token = auth.getToken();
    await hold.waitFor(1);
    clock.advance(tookMs);
    hold.release();
    await token;
    expect(eventsOf('token-minted')).toMatchObject([{ durationMs: 3_000, expiresInMs: 97_000 }]);
  },
);

/** Two auths that share a store, on machines whose clocks differ. The first one has minted, and its sibling has rotated. */
async function afterRotationBySibling(aheadMs: number) {
  const { clock, createAuth, sandbox } = await startHarness(
    { grant: PASSWORD_GRANT },
    { tokenLifeSeconds: 1_000, refreshRotation: 'immediate' },
  );
  const store = new StoreUnderTest();
  const ahead = new ManualClock(clock.now() + aheadMs);
  const { environment } = sandbox;
  const first = createPayuAuthIn(
    { clock: ahead, random: middling },
    { environment, grant: PASSWORD_GRANT, scope: PAYOUTS_SCOPE, store },
  );
  onTestFinished(() => first.close());
  await first.getToken();
  const before = store.only;
  const sibling = createAuth({ store });
  await sibling.invalidate();
  await sibling.getToken();
  const rotated = store.only?.refreshToken;
  if (before === undefined || rotated === undefined) throw new Error('Nothing is stored.');
  const passLife = () => {
    clock.advance(5_000_000);
    ahead.advance(5_000_000);
  };
  return { first, store, before, rotated, passLife, sandbox };
}

test.each([-3_600_000, -600_000, 0, 600_000, 3_600_000])(
  'a refresh token that a sibling has rotated is not sent again, by a clock that is %d ms ahead (F2, T3)',
  async (aheadMs) => {
    const { first, rotated, passLife, sandbox } = await afterRotationBySibling(aheadMs);
    passLife();
    await first.getToken();
    expect(tokenForms(sandbox).map((form) => form.refresh_token)).toEqual([
      undefined,
      expect.any(String),
      rotated,
    ]);
  },
);

test('nor one of which the store alone knows, since it has lost what was written after it (F2)', async () => {
  const { first, store, before, rotated, passLife, sandbox } = await afterRotationBySibling(0);
  passLife();
  await first.getToken();
  const newest = store.only?.refreshToken;
  for (const key of store.records.keys()) store.records.set(key, { ...before, refreshToken: rotated });
  passLife();
  await first.getToken();
  expect(tokenForms(sandbox).at(-1)?.refresh_token).toBe(newest);
  expect(tokenForms(sandbox)).toHaveLength(4);
});
