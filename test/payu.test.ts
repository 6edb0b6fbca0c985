import axios from 'axios';
import { describe, expect, test } from 'vitest';
import {
  commandHash,
  createPayuAuth,
  environments,
  type PayuAuthOptions,
  publicClientIds,
  scopes,
} from '../src/index.ts';

describe('commandHash: sha512(key|command|var1|salt) in lower-case hex', () => {
  const key = 'gtKFFx';
  const salt = 'eCwWELxi';
  const settlementDetails =
    '57ba1488860d6e51ee3c1a43f2ff40b3053df51e254176b850628fcc6f79fe45ba8cdc1e41775dcb3b6ef880afa0a1258834fd1a5397ee387f2ada92909a14aa';

  test.each([
    [
      'verify_payment, abc123',
      { command: 'verify_payment', var1: 'abc123' },
      '37a19384ab8fc83dee62090a8449d6734971284f6a6c49a45538eaa7042226549e69b5183df734d5d7bb2a799c65a48a19cf06c1d8d0ac74eeb374cfc78c9540',
    ],
    ['get_settlement_details, empty', { command: 'get_settlement_details', var1: '' }, settlementDetails],
    ['a missing var1 is the empty string', { command: 'get_settlement_details' }, settlementDetails],
  ])('%s', (_, input, expected) => {
    expect(commandHash({ key, salt, ...input })).toBe(expected);
  });

  test('var1 is hashed raw, over UTF-8: with | it is the same text as with its parts', () => {
    expect(commandHash({ key: 'k', command: 'c', var1: 'a|b', salt: 's' })).toBe(
      commandHash({ key: 'k', command: 'c|a', var1: 'b', salt: 's' }),
    );
    const json = commandHash({ key: 'k', command: 'c', var1: '{"a":"ग"}', salt: 's' });
    expect(json).toMatch(/^[0-9a-f]{128}$/);
    expect(json).not.toBe(commandHash({ key: 'k', command: 'c', var1: '{"a":"?"}', salt: 's' }));
  });

  test.each([
    ['key', { key: '', command: 'c', salt }, '"key" must be a non-empty string.'],
    ['command', { key, salt }, '"command" must be a non-empty string.'],
    ['salt', { key, command: 'c', salt: 7 }, '"salt" must be a non-empty string.'],
    [
      'var1',
      { key, command: 'c', salt, var1: { a: 1 } },
      '"var1" must be a string: JSON.stringify an object yourself.',
    ],
    ['input: none', undefined, '"key" must be a non-empty string.'],
    ['input: null', null, '"key" must be a non-empty string.'],
  ])('refuses a wrong %s', (_, wrong, message) => {
    const call = () => commandHash(wrong as never);
    expect(call).toThrow(TypeError);
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', message }));
  });
});

describe('presets', () => {
  test('the token and revocation URLs of both environments', () => {
    expect(environments.test).toMatchObject({
      tokenUrl: 'https://uat-accounts.payu.in/oauth/token',
      revokeUrl: 'https://uat-accounts.payu.in/oauth/revoke',
    });
    expect(environments.production).toMatchObject({
      tokenUrl: 'https://accounts.payu.in/oauth/token',
      revokeUrl: 'https://accounts.payu.in/oauth/revoke',
    });
  });

  test('the API hosts of both environments, of which no one belongs to both', () => {
    expect(environments.test.origins).toEqual([
      'https://uatoneapi.payu.in',
      'https://test.payumoney.com',
      'https://uat-partner.payu.in',
      'https://uat-onepayuonboarding.payu.in',
      'https://bbps-sb.payu.in',
    ]);
    expect(environments.production.origins).toEqual([
      'https://payout.payumoney.com',
      'https://oneapi.payu.in',
      'https://partner.payu.in',
      'https://onboarding.payu.in',
      'https://onepayuonboarding.payu.in',
    ]);
    for (const origin of environments.test.origins) {
      expect(environments.production.origins).not.toContain(origin);
      expect(new URL(origin).origin).toBe(origin);
    }
  });

  test('the public client ids: 64 hexadecimal digits, without the space of the documents', () => {
    expect(publicClientIds).toEqual({
      test: '6f8bb4951e030d4d7349e64a144a534778673585f86039617c167166e9154f7e',
      production: 'ccbb70745faad9c06092bb5c79bfd919b6f45fd454f34619d83920893e90ae6b',
    });
  });

  test('all documented scopes, by product', () => {
    expect(
      Object.fromEntries(Object.entries(scopes).map(([name, group]) => [name, Object.values(group)])),
    ).toEqual({
      payouts: ['create_payout_transactions'],
      paymentLinks: ['create_payment_links', 'update_payment_links', 'read_payment_links'],
      partner: [
        'refer_merchant',
        'send_sign_in_otp',
        'verify_sign_in_otp',
        'client_manage_agreement',
        'client_manage_kyc_details',
        'create_bank_details',
        'user_token',
        'create_payment_links',
      ],
      bbps: [
        'read_bills',
        'create_transactions',
        'read_billers',
        'read_biller_categories',
        'read_transactions',
        'read_plans',
      ],
      bankVerification: ['verify_bank_account'],
    });
  });
});

