import { OAuth2Client, OAuth2Fetch } from '@badgateway/oauth2-client';
import axios, { type AxiosInstance, type InternalAxiosRequestConfig } from 'axios';
import { createAuthRefresh } from 'axios-auth-refresh';
import { createPayuAuth } from 'axios-payu-auth';
import tokenInterceptor from 'axios-token-interceptor';
import { installAuthRefresh } from 'token-refresh';
import type { Target } from './target.ts';

/** A client that calls one path of the target, as its users would build it. */
export interface Client {
  call(): Promise<unknown>;
  close?(): Promise<void>;
}

/** What a user could pick. */
export interface Contender {
  readonly name: string;
  /** Whether it is axios underneath: the others can't be run without I/O, and are compared over loopback only. */
  readonly runsOnAxios: boolean;
  create(target: Target): Promise<Client>;
}

export const STATIC = 'static header';
export const OURS = 'axios-payu-auth';
/** The static header once more: how far its ratio is from 1 is what this machine can't tell apart. */
export const AGAIN = 'static header, again';
/** The budgets name these three; the others are shown. */
export const TO_BEAT: readonly string[] = ['axios-auth-refresh', 'token-refresh', 'axios-token-interceptor'];
const PATH = '/merchant/getAccountDetail';

interface Grant {
  readonly accessToken: string;
  readonly expiresAt: number;
}

export const contenders: readonly Contender[] = [
  { name: STATIC, runsOnAxios: true, create: staticHeader },
  { name: OURS, runsOnAxios: true, create: ours },
  { name: 'naive interceptor', runsOnAxios: true, create: naive },
  { name: 'axios-auth-refresh', runsOnAxios: true, create: authRefresh },
  { name: 'token-refresh', runsOnAxios: true, create: tokenRefresh },
  { name: 'axios-token-interceptor', runsOnAxios: true, create: axiosTokenInterceptor },
  { name: '@badgateway/oauth2-client', runsOnAxios: false, create: oauth2Fetch },
];

/** The limit: what axios costs by itself. */
export async function staticHeader(target: Target): Promise<Client> {
  const token = target.initialToken ?? (await mint(target)).accessToken;
  const client = apiClient(target, { Authorization: `Bearer ${token}` });
  return { call: () => client.get(PATH) };
}

export async function ours(target: Target): Promise<Client> {
  const auth = createPayuAuth({
    environment: { tokenUrl: target.tokenUrl },
    grant: { type: 'client_credentials', clientId: target.clientId, clientSecret: target.clientSecret },
    scope: target.scope,
    http: target.tokenTransport,
  });
  if (target.initialToken !== undefined) {
    await auth.setToken({ accessToken: target.initialToken, expiresInSeconds: 3_600 });
  }
  const client = apiClient(target);
  auth.attach(client);
  return { call: () => client.get(PATH), close: () => auth.close() };
}

/** What is written by hand in an afternoon: a cache with an expiry, and a second try after a 401. */
async function naive(target: Target): Promise<Client> {
  const client = apiClient(target);
  let grant = initialGrant(target);
  client.interceptors.request.use(async (config) => {
    if (grant === undefined || Date.now() >= grant.expiresAt) grant = await mint(target);
    config.headers.Authorization = `Bearer ${grant.accessToken}`;
    return config;
  });
  client.interceptors.response.use(undefined, async (error) => {
    const config = error.config as InternalAxiosRequestConfig & { isRetry?: boolean };
    if (error.response?.status !== 401 || config.isRetry) throw error;
    config.isRetry = true;
    grant = await mint(target);
    return client(config);
  });
  return { call: () => client.get(PATH) };
}

/** As its README says: the header from an interceptor, the token from `refreshAuthLogic`. */
async function authRefresh(target: Target): Promise<Client> {
  const client = apiClient(target);
  let token = target.initialToken;
  client.interceptors.request.use((config) => {
    if (token !== undefined) config.headers.Authorization = `Bearer ${token}`;
    return config;
  });
  // Its types are those of axios' CommonJS copy; at run time one instance is like the other.
  createAuthRefresh(client as unknown as Parameters<typeof createAuthRefresh>[0], async () => {
    token = (await mint(target)).accessToken;
  });
  return { call: () => client.get(PATH) };
}

async function tokenRefresh(target: Target): Promise<Client> {
  const client = apiClient(target);
  let tokens = { accessToken: target.initialToken ?? '', refreshToken: 'none' };
  installAuthRefresh(client, {
    refresh: async () => ({ ...tokens, accessToken: (await mint(target)).accessToken }),
    getTokens: async () => tokens,
    setTokens: async ({ accessToken }) => {
      tokens = { accessToken, refreshToken: 'none' };
    },
    isSessionExpired: ({ status }) => status === 401,
    isRefreshFailureTerminal: () => false,
  });
  return { call: () => client.get(PATH) };
}

async function axiosTokenInterceptor(target: Target): Promise<Client> {
  const client = apiClient(target);
  const getToken = tokenInterceptor.tokenCache(async () => initialGrant(target) ?? mint(target), {
    getMaxAge: ({ expiresAt }) => expiresAt - Date.now(),
  });
  client.interceptors.request.use(
    tokenInterceptor({ getToken, headerFormatter: ({ accessToken }) => `Bearer ${accessToken}` }),
  );
  return { call: () => client.get(PATH) };
}

/** Not axios: its wrapper is around fetch. */
async function oauth2Fetch(target: Target): Promise<Client> {
  const client = new OAuth2Client({
    clientId: target.clientId,
    clientSecret: target.clientSecret,
    tokenEndpoint: target.tokenUrl,
    authenticationMethod: 'client_secret_post',
  });
  const wrapper = new OAuth2Fetch({
    client,
    getNewToken: () => client.clientCredentials({ scope: [target.scope] }),
    scheduleRefresh: false,
  });
  return {
    async call() {
      const response = await wrapper.fetch(`${target.apiUrl}${PATH}`);
      if (!response.ok) throw new Error(`status ${response.status}`);
      return response.json();
    },
  };
}

/** That many calls, so many at a time. */
export async function concurrently(
  call: () => Promise<unknown>,
  calls: number,
  concurrent: number,
): Promise<void> {
  let left = calls;
  const worker = async () => {
    while (left > 0) {
      left--;
      await call();
    }
  };
  await Promise.all(Array.from({ length: concurrent }, worker));
}

function apiClient(target: Target, headers: Record<string, string> = {}): AxiosInstance {
  return axios.create({ baseURL: target.apiUrl, headers, ...target.transport });
}

function initialGrant({ initialToken }: Target): Grant | undefined {
  return initialToken === undefined
    ? undefined
    : { accessToken: initialToken, expiresAt: Date.now() + 3_600_000 };
}

async function mint(target: Target): Promise<Grant> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: target.clientId,
    client_secret: target.clientSecret,
    scope: target.scope,
  });
  const { data } = await axios.post(target.tokenUrl, form, target.tokenTransport);
  return { accessToken: data.access_token, expiresAt: Date.now() + data.expires_in * 1_000 };
}
