import { describe, expect, test } from 'vitest';
import type { PayuAuthOptions } from '../../src/options/options.ts';
import { MemoryTokenStore } from '../../src/token/store/memory-token-store.ts';
import { atOnce, startHarness } from '../support/harness.ts';

const SECOND = { clientId: 'second-merchant', clientSecret: 'second-secret' };
const THIRD = { clientId: 'third-merchant', clientSecret: 'third-secret' };

/** What tells one token from another (B6): each row differs in one thing from the harness' own auth. */
const OTHERS: Readonly<Record<string, Partial<PayuAuthOptions>>> = {
  'another client': { grant: { type: 'client_credentials', ...SECOND } },
  'another client by the same secret': {
    grant: { type: 'client_credentials', clientId: THIRD.clientId, clientSecret: 'sandbox-client-secret' },
  },
  'another user': {
    grant: {
      type: 'password',
      clientId: 'sandbox-public-client-id',
      username: 'merchant@sandbox.example',
      password: 'sandbox-password',
    },
  },
  'another grant of the same client': {
    grant: {
      type: 'custom',
      grantType: 'shared_by_payu',
      clientId: 'sandbox-client-id',
      clientSecret: 'sandbox-client-secret',
    },
  },
};

describe.each<[string, () => Partial<PayuAuthOptions>]>([
  ['a store each', () => ({})],
  ['one store for both', () => ({ store: new MemoryTokenStore() })],
])('two auths with %s never see each other’s tokens', (_, storeOf) => {
  test.each(Object.entries(OTHERS))('where one has %s', async (_title, other) => {
    const store = storeOf();
    const { sandbox, createAuth, client, clock } = await startHarness(store, {
      clients: [SECOND, { clientId: THIRD.clientId, clientSecret: 'sandbox-client-secret' }],
      customGrant: { grantType: 'shared_by_payu' },
    });
    const sides = [createAuth(), createAuth(other)].map((auth, side) => {
      const instance = client('', { headers: { 'x-side': String(side) } });
      auth.attach(instance);
      return { auth, instance };
    });
    for (const upset of [() => {}, () => sandbox.revokeAllTokens(), () => clock.advance(7_200_001)]) {
      upset();
      await atOnce(10, (index) => (sides[index % 2] as (typeof sides)[0]).instance.get('/protected'));
    }
    const tokensOf = (side: number): ReadonlySet<string | undefined> =>
      new Set(
        sandbox
          .requests()
          .filter(({ kind, headers }) => kind === 'api' && headers['x-side'] === String(side))
          .map(({ token }) => token),
      );
    const [first, second] = [tokensOf(0), tokensOf(1)];
    expect(first.size).toBe(3);
    expect(second.size).toBe(3);
    expect([...first].filter((token) => second.has(token))).toEqual([]);

    const held = (await (sides[1] as (typeof sides)[0]).auth.getToken()).value;
    await (sides[0] as (typeof sides)[0]).auth.invalidate();
    await (sides[0] as (typeof sides)[0]).auth.close();
    expect((await (sides[1] as (typeof sides)[0]).auth.getToken()).value).toBe(held);
  });
});

test('auths with the same options but no common store mint for themselves: nothing is shared by the module', async () => {
  const { sandbox, createAuth } = await startHarness();
  const [a, b] = await Promise.all([createAuth().getToken(), createAuth().getToken()]);
  expect(a.value).not.toBe(b.value);
  expect(sandbox.stats().tokenRequests).toBe(2);
});
