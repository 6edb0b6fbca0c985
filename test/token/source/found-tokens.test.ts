import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { MemoryTokenStore } from '../../../src/token/store/memory-token-store.ts';
import { atOnce, fulfilled, PAYOUTS_SCOPE, startHarness } from '../../support/harness.ts';
import { callAccount, deferred, eventually, StoreUnderTest, sentTokens, turns } from '../support.ts';

describe('a found token does not use up the replay of a minted one (D3)', () => {
  test('one process: the token is renewed while calls are under way, then everything is revoked', async () => {
    const { auth, payouts, sandbox } = await startHarness();
    await auth.getToken();
    const hold = sandbox.hold('api', undefined, { process: 'after' });
    const calls = atOnce(20, () => callAccount(payouts));
    await hold.waitFor(20);
    await auth.invalidate();
    await auth.getToken();
    sandbox.revokeAllTokens();
    hold.release();
    expect(fulfilled(await calls)).toBe(20);
    // Each was sent with the first token and with the second, which was found; one renewal cured them all.
    expect(sandbox.stats().tokenRequests).toBe(3);
    expect(sentTokens(sandbox).length).toBeLessThanOrEqual(60);
  });

  test.each([
    ['both', ['one', 'other']],
    ['the one whose token is not in the store', ['one']],
  ])(
    'two processes that hold different tokens, then everything is revoked: no call of %s is lost',
    async (_, who) => {
      const store = new MemoryTokenStore();
      const { auth, client, createAuth, payouts, sandbox } = await startHarness({ store });
      const sibling = createAuth();
      const siblings = client('/payout');
      sibling.attach(siblings);
      await auth.getToken();
      await sibling.getToken();
      await sibling.invalidate();
      await sibling.getToken();
      sandbox.revokeAllTokens();
      const results = await Promise.all([
        atOnce(25, () => callAccount(payouts)),
        who.includes('other') ? atOnce(25, () => callAccount(siblings)) : [],
      ]);
      expect(fulfilled(results.flat())).toBe(results.flat().length);
      expect(sandbox.stats().tokenRequests).toBeLessThanOrEqual(4);
    },
  );

  test.each([1, 2, 3])(
    'siblings hand in %i dead tokens after an outage of the store, one after the other: no call is lost',
    async (count) => {
      const store = new StoreUnderTest();
      const { auth, clock, payouts, sandbox } = await startHarness({ store });
      await auth.getToken();
      const [key, own] = [...store.records][0] ?? [];
      if (key === undefined || own === undefined) throw new Error('Nothing is stored.');
      const dead = Array.from(
        { length: count },
        () => sandbox.issueToken({ scope: PAYOUTS_SCOPE }).accessToken,
      );
      clock.advance(60_000);
      sandbox.revokeAllTokens();
      store.before.get = async () => {
        const accessToken = dead.shift();
        if (accessToken !== undefined) store.records.set(key, { ...own, accessToken });
      };
      await callAccount(payouts);
      expect(sandbox.stats()).toMatchObject({ apiRequests: 3, tokenRequests: 2 });
    },
  );

  test('a token that was seen refused is never taken from the store again, however often it is put there (H2)', async () => {
    const store = new StoreUnderTest();
    const { auth, payouts, sandbox } = await startHarness({ store });
    await auth.getToken();
    const [key, stale] = [...store.records][0] ?? [];
    if (key === undefined || stale === undefined) throw new Error('Nothing is stored.');
    sandbox.revokeAllTokens();
    await callAccount(payouts);
    for (let n = 0; n < 3; n++) {
      await auth.invalidate();
      store.records.set(key, {
        ...stale,
        obtainedAt: stale.obtainedAt + 3_600_000,
        expiresAt: stale.expiresAt + 3_600_000,
      });
      await callAccount(payouts);
    }
    expect(sentTokens(sandbox).filter((token) => token === stale.accessToken)).toHaveLength(1);
  });

  test('nor where so many other scopes came in between that its own state might have been forgotten (H2)', async () => {
    const { auth, payouts, sandbox } = await startHarness();
    const { value } = await auth.getToken();
    sandbox.revokeAllTokens();
    await expect(payouts.post('/x', Readable.from(['once']))).rejects.toMatchObject({ status: 401 });
    for (let n = 0; n < 10; n++) await auth.getToken({ scope: `scope-${n}` }).catch(() => {});
    expect((await auth.getToken()).value).not.toBe(value);
  });

  test('a permanent 401 is two sends and one mint where nothing was found', async () => {
    const { payouts, sandbox } = await startHarness();
    sandbox.fail({ share: 1 }, { kind: 'status', status: 401 }, { on: 'api' });
    await expect(callAccount(payouts)).rejects.toMatchObject({ response: { status: 401 } });
    expect(sandbox.stats()).toMatchObject({ apiRequests: 2, tokenRequests: 2 });
  });

  test('and three sends where something was', async () => {
    const store = new MemoryTokenStore();
    const { auth, createAuth, payouts, sandbox } = await startHarness({ store });
    await auth.getToken();
    const sibling = createAuth();
    await sibling.invalidate();
    await sibling.getToken();
    sandbox.fail({ share: 1 }, { kind: 'status', status: 401 }, { on: 'api' });
    await expect(callAccount(payouts)).rejects.toMatchObject({ response: { status: 401 } });
    expect(sandbox.stats()).toMatchObject({ apiRequests: 3, tokenRequests: 3 });
  });
});

