import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { payment } from '../support/payments.ts';
import { call, type Fields, manualClock, mintedToken, postForm, type Seen, sandboxFor } from './support.ts';

const DAY_MS = 86_400_000;

async function pay(sandbox: Sandbox, ...payments: unknown[]): Promise<void> {
  const token = await mintedToken(sandbox);
  await call(sandbox, '/payout/v2/payment', { method: 'POST', token, json: payments });
}

async function ask(sandbox: Sandbox, fields: Fields = {}, headers: Fields = {}): Promise<Seen> {
  const authorization = `Bearer ${await mintedToken(sandbox)}`;
  const url = `${sandbox.url}/payout/payment/listTransactions`;
  return postForm(url, fields, { authorization, ...headers });
}

const references = ({ body }: Seen): readonly string[] =>
  body.data.transactionDetails.map(({ merchantRefId }: { merchantRefId: string }) => merchantRefId);

describe('POST /payment/listTransactions', () => {
  it('the documented reply', async () => {
    const clock = manualClock(Date.UTC(2022, 7, 22, 5, 56, 13));
    const sandbox = await sandboxFor({ now: clock.now });
    await pay(sandbox, payment('ref-1', 1.5));
    clock.advance(2000);
    sandbox.movePayment('ref-1', 'FAILED', { msg: 'no such account', txnSubStatus: 'REVERSED' });
    const { status, body } = await ask(sandbox, { merchantRefId: 'ref-1' });
    expect([status, body]).toEqual([
      200,
      {
        status: 0,
        msg: null,
        code: null,
        data: {
          payoutMerchantId: null,
          noOfPages: 1,
          totalElements: 1,
          currentPage: 0,
          totalAmount: 0,
          succesTxn: 0,
          pendingTxn: 0,
          transactionDetails: [
            {
              txnId: expect.any(Number),
              batchId: '1',
              merchantRefId: 'ref-1',
              purpose: 'salary',
              amount: 1.5,
              txnStatus: 'FAILED',
              txnSubStatus: 'REVERSED',
              txnDate: '2022-08-22T05:56:13.000+0000',
              payuTransactionRefNo: expect.stringMatching(/^PAYOUT\d+$/),
              beneficiaryName: 'Asha Rao',
              msg: 'no such account',
              transferType: 'IMPS',
              bankTransactionRefNo: null,
              lastStatusUpdateDate: '2022-08-22T05:56:15.000+0000',
            },
          ],
        },
      },
    ]);
  });

  it('a reference that nobody knows: an empty list, and no error', async () => {
    const sandbox = await sandboxFor();
    const { body } = await ask(sandbox, { merchantRefId: 'none' });
    expect(body).toMatchObject({
      status: 0,
      data: { noOfPages: 0, totalElements: 0, transactionDetails: [] },
    });
  });

  it.each<[string, Fields, string[]]>([
    ['nothing: all, the newest first', {}, ['b', 'a-1', 'a']],
    [
      'empty fields, as in PayU’s sample',
      { merchantRefId: '', transferStatus: '', batchId: '' },
      ['b', 'a-1', 'a'],
    ],
    ['a reference, whole and not its beginning', { merchantRefId: 'a' }, ['a']],
    ['a status', { transferStatus: 'SUCCESS' }, ['b']],
    ['a status in lower case, as in PayU’s sample', { transferStatus: 'success' }, ['b']],
    ['a batch', { batchId: 'second' }, ['b']],
    ['from', { from: '02/01/2022' }, ['b', 'a-1']],
    ['to', { to: '02/01/2022' }, ['a-1', 'a']],
    ['a day', { from: '02/01/2022', to: '02/01/2022' }, ['a-1']],
    ['both, without a hit', { merchantRefId: 'b', transferStatus: 'FAILED' }, []],
  ])('asked for %s', async (_title, fields, expected) => {
    const clock = manualClock(Date.UTC(2022, 0, 1, 23, 59, 59));
    const sandbox = await sandboxFor({ now: clock.now, tokenLifeSeconds: null });
    for (const ref of ['a', 'a-1', 'b']) {
      await pay(sandbox, { ...payment(ref), batchId: ref === 'b' ? 'second' : '1' });
      clock.advance(DAY_MS);
    }
    sandbox.movePayment('b', 'SUCCESS');
    expect(references(await ask(sandbox, fields))).toEqual(expected);
  });

  it.each<[Fields, number, number, number]>([
    [{}, 10, 0, 11],
    [{ page: '1', pageSize: '100' }, 100, 0, 2],
    [{ page: '2', pageSize: '100' }, 1, 1, 2],
    [{ page: '3', pageSize: '100' }, 0, 2, 2],
    [{ page: '0' }, 10, 0, 11],
  ])('pages: %j → %d entries, currentPage %d of %d', async (fields, entries, currentPage, noOfPages) => {
    const sandbox = await sandboxFor();
    await pay(sandbox, ...Array.from({ length: 101 }, (_, index) => payment(`ref-${index}`)));
    const { body } = await ask(sandbox, fields);
    expect(body.data.transactionDetails).toHaveLength(entries);
    expect(body.data).toMatchObject({ currentPage, noOfPages, totalElements: 101 });
  });

  it.each<Fields>([
    { pageSize: '101' },
    { pageSize: '0' },
    { pageSize: 'all' },
    { page: 'x' },
    { from: '2022-01-01' },
    { to: '31/02/2022' },
    { transferStatus: 'DONE' },
  ])('%j is not answered', async (fields) => {
    const { status, body } = await ask(await sandboxFor(), fields);
    expect([status, body.status, body.data]).toEqual([200, 1, null]);
  });

  it('JSON is not answered: PayU asks for a form', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    const options = { method: 'POST', token, json: { merchantRefId: 'a' } };
    const { body } = await call(sandbox, '/payout/payment/listTransactions', options);
    expect(body).toMatchObject({ status: 1, msg: expect.stringContaining('form') });
  });

  it('a bad token: 401', async () => {
    const sandbox = await sandboxFor();
    expect((await ask(sandbox, {}, { authorization: 'Bearer wrong' })).status).toBe(401);
  });
});

