import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AxiosInstance, AxiosStatic, CreateAxiosDefaults, InternalAxiosRequestConfig } from 'axios';
import { onTestFinished, vi } from 'vitest';
import type { PayuAuthEvent } from '../../src/events.ts';
import type { PayuAuthOptions } from '../../src/options/options.ts';
import type { createPayuAuthIn, PayuAuth } from '../../src/payu-auth.ts';

/** The versions of axios that are supported: the oldest, one between, the newest. */
export const AXIOS_VERSIONS = ['axios-1.12', 'axios-1.16', 'axios'] as const;
export type AxiosVersion = (typeof AXIOS_VERSIONS)[number];

/** The library on one version of axios: all of its imports are replaced, as if only that one was installed. */
export interface Library {
  readonly axios: AxiosStatic;
  readonly createPayuAuth: (options: PayuAuthOptions) => PayuAuth;
  readonly createPayuAuthIn: typeof createPayuAuthIn;
}

const loaded = new Map<AxiosVersion, Promise<Library>>();

/** Loaded once for each version: the library remembers nothing at module scope (G4). */
export function libraryOn(version: AxiosVersion): Promise<Library> {
  const library = loaded.get(version) ?? load(version);
  loaded.set(version, library);
  return library;
}

async function load(version: AxiosVersion): Promise<Library> {
  vi.resetModules();
  const installed: { default: AxiosStatic } = await vi.importActual(version);
  vi.doMock('axios', () => installed);
  const payuAuth = await import('../../src/payu-auth.ts');
  vi.doUnmock('axios');
  vi.resetModules();
  return {
    axios: installed.default,
    createPayuAuth: payuAuth.createPayuAuth,
    createPayuAuthIn: payuAuth.createPayuAuthIn,
  };
}

/** An auth whose token endpoint is in this process: it hands out access_token_1, access_token_2, … */
export interface Tokens {
  readonly auth: PayuAuth;
  readonly events: PayuAuthEvent[];
  /** How many were minted. */
  readonly minted: () => number;
}

export function tokensOf(
  library: Pick<Library, 'createPayuAuth'>,
  options: Partial<PayuAuthOptions> = {},
): Tokens {
  let minted = 0;
  const events: PayuAuthEvent[] = [];
  const auth = library.createPayuAuth({
    environment: { tokenUrl: 'https://accounts.test/oauth/token' },
    grant: { type: 'client_credentials', clientId: 'client', clientSecret: 'secret' },
    scope: 'create_payout_transactions',
    onEvent: (event) => events.push(event),
    http: {
      adapter: async (config: InternalAxiosRequestConfig) => {
        const data = JSON.stringify({ access_token: `access_token_${++minted}`, expires_in: 7200 });
        return { status: 200, statusText: 'OK', headers: {}, data, config };
      },
    },
    ...options,
  });
  onTestFinished(() => auth.close());
  return { auth, events, minted: () => minted };
}

/** One request as it came over the wire. */
export interface Arrival {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** All that was in its headers, to look for a token under any name. */
  readonly head: string;
}

export interface Origin {
  readonly url: string;
  readonly port: number;
  readonly arrivals: Arrival[];
  readonly connections: () => number;
}

export type Answer = (arrival: Arrival, response: ServerResponse, nth: number) => void;

/** A real server on loopback that writes down what it gets. */
export async function startOrigin(answer: Answer): Promise<Origin> {
  const arrivals: Arrival[] = [];
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const arrival: Arrival = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks),
      head: request.rawHeaders.join('\n'),
    };
    arrivals.push(arrival);
    answer(arrival, response, arrivals.length);
  });
  let connections = 0;
  server.on('connection', (socket) => {
    connections++;
    socket.on('close', () => connections--);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, arrivals, connections: () => connections };
}

export function json(response: ServerResponse, status: number, body: unknown, headers: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** Refuses the first token, takes all later ones. */
export const refuseFirst: Answer = (arrival, response) => {
  const isRefused = /access_token_1\b/.test(arrival.head);
  json(response, isRefused ? 401 : 200, isRefused ? { error: 'invalid_token' } : { ok: true });
};

/** An instance without a network: its adapter writes down what it is asked for and answers. */
export function recordingClient(
  axios: AxiosStatic,
  defaults: CreateAxiosDefaults = {},
  answer: (
    config: InternalAxiosRequestConfig,
    nth: number,
  ) => { status: number; data?: unknown; headers?: object } = () => ({
    status: 200,
  }),
): {
  readonly client: AxiosInstance;
  readonly sent: {
    readonly token: string | undefined;
    readonly headers: object;
    readonly config: InternalAxiosRequestConfig;
  }[];
} {
  const sent: { token: string | undefined; headers: object; config: InternalAxiosRequestConfig }[] = [];
  const client = axios.create({
    ...defaults,
    adapter: async (config: InternalAxiosRequestConfig) => {
      const headers = { ...config.headers };
      sent.push({ token: tokenIn(headers), headers, config });
      const { status, data = '', headers: answered = {} } = answer(config, sent.length);
      const response = { status, statusText: '', headers: { ...answered }, data, config, request: {} };
      if (config.validateStatus?.(status) ?? true) return response;
      throw new axios.AxiosError(`status ${status}`, 'ERR_BAD_REQUEST', config, {}, response);
    },
  });
  return { client, sent };
}

/** The token, under whatever name it travels. */
export function tokenIn(headers: object): string | undefined {
  return /access_token_\d+/.exec(JSON.stringify(headers))?.[0];
}
