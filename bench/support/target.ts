import type { AxiosAdapter, CreateAxiosDefaults } from 'axios';

/** A PayU that a contender's client talks to. */
export interface Target {
  readonly apiUrl: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string;
  /** For the API calls: an adapter without I/O, or an agent. */
  readonly transport: CreateAxiosDefaults;
  /** The same for token requests. */
  readonly tokenTransport: { readonly adapter?: AxiosAdapter };
  /** A token that is there before the first call. */
  readonly initialToken?: string;
}

/** Answers at once, in the turn of the caller, so that nothing but the client's own work is measured. */
export const withoutIo: AxiosAdapter = (config) =>
  Promise.resolve({
    data: '',
    status: 200,
    statusText: 'OK',
    headers: {},
    config,
    request: undefined,
  });

/** A token endpoint without I/O, whose tokens live for an hour. */
export const tokensWithoutIo: AxiosAdapter = (config) =>
  Promise.resolve({
    data: JSON.stringify({ access_token: 'bench_token', token_type: 'Bearer', expires_in: 3_600 }),
    status: 200,
    statusText: 'OK',
    headers: {},
    config,
    request: undefined,
  });

export const targetWithoutIo: Target = {
  apiUrl: 'https://api.payu.example/payout',
  tokenUrl: 'https://accounts.payu.example/oauth/token',
  clientId: 'bench-client',
  clientSecret: 'bench-secret',
  scope: 'create_payout_transactions',
  transport: { adapter: withoutIo },
  tokenTransport: { adapter: tokensWithoutIo },
  initialToken: 'bench_token',
};