describe('a mix-up of the environments is refused when an instance is attached (F4)', () => {
  const both = ['test', 'production'] as const;
  const rows = both.flatMap((environment) =>
    both.flatMap((host) => environments[host].origins.map((origin) => ({ environment, host, origin }))),
  );
  const create = (environment: PayuAuthOptions['environment']) =>
    createPayuAuth({
      environment,
      grant: { type: 'client_credentials', clientId: 'id', clientSecret: 'secret' },
      scope: scopes.payouts.create,
    });

  test.each(rows)('$environment auth, $host host $origin', ({ environment, host, origin }) => {
    const attach = () =>
      create(environment).attach(axios.create({ baseURL: `${origin.toUpperCase()}:443/v1` }));
    if (host === environment) expect(attach).not.toThrow();
    else
      expect(attach).toThrow(
        `"baseURL" of the instance leads to "${new URL(origin).hostname}", which belongs to PayU's other environment`,
      );
  });

  test.each(rows)('the token URL of $environment, $host host $origin', ({ environment, host, origin }) => {
    const { tokenUrl } = environments[environment];
    const attach = () => create({ tokenUrl }).attach(axios.create({ baseURL: origin }));
    if (host === environment) expect(attach).not.toThrow();
    else expect(attach).toThrow("belongs to PayU's other environment");
  });

  const once = rows.filter(({ environment, host }) => environment === host);
  test.each(once)("a token URL of one's own, $host host $origin: nothing is known of it", ({ origin }) => {
    const attach = () =>
      create({ tokenUrl: 'https://a.example/token' }).attach(axios.create({ baseURL: origin }));
    expect(attach).not.toThrow();
  });

  test.each([
    'http://oneapi.payu.in',
    'https://oneapi.payu.in:8443',
    'https://oneapi.payu.in./payment-links',
    'https://accounts.payu.in/oauth',
  ])('also where only the host is that of the other environment: %s', (baseURL) => {
    expect(() => create('test').attach(axios.create({ baseURL }))).toThrow(/other environment/);
  });

  test('and also where it is listed among "origins"', () => {
    const client = axios.create({ baseURL: 'https://uatoneapi.payu.in' });
    expect(() => create('test').attach(client, { origins: ['https://oneapi.payu.in'] })).toThrow(
      '"origins[0]" is a host of PayU\'s other environment than the option "environment" says.',
    );
  });

  test('the client id may hold the white space of the documents', async () => {
    const forms: string[] = [];
    const auth = createPayuAuth({
      environment: 'production',
      grant: {
        type: 'password',
        username: 'u',
        password: 'p',
        clientId: publicClientIds.production.replace(/^(.{40})/, '$1 \n'),
      },
      scope: scopes.payouts.create,
      http: {
        adapter: async (config) => {
          forms.push(String(config.data));
          return { status: 200, statusText: '', headers: {}, config, data: '{"access_token":"a"}' };
        },
      },
    });
    await auth.getToken();
    expect(new URLSearchParams(forms[0]).get('client_id')).toBe(publicClientIds.production);
  });
});
