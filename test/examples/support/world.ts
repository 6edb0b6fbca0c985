import axios, { type AxiosInstance } from 'axios';
import { onTestFinished } from 'vitest';
import { type Payment, PayoutsClient, type Surroundings } from '../../../examples/payouts-client.ts';
import { createPayuAuth } from '../../../src/index.ts';
import {
  type Sandbox,
  type SandboxOptions,
  type SandboxStats,
  startSandbox,
} from '../../../src/sandbox/index.ts';

/** A PayU, and clients of it for whom time passes only while they wait, at once. */
export interface PayoutsWorld {
  readonly sandbox: Sandbox;
  /** The instance that clients use, with an auth attached. */
  readonly http: AxiosInstance;
  /** A client as a process makes it when it starts. */
  start(): PayoutsClient;
  readonly time: FakeTime;
}

/** What happens in the pauses of a client, and to its time limits. */
export interface FakeTime extends Surroundings {
  /** Pauses so far, in milliseconds. */
  readonly pauses: readonly number[];
  /** Called with the number of each pause, from 1, before the client goes on. */
  onPause: (pause: number) => unknown;
  /** All time limits that run at the moment are over. */
  timeOut(): void;
}

export function fakeTime(): FakeTime {
  let now = 0;
  const pauses: number[] = [];
  const limits: AbortController[] = [];
  return {
    pauses,
    onPause: () => undefined,
    now: () => now,
    async wait(ms, signal) {
      signal.throwIfAborted();
      now += ms;
      await this.onPause(pauses.push(ms));
      signal.throwIfAborted();
    },
    timeout() {
      const limit = new AbortController();
      limits.push(limit);
      return limit.signal;
    },
    timeOut() {
      for (const limit of limits.splice(0)) limit.abort(new DOMException('timed out', 'TimeoutError'));
    },
  };
}

export const MERCHANT_ID = '1111123';

/** An axios instance with an auth for a sandbox that ends with the test. */
export async function payouts(options: SandboxOptions = {}): Promise<PayoutsWorld> {
  const sandbox = await startSandbox({ merchantId: MERCHANT_ID, ...options });
  const auth = createPayuAuth({
    environment: sandbox.environment,
    grant: { type: 'client_credentials', clientId: sandbox.clientId, clientSecret: sandbox.clientSecret },
    scope: 'create_payout_transactions',
  });
  onTestFinished(async () => {
    await auth.close();
    await sandbox.close();
  });
  const http = axios.create({ baseURL: `${sandbox.url}/payout`, adapter: 'http' });
  auth.attach(http);
  const time = fakeTime();
  // Bound: the client takes them as functions.
  const surroundings: Surroundings = {
    now: () => time.now(),
    wait: (ms, signal) => time.wait(ms, signal),
    timeout: (ms) => time.timeout(ms),
  };
  return {
    sandbox,
    http,
    time,
    start: () => new PayoutsClient(http, { merchantId: MERCHANT_ID }, surroundings),
  };
}

/** As soon as the sandbox has come to this, the requests that wait for it are out of time. */
export function timeOutOnce(
  { sandbox, time }: PayoutsWorld,
  condition: (stats: SandboxStats) => boolean,
): void {
  sandbox.until(condition).then(
    () => time.timeOut(),
    () => undefined,
  );
}

export function salary(merchantRefId: string, amount = 100): Payment {
  return {
    merchantRefId,
    batchId: 'salary-2026-03',
    paymentType: 'IMPS',
    amount,
    purpose: 'salary',
    beneficiaryName: 'Asha Rao',
    beneficiaryAccountNumber: '51234567890',
    beneficiaryIfscCode: 'HDFC0001234',
  };
}
