/** The environments of `createPayuAuth`, with the same meaning. */
export type MockEnvironment =
  | 'test'
  | 'production'
  | { readonly tokenUrl: string; readonly revokeUrl?: string };

/** Which API answers; decides what a refused token looks like. */
export type Product = 'payouts' | 'payment-links' | 'partner' | 'bbps' | 'other';

/** One base URL of an API: `https://uatoneapi.payu.in` and `/payout`. */
export interface ApiBase {
  readonly origin: string;
  readonly prefix: string;
}

/** Where a kit listens. */
export interface Hosts {
  readonly tokenUrl: URL;
  readonly revokeUrl: URL | undefined;
  readonly apiBases: readonly ApiBase[];
}

const payuEnvironments = {
  test: {
    accounts: 'https://uat-accounts.payu.in',
    apis: [
      'https://uatoneapi.payu.in/payout',
      'https://uatoneapi.payu.in/payment-links',
      'https://test.payumoney.com/payout',
    ],
  },
  production: {
    accounts: 'https://accounts.payu.in',
    apis: ['https://payout.payumoney.com/payout', 'https://oneapi.payu.in/payment-links'],
  },
} as const;

/** Does this lead to PayU itself, whatever the environment and the product? */
export function isPayu({ hostname }: URL): boolean {
  return /(^|\.)(payu\.in|payumoney\.com)\.?$/.test(hostname);
}

/** Reads the options of `mockPayu`; throws a `TypeError` that names the option and its rule. */
export function resolveHosts(environment: MockEnvironment, apiHosts: readonly string[]): Hosts {
  const more = apiHosts.map((host) => toBase(host, 'apiHosts'));
  if (environment === 'test' || environment === 'production') {
    const { accounts, apis } = payuEnvironments[environment];
    return {
      tokenUrl: new URL(`${accounts}/oauth/token`),
      revokeUrl: new URL(`${accounts}/oauth/revoke`),
      apiBases: [...apis.map((api) => toBase(api, 'environment')), ...more],
    };
  }
  if (typeof environment !== 'object' || environment === null) {
    throw invalidOption('"environment" must be "test", "production" or { tokenUrl, revokeUrl? }');
  }
  const { tokenUrl, revokeUrl } = environment;
  return {
    tokenUrl: parseUrl(tokenUrl, 'environment.tokenUrl'),
    revokeUrl: revokeUrl === undefined ? undefined : parseUrl(revokeUrl, 'environment.revokeUrl'),
    apiBases: more,
  };
}

/** The product behind a URL, as far as PayU's host and path names tell. */
export function productOf(url: URL): Product {
  if (url.pathname.startsWith('/payment-links')) return 'payment-links';
  if (/(^|[.-])partner\./.test(url.hostname)) return 'partner';
  if (/^bbps/.test(url.hostname) || url.pathname.startsWith('/payu-nbc')) return 'bbps';
  if (url.pathname.startsWith('/payout') || url.hostname.startsWith('payout.')) return 'payouts';
  return 'other';
}

/** A `TypeError` in the manner of the library's own options. */
export function invalidOption(rule: string): TypeError {
  return Object.assign(new TypeError(`mockPayu: ${rule}`), { code: 'ERR_INVALID_OPTION' });
}

function toBase(host: string, option: string): ApiBase {
  const url = parseUrl(host, option);
  return { origin: url.origin, prefix: url.pathname.replace(/\/+$/, '') };
}

function parseUrl(value: unknown, option: string): URL {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw invalidOption(
      `"${option}" must hold absolute http or https URLs, such as "https://uat-partner.payu.in"`,
    );
  }
  return url;
}
