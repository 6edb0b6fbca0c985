import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { PayuAuthOptions } from '../../../src/options/options.ts';
import { atOnce, fulfilled, type Harness, PAYOUTS_SCOPE, startHarness } from '../../support/harness.ts';
import { ACCOUNT, callAccount, StoreUnderTest, sentTokens, turns } from '../support.ts';

const REFUSED = { response: { status: 401 } };

/** Its token is refused, renewing did not help, and so it looked into the store once. The pauses double from a second on. */
async function refusedAgain({ payouts, sandbox }: Harness): Promise<void> {
  sandbox.fail(2, { kind: 'status', status: 401 }, { on: 'api' });
  await expect(callAccount(payouts)).rejects.toMatchObject(REFUSED);
}

/** An auth in a pause of three seconds more, whose token is refused. What a sibling stores is up to the test. */
async function inPause(options: Partial<PayuAuthOptions> = {}) {
  const store = new StoreUnderTest();
  const harness = await startHarness({ store, ...options });
  const { clock, sandbox } = harness;
  for (const pauseMs of [1_000, 2_000, 1_000]) {
    await refusedAgain(harness);
    clock.advance(pauseMs);
  }
  const [first = ''] = sentTokens(sandbox);
  sandbox.revokeAllTokens();
  harness.events.length = 0;
  sandbox.resetStats();
  store.asked.length = 0;
  const [key, ours] = [...store.records][0] ?? [];
  if (key === undefined || ours === undefined) throw new Error('Nothing is stored.');
  const siblingStores = (accessToken = sandbox.issueToken({ scope: PAYOUTS_SCOPE }).accessToken) => {
    store.records.set(key, { ...ours, accessToken });
    return accessToken;
  };
  const looks = () => store.asked.filter(({ operation }) => operation === 'get').length;
  return { ...harness, store, first, ours: ours.accessToken, siblingStores, looks };
}

