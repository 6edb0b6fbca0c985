import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { payment } from '../support/payments.ts';
import { call, type Fields, postForm, type Seen, sandboxFor } from './support.ts';

const CLIENTS = ['101', '102'].map((merchantId) => ({
  clientId: `client-${merchantId}`,
  clientSecret: `secret-${merchantId}`,
  merchantId,
}));
const SCOPES = 'create_payout_transactions create_payment_links read_payment_links';

async function tokenOf(sandbox: Sandbox, merchantId: string): Promise<string> {
  const fields = {
    grant_type: 'client_credentials',
    client_id: `client-${merchantId}`,
    client_secret: `secret-${merchantId}`,
    scope: SCOPES,
  };
  return (await postForm(sandbox.environment.tokenUrl, fields)).body.access_token;
}

async function pay(sandbox: Sandbox, merchantId: string, headers: Fields): Promise<Seen> {
  const token = await tokenOf(sandbox, merchantId);
  const options = { method: 'POST', token, json: [payment('1')], headers };
  return call(sandbox, '/payout/v2/payment', options);
}

describe('clients with a merchant id of their own', () => {
  it('each has its own references and payments', async () => {
    const sandbox = await sandboxFor({ clients: CLIENTS });
    for (const merchantId of ['101', '102'])
      expect((await pay(sandbox, merchantId, { pid: merchantId })).body.status).toBe(0);
    expect((await pay(sandbox, '101', { pid: '101' })).body.data[0].code).toEqual([1002]);
    sandbox.movePayment('1', 'SUCCESS', { merchantId: '102' });
    expect(sandbox.payments()).toMatchObject([
      { merchantId: '101', merchantRefId: '1', step: 'QUEUED' },
      { merchantId: '102', merchantRefId: '1', step: 'SUCCESS' },
    ]);
    const authorization = `Bearer ${await tokenOf(sandbox, '101')}`;
    const headers = { authorization, payoutMerchantId: '101' };
    const { body } = await postForm(`${sandbox.url}/payout/payment/listTransactions`, {}, headers);
    expect(body.data.transactionDetails).toMatchObject([{ merchantRefId: '1', txnStatus: 'QUEUED' }]);
  });

  it.each<[Fields, number]>([
    [{ pid: '101' }, 200],
    [{ payoutMerchantId: '101' }, 200],
    [{ pid: '101', payoutMerchantId: '101' }, 200],
    [{ pid: '102' }, 403],
    [{ pid: '101', payoutMerchantId: '102' }, 403],
    [{}, 403],
  ])('client 101 with the headers %j: %d', async (headers, status) => {
    const sandbox = await sandboxFor({ clients: CLIENTS });
    const seen = await pay(sandbox, '101', headers);
    expect(seen.status).toBe(status);
    if (status === 403) expect(seen.headers.get('content-type')).toContain('text/html');
    expect(sandbox.stats().payments).toBe(status === 200 ? 1 : 0);
  });

  it('each has its own invoice numbers', async () => {
    const sandbox = await sandboxFor({ clients: CLIENTS });
    for (const merchantId of ['101', '102', '101']) {
      const token = await tokenOf(sandbox, merchantId);
      const headers = { merchantId };
      const json = { invoiceNumber: 'INV1', subAmount: 2, description: merchantId };
      await call(sandbox, '/payment-links', { method: 'POST', token, json, headers });
      const { body } = await call(sandbox, '/payment-links/INV1', { token, headers });
      expect(body.result).toMatchObject({ invoiceNumber: 'INV1', description: merchantId });
    }
    expect(sandbox.stats().paymentLinks).toBe(2);
  });

  it('a client’s merchant id counts, not the sandbox’s; clients without one share the latter', async () => {
    const plain = { clientId: 'client-103', clientSecret: 'secret-103' };
    const sandbox = await sandboxFor({ merchantId: '1', clients: [...CLIENTS, plain] });
    expect((await pay(sandbox, '101', { pid: '101' })).status).toBe(200);
    expect((await pay(sandbox, '101', { pid: '1' })).status).toBe(403);
    expect((await pay(sandbox, '103', { pid: '1' })).status).toBe(200);
    expect((await pay(sandbox, '103', {})).body.data[0].code).toEqual([1002]);
  });

  it('an empty merchant id is refused', async () => {
    await expect(sandboxFor({ clients: [{ clientId: 'a', merchantId: '' }] })).rejects.toThrow(
      '"clients[0].merchantId" must be a non-empty string',
    );
  });
});
