import { describe, expect, it } from 'vitest';
import { call, mintedToken, sandboxFor } from './support.ts';

const payment = (merchantRefId: string, amount = 10): unknown => ({ merchantRefId, amount });

describe('Payouts', () => {
  it('GET /merchant/getAccountDetail: the documented body, for the merchant of the header', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    const headers = { payoutMerchantId: '42' };
    const { status, body } = await call(sandbox, '/payout/merchant/getAccountDetail', { token, headers });
    expect(status).toBe(200);
    expect(body).toEqual({
      status: 0,
      msg: null,
      code: null,
      data: { payoutMerchantId: 42, balance: 94003, lowBalance: false, type: 'current' },
    });
  });

  it('POST /v2/payment: each payment of the list is counted', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    const json = [payment('1'), payment('2')];
    const { status, body } = await call(sandbox, '/payout/v2/payment', { method: 'POST', token, json });
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 0, data: [] });
    expect(sandbox.stats()).toMatchObject({ payments: 2, duplicatePayments: 0 });
  });

  it('the same payment twice is paid twice, and counted as such', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    const options = { method: 'POST', token, json: [payment('1')] };
    await call(sandbox, '/payout/v2/payment', options);
    await call(sandbox, '/payout/v2/payment', options);
    expect(sandbox.stats()).toMatchObject({ payments: 2, duplicatePayments: 1 });
  });

  it.each([
    ['an amount of 0', [payment('1', 0)]],
    ['no reference', [{ amount: 1 }]],
    ['one bad payment among good ones', [payment('1'), payment('2', -1)]],
    ['an empty list', []],
    ['no list', payment('1')],
  ])('%s: a business failure at 200, nothing is paid', async (_title, json) => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    const { status, body } = await call(sandbox, '/payout/v2/payment', { method: 'POST', token, json });
    expect([status, body.status]).toEqual([200, 1]);
    expect(sandbox.stats().payments).toBe(0);
  });

  it.each(['wrong', undefined])('token %s: 401, nothing is paid', async (token) => {
    const sandbox = await sandboxFor();
    const options = { method: 'POST', token, json: [payment('1')] };
    const { status, headers, text } = await call(sandbox, '/payout/v2/payment', options);
    expect([status, text]).toEqual([401, '']);
    expect(headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(sandbox.stats()).toMatchObject({ unauthorized: 1, payments: 0 });
  });

  it('a missing scope: 403 without a body, nothing is paid', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox, 'read_payment_links');
    const options = { method: 'POST', token, json: [payment('1')] };
    const { status, text } = await call(sandbox, '/payout/v2/payment', options);
    expect([status, text]).toEqual([403, '']);
    expect(sandbox.stats()).toMatchObject({ unauthorized: 0, payments: 0 });
  });

  it.each([
    ['payoutMerchantId', '1', 200],
    ['payoutMerchantId', '2', 403],
    ['pid', '2', 403],
  ])('a sandbox of merchant 1, header %s: %s → %d', async (name, value, status) => {
    const sandbox = await sandboxFor({ merchantId: '1' });
    const token = await mintedToken(sandbox);
    const headers = { [name]: value };
    const seen = await call(sandbox, '/payout/merchant/getAccountDetail', { token, headers });
    expect(seen.status).toBe(status);
    if (status === 403) expect(seen.headers.get('content-type')).toContain('text/html');
  });

  it('an unknown path: 404', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    expect((await call(sandbox, '/payout/unknown', { token })).status).toBe(404);
  });
});