describe('a store that hangs never costs a token that has arrived (C4)', () => {
  test('a write that hangs keeps nobody waiting for longer than a second, and the next call has the token', async () => {
    const store = new StoreUnderTest();
    const { clock, payouts, sandbox, eventsOf } = await startHarness({ store });
    store.before.set = () => new Promise(() => {});
    const call = callAccount(payouts);
    await eventually(() => store.asked.some(({ operation }) => operation === 'set'));
    clock.advance(999);
    await turns();
    expect(sandbox.stats().apiRequests).toBe(0);
    clock.advance(1);
    await call;
    await callAccount(payouts);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: 2 });
    clock.advance(9_000);
    await turns();
    expect(eventsOf('store-failed')).toMatchObject([{ operation: 'set' }]);
  });

  test('a call whose "maxWaitMs" ends while the token is being stored takes it as it is', async () => {
    const store = new StoreUnderTest();
    const { clock, payouts, sandbox } = await startHarness({ store, maxWaitMs: 300 });
    store.before.set = () => new Promise(() => {});
    const call = callAccount(payouts);
    await eventually(() => store.asked.some(({ operation }) => operation === 'set'));
    clock.advance(300);
    await call;
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: 1 });
  });
});

test.each([
  ['one that shares notices', true],
  ['any other', false],
])(
  'a slow store, be it %s, holds up a call for three of its answers before the token request (C4)',
  async (_, sharesNotices) => {
    const { clock, createAuth, sandbox } = await startHarness();
    const slowly = () => new Promise<void>((resolve) => void clock.timer(600, resolve, 'unref'));
    const store = Object.assign(new StoreUnderTest(), { sharesNotices });
    Object.assign(store.before, { get: slowly, set: slowly, withLock: slowly });
    const token = createAuth({ store }).getToken({ maxWaitMs: 2_000 });
    for (let answers = 0; answers < 3; answers++) {
      await clock.waiting(600, 600);
      clock.advance(600);
    }
    await eventually(() => sandbox.stats().tokenRequests === 1);
    await clock.waiting(600, 600);
    clock.advance(600);
    await expect(token).resolves.toBeDefined();
  },
);

test('a store whose notices do not come: a token that is there is taken at once (C4)', async () => {
  const store = Object.assign(new StoreUnderTest(), { sharesNotices: true });
  const { auth, createAuth, sandbox } = await startHarness({ store });
  const { value } = await auth.getToken();
  const [ofTheToken] = store.records.keys();
  const get = store.get.bind(store);
  store.get = (key) => (key === ofTheToken ? get(key) : new Promise(() => {}));
  expect((await createAuth().getToken()).value).toBe(value);
  expect(sandbox.stats().tokenRequests).toBe(1);
});

