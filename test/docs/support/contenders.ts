import { createRequire } from 'node:module';
import axios, { type AxiosInstance, type AxiosResponse } from 'axios';
import axiosRetry from 'axios-retry';
import tokenProvider from 'axios-token-interceptor';
import { installAuthRefresh, setAuthHeaders } from 'token-refresh';
import { onTestFinished } from 'vitest';
import { createPayuAuth } from '../../../src/index.ts';
import { type Sandbox, startSandbox } from '../../../src/sandbox/index.ts';

// By `require`: the test runner takes its ES module apart, and misses the sources that its map names.
const { createAuthRefresh } = createRequire(import.meta.url)(
  'axios-auth-refresh',
) as typeof import('axios-auth-refresh');

/** A sandbox, and a client whose calls get their tokens from one contender. */
export interface Arena {
  readonly sandbox: Sandbox;
  readonly client: AxiosInstance;
  /** 401s that have come to where the contender looks at them. */
  readonly seenRefusals: () => number;
  /** Brings the contender to where its next call has to renew. */
  readonly loseToken: () => void;
}

interface Corner {
  readonly sandbox: Sandbox;
  readonly client: AxiosInstance;
  /** What a user writes to get a token, where the library does not do it. */
  readonly mint: () => Promise<TokenReply>;
}

interface TokenReply {
  readonly access_token: string;
  readonly expires_in: number;
}

/** What a note below the table says otherwise. */
interface ContenderOptions {
  readonly deduplicateRefresh?: boolean;
}

interface Contender {
  readonly name: string;
  /** Configured as its README says. */
  readonly install: (
    corner: Corner,
    more: ContenderOptions,
  ) => void | Promise<void> | { readonly loseToken: () => void };
  readonly looksAt?: 'below the interceptors';
}

export const contenders: readonly Contender[] = [
  {
    name: 'axios-payu-auth',
    looksAt: 'below the interceptors',
    install({ sandbox, client }) {
      const { environment, clientId, clientSecret } = sandbox;
      const auth = createPayuAuth({
        environment,
        grant: { type: 'client_credentials', clientId, clientSecret },
        scope: 'create_payout_transactions',
        maxWaitMs: 5_000,
      });
      onTestFinished(() => auth.close());
      auth.attach(client);
    },
  },
  {
    name: 'axios-auth-refresh',
    install({ client, mint }, options) {
      let token = '';
      client.interceptors.request.use((request) => {
        request.headers.Authorization = `Bearer ${token}`;
        return request;
      });
      const refreshAuthLogic = async (failedRequest: { response: AxiosResponse }) => {
        token = (await mint()).access_token;
        failedRequest.response.config.headers.Authorization = `Bearer ${token}`;
      };
      // Its types come from the other copy of axios' types, that of CommonJS.
      const typed = client as unknown as Parameters<typeof createAuthRefresh>[0];
      createAuthRefresh(typed, refreshAuthLogic, options);
    },
  },
  {
    name: 'token-refresh',
    async install({ client, mint }) {
      let tokens = { accessToken: '', refreshToken: 'none is needed here' };
      const refresh = async () => ({ ...tokens, accessToken: (await mint()).access_token });
      tokens = await refresh();
      installAuthRefresh(client, {
        refresh,
        getTokens: async () => tokens,
        setTokens: async (renewed) => {
          tokens = { ...tokens, ...renewed };
        },
        isSessionExpired: ({ status }) => status === 401,
        isRefreshFailureTerminal: (error) => axios.isAxiosError(error) && error.response?.status === 401,
      });
      setAuthHeaders(client, tokens.accessToken);
    },
  },
  {
    name: 'axios-token-interceptor',
    install({ client, mint }) {
      const cache = tokenProvider.tokenCache(mint, { getMaxAge: (body) => body.expires_in * 1000 });
      const interceptor = tokenProvider<TokenReply>({
        getToken: cache,
        headerFormatter: (body) => `Bearer ${body.access_token}`,
      });
      client.interceptors.request.use(interceptor);
      return { loseToken: () => cache.reset() };
    },
  },
  {
    name: 'axios-retry',
    install({ client, mint }) {
      let token = '';
      client.interceptors.request.use((request) => {
        request.headers.Authorization = `Bearer ${token}`;
        return request;
      });
      axiosRetry(client, {
        retries: 1,
        retryCondition: (error) => error.response?.status === 401,
        onRetry: async () => {
          token = (await mint()).access_token;
        },
      });
    },
  },
  {
    name: 'hand-written',
    install({ client, mint }) {
      let token: string | undefined;
      let renewing: Promise<void> | undefined;
      const renew = () => {
        renewing ??= mint()
          .then((reply) => {
            token = reply.access_token;
          })
          .finally(() => {
            renewing = undefined;
          });
        return renewing;
      };
      const isReplay = Symbol('replay');
      client.interceptors.request.use(async (request) => {
        if (token === undefined) await renew();
        request.headers.Authorization = `Bearer ${token}`;
        return request;
      });
      client.interceptors.response.use(undefined, async (error) => {
        if (error.response?.status !== 401 || error.config[isReplay]) throw error;
        await renew();
        return client.request({ ...error.config, [isReplay]: true });
      });
    },
  },
];

export async function enter(contender: Contender, options: ContenderOptions = {}): Promise<Arena> {
  const sandbox = await startSandbox();
  onTestFinished(() => sandbox.close());
  const client = axios.create({ baseURL: sandbox.url });
  let seen = 0;
  // Registered first, so that it is asked before the contender.
  client.interceptors.response.use(undefined, (error) => {
    if (error.response?.status === 401) seen++;
    throw error;
  });
  const installed = await contender.install({ sandbox, client, mint: () => mintAt(sandbox) }, options);
  return {
    sandbox,
    client,
    seenRefusals: () => (contender.looksAt === undefined ? seen : sandbox.stats().unauthorized),
    loseToken: installed?.loseToken ?? (() => sandbox.revokeAllTokens()),
  };
}

async function mintAt({ environment, clientId, clientSecret }: Sandbox): Promise<TokenReply> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
    scope: 'create_payout_transactions',
  });
  return (await axios.post<TokenReply>(environment.tokenUrl, form)).data;
}