describe("in a pause between renewals a sibling's token is found in the store (D2 before D5)", () => {
  test('calls that are refused together share one look, and are replayed with it', async () => {
    const { payouts, sandbox, siblingStores, looks, eventsOf } = await inPause();
    siblingStores();
    const hold = sandbox.hold('api', undefined, { process: 'after' });
    const calls = atOnce(20, () => callAccount(payouts));
    await hold.waitFor(20);
    hold.release();
    expect(fulfilled(await calls)).toBe(20);
    await callAccount(payouts);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 0, apiRequests: 41, unauthorized: 20 });
    expect(looks()).toBe(1);
    expect(eventsOf('token-minted')).toHaveLength(0);
  });

  test('outside of a pause nobody looks there but the mint that follows the refusal', async () => {
    const store = new StoreUnderTest();
    const { payouts, sandbox } = await startHarness({ store });
    await callAccount(payouts);
    store.asked.length = 0;
    sandbox.revokeAllTokens();
    await callAccount(payouts);
    // Before the lock, and under it.
    expect(store.asked.filter(({ operation }) => operation === 'get')).toHaveLength(2);
  });

  test('nothing new there: the 401 reaches the caller, and the store is asked once a second', async () => {
    const { payouts, clock, sandbox, looks, eventsOf, siblingStores } = await inPause();
    await Promise.all([1, 2, 3].map(() => expect(callAccount(payouts)).rejects.toMatchObject(REFUSED)));
    expect([looks(), sandbox.stats().apiRequests]).toEqual([1, 3]);
    siblingStores();
    clock.advance(999);
    await expect(callAccount(payouts)).rejects.toMatchObject(REFUSED);
    expect(looks()).toBe(1);
    expect(eventsOf('replay-skipped').map(({ reason }) => reason)).toEqual(
      new Array(4).fill('renewals-paused'),
    );
    clock.advance(1);
    await callAccount(payouts);
    expect(sandbox.stats().tokenRequests).toBe(0);
  });

  test.each([
    ['our own once more', 'ours'],
    ['one that was seen refused before', 'first'],
  ] as const)('%s is none', async (_, which) => {
    const { payouts, sandbox, siblingStores, ...values } = await inPause();
    siblingStores(values[which]);
    await expect(callAccount(payouts)).rejects.toMatchObject(REFUSED);
    expect(sandbox.stats()).toMatchObject({ apiRequests: 1, tokenRequests: 0 });
  });

  test('one that is refused as well does not end the pause: no mint, and two sends', async () => {
    const { payouts, sandbox, siblingStores, clock } = await inPause();
    siblingStores('refused_token');
    await expect(callAccount(payouts)).rejects.toMatchObject(REFUSED);
    expect(sandbox.stats()).toMatchObject({ apiRequests: 2, tokenRequests: 0 });
    clock.advance(3_000);
    await callAccount(payouts);
    expect(sandbox.stats().tokenRequests).toBe(1);
  });

  test.each([
    ['a stream', {}],
    ['"replay: false"', { payuAuth: { replay: false } }],
  ])('%s is sent once, and the next call has it', async (_, config) => {
    const { payouts, sandbox, siblingStores } = await inPause();
    const value = siblingStores();
    const body = 'payuAuth' in config ? {} : Readable.from(['once']);
    await expect(payouts.post('/x', body, config)).rejects.toMatchObject(REFUSED);
    await turns();
    await callAccount(payouts);
    expect(sentTokens(sandbox).slice(-2)[1]).toBe(value);
    expect(sandbox.stats()).toMatchObject({ apiRequests: 2, tokenRequests: 0 });
  });

  describe('while the store does not answer', () => {
    test.each([
      ['an abort ends the wait', { code: 'ERR_CANCELED' }],
      ['close() ends the wait', { code: 'ERR_CLOSED' }],
      ['"maxWaitMs" ends the wait, and the 401 is given', REFUSED],
    ])('%s', async (how, error) => {
      const { auth, payouts, clock, store, sandbox } = await inPause({ maxWaitMs: 300 });
      const { arrived } = store.park('get');
      const abort = new AbortController();
      const call = payouts.get(ACCOUNT, { signal: abort.signal });
      const rejection = expect(call).rejects.toMatchObject(error);
      await arrived;
      if (how.startsWith('an abort')) abort.abort();
      else if (how.startsWith('close')) void auth.close();
      else clock.advance(300);
      await rejection;
      expect(sandbox.stats()).toMatchObject({ apiRequests: 1, tokenRequests: 0 });
    });

    test.each([
      ['invalidate()', 'invalidate', 1],
      ['setToken()', 'setToken', 0],
    ] as const)('%s wins over what it shows then (C5)', async (_, change, mints) => {
      const { auth, payouts, store, sandbox, siblingStores } = await inPause();
      const found = siblingStores();
      const { arrived, release } = store.park('get');
      const call = callAccount(payouts);
      await arrived;
      const byHand = sandbox.issueToken({ scope: PAYOUTS_SCOPE });
      const changed =
        change === 'invalidate' ? auth.invalidate() : auth.setToken({ accessToken: byHand.accessToken });
      release();
      await changed;
      await call;
      if (mints === 0) expect(sentTokens(sandbox).at(-1)).toBe(byHand.accessToken);
      else expect((await auth.getToken()).value).toBe(found);
    });
  });

  test('one that helps ends a row of renewals that did not', async () => {
    const harness = await inPause();
    const { payouts, clock, sandbox, siblingStores } = harness;
    // The fourth in a row: successes elsewhere end no pause any more (D5).
    clock.advance(3_000);
    await refusedAgain(harness);
    clock.advance(1_000);
    sandbox.revokeAllTokens();
    siblingStores();
    await callAccount(payouts);
    sandbox.resetStats();
    sandbox.revokeAllTokens();
    await callAccount(payouts);
    expect(sandbox.stats().tokenRequests).toBe(1);
  });
});