describe('a store that answers nothing at all (C4)', () => {
  async function withoutAnswers() {
    const store = new StoreUnderTest();
    const given = await startHarness({ store });
    const never = () => new Promise<never>(() => {});
    Object.assign(store.before, { get: never, set: never, delete: never, withLock: never });
    return { ...given, store };
  }

  test('costs a call one limit, and then a second for the write', async () => {
    const { clock, payouts, sandbox, eventsOf } = await withoutAnswers();
    const call = callAccount(payouts);
    await turns();
    clock.advance(10_000);
    await eventually(() => sandbox.stats().tokenRequests === 1);
    await clock.waiting(1_000, 1_000);
    clock.advance(1_000);
    await call;
    expect(eventsOf('store-failed').map(({ operation }) => operation)).toEqual(['get', 'lock', 'get']);
  });

  test('costs nothing for as long again, be calls as impatient as they may', async () => {
    const { auth, clock, sandbox } = await withoutAnswers();
    for (let waited = 0; waited < 10_000; waited += 2_000) {
      const call = auth.getToken({ maxWaitMs: 2_000 });
      await turns();
      clock.advance(2_000);
      await expect(call).rejects.toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE' });
    }
    const call = auth.getToken({ maxWaitMs: 2_000 });
    await eventually(() => sandbox.stats().tokenRequests === 1);
    await clock.waiting(1_000, 1_000);
    clock.advance(1_000);
    await call;
  });
});

describe('a renewal in the background (B2)', () => {
  test('that outlives "maxWaitMs" is seen through', async () => {
    const { clock, payouts, sandbox, eventsOf } = await startHarness(
      { maxWaitMs: 300 },
      { tokenLifeSeconds: 100 },
    );
    await callAccount(payouts);
    clock.advance(95_000);
    const hold = sandbox.hold('token');
    await callAccount(payouts);
    await hold.waitFor(1);
    for (let n = 0; n < 5; n++) {
      clock.advance(300);
      await callAccount(payouts);
    }
    expect(sandbox.stats().tokenRequests).toBe(2);
    hold.release();
    await eventually(() => eventsOf('token-minted').length === 2);
    expect(eventsOf('token-failed')).toEqual([]);
  });

  test('whose store never gives its lock is an event, and the next one is spaced', async () => {
    const store = new StoreUnderTest();
    const { clock, payouts, eventsOf } = await startHarness(
      { maxWaitMs: 300, store },
      { tokenLifeSeconds: 100 },
    );
    await callAccount(payouts);
    clock.advance(95_000);
    store.before.withLock = () => new Promise(() => {});
    await callAccount(payouts);
    await eventually(() => store.asked.filter(({ operation }) => operation === 'withLock').length === 2);
    clock.advance(300);
    await turns();
    expect(eventsOf('token-failed')).toMatchObject([{ cause: 'renew-ahead', error: { attempts: 0 } }]);
    for (let n = 0; n < 5; n++) await callAccount(payouts);
    expect(store.asked.filter(({ operation }) => operation === 'withLock')).toHaveLength(2);
    expect(eventsOf('token-failed')).toHaveLength(1);
  });

  test.each([
    ['revoke', 'revoke'],
    ['invalidate', 'invalidate'],
  ] as const)(
    'during which %s() was called, and that nobody waits for, mints nothing more (C5)',
    async (_, method) => {
      const { auth, clock, payouts, sandbox } = await startHarness({}, { tokenLifeSeconds: 100 });
      await callAccount(payouts);
      clock.advance(95_000);
      const hold = sandbox.hold('token');
      await callAccount(payouts);
      await hold.waitFor(1);
      await auth[method]();
      hold.release();
      await eventually(() => clock.pending === 0);
      expect(sandbox.stats().tokenRequests).toBe(2);
      await callAccount(payouts);
      expect(sandbox.stats().tokenRequests).toBe(3);
    },
  );

  test('runs in the async context in which the auth was made', async () => {
    const { AsyncLocalStorage } = await import('node:async_hooks');
    const context = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const { payouts, clock } = await context.run('making', () =>
      startHarness(
        { onEvent: ({ type }) => type === 'token-minted' && seen.push(context.getStore()) },
        { tokenLifeSeconds: 100 },
      ),
    );
    await context.run('first request', () => callAccount(payouts));
    clock.advance(95_000);
    const renewed = deferred();
    void eventually(() => seen.length === 2).then(renewed.resolve);
    await context.run('second request', () => callAccount(payouts));
    await renewed.promise;
    expect(seen[1]).toBe('making');
  });
});
