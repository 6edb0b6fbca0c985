import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { AxiosInstance, AxiosRequestConfig, AxiosStatic } from 'axios';
import { onTestFinished, vi } from 'vitest';
import type { PayuAuthEvent } from '../../../src/events.ts';
import type { PayuAuthOptions } from '../../../src/options/options.ts';
import type { PayuAuth } from '../../../src/payu-auth.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../../src/sandbox/index.ts';
import { AXIOS_VERSIONS, type AxiosVersion, libraryOn } from '../../axios/support.ts';
import { middling } from '../../support/harness.ts';
import { ManualClock } from '../../support/manual-clock.ts';

export { AXIOS_VERSIONS };
export const ADAPTERS = ['http', 'fetch'] as const;

/** Short, and with all that needs encoding: nothing that merely looks like a token can be told from them. */
export const CANARIES = {
  clientSecret: 'cL1ent+S3cr%t&:@"₹',
  password: 'pa55+W0rd%/&"é',
  proxyPassword: 'pr0xy-Pa55w%rd',
} as const;

const SEED = 7;
/** The sandbox's tokens, old and new, access and refresh: it makes the same ones for the same seed. */
const TOKENS = Array.from({ length: 40 }, (_, index) =>
  createHash('sha256')
    .update(`${SEED}:${index + 1}`)
    .digest('hex'),
);
export const SECRETS: readonly string[] = [...Object.values(CANARIES), ...TOKENS];
export const FIRST_TOKEN = TOKENS[0] as string;
export const ALL_TOKENS: readonly string[] = TOKENS;

export interface CanaryWorld {
  readonly axios: AxiosStatic;
  readonly sandbox: Sandbox;
  readonly clock: ManualClock;
  readonly auth: PayuAuth;
  readonly client: AxiosInstance;
  /** Attached as `client` is, somewhere else. */
  clientFor(config: AxiosRequestConfig): AxiosInstance;
  createAuth(options: Partial<PayuAuthOptions>): PayuAuth;
  readonly events: PayuAuthEvent[];
  /** All that was written to stdout and stderr, and to the console. */
  readonly printed: string[];
}

export interface CanaryOptions {
  readonly version: AxiosVersion;
  /** For API requests and token requests alike. */
  readonly adapter: 'http' | 'fetch';
  readonly grant?: 'client_credentials' | 'password';
  readonly options?: Partial<PayuAuthOptions>;
  readonly sandboxOptions?: SandboxOptions;
}

/** A sandbox with marked secrets, and an auth that was loaded on top of this version of axios. */
export async function startCanaryWorld(setup: CanaryOptions): Promise<CanaryWorld> {
  const { version, adapter, grant = 'client_credentials', options = {} } = setup;
  const printed = recordPrinted();
  const { axios, createPayuAuthIn } = await libraryOn(version);
  const clock = new ManualClock();
  const sandbox = await startSandbox({
    now: () => clock.now(),
    seed: SEED,
    clientSecret: CANARIES.clientSecret,
    password: CANARIES.password,
    ...setup.sandboxOptions,
  });
  const events: PayuAuthEvent[] = [];
  const auths: PayuAuth[] = [];
  onTestFinished(async () => {
    const closing = Promise.all(auths.map((each) => each.close()));
    await sandbox.close();
    clock.advance(3_600_000);
    await closing;
  });
  const grants = {
    client_credentials: {
      type: 'client_credentials',
      clientId: sandbox.clientId,
      clientSecret: CANARIES.clientSecret,
    },
    password: {
      type: 'password',
      clientId: sandbox.publicClientId,
      username: sandbox.username,
      password: CANARIES.password,
    },
  } as const satisfies Record<string, PayuAuthOptions['grant']>;
  const createAuth = (own: Partial<PayuAuthOptions>): PayuAuth => {
    const auth = createPayuAuthIn(
      { clock, random: middling },
      {
        environment: sandbox.environment,
        grant: grants[grant],
        scope: 'create_payout_transactions',
        tokenAttempts: 1,
        maxWaitMs: 30_000,
        http: { adapter },
        onEvent: (event) => events.push(event),
        ...options,
        ...own,
      },
    );
    auths.push(auth);
    return auth;
  };
  const auth = createAuth({});
  const clientFor = (config: AxiosRequestConfig): AxiosInstance => {
    const client = axios.create({ baseURL: sandbox.url, adapter, ...config } as object);
    auth.attach(client);
    return client;
  };
  return { axios, sandbox, clock, auth, client: clientFor({}), clientFor, createAuth, events, printed };
}

/** What a call fails with. That it does not fail is a failure of the test. */
export async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => {
      throw new Error('this call was meant to fail');
    },
    (error: unknown) => error,
  );
}

/** Lets the clock pass whenever the call waits for it, and for nothing else that is under way. */
export async function passingTime<T>(
  world: CanaryWorld,
  call: Promise<T>,
  isStuck: () => boolean,
): Promise<T> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  call.then(over, over);
  for (let stuck = 0; !isOver; ) {
    await turn();
    stuck = isStuck() ? stuck + 1 : 0;
    const next = world.clock.nextInMs;
    if (stuck < 20 || next === undefined) continue;
    world.clock.advance(next);
    stuck = 0;
  }
  return call;
}

function recordPrinted(): string[] {
  const printed: string[] = [];
  const spies = [
    ...([process.stdout, process.stderr] as const).map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation((chunk) => {
        printed.push(String(chunk));
        return true;
      }),
    ),
    ...(['log', 'info', 'warn', 'error', 'debug', 'trace'] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation((...values: unknown[]) => {
        printed.push(values.map(String).join(' '));
      }),
    ),
  ];
  const warned = (warning: Error): void => {
    printed.push(String(warning.stack));
  };
  process.on('warning', warned);
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore();
    process.off('warning', warned);
  });
  return printed;
}
