import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { MemoryTokenStore } from '../../../src/index.ts';
import type { Sandbox } from '../../../src/sandbox/index.ts';
import { Notices } from '../../../src/token/mint/notices.ts';
import { fingerprint } from '../../../src/token/store/cache-key.ts';
import { GuardedStore } from '../../../src/token/store/guarded-store.ts';
import type { TokenRecord, TokenStore } from '../../../src/token/store/token-store.ts';
import { startHarness } from '../../support/harness.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { PASSWORD_GRANT, turns } from '../support.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

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

describe('a store whose writes hang holds back nothing that the token endpoint said (C4, E4)', () => {
  class HangingWrites extends SharingStore {
    override set(): Promise<void> {
      return new Promise(() => {});
    }
  }

  test.each<[string, string, (sandbox: Sandbox) => void]>([
    ['a refusal', 'ERR_TOKEN_REFUSED', (it) => it.fail(1, { kind: 'oauth-error', error: 'invalid_client' })],
    ['a rate limit', 'ERR_RATE_LIMITED', (it) => it.rateLimit(1, { retryAfter: 60 })],
  ])('%s is told after a second', async (_, code, fail) => {
    const { auth, clock, eventsOf, sandbox } = await startHarness({ store: new HangingWrites() });
    fail(sandbox);
    const token = auth.getToken({ maxWaitMs: 5_000 });
    await clock.waiting(1_000, 1_000);
    clock.advance(1_000);
    await expect(token).rejects.toMatchObject({ code });
    expect(eventsOf('store-failed')).toEqual([]);
    clock.advance(9_000);
    await turns();
    expect(eventsOf('store-failed')).toMatchObject([{ operation: 'set' }]);
  });
});

