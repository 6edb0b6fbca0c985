import { onTestFinished } from 'vitest';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/index.ts';

/** A sandbox that closes with the test. */
export async function sandboxFor(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox(options);
  onTestFinished(() => sandbox.close());
  return sandbox;
}

/** A clock that stands still until it is told to move. */
export function manualClock(start = 1_585_215_909_000): { now: () => number; advance: (ms: number) => void } {
  let time = start;
  return {
    now: () => time,
    advance: (ms) => {
      time += ms;
    },
  };
}

export type Fields = Readonly<Record<string, string>>;

export interface Seen {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // The shape of a reply is what the tests are about.
  // biome-ignore lint/suspicious/noExplicitAny: assertions read properties that may or may not be there
  readonly body: any;
}

async function seen(response: Response): Promise<Seen> {
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  return { status: response.status, headers: response.headers, text, body };
}

export async function postForm(url: string, fields: Fields, headers: Fields = {}): Promise<Seen> {
  return seen(await fetch(url, { method: 'POST', body: new URLSearchParams(fields), headers }));
}

export const payoutScope = 'create_payout_transactions';

export function clientFields(sandbox: Sandbox, scope: string = payoutScope): Fields {
  return {
    grant_type: 'client_credentials',
    client_id: sandbox.clientId,
    client_secret: sandbox.clientSecret,
    scope,
  };
}

export function passwordFields(sandbox: Sandbox, scope: string = payoutScope): Fields {
  return {
    grant_type: 'password',
    client_id: sandbox.publicClientId,
    username: sandbox.username,
    password: sandbox.password,
    scope,
  };
}

export function refreshFields(sandbox: Sandbox, refreshToken: string): Fields {
  return { grant_type: 'refresh_token', client_id: sandbox.publicClientId, refresh_token: refreshToken };
}

export function mint(sandbox: Sandbox, scope?: string): Promise<Seen> {
  return postForm(sandbox.environment.tokenUrl, clientFields(sandbox, scope));
}

export async function mintedToken(sandbox: Sandbox, scope?: string): Promise<string> {
  return (await mint(sandbox, scope)).body.access_token;
}

export interface CallOptions {
  readonly method?: string;
  readonly token?: string | undefined;
  readonly json?: unknown;
  readonly headers?: Fields;
}

export async function call(
  sandbox: Sandbox,
  path: string,
  { method = 'GET', token, json, headers = {} }: CallOptions = {},
): Promise<Seen> {
  const init: RequestInit = {
    method,
    redirect: 'manual',
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
  };
  if (json !== undefined) init.body = JSON.stringify(json);
  return seen(await fetch(`${sandbox.url}${path}`, init));
}
