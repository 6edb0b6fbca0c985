import { describe, expect, it } from 'vitest';
import { payment } from '../support/payments.ts';
import { call, mintedToken, sandboxFor } from './support.ts';

const upi = {
  merchantRefId: 'upi-1',
  amount: 1.1,
  batchId: '1',
  purpose: 'salary',
  paymentType: 'UPI',
  vpa: 'asha@bank',
};

/** A payment without some of its fields, or with others. */
const changed = (fields: Readonly<Record<string, unknown>>): unknown => ({ ...payment('1'), ...fields });

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

  it.each(['/payout/v2/payment', '/payout/payment'])(
    'POST %s: a reference that was used before is refused with 1002, whatever else is in the payment',
    async (path) => {
      const sandbox = await sandboxFor();
      const token = await mintedToken(sandbox);
      await call(sandbox, path, { method: 'POST', token, json: [payment('1')] });
      for (const json of [[payment('1')], [payment('1', 2)]]) {
        const { status, body } = await call(sandbox, '/payout/v2/payment', { method: 'POST', token, json });
        expect([status, body]).toEqual([
          200,
          {
            status: 1,
            msg: null,
            code: null,
            data: [{ batchId: '1', merchantRefId: '1', error: 'DUPLICATE MERCHANT REF ID', code: [1002] }],
          },
        ]);
      }
      expect(sandbox.stats()).toMatchObject({ payments: 1, duplicatePayments: 2 });
      expect(sandbox.payments()).toMatchObject([{ merchantRefId: '1', amount: 1, step: 'QUEUED' }]);
    },
  );

  it('the same reference twice in one list: the second one is a duplicate', async () => {
    const sandbox = await sandboxFor({ batches: 'per-entry' });
    const token = await mintedToken(sandbox);
    const json = [payment('1'), payment('1')];
    const { body } = await call(sandbox, '/payout/v2/payment', { method: 'POST', token, json });
    expect(body).toMatchObject({ status: 1, data: [{ merchantRefId: '1', code: [1002] }] });
    expect(sandbox.stats()).toMatchObject({ payments: 1, duplicatePayments: 1 });
  });

  it('a payment without a reference gets one of PayU’s: sent twice, it is paid twice', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    const options = { method: 'POST', token, json: [changed({ merchantRefId: undefined })] };
    await call(sandbox, '/payout/v2/payment', options);
    await call(sandbox, '/payout/v2/payment', options);
    expect(sandbox.stats()).toMatchObject({ payments: 2, duplicatePayments: 0 });
    expect(new Set(sandbox.payments().map(({ merchantRefId }) => merchantRefId)).size).toBe(2);
  });

  it('UPI: with a vpa in place of an account', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    const { body } = await call(sandbox, '/payout/v2/payment', { method: 'POST', token, json: [upi] });
    expect(body.status).toBe(0);
    expect(sandbox.payments()).toMatchObject([{ amount: 1.1, paymentType: 'UPI', beneficiaryName: null }]);
  });

  it.each<[string, unknown, number[]]>([
    ['41 characters of a reference', changed({ merchantRefId: 'x'.repeat(41) }), [1001]],
    ['no batch', changed({ batchId: '' }), [1003]],
    ['no account', changed({ beneficiaryAccountNumber: ' ' }), [1004]],
    ['UPI without a vpa', { ...upi, vpa: undefined }, [1004]],
    ['no IFSC', changed({ beneficiaryIfscCode: undefined }), [1005]],
    ['an IFSC of another form', changed({ beneficiaryIfscCode: 'HDFC1001234' }), [1022]],
    ['an amount of 0', changed({ amount: 0 }), [1006]],
    ['an amount below 0', changed({ amount: -1 }), [1006]],
    ['a third decimal', changed({ amount: 1.005 }), [1006]],
    ['an amount in words', changed({ amount: 'one' }), [1006]],
    ['no amount', changed({ amount: undefined }), [1006]],
    ['NEFT without a name', changed({ paymentType: 'NEFT', beneficiaryName: undefined }), [1007]],
    ['no purpose', changed({ purpose: undefined }), [1010]],
    ['no type', changed({ paymentType: undefined }), [1011]],
    ['another type', changed({ paymentType: 'WIRE' }), [1011]],
    ['several at once', changed({ amount: 0, purpose: '' }), [1006, 1010]],
    ['no payment at all', 'x', [1003, 1004, 1005, 1006, 1010, 1011]],
  ])('%s: refused by its number, nothing is paid', async (_title, bad, code) => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    const { status, body } = await call(sandbox, '/payout/v2/payment', {
      method: 'POST',
      token,
      json: [bad],
    });
    expect([status, body.status, body.data[0].code]).toEqual([200, 1, code]);
    expect(sandbox.stats().payments).toBe(0);
  });

  it.each(['1.01', 1234.12, 0.01, 0.07])('an amount of %s is one', async (amount) => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    await call(sandbox, '/payout/v2/payment', { method: 'POST', token, json: [changed({ amount })] });
    expect(sandbox.payments()).toMatchObject([{ amount: Number(amount) }]);
  });

  it.each([
    ['all-or-none', ['2'], 0],
    ['per-entry', ['2'], 1],
  ] as const)('batches: %s: one bad payment among good ones', async (batches, bad, payments) => {
    const sandbox = await sandboxFor({ batches });
    const token = await mintedToken(sandbox);
    const json = [payment('1'), payment('2', -1)];
    const { body } = await call(sandbox, '/payout/v2/payment', { method: 'POST', token, json });
    expect(body.data.map(({ merchantRefId }: { merchantRefId: string }) => merchantRefId)).toEqual(bad);
    expect(sandbox.stats().payments).toBe(payments);
  });

  it.each([
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