describe('notices in a store', () => {
  const NOW = Date.UTC(2026, 0, 1);
  const SECRETS = { client_secret: 'secret' };
  const DIGEST = fingerprint(SECRETS);
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
    const told = () => new Notices(clock, 'client', guarded);
    return { clock, records, told: told(), sibling: told() };
  }

  test('are records without a token, under keys of their own', async () => {
    const { told, records } = notices();
    await told.coolDown(5);
    await told.refused('token', SECRETS, REFUSAL);
    await told.refused('token', SECRETS, { ...REFUSAL, error: 'invalid_client' });
    const empty = { accessToken: '', scope: [], obtainedAt: NOW };
    const refusal = { ...empty, expiresAt: NOW + 10_000, extra: { fingerprint: DIGEST, ...REFUSAL } };
    expect(Object.fromEntries(records)).toEqual({
      'client:cool-down': { ...empty, expiresAt: NOW + 5, extra: {} },
      'token:refusal': refusal,
      'client:refusal': { ...refusal, extra: { ...refusal.extra, error: 'invalid_client' } },
    });
  });

  test('are read until their end, and not from then on', async () => {
    const { clock, told, sibling } = notices();
    await told.coolDown(10_000);
    await told.refused('token', SECRETS, REFUSAL);
    clock.advance(9_999);
    const refused = { refusal: REFUSAL, leftMs: 1 };
    expect(await sibling.read('token', SECRETS)).toEqual({ refused, coolDownMs: 1 });
    expect(await sibling.read('token', { client_secret: 'another' })).toEqual({ coolDownMs: 1 });
    expect(await sibling.read('other', SECRETS)).toEqual({ coolDownMs: 1 });
    expect(await told.read('token', SECRETS)).toEqual({ refused, coolDownMs: 1 });
    expect([told, sibling].map((each) => each.leftMs('token'))).toEqual([1, 1]);
    clock.advance(1);
    for (const each of [told, sibling]) expect(await each.read('token', SECRETS)).toEqual({});
    expect(told.leftMs('token')).toBe(0);
  });

  test('of a refusal without words have none', async () => {
    const { told, sibling } = notices();
    const refusal = { error: undefined, errorDescription: undefined, status: 403, isJson: false };
    await told.refused('token', SECRETS, refusal);
    expect((await sibling.read('token', SECRETS)).refused?.refusal).toEqual(refusal);
  });

  test('are forgotten for the token and for its client', async () => {
    const { told, records } = notices();
    for (const key of ['token', 'other']) await told.refused(key, SECRETS, REFUSAL);
    await told.refused('token', SECRETS, { ...REFUSAL, error: 'invalid_client' });
    await told.forgetRefusals('token');
    expect([...records.keys()]).toEqual(['other:refusal']);
    expect(await told.read('token', SECRETS)).toEqual({});
    expect([told.leftMs('token'), told.leftMs('other')]).toEqual([0, 10_000]);
  });

  test.each([
    ['the same secret', ['one'], 'one', true],
    ['another one', ['one'], 'two', false],
    ['a third one', ['one', 'two'], 'three', false],
    ['the second one again', ['one', 'two'], 'two', true],
  ])('of a client count until its secret changes (E7): %s', async (_, refused, asked, expected) => {
    const { clock, told } = notices();
    for (const client_secret of refused) {
      clock.advance(9_999);
      await told.refused('token', { client_secret }, REFUSAL);
    }
    const read = () => told.read('token', { client_secret: asked });
    expect((await read()).refused !== undefined).toBe(expected);
    clock.advance(10_000);
    expect(await read()).toEqual({});
  });

  test('of siblings with other credentials do not take the place of our own (E7)', async () => {
    const { clock, told, sibling } = notices();
    await told.refused('token', SECRETS, REFUSAL);
    clock.advance(5_000);
    await sibling.refused('token', { client_secret: 'another' }, REFUSAL);
    expect(await told.read('token', SECRETS)).toMatchObject({ refused: { leftMs: 5_000 } });
    expect(await told.read('token', { client_secret: 'another' })).toMatchObject({
      refused: { leftMs: 10_000 },
    });
  });

  test('of siblings with other credentials block nobody, to a health check either', async () => {
    const { told, sibling } = notices();
    await sibling.refused('token', { client_secret: 'another' }, REFUSAL);
    expect(await told.read('token', SECRETS)).toEqual({});
    expect(told.leftMs('token')).toBe(0);
  });

  test('that come from the store while another is told here do not take its place', async () => {
    const { clock, told, sibling } = notices();
    await sibling.refused('token', SECRETS, REFUSAL);
    clock.advance(10_000);
    const reading = told.read('token', SECRETS);
    const telling = told.refused('token', SECRETS, REFUSAL);
    expect(await reading).toMatchObject({ refused: { leftMs: 10_000 } });
    await telling;
    expect(told.leftMs('token')).toBe(10_000);
  });

  test('without a store that is shared: only this process knows', async () => {
    const { clock } = notices();
    const alone = new Notices(clock, 'client');
    await alone.coolDown(5);
    await alone.refused('token', SECRETS, REFUSAL);
    expect(await alone.read('token', SECRETS)).toEqual({ refused: { refusal: REFUSAL, leftMs: 10_000 } });
    await alone.forgetRefusals('token');
    expect(await alone.read('token', SECRETS)).toEqual({});
  });

  test('without a shared store: what is over is not kept, as secrets may be others each time', async () => {
    const { clock } = notices();
    const alone = new Notices(clock, 'client');
    const first = new WeakRef({ ...REFUSAL });
    for (let each = 0; each < 20; each++) {
      await alone.refused(`token ${each}`, SECRETS, (each === 0 && first.deref()) || REFUSAL);
      clock.advance(10_000);
    }
    await turns();
    collectGarbage();
    expect(first.deref()).toBeUndefined();
  });

  test.each([
    ['no fingerprint', { fingerprint: undefined }],
    ['a fingerprint that is no string', { fingerprint: 7 }],
    ['no status', { status: undefined }],
    ['a status that is no number', { status: '400' }],
  ])('that nobody wrote like this say nothing: %s', async (_, change) => {
    const { told, sibling, records } = notices();
    await told.refused('token', SECRETS, REFUSAL);
    const record = records.get('token:refusal') as TokenRecord;
    records.set('token:refusal', { ...record, extra: { ...record.extra, ...change } });
    expect(await sibling.read('token', SECRETS)).toEqual({});
  });

  test('words that are none are left out', async () => {
    const { told, sibling, records } = notices();
    await told.refused('token', SECRETS, REFUSAL);
    const record = records.get('token:refusal') as TokenRecord;
    records.set('token:refusal', { ...record, extra: { ...record.extra, error: 7, errorDescription: {} } });
    expect((await sibling.read('token', SECRETS)).refused?.refusal).toEqual({
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
      const { clock, told, records } = notices();
      const at = NOW + ms;
      const record = { accessToken: '', scope: [], obtainedAt: at, expiresAt: at + 3_000, extra: {} };
      records.set('client:cool-down', record);
      expect(await told.read('token', SECRETS)).toEqual({ coolDownMs: 3_000 });
      clock.advance(1_000);
      expect(await told.read('token', SECRETS)).toEqual({ coolDownMs: 2_000 });
      clock.advance(2_000);
      expect(await told.read('token', SECRETS)).toEqual({});
      records.set('client:cool-down', { ...record, obtainedAt: at + 3_000, expiresAt: at + 6_000 });
      expect(await told.read('token', SECRETS)).toEqual({ coolDownMs: 3_000 });
    },
  );

  test('are believed for an hour at most (E2)', async () => {
    const { told, sibling } = notices();
    await told.coolDown(86_400_000);
    expect(await sibling.read('token', SECRETS)).toEqual({ coolDownMs: 3_600_000 });
  });
});
