import { describe, expect, test } from 'vitest';
import type { PayuAuthEvent } from '../../../src/events.ts';
import { isPayuAuthError } from '../../../src/index.ts';
import type { PayuAuthOptions } from '../../../src/options/options.ts';
import type { PayuAuth } from '../../../src/payu-auth.ts';
import { startHarness } from '../../support/harness.ts';
import { StoreUnderTest, turns } from '../support.ts';

const SECRET = 'sandbox-client-secret';

function grantWith(clientSecret: () => string | Promise<string>): Pick<PayuAuthOptions, 'grant'> {
  return { grant: { type: 'client_credentials', clientId: 'sandbox-client-id', clientSecret } };
}

function storeThat(before: StoreUnderTest['before']): Pick<PayuAuthOptions, 'store'> {
  const store = new StoreUnderTest();
  store.before = before;
  return { store };
}

const down = () => Promise.reject(new Error('down'));

/** Far more than any answer may take. */
const ENDLESS = 200;

describe('invalidate() by what a mint itself calls (C2, C5)', () => {
  type Setup = (invalidate: () => Promise<void>) => Partial<PayuAuthOptions>;
  const rows: readonly [string, Setup][] = [
    [
      'the function that gives the secret',
      (invalidate) =>
        grantWith(async () => {
          await invalidate();
          return SECRET;
        }),
    ],
    ['the store, when it is read', (invalidate) => storeThat({ get: invalidate })],
    ['the store, when it is written', (invalidate) => storeThat({ set: invalidate })],
    ['the store, when it is locked', (invalidate) => storeThat({ withLock: invalidate })],
    [
      'the listener, of a failure that repeats itself',
      (invalidate) => ({
        ...grantWith(() => Promise.reject(new Error('sealed'))),
        onEvent: ({ type }) => (type === 'token-failed' ? invalidate() : undefined),
      }),
    ],
    [
      'the listener, of a store that fails',
      (invalidate) => ({
        ...storeThat({ get: down }),
        onEvent: ({ type }) => (type === 'store-failed' ? invalidate() : undefined),
      }),
    ],
  ];

  test.each(rows)('by %s: the call comes to an end, and says what happens', async (_, setup) => {
    let times = 0;
    let auth: PayuAuth | undefined;
    const { createAuth } = await startHarness();
    auth = createAuth(
      setup(async () => {
        if (++times < ENDLESS) await auth?.invalidate();
      }),
    );
    const failure = await auth.getToken().catch((error: unknown) => error);
    expect(times).toBeLessThan(ENDLESS / 2);
    expect(isPayuAuthError(failure) && failure.code).toBe('ERR_TOKEN_UNAVAILABLE');
    expect((failure as Error).message).toContain('during each of the last 10 mints');
    expect(auth.status().lastFailure?.code).toBe('ERR_TOKEN_UNAVAILABLE');
  });

  test('now and then costs one more mint each, as by anybody', async () => {
    let times = 0;
    let auth: PayuAuth | undefined;
    const { createAuth, sandbox } = await startHarness();
    auth = createAuth(
      storeThat({
        set: async () => {
          if (++times <= 3) await auth?.invalidate();
        },
      }),
    );
    await auth.getToken();
    expect(sandbox.stats().tokenRequests).toBe(4);
  });

  test('where no access token is held, asks no store: a failing one is not asked for ever', async () => {
    const events: PayuAuthEvent[] = [];
    let auth: PayuAuth | undefined;
    const { createAuth } = await startHarness();
    auth = createAuth({
      ...storeThat({ get: down }),
      onEvent: (event) => {
        events.push(event);
        if (event.type === 'store-failed' && events.length < ENDLESS) void auth?.invalidate();
      },
    });
    await auth.setToken({ accessToken: '', refreshToken: 'refresh-token-1' });
    await auth.invalidate();
    for (let turn = 0; turn < ENDLESS; turn++) await turns();
    expect(events.length).toBeLessThan(3);
  });
});
