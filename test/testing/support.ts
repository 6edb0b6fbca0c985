import axios, { type AxiosInstance, type AxiosResponse, type CreateAxiosDefaults } from 'axios';
import axios112 from 'axios-1.12';
import axios116 from 'axios-1.16';

export interface Client {
  readonly name: string;
  readonly create: (defaults?: CreateAxiosDefaults) => AxiosInstance;
}

const versions = [
  ['1.12', axios112],
  ['1.16', axios116],
  ['latest', axios],
] as const;

/** Every supported axios with each of its adapters for Node. */
export const clients: readonly Client[] = versions.flatMap(([version, copy]) =>
  (['http', 'fetch'] as const).map((adapter) => ({
    name: `axios ${version}, ${adapter} adapter`,
    create: (defaults = {}) =>
      // The copies' types are nominally apart, and alike.
      copy.create({ adapter, validateStatus: null, ...defaults } as object) as unknown as AxiosInstance,
  })),
);

export const http: AxiosInstance = axios.create({ adapter: 'http', validateStatus: null });

export const tokenUrl = 'https://uat-accounts.payu.in/oauth/token';
export const revokeUrl = 'https://uat-accounts.payu.in/oauth/revoke';
export const api = 'https://uatoneapi.payu.in';

export const clientCredentials: Readonly<Record<string, string>> = {
  grant_type: 'client_credentials',
  client_id: 'client-1',
  client_secret: 'top-secret',
  scope: 'create_payout_transactions',
};

export function postForm(
  form: Record<string, string> | URLSearchParams | string = { ...clientCredentials },
  client: AxiosInstance = http,
  url: string = tokenUrl,
): Promise<AxiosResponse> {
  return client.post(url, new URLSearchParams(form));
}

export function bearer(token: string): { headers: { Authorization: string } } {
  return { headers: { Authorization: `Bearer ${token}` } };
}

/** What `run` throws, as text. */
export function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'nothing was thrown';
}

export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was rejected');
}

export interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

export function deferred(): Deferred {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
