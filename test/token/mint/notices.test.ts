import { describe, expect, test } from 'vitest';
import { MemoryTokenStore } from '../../../src/index.ts';
import { StoredNotices } from '../../../src/token/mint/notices.ts';
import { GuardedStore } from '../../../src/token/store/guarded-store.ts';
import type { TokenRecord, TokenStore } from '../../../src/token/store/token-store.ts';
import { startHarness } from '../../support/harness.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { PASSWORD_GRANT } from '../support.ts';

/** A store for siblings, that also lets them warn each other. */
class SharingStore extends MemoryTokenStore {
  readonly sharesNotices = true;
}

describe('what one auth learned, its siblings know (E3, E7)', () => {
  test('a cool-down: nobody asks before its end', async () => {
    const store = new SharingStore();
    const { auth, clock, createAuth, sandbox } = await startHarness({ store });
    sandbox.rateLimit(1, { retryAfter: 60 });
    const impatient = createAuth({ maxWaitMs: 30_000 });
    const tokens = [auth.getToken()];
    await clock.waiting(63_000, 63_000);
    await expect(impatient.getToken()).rejects.toMatchObject({
      code: 'ERR_RATE_LIMITED',
      retryAt: new Date(clock.now() + 63_000),
    });
    tokens.push(createAuth().getToken());
    clock.advance(62_999);
    expect(sandbox.stats().tokenRequests).toBe(1);
    clock.advance(1);
    const [one, other] = await Promise.all(tokens);
    expect(other?.value).toBe(one?.value);
    expect(sandbox.stats().tokenRequests).toBe(2);
  });

  test('not where the store does not say that it shares: then each learns it by itself', async () => {
    const store = new MemoryTokenStore();
    const { auth, createAuth, sandbox } = await startHarness({ store, maxWaitMs: 10_000 });
    sandbox.rateLimit(2, { retryAfter: 60 });
    for (const each of [auth, createAuth()]) {
      await expect(each.getToken()).rejects.toMatchObject({ code: 'ERR_RATE_LIMITED' });
    }
    expect(sandbox.stats().tokenRequests).toBe(2);
  });

  test.each([
    ['of the client: for all scopes', 'invalid_client', 1],
    ['of a scope: for that scope', 'invalid_scope', 2],
  ])('a refusal %s', async (_, error, requests) => {
    const store = new SharingStore();
    const { auth, clock, createAuth, sandbox } = await startHarness({ store });
    sandbox.fail(1, { kind: 'oauth-error', error });
    await expect(auth.getToken()).rejects.toMatchObject({ error });
    const sibling = createAuth();
    await expect(sibling.getToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_REFUSED', error });
    const another = sibling.getToken({ scope: 'read_payment_links' });
    if (requests === 1) await expect(another).rejects.toMatchObject({ error });
    else await another;
    expect(sandbox.stats().tokenRequests).toBe(requests);
    clock.advance(10_000);
    await sibling.getToken();
    expect(sandbox.stats().tokenRequests).toBe(requests + 1);
  });

  test('a refusal of other credentials says nothing', async () => {
    const store = new SharingStore();
    const { auth, createAuth, sandbox } = await startHarness({ store });
    const { clientId } = sandbox;
    const wrong = createAuth({ grant: { type: 'client_credentials', clientId, clientSecret: 'wrong' } });
    await expect(wrong.getToken()).rejects.toMatchObject({ error: 'invalid_client' });
    await expect(auth.getToken()).resolves.toBeDefined();
  });

  test('a refusal is forgotten by all once somebody has set a token by hand', async () => {
    const store = new SharingStore();
    const { auth, createAuth, sandbox } = await startHarness({ store });
    sandbox.fail(1, { kind: 'oauth-error', error: 'invalid_client' });
    await expect(auth.getToken()).rejects.toMatchObject({ error: 'invalid_client' });
    await auth.setToken({ accessToken: sandbox.issueToken().accessToken });
    await expect(createAuth().getToken({ scope: 'read_payment_links' })).resolves.toBeDefined();
  });

  test('no refusal is shared where a password is among the credentials', async () => {
    const store = new SharingStore();
    const { auth, createAuth, sandbox } = await startHarness({ store, grant: PASSWORD_GRANT });
    sandbox.fail(1, { kind: 'oauth-error', error: 'invalid_grant' });
    await expect(auth.getToken()).rejects.toMatchObject({ error: 'invalid_grant' });
    await createAuth().getToken();
    expect(sandbox.stats().tokenRequests).toBe(2);
  });
});

describe('notices in a store', () => {
  const NOW = Date.UTC(2026, 0, 1);
  const REFUSAL = { error: 'invalid_scope', errorDescription: 'Not yours.', status: 400, isJson: true };

  function notices() {
    const clock = new ManualClock(NOW);
    const records = new Map<string, TokenRecord>();
    const store: TokenStore = {
      get: (key) => records.get(key),
      set: (key, record) => void records.set(key, record),
      delete: (key) => void records.delete(key),
      withLock: (_key, task) => task(),
    };
    const guarded = new GuardedStore(store, { clock, limitMs: 1_000, emit: () => {}, secrets: () => [] });
    return { clock, records, notices: new StoredNotices(guarded, 'client', clock) };
  }

  test('are records without a token, under keys of their own', async () => {
    const { notices: told, records } = notices();
    await told.coolDown(5);
    await told.refusal('token', { fingerprint: 'f', leftMs: 7, refusal: REFUSAL });
    await told.refusal(undefined, { fingerprint: 'f', leftMs: 7, refusal: REFUSAL });
    const empty = { accessToken: '', scope: [], obtainedAt: NOW };
    expect(Object.fromEntries(records)).toEqual({
      'client:cool-down': { ...empty, expiresAt: NOW + 5, extra: {} },
      'token:refusal': { ...empty, expiresAt: NOW + 7, extra: { fingerprint: 'f', ...REFUSAL } },
      'client:refusal': { ...empty, expiresAt: NOW + 7, extra: { fingerprint: 'f', ...REFUSAL } },
    });
  });

  test('are read until their end, and not from then on', async () => {
    const { clock, notices: told } = notices();
    const refusal = { fingerprint: 'f', leftMs: 5, refusal: REFUSAL };
    await told.coolDown(5);
    await told.refusal('token', refusal);
    clock.advance(4);
    expect(await told.readCoolDown()).toBe(1);
    expect(await told.readRefusal('token')).toEqual({ ...refusal, leftMs: 1 });
    expect(await told.readRefusal(undefined)).toBeUndefined();
    clock.advance(1);
    expect(await told.readCoolDown()).toBeUndefined();
    expect(await told.readRefusal('token')).toBeUndefined();
  });

  test('of a refusal without words have none', async () => {
    const { notices: told } = notices();
    const refusal = { error: undefined, errorDescription: undefined, status: 403, isJson: false };
    await told.refusal('token', { fingerprint: 'f', leftMs: 5, refusal });
    expect(await told.readRefusal('token')).toEqual({ fingerprint: 'f', leftMs: 5, refusal });
  });

  test('are forgotten for the token and for its client', async () => {
    const { notices: told, records } = notices();
    const refusal = { fingerprint: 'f', leftMs: 5, refusal: REFUSAL };
    for (const key of ['token', undefined, 'other']) await told.refusal(key, refusal);
    await told.forgetRefusal('token');
    expect([...records.keys()]).toEqual(['other:refusal']);
  });

  test.each([
    ['no fingerprint', { fingerprint: undefined }],
    ['a fingerprint that is no string', { fingerprint: 7 }],
    ['no status', { status: undefined }],
    ['a status that is no number', { status: '400' }],
  ])('that nobody wrote like this say nothing: %s', async (_, change) => {
    const { notices: told, records } = notices();
    await told.refusal('token', { fingerprint: 'f', leftMs: 5, refusal: REFUSAL });
    const record = records.get('token:refusal') as TokenRecord;
    records.set('token:refusal', { ...record, extra: { ...record.extra, ...change } });
    expect(await told.readRefusal('token')).toBeUndefined();
  });

  test('words that are none are left out', async () => {
    const { notices: told, records } = notices();
    await told.refusal('token', { fingerprint: 'f', leftMs: 5, refusal: REFUSAL });
    const record = records.get('token:refusal') as TokenRecord;
    records.set('token:refusal', { ...record, extra: { ...record.extra, error: 7, errorDescription: {} } });
    expect((await told.readRefusal('token'))?.refusal).toEqual({
      status: 400,
      isJson: true,
      error: undefined,
      errorDescription: undefined,
    });
  });

  test.each([
    ['an hour fast', 3_600_000],
    ['a day fast', 86_400_000],
  ])(
    'of a sibling whose clock is %s last as long as they were to, from when they are first seen (T3)',
    async (_, ms) => {
      const { clock, notices: told, records } = notices();
      const at = NOW + ms;
      const record = { accessToken: '', scope: [], obtainedAt: at, expiresAt: at + 3_000, extra: {} };
      records.set('client:cool-down', record);
      expect(await told.readCoolDown()).toBe(3_000);
      clock.advance(1_000);
      expect(await told.readCoolDown()).toBe(2_000);
      clock.advance(2_000);
      expect(await told.readCoolDown()).toBeUndefined();
      records.set('client:cool-down', { ...record, obtainedAt: at + 3_000, expiresAt: at + 6_000 });
      expect(await told.readCoolDown()).toBe(3_000);
    },
  );

  test('are believed for an hour at most (E2)', async () => {
    const { notices: told } = notices();
    await told.coolDown(86_400_000);
    expect(await told.readCoolDown()).toBe(3_600_000);
  });
});
