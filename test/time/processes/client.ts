/** What the child processes have in common: an auth for a sandbox of the parent's, and an instance that uses it. */
import axios, { type AxiosInstance } from 'axios';
import type { PayuAuthOptions } from '../../../src/options/options.ts';
import { createPayuAuthIn, type PayuAuth } from '../../../src/payu-auth.ts';
import { systemClock } from '../../../src/time/clock.ts';

/** How to reach a sandbox. */
export interface Place {
  readonly url: string;
  readonly environment: { readonly tokenUrl: string; readonly revokeUrl: string };
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A sandbox for each scenario, as the parent passes them on the command line. */
export function places(): Readonly<Record<string, Place>> {
  return JSON.parse(process.argv[2] ?? '{}');
}

export interface Client {
  readonly auth: PayuAuth;
  readonly payouts: AxiosInstance;
  /** Moves `now`, but no timer. */
  skip(ms: number): void;
}

export function clientFor(place: Place | undefined, options: Partial<PayuAuthOptions> = {}): Client {
  if (place === undefined) throw new Error('No sandbox for this scenario.');
  let skippedMs = 0;
  const clock = { ...systemClock, now: () => Date.now() + skippedMs };
  const { environment, clientId, clientSecret } = place;
  const auth = createPayuAuthIn(
    { clock, random: () => 0 },
    {
      environment,
      grant: { type: 'client_credentials', clientId, clientSecret },
      scope: 'create_payout_transactions',
      // Whatever stays behind stays longer than any test.
      tokenTimeoutMs: 3_600_000,
      ...options,
    },
  );
  const payouts = axios.create({ baseURL: `${place.url}/payout` });
  auth.attach(payouts);
  return {
    auth,
    payouts,
    skip: (ms) => {
      skippedMs += ms;
    },
  };
}
