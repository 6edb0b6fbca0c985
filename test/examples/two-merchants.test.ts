import axios from 'axios';
import { expect, onTestFinished, test } from 'vitest';
import { PayoutsClient } from '../../examples/payouts-client.ts';
import { createPayuAuth } from '../../src/index.ts';
import { startSandbox } from '../../src/sandbox/index.ts';
import { fakeTime, salary } from './support/world.ts';

const MERCHANTS = ['101', '102'].map((merchantId) => ({
  clientId: `client-${merchantId}`,
  clientSecret: `secret-${merchantId}`,
  merchantId,
}));

test('two merchants with the same references lose answers at once: each is paid once, and knows it', async () => {
  const sandbox = await startSandbox({ clients: MERCHANTS, paymentCourse: ['QUEUED', 'SUCCESS'] });
  onTestFinished(() => sandbox.close());
  const clients = MERCHANTS.map(({ clientId, clientSecret, merchantId }) => {
    const auth = createPayuAuth({
      environment: sandbox.environment,
      grant: { type: 'client_credentials', clientId, clientSecret },
      scope: 'create_payout_transactions',
    });
    onTestFinished(() => auth.close());
    const http = axios.create({ baseURL: `${sandbox.url}/payout`, adapter: 'http' });
    auth.attach(http);
    const time = fakeTime();
    const surroundings = {
      now: () => time.now(),
      wait: (ms: number, signal: AbortSignal) => time.wait(ms, signal),
      timeout: (ms: number) => time.timeout(ms),
    };
    return new PayoutsClient(http, { merchantId }, surroundings);
  });
  // Of four sends, one is lost before its effect and three after it.
  const on = { on: 'api', path: '/payout/v2/payment' } as const;
  sandbox.fail(1, { kind: 'reset-before-read' }, on);
  sandbox.fail(3, { kind: 'status', status: 502, processed: true }, on);
  const calls = clients.flatMap((client) => ['a', 'b'].map((reference) => client.payOnce(salary(reference))));
  expect(await Promise.all(calls)).toMatchObject(calls.map(() => ({ kind: 'paid' })));
  const paid = sandbox
    .payments()
    .map(({ merchantId, merchantRefId, step }) => `${merchantId} ${merchantRefId} ${step}`);
  expect(paid.sort()).toEqual(['101 a SUCCESS', '101 b SUCCESS', '102 a SUCCESS', '102 b SUCCESS']);
  expect(sandbox.stats()).toMatchObject({ payments: 4, duplicatePayments: 0, faults: 4 });
});
