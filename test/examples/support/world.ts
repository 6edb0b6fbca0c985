import axios, { type AxiosInstance } from 'axios';
import { onTestFinished } from 'vitest';
import { PaymentLinksClient } from '../../../examples/payment-links-client.ts';
import { type Payment, PayoutsClient, type Surroundings } from '../../../examples/payouts-client.ts';
import { createPayuAuth } from '../../../src/index.ts';
import {
  type Sandbox,
  type SandboxOptions,
  type SandboxStats,
  startSandbox,
} from '../../../src/sandbox/index.ts';

/** A PayU, and clients of it for whom time passes only while they wait, at once. */
export interface ClientWorld<Client> {
  readonly sandbox: Sandbox;
  /** The instance that clients use, with an auth attached. */
  readonly http: AxiosInstance;
  /** A client as a process makes it when it starts. */
  start(): Client;
  readonly time: FakeTime;
}

export type PayoutsWorld = ClientWorld<PayoutsClient>;

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

/** A world of Payouts that ends with the test. */
export function payouts(options: SandboxOptions = {}): Promise<PayoutsWorld> {
  return world(
    '/payout',
    options,
    (http, time) => new PayoutsClient(http, { merchantId: MERCHANT_ID }, time),
  );
}

/** A world of Payment Links that ends with the test. */
export function links(options: SandboxOptions = {}): Promise<ClientWorld<PaymentLinksClient>> {
  const create = (http: AxiosInstance, time: Surroundings): PaymentLinksClient =>
    new PaymentLinksClient(http, { merchantId: MERCHANT_ID }, time);
  return world('/payment-links', options, create);
}

async function world<Client>(
  path: string,
  options: SandboxOptions,
  create: (http: AxiosInstance, surroundings: Surroundings) => Client,
): Promise<ClientWorld<Client>> {
  const sandbox = await startSandbox({ merchantId: MERCHANT_ID, ...options });
  const auth = createPayuAuth({
    environment: sandbox.environment,
    grant: { type: 'client_credentials', clientId: sandbox.clientId, clientSecret: sandbox.clientSecret },
    scope: ['create_payout_transactions', 'create_payment_links', 'read_payment_links'],
  });
  onTestFinished(async () => {
    await auth.close();
    await sandbox.close();
  });
  const http = axios.create({ baseURL: `${sandbox.url}${path}`, adapter: 'http' });
  auth.attach(http);
  const time = fakeTime();
  return { sandbox, http, time, start: () => create(http, boundTo(time)) };
}

/** Functions of their own: clients take them apart. */
function boundTo(time: FakeTime): Surroundings {
  return {
    now: () => time.now(),
    wait: (ms, signal) => time.wait(ms, signal),
    timeout: (ms) => time.timeout(ms),
  };
}

/** As soon as the sandbox has come to this, the requests that wait for it are out of time. */
export function timeOutOnce(
  { sandbox, time }: ClientWorld<unknown>,
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