describe('a payment on its way', () => {
  const status = async (sandbox: Sandbox): Promise<string | undefined> =>
    (await ask(sandbox, { merchantRefId: 'a' })).body.data.transactionDetails[0]?.txnStatus;

  it('stays QUEUED until it is moved, to any status', async () => {
    const sandbox = await sandboxFor();
    await pay(sandbox, payment('a'));
    expect([await status(sandbox), await status(sandbox)]).toEqual(['QUEUED', 'QUEUED']);
    for (const to of ['IN_PROGRESS', 'PENDING', 'WAITING_FOR_RETRY', 'FAILED', 'SUCCESS'] as const) {
      sandbox.movePayment('a', to);
      expect(await status(sandbox)).toBe(to);
    }
  });

  it('goes one step on its course with each check that is about it, also while it is not listed', async () => {
    const sandbox = await sandboxFor({ paymentCourse: ['UNLISTED', 'QUEUED', 'SUCCESS'] });
    await pay(sandbox, payment('a'), payment('b'));
    const seen: (string | undefined)[] = [];
    for (let asked = 0; asked < 4; asked += 1) seen.push(await status(sandbox));
    expect(seen).toEqual([undefined, 'QUEUED', 'SUCCESS', 'SUCCESS']);
    expect(sandbox.payments()).toMatchObject([{ step: 'SUCCESS' }, { step: 'UNLISTED' }]);
  });

  it('a course that is set later is that of later payments; moving ends one', async () => {
    const sandbox = await sandboxFor();
    await pay(sandbox, payment('first'));
    sandbox.setPaymentCourse(['PENDING', 'FAILED']);
    await pay(sandbox, payment('a'));
    sandbox.movePayment('a', 'IN_PROGRESS');
    expect([await status(sandbox), await status(sandbox)]).toEqual(['IN_PROGRESS', 'IN_PROGRESS']);
    expect(sandbox.payments()).toMatchObject([{ step: 'QUEUED' }, { step: 'IN_PROGRESS' }]);
  });

  it('wrong arguments are refused where they are given', async () => {
    const sandbox = await sandboxFor();
    expect(() => sandbox.movePayment('a', 'SUCCESS')).toThrow('"merchantRefId" must be the reference');
    expect(() => sandbox.setPaymentCourse([])).toThrow('"course" must not be empty');
    await expect(sandboxFor({ paymentCourse: ['DONE' as never] })).rejects.toThrow('"paymentCourse" must be');
    await expect(sandboxFor({ batches: 'some' as never })).rejects.toThrow('"batches" must be one of');
  });
});
