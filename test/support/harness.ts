import axios, { type AxiosInstance, type CreateAxiosDefaults } from 'axios';
import { onTestFinished } from 'vitest';
import type { PayuAuthEvent } from '../../src/events.ts';
import type { PayuAuthOptions } from '../../src/options/options.ts';
import { createPayuAuthIn, type PayuAuth } from '../../src/payu-auth.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/index.ts';
import { ManualClock } from './manual-clock.ts';

export const PAYOUTS_SCOPE = 'create_payout_transactions';
export const READ_LINKS = 'read_payment_links';
export const CREATE_LINKS = 'create_payment_links';

/** A sandbox and an auth that share a manual clock, with a Payouts client attached. */
export interface Harness {
  readonly sandbox: Sandbox;
  readonly clock: ManualClock;
  readonly auth: PayuAuth;
  readonly payouts: AxiosInstance;
  readonly links: AxiosInstance;
  readonly events: PayuAuthEvent[];
  /** Events of one type, in order. */
  eventsOf<T extends PayuAuthEvent['type']>(type: T): readonly Extract<PayuAuthEvent, { type: T }>[];
  /** Another auth in the same surroundings. */
  createAuth(options?: Partial<PayuAuthOptions>): PayuAuth;
  /** An axios instance for a path of the sandbox, not attached. */
  client(path?: string, config?: CreateAxiosDefaults): AxiosInstance;
}

/** Random numbers in the middle: jitter is there, and the same each time. */
export const middling = (): number => 0.5;

/** Starts it all; everything is closed when the test has finished. */
export async function startHarness(
  options: Partial<PayuAuthOptions> = {},
  sandboxOptions: SandboxOptions = {},
): Promise<Harness> {
  const clock = new ManualClock();
  const sandbox = await startSandbox({ now: () => clock.now(), ...sandboxOptions });
  const events: PayuAuthEvent[] = [];
  const auths: PayuAuth[] = [];
  onTestFinished(async () => {
    for (const each of auths) await each.close();
    await sandbox.close();
  });
  const createAuth = (own: Partial<PayuAuthOptions> = {}): PayuAuth => {
    const auth = createPayuAuthIn(
      { clock, random: middling },
      {
        environment: sandbox.environment,
        grant: {
          type: 'client_credentials',
          clientId: sandbox.clientId,
          clientSecret: sandbox.clientSecret,
        },
        scope: PAYOUTS_SCOPE,
        onEvent: (event) => events.push(event),
        ...options,
        ...own,
      },
    );
    auths.push(auth);
    return auth;
  };
  const client = (path = '', config: CreateAxiosDefaults = {}) =>
    axios.create({ baseURL: `${sandbox.url}${path}`, ...config });
  const auth = createAuth();
  const payouts = client('/payout');
  const links = client('/payment-links');
  auth.attach(payouts);
  auth.attach(links, { scope: [CREATE_LINKS, READ_LINKS] });
  return {
    sandbox,
    clock,
    auth,
    payouts,
    links,
    events,
    createAuth,
    client,
    eventsOf: (type) => events.filter((event): event is never => event.type === type),
  };
}

/** Calls at once; all have to come to an end. */
export function atOnce<T>(
  count: number,
  call: (index: number) => Promise<T>,
): Promise<PromiseSettledResult<T>[]> {
  return Promise.allSettled(Array.from({ length: count }, (_, index) => call(index)));
}

export function fulfilled<T>(results: readonly PromiseSettledResult<T>[]): number {
  return results.filter(({ status }) => status === 'fulfilled').length;
}
