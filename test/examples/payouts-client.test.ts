import { describe, expect, test } from 'vitest';
import { type Payment, PayoutsClient, type UpiPayment } from '../../examples/payouts-client.ts';
import type { Fault, PayoutStep, Sandbox } from '../../src/sandbox/index.ts';
import { LOST, type LostAnswer, titleOf } from './support/lost-answers.ts';
import { type PayoutsWorld, payouts, salary, timeOutOnce } from './support/world.ts';

const PAY = '/payout/v2/payment';
const ASK = '/payout/payment/listTransactions';

/** What the sandbox was sent, in order. */
function sent({ sandbox }: PayoutsWorld): readonly string[] {
  const names: Readonly<Record<string, string>> = { [PAY]: 'pay', [ASK]: 'ask' };
  return sandbox.requests().flatMap(({ kind, path }) => (kind === 'api' ? (names[path] ?? path) : []));
}

/** What became of the money, whatever the client says. */
function ledger(sandbox: Sandbox): readonly (readonly [reference: string, step: PayoutStep])[] {
  return sandbox.payments().map(({ merchantRefId, step }) => [merchantRefId, step]);
}

function lose(world: PayoutsWorld, { fault, effect, hangs }: LostAnswer): void {
  world.sandbox.fail(1, fault, { on: 'api', path: PAY });
  if (hangs) timeOutOnce(world, ({ faults, payments }) => (effect === 'none' ? faults : payments) === 1);
}

describe('payOnce, when the answer to the payment is lost', () => {
  test.each(LOST.map((row) => [titleOf(row), row] as const))(
    '%s: paid once, and known to be',
    async (_, row) => {
      const world = await payouts({ paymentCourse: ['QUEUED', 'IN_PROGRESS', 'SUCCESS'] });
      lose(world, row);
      const verdict = await world.start().payOnce(salary('ref-1'));
      expect(verdict).toMatchObject({ kind: 'paid', transaction: { merchantRefId: 'ref-1', amount: 100 } });
      expect(ledger(world.sandbox)).toEqual([['ref-1', 'SUCCESS']]);
      expect(world.sandbox.stats()).toMatchObject({ payments: 1, duplicatePayments: 0, faults: 1 });
      // Not listed is not "not paid": it is asked for some time, and sent again with the same reference.
      const resent = ['ask', 'pay', 'ask', 'ask', 'ask', 'pay', 'ask', 'ask', 'ask'];
      expect(sent(world)).toEqual(row.effect === 'none' ? resent : ['ask', 'pay', 'ask', 'ask', 'ask']);
    },
  );

  const withEffect = LOST.filter(({ effect }) => effect === 'before');
  test.each(withEffect.map((row) => [titleOf(row), row] as const))(
    '%s, and the list lags behind: the second send is refused (1002), which is no verdict',
    async (_, row) => {
      const lag = Array.from({ length: 4 }, () => 'UNLISTED' as const);
      const world = await payouts({ paymentCourse: [...lag, 'PENDING', 'SUCCESS'] });
      lose(world, row);
      expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
      expect(ledger(world.sandbox)).toEqual([['ref-1', 'SUCCESS']]);
      expect(world.sandbox.stats()).toMatchObject({ payments: 1, duplicatePayments: 1 });
    },
  );

  test.each(LOST.map((row) => [titleOf(row), row] as const))(
    '%s, and then it fails: failed, once',
    async (_, row) => {
      const world = await payouts({ paymentCourse: ['QUEUED', 'FAILED'] });
      lose(world, row);
      const verdict = await world.start().payOnce({ ...salary('ref-1'), retry: true });
      expect(verdict).toMatchObject({ kind: 'failed', transaction: { txnStatus: 'FAILED' } });
      expect(ledger(world.sandbox)).toEqual([['ref-1', 'FAILED']]);
    },
  );

  test('a request that comes late, when the client has long asked: found, and paid once', async () => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    const { sandbox, time } = world;
    const hold = sandbox.hold('api', PAY, { process: 'late' });
    hold.waitFor(1).then(() => time.timeOut());
    time.onPause = async (pause) => {
      if (pause === 1) await hold.waitForAborted(1);
      if (pause === 2) hold.release();
    };
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
    expect(sandbox.stats()).toMatchObject({ payments: 1, duplicatePayments: 0 });
  });

  test('a request that comes late, between the last question and the second send: 1002, and paid once', async () => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    const { sandbox, time, http } = world;
    const hold = sandbox.hold('api', PAY, { process: 'late' });
    hold.waitFor(1).then(() => time.timeOut());
    let sends = 0;
    http.interceptors.request.use(async (config) => {
      if (config.url === '/v2/payment' && ++sends === 2) hold.release();
      return config;
    });
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
    expect(sandbox.stats()).toMatchObject({ payments: 1, duplicatePayments: 1 });
  });
});

describe('payOnce, when nothing is lost', () => {
  test('options that are undefined are as if left out', async () => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    const options = { giveUpAfterMs: undefined, signal: undefined } as never;
    expect(await world.start().payOnce(salary('ref-1'), options)).toMatchObject({ kind: 'paid' });
  });

  test('asks, pays, and asks until the status is final', async () => {
    const world = await payouts({ paymentCourse: ['QUEUED', 'WAITING_FOR_RETRY', 'PENDING', 'SUCCESS'] });
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
    expect(sent(world)).toEqual(['ask', 'pay', 'ask', 'ask', 'ask', 'ask']);
    expect(world.time.pauses).toEqual([1_000, 2_000, 4_000, 8_000]);
  });

  test.each(['QUEUED', 'IN_PROGRESS', 'PENDING', 'WAITING_FOR_RETRY'] as const)(
    '%s when time is up: pending, and the same call asks on',
    async (step) => {
      const world = await payouts({ paymentCourse: [step] });
      const first = await world.start().payOnce(salary('ref-1'), { giveUpAfterMs: 5_000 });
      expect(first).toMatchObject({ kind: 'pending', transaction: { txnStatus: step } });
      world.sandbox.movePayment('ref-1', 'SUCCESS');
      expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
      expect(world.sandbox.stats()).toMatchObject({ payments: 1, duplicatePayments: 0 });
    },
  );

  test('taken and not listed when time is up: pending, without a transaction; never sent again in that call', async () => {
    const world = await payouts({ paymentCourse: ['UNLISTED'] });
    expect(await world.start().payOnce(salary('ref-1'))).toEqual({ kind: 'pending' });
    expect(sent(world).filter((what) => what === 'pay')).toHaveLength(1);
  });

  test('a status that PayU may add is not final', async () => {
    const world = await payouts();
    const other = { txnId: 1, merchantRefId: 'ref-1', amount: 100, txnStatus: 'ON_HOLD' };
    world.sandbox.replyNext(page([other]), { on: 'api', path: ASK });
    const verdict = await world.start().payOnce(salary('ref-1'), { giveUpAfterMs: 0 });
    expect(verdict).toMatchObject({ kind: 'pending', transaction: { txnStatus: 'ON_HOLD' } });
  });

  test.each<[string, Partial<Record<keyof UpiPayment | 'beneficiaryIfscCode', string>>, number[]]>([
    ['an IFSC of another form', { beneficiaryIfscCode: 'HDFC1' }, [1022]],
    ['no account', { beneficiaryAccountNumber: '' } as never, [1004]],
    ['no purpose', { purpose: '' }, [1010]],
  ])('%s: refused, once three further questions have found nothing', async (_, change, codes) => {
    const world = await payouts();
    const verdict = await world.start().payOnce({ ...salary('ref-1'), ...change } as Payment);
    expect(verdict).toMatchObject({ kind: 'refused', codes });
    expect(sent(world)).toEqual(['ask', 'pay', 'ask', 'ask', 'ask']);
    // Corrected, with the same reference.
    world.sandbox.setPaymentCourse(['SUCCESS']);
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
    expect(ledger(world.sandbox)).toEqual([['ref-1', 'SUCCESS']]);
  });

  test('UPI, version 1: the other path and the other header', async () => {
    const { http, sandbox, time } = await payouts({ paymentCourse: ['SUCCESS'] });
    const client = new PayoutsClient(http, { merchantId: '1111123', paymentPath: '/payment' }, time);
    const { batchId, purpose, amount } = salary('ref-1');
    const upi: UpiPayment = {
      merchantRefId: 'ref-1',
      batchId,
      purpose,
      amount,
      paymentType: 'UPI',
      vpa: 'asha@bank',
    };
    expect(await client.payOnce(upi)).toMatchObject({ kind: 'paid' });
    const paid = sandbox.requests().find(({ path }) => path === '/payout/payment');
    expect(paid?.headers).toMatchObject({ payoutmerchantid: '1111123' });
    expect(paid?.headers).not.toHaveProperty('pid');
  });
});

describe('payOnce, when it is refused before anything is done', () => {
  test('a token that was revoked: the library sends it once more, and it is paid once', async () => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    const client = world.start();
    await client.find('none');
    world.sandbox.revokeAllTokens();
    expect(await client.payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
    expect(world.sandbox.stats()).toMatchObject({ payments: 1, duplicatePayments: 0, unauthorized: 1 });
  });

  test('a token that is refused on the payment alone, whose replay is then lost: paid once', async () => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    world.sandbox.fail(
      1,
      { kind: 'oauth-error', error: 'invalid_token', status: 401 },
      { on: 'api', path: PAY },
    );
    world.sandbox.fail(1, { kind: 'reset-after-read' }, { on: 'api', path: PAY });
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
    expect(world.sandbox.stats()).toMatchObject({ payments: 1, duplicatePayments: 0 });
    expect(sent(world)).toEqual(['ask', 'pay', 'pay', 'ask']);
  });

  test('429, more often than the library waits: sent again, and paid once', async () => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    world.sandbox.rateLimit(3, { on: 'api', path: PAY, retryAfter: 0 });
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
    expect(world.sandbox.stats()).toMatchObject({ payments: 1, duplicatePayments: 0, rateLimited: 3 });
  });

  test('no token to be had: unknown, and nothing is sent', async () => {
    const world = await payouts();
    world.sandbox.setClientSecret('another');
    const verdict = await world.start().payOnce(salary('ref-1'));
    expect(verdict).toMatchObject({ kind: 'unknown', why: 'not-answered' });
    expect(world.sandbox.stats()).toMatchObject({ payments: 0, apiRequests: 0 });
  });

  test('a wrong merchant id (403 in HTML): unknown, and nothing is sent', async () => {
    const world = await payouts({ merchantId: '999' });
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({
      kind: 'unknown',
      why: 'not-answered',
    });
    expect(new Set(sent(world))).toEqual(new Set(['ask']));
  });
});

/** Ways in which the status check itself fails, whenever it is asked. */
const DUMB: readonly (readonly [Fault, hangs?: true])[] = [
  [{ kind: 'reset-before-read' }],
  [{ kind: 'reset-after-read' }],
  [{ kind: 'reset-in-body' }],
  [{ kind: 'truncated-json' }],
  [{ kind: 'status', status: 403, body: 'html' }],
  [{ kind: 'status', status: 500 }],
  [{ kind: 'status', status: 503, body: 'text' }],
  [{ kind: 'html-200' }],
  [{ kind: 'empty-200' }],
  [{ kind: 'garbage' }],
];

describe('payOnce, when the status check fails', () => {
  test.each(DUMB.map(([fault]) => [JSON.stringify(fault), fault] as const))(
    '%s from the start: unknown, and nothing is sent before PayU has answered',
    async (_, fault) => {
      const world = await payouts({ paymentCourse: ['SUCCESS'] });
      world.sandbox.fail({ share: 1 }, fault, { on: 'api', path: ASK });
      const verdict = await world.start().payOnce(salary('ref-1'));
      expect(verdict).toMatchObject({ kind: 'unknown', why: 'not-answered', error: expect.any(Error) });
      expect(ledger(world.sandbox)).toEqual([]);
      world.sandbox.clearFaults();
      expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
    },
  );

  test.each(DUMB.map(([fault]) => [JSON.stringify(fault), fault] as const))(
    '%s after a payment whose answer was lost: unknown, never failed; the same call finds out later',
    async (_, fault) => {
      const world = await payouts({ paymentCourse: ['SUCCESS'] });
      const { sandbox } = world;
      sandbox.fail(1, { kind: 'reset-after-read' }, { on: 'api', path: PAY });
      world.time.onPause = (pause) => {
        if (pause === 1) sandbox.fail({ share: 1 }, fault, { on: 'api', path: ASK });
      };
      expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({
        kind: 'unknown',
        why: 'not-answered',
      });
      sandbox.clearFaults();
      expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
      expect(sandbox.stats()).toMatchObject({ payments: 1, duplicatePayments: 0 });
    },
  );

  test.each([
    ['hang', 'hang'],
    ['hang-in-body', 'hang-in-body'],
  ] as const)('a %s is given up, and asked again', async (_, kind) => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    world.sandbox.fail(1, { kind }, { on: 'api', path: ASK });
    timeOutOnce(world, ({ faults }) => faults === 1);
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
    expect(sent(world)).toEqual(['ask', 'ask', 'pay', 'ask']);
  });

  test('taken, and then no answers: pending', async () => {
    const world = await payouts();
    world.time.onPause = (pause) => {
      if (pause === 1) world.sandbox.fail({ share: 1 }, { kind: 'empty-200' }, { on: 'api', path: ASK });
    };
    expect(await world.start().payOnce(salary('ref-1'))).toEqual({ kind: 'pending' });
  });
});

interface Entry {
  readonly txnId: number;
  readonly merchantRefId: string;
  readonly amount?: number | string;
  readonly txnStatus?: string;
  readonly [field: string]: unknown;
}

function page(transactionDetails: readonly Entry[], noOfPages = 1): { readonly body: unknown } {
  const data = { noOfPages, totalElements: transactionDetails.length, currentPage: 0, transactionDetails };
  return { body: { status: 0, msg: null, code: null, data } };
}

const success = (merchantRefId: string, txnId = 1): Entry => ({
  txnId,
  merchantRefId,
  amount: 100,
  txnStatus: 'SUCCESS',
});

describe('whose entry it is', () => {
  test.each(['ref-11', 'REF-1', 'ref-', ' ref-1', 'xref-1'])('"%s" is another payment', async (other) => {
    const world = await payouts();
    world.sandbox.replyNext(page([success(other)]), { on: 'api', path: ASK });
    expect(await world.start().find('ref-1')).toEqual([]);
  });

  test('among others, on a later page, as a number: found', async () => {
    const world = await payouts();
    const pages = [
      page([success('other'), success('11', 2)], 3),
      page([], 3),
      page([{ ...success('x', 3), merchantRefId: 1 as never }], 3),
    ];
    for (const each of pages) world.sandbox.replyNext(each, { on: 'api', path: ASK });
    expect(await world.start().find('1')).toMatchObject([{ txnId: 3, merchantRefId: '1' }]);
    const asked = world.sandbox
      .requests()
      .map(({ rawBody }) => new URLSearchParams(String(rawBody)).get('page'));
    expect(asked.filter((each) => each !== null)).toEqual(['1', '2', '3']);
  });

  test('the same entry on two pages is one', async () => {
    const world = await payouts();
    for (let turn = 0; turn < 2; turn++)
      world.sandbox.replyNext(page([success('ref-1')], 2), { on: 'api', path: ASK });
    expect(await world.start().find('ref-1')).toHaveLength(1);
  });

  test.each([
    ['SUCCESS', 'FAILED'],
    ['FAILED', 'SUCCESS'],
    ['SUCCESS', 'SUCCESS'],
    ['FAILED', 'FAILED'],
  ])('two entries of one reference, %s and %s: unknown, for a person', async (...statuses) => {
    const world = await payouts();
    const entries = statuses.map((txnStatus, index) => ({ ...success('ref-1', index), txnStatus }));
    world.sandbox.replyNext(page(entries), { on: 'api', path: ASK });
    expect(await world.start().payOnce(salary('ref-1'))).toEqual({ kind: 'unknown', why: 'several' });
    expect(sent(world)).toEqual(['ask']);
  });

  test.each([
    ['SUCCESS', 'FAILED', 'not-understood'],
    ['FAILED', 'SUCCESS', 'not-understood'],
    ['FAILED', 'PENDING', 'not-understood'],
    ['PENDING', 'SUCCESS', 'SUCCESS'],
    ['QUEUED', 'PENDING', 'PENDING'],
  ])('one transaction as %s on one page and as %s on the next: %s', async (first, second, expected) => {
    const world = await payouts();
    for (const txnStatus of [first, second])
      world.sandbox.replyNext(page([{ ...success('ref-1'), txnStatus }], 2), { on: 'api', path: ASK });
    const found = world.start().find('ref-1');
    expect(
      await found.then(
        ([one]) => one?.txnStatus,
        ({ kind }) => kind,
      ),
    ).toBe(expected);
  });

  test.each<[unknown, string]>([
    [999, 'not-understood'],
    ['999', 'not-understood'],
    [1111123, 'found'],
    ['1111123', 'found'],
    [null, 'found'],
    [undefined, 'found'],
  ])('a list of the merchant %j: %s', async (payoutMerchantId, expected) => {
    const world = await payouts();
    const { body } = page([success('ref-1')]) as { body: { data: object } };
    const data = { ...body.data, payoutMerchantId };
    world.sandbox.replyNext({ body: { ...body, data } }, { on: 'api', path: ASK });
    const found = world.start().find('ref-1');
    expect(
      await found.then(
        () => 'found',
        ({ kind }) => kind,
      ),
    ).toBe(expected);
  });

  // What may be ours, or not, must not pass for "nothing is listed": that lets a payment be sent again, or be refused.
  test.each<[string, unknown, 'own' | 'other' | 'not-understood']>([
    ['7', 7, 'own'],
    ['7', 8, 'other'],
    ['ref-7', 7, 'other'],
    ['007', 7, 'not-understood'],
    ['1e3', 1000, 'not-understood'],
    ['1152921504606847001', 2 ** 60, 'not-understood'],
    ['1152921504606847001', 2 ** 61, 'other'],
    ['7', null, 'not-understood'],
    ['7', undefined, 'not-understood'],
    ['7', true, 'not-understood'],
    ['7', ['7'], 'not-understood'],
  ])('"%s", listed as %j: %s', async (merchantRefId, listed, expected) => {
    const world = await payouts();
    const entry = { ...success('x'), merchantRefId: listed as never };
    world.sandbox.replyNext(page([entry]), { on: 'api', path: ASK });
    const found = world.start().find(merchantRefId);
    expect(
      await found.then(
        ({ length }) => (length === 1 ? 'own' : 'other'),
        ({ kind }) => kind,
      ),
    ).toBe(expected);
  });

  test.each<[unknown, string]>([
    [100, 'paid'],
    ['100', 'paid'],
    ['100.00', 'paid'],
    [100.00000000000001, 'paid'],
    [100.01, 'mismatch'],
    ['0', 'mismatch'],
    ['', 'unknown'],
    [' ', 'unknown'],
    ['1,000.00', 'unknown'],
    ['₹ 100', 'unknown'],
    ['0x64', 'unknown'],
    [true, 'unknown'],
    [[100], 'unknown'],
    [null, 'unknown'],
  ])('an amount of %j: %s', async (amount, kind) => {
    const world = await payouts();
    for (let turn = 0; turn < 6; turn++)
      world.sandbox.replyNext(page([{ ...success('ref-1'), amount: amount as never }]), {
        on: 'api',
        path: ASK,
      });
    expect(await world.start().payOnce(salary('ref-1'), { giveUpAfterMs: 1 })).toMatchObject({ kind });
    expect(sent(world)).toEqual(['ask']);
  });

  test.each([401, 403, 429, 500])(
    'a %i is no list, whatever the instance takes for a success',
    async (status) => {
      const world = await payouts();
      world.http.defaults.validateStatus = () => true;
      for (let turn = 0; turn < 3; turn++)
        world.sandbox.replyNext(
          { ...page([success('ref-1')]), status, headers: { 'retry-after': '0' } },
          { on: 'api', path: ASK },
        );
      await expect(world.start().find('ref-1')).rejects.toMatchObject({ kind: 'not-reached' });
    },
  );

  test.each<[string, unknown]>([
    ['no amount', { txnId: 1, merchantRefId: 'ref-1', txnStatus: 'SUCCESS' }],
    ['no status', { txnId: 1, merchantRefId: 'ref-1', amount: 100 }],
    ['no number', { merchantRefId: 'ref-1', amount: 100, txnStatus: 'SUCCESS' }],
  ])('%s in it: not understood, and no verdict', async (_, entry) => {
    const world = await payouts();
    world.sandbox.replyNext(page([entry as Entry]), { on: 'api', path: ASK });
    await expect(world.start().find('ref-1')).rejects.toMatchObject({
      name: 'PayoutsError',
      kind: 'not-understood',
    });
  });

  test.each<[unknown, string]>([
    [{ status: 1, msg: 'no' }, 'refused'],
    [{ status: 0, data: null }, 'not-understood'],
    [{ status: 0, data: { transactionDetails: [] } }, 'not-understood'],
    [{ status: 0, data: { transactionDetails: ['x'], noOfPages: 1 } }, 'not-understood'],
    [[], 'not-understood'],
    [null, 'not-understood'],
    ['<html>', 'not-understood'],
  ])('%j: %s', async (body, kind) => {
    const world = await payouts();
    world.sandbox.replyNext({ body }, { on: 'api', path: ASK });
    await expect(world.start().find('ref-1')).rejects.toMatchObject({ kind });
  });

  test('a server that lists pages without an end is asked for 50 of them', async () => {
    const world = await payouts();
    for (let turn = 0; turn < 51; turn++)
      world.sandbox.replyNext(page([success('x')], 1e9), { on: 'api', path: ASK });
    await expect(world.start().find('ref-1')).rejects.toMatchObject({ kind: 'not-understood' });
    expect(sent(world)).toHaveLength(50);
  });
});

describe('a reference that was used before', () => {
  test.each<[string, Payment, readonly string[]]>([
    ['another amount', salary('ref-1', 100.01), ['amount']],
    ['another person', { ...salary('ref-1'), beneficiaryName: 'Ravi Iyer' } as Payment, ['beneficiaryName']],
    ['another way', { ...salary('ref-1'), paymentType: 'NEFT' } as Payment, ['paymentType']],
  ])('for %s: mismatch, before anything is sent', async (_, payment, differs) => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    await world.start().payOnce(salary('ref-1'));
    const verdict = await world.start().payOnce(payment);
    expect(verdict).toMatchObject({ kind: 'mismatch', differs, transaction: { txnStatus: 'SUCCESS' } });
    expect(world.sandbox.stats()).toMatchObject({ payments: 1, duplicatePayments: 0 });
  });

  test('for another amount, and it is not listed yet: 1002, then mismatch, never paid', async () => {
    const world = await payouts({ paymentCourse: ['UNLISTED', 'UNLISTED', 'SUCCESS'] });
    await world.http.post('/v2/payment', [salary('ref-1', 5)]);
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({
      kind: 'mismatch',
      differs: ['amount'],
    });
    expect(world.sandbox.stats()).toMatchObject({ payments: 1, duplicatePayments: 1 });
  });

  test('and is never listed: unknown when time is up', async () => {
    const world = await payouts({ paymentCourse: ['UNLISTED'] });
    await world.http.post('/v2/payment', [salary('ref-1')]);
    const verdict = await world.start().payOnce(salary('ref-1'));
    expect(verdict).toMatchObject({ kind: 'unknown', why: 'not-listed' });
    expect(sent(world).filter((what) => what === 'pay')).toHaveLength(2);
  });

  test('and failed: failed, and nothing is sent', async () => {
    const world = await payouts({ paymentCourse: ['FAILED'] });
    await world.start().payOnce(salary('ref-1'));
    world.sandbox.resetStats();
    expect(await world.start().payOnce({ ...salary('ref-1'), retry: true })).toMatchObject({
      kind: 'failed',
    });
    expect(sent(world)).toEqual(['ask']);
  });

  test('a name in other letters is the same person', async () => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    await world.http.post('/v2/payment', [{ ...salary('ref-1'), beneficiaryName: 'ASHA  RAO ' }]);
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
  });
});

describe('a refusal after a lost answer', () => {
  test('is no verdict: the first send may have been taken', async () => {
    const world = await payouts();
    const { sandbox, http } = world;
    const lag = Array.from({ length: 30 }, () => 'UNLISTED' as const);
    sandbox.setPaymentCourse(lag);
    sandbox.fail(1, { kind: 'reset-after-read' }, { on: 'api', path: PAY });
    let sends = 0;
    http.interceptors.request.use((config) => {
      if (config.url === '/v2/payment' && ++sends === 2) {
        const data = [{ merchantRefId: 'ref-1', batchId: '1', error: 'TXN_LIMIT_EXCEEDED', code: [1128] }];
        sandbox.replyNext({ body: { status: 1, msg: null, code: null, data } }, { on: 'api', path: PAY });
      }
      return config;
    });
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({
      kind: 'unknown',
      why: 'not-listed',
    });
    expect(ledger(sandbox)).toEqual([['ref-1', 'UNLISTED']]);
  });
});

describe('a refusal after a send that this call knows nothing of', () => {
  const limit = [{ merchantRefId: 'ref-1', batchId: '1', error: 'TXN_LIMIT_EXCEEDED', code: [1128] }];
  const refusal = { body: { status: 1, msg: null, code: null, data: limit } };

  test.each([1, 2, 3])(
    'an earlier run has used up the limit, and is not listed by %i answers: paid',
    async (lag) => {
      const unlisted = Array.from({ length: lag }, () => 'UNLISTED' as const);
      const world = await payouts({ paymentCourse: [...unlisted, 'SUCCESS'] });
      await world.http.post('/v2/payment', [salary('ref-1')]);
      world.sandbox.replyNext(refusal, { on: 'api', path: PAY });
      expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
    },
  );

  test('another process has sent it between the question and the send: paid', async () => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    world.sandbox.replyNext(refusal, { on: 'api', path: PAY });
    world.sandbox.replyNext(page([]), { on: 'api', path: ASK });
    const other = world.sandbox.until(({ apiRequests }) => apiRequests === 2);
    world.time.onPause = async (pause) => {
      if (pause !== 1) return;
      await other;
      await world.http.post('/v2/payment', [salary('ref-1')]);
    };
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
  });

  test('and nobody answers after it: unknown', async () => {
    const world = await payouts();
    world.sandbox.replyNext(refusal, { on: 'api', path: PAY });
    world.time.onPause = (pause) => {
      if (pause === 1) world.sandbox.fail({ share: 1 }, { kind: 'empty-200' }, { on: 'api', path: ASK });
    };
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({
      kind: 'unknown',
      why: 'not-answered',
    });
  });
});

test('a refusal, and no time left to ask again: unknown, with what PayU said', async () => {
  const world = await payouts();
  const payment = { ...salary('ref-1'), beneficiaryIfscCode: 'HDFC1' } as Payment;
  expect(await world.start().payOnce(payment, { giveUpAfterMs: 900 })).toMatchObject({
    kind: 'unknown',
    error: { kind: 'refused', message: expect.stringContaining('ifsc code is not valid') },
  });
});

describe('a payment that changes while it is on its way', () => {
  /** The first answer is lost before PayU does anything, so that the payment is sent again. */
  async function resent(change: (payment: Record<string, unknown>) => unknown): Promise<PayoutsWorld> {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    const payment = { ...salary('ref-1') };
    world.sandbox.fail(1, { kind: 'reset-before-read' }, { on: 'api', path: PAY });
    world.time.onPause = () => change(payment);
    expect(await world.start().payOnce(payment)).toMatchObject({
      kind: 'paid',
      transaction: { merchantRefId: 'ref-1', amount: 100 },
    });
    return world;
  }

  test.each<[string, unknown]>([
    ['merchantRefId', 'ref-2'],
    ['amount', 999],
    ['beneficiaryAccountNumber', '999'],
  ])('its "%s": what was given is what is sent and asked for', async (name, value) => {
    const world = await resent((payment) => {
      payment[name] = value;
    });
    expect(ledger(world.sandbox)).toEqual([['ref-1', 'SUCCESS']]);
    const bodies = world.sandbox.requests().flatMap(({ path, rawBody }) => (path === PAY ? [rawBody] : []));
    expect(String(bodies.at(-1))).toBe(JSON.stringify([salary('ref-1')]));
  });

  test('a reference that is made up each time it is read: one, in all that is sent', async () => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    let reads = 0;
    const payment = Object.defineProperty({ ...salary('x') }, 'merchantRefId', {
      enumerable: true,
      get: () => `ref-${++reads}`,
    });
    world.sandbox.fail(1, { kind: 'reset-after-read' }, { on: 'api', path: PAY });
    expect(await world.start().payOnce(payment)).toMatchObject({ kind: 'paid' });
    expect(ledger(world.sandbox)).toEqual([['ref-1', 'SUCCESS']]);
  });
});

describe('answers to a payment that are none of PayU’s', () => {
  const entry = { batchId: '1', merchantRefId: 'ref-1', error: 'x', code: [1004] };
  test.each<unknown>([
    { status: 2, data: [] },
    { status: '0', data: [] },
    { data: [] },
    { status: 0, data: [entry] },
    { status: 1, data: [] },
    { status: 1, data: [{ ...entry, merchantRefId: 'ref-11' }] },
    { status: 1, data: [{ ...entry, code: [] }] },
    { status: 1, data: [{ ...entry, code: null }] },
    { status: 1, data: 'x' },
    [],
    null,
    'ok',
  ])('%j: nothing is concluded from it', async (body) => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    world.sandbox.replyNext({ body }, { on: 'api', path: PAY });
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
    expect(sent(world)).toEqual(['ask', 'pay', 'ask', 'ask', 'ask', 'pay', 'ask']);
  });

  test.each<[string, object[]]>([
    ['among other numbers', [{ ...entry, code: [1002, 1005] }]],
    [
      'in an entry of its own',
      [
        { ...entry, code: [1005] },
        { ...entry, code: [1002] },
      ],
    ],
  ])('1002 %s: the reference is known', async (_, data) => {
    const world = await payouts();
    const body = { status: 1, msg: null, code: null, data };
    world.sandbox.replyNext({ body }, { on: 'api', path: PAY });
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({
      kind: 'unknown',
      why: 'not-listed',
    });
  });
});

test.each([undefined, '', ' ', 1111123, null])('the merchant id %j is refused at once', (merchantId) => {
  const options = { merchantId: merchantId as string };
  expect(() => new PayoutsClient({ post: () => Promise.reject() }, options)).toThrow(
    '"merchantId" must be given',
  );
});

describe('payAllOnce', () => {
  const batch = [salary('a'), { ...salary('b'), beneficiaryIfscCode: 'X' } as Payment, salary('c')];

  test.each(['all-or-none', 'per-entry'] as const)(
    'one that is refused among others (%s): a verdict for each, in their order',
    async (batches) => {
      const world = await payouts({ batches, paymentCourse: ['SUCCESS'] });
      const verdicts = await world.start().payAllOnce(batch);
      expect(verdicts).toMatchObject([
        { kind: 'paid' },
        { kind: 'refused', codes: [1022] },
        { kind: 'paid' },
      ]);
      expect(ledger(world.sandbox)).toEqual([
        ['a', 'SUCCESS'],
        ['c', 'SUCCESS'],
      ]);
      expect(world.sandbox.stats().duplicatePayments).toBe(0);
    },
  );

  test('a lost answer: only what is not listed is sent again', async () => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    await world.start().payOnce(salary('a'));
    world.sandbox.fail(1, { kind: 'status', status: 502 }, { on: 'api', path: PAY });
    const verdicts = await world.start().payAllOnce([salary('a'), salary('b')]);
    expect(verdicts).toMatchObject([{ kind: 'paid' }, { kind: 'paid' }]);
    expect(world.sandbox.stats()).toMatchObject({ payments: 2, duplicatePayments: 0 });
  });

  test('a long list: one request pays it, and five at once at most ask for it', async () => {
    const world = await payouts({ paymentCourse: ['QUEUED', 'SUCCESS'] });
    let [open, most] = [0, 0];
    world.http.interceptors.request.use((config) => {
      most = Math.max(most, ++open);
      return config;
    });
    world.http.interceptors.response.use((response) => {
      open -= 1;
      return response;
    });
    const list = Array.from({ length: 40 }, (_, index) => salary(`ref-${index}`));
    const verdicts = await world.start().payAllOnce(list);
    expect(verdicts.map(({ kind }) => kind)).toEqual(list.map(() => 'paid'));
    expect(most).toBe(5);
    expect(sent(world).filter((what) => what === 'pay')).toHaveLength(1);
  });

  test('nothing to pay: nothing is sent', async () => {
    const world = await payouts();
    expect(await world.start().payAllOnce([])).toEqual([]);
    expect(world.sandbox.requests()).toEqual([]);
  });

  test('one reference twice is refused before anything is sent', async () => {
    const world = await payouts();
    await expect(world.start().payAllOnce([salary('a'), salary('a')])).rejects.toThrow('must differ');
    expect(world.sandbox.requests()).toEqual([]);
  });
});

describe('leaving, and coming back', () => {
  test('aborted while the payment is under way: unknown; a process that starts later finds it', async () => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    const leaving = new AbortController();
    world.sandbox.fail(1, { kind: 'hang', processed: true }, { on: 'api', path: PAY });
    world.sandbox.until(({ payments }) => payments === 1).then(() => leaving.abort());
    const verdict = await world.start().payOnce(salary('ref-1'), { signal: leaving.signal });
    expect(verdict).toMatchObject({ kind: 'unknown', why: 'aborted' });
    expect(await world.start().payOnce(salary('ref-1'))).toMatchObject({ kind: 'paid' });
    expect(sent(world)).toEqual(['ask', 'pay', 'ask']);
    expect(world.sandbox.stats()).toMatchObject({ payments: 1, duplicatePayments: 0 });
  });

  test('aborted in a pause: at once', async () => {
    const world = await payouts();
    const leaving = new AbortController();
    world.time.onPause = () => leaving.abort();
    const verdict = await world.start().payOnce(salary('ref-1'), { signal: leaving.signal });
    expect(verdict).toEqual({ kind: 'pending' });
    expect(world.time.pauses).toHaveLength(1);
  });

  test('aborted before: unknown, and nothing is sent', async () => {
    const world = await payouts();
    const verdict = await world.start().payOnce(salary('ref-1'), { signal: AbortSignal.abort() });
    expect(verdict).toMatchObject({ kind: 'unknown', why: 'aborted' });
    expect(world.sandbox.requests()).toEqual([]);
  });

  test('two processes at once, with the same reference: paid once, and both know', async () => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    // Both ask before either pays.
    const hold = world.sandbox.hold('api', ASK);
    const calls = [world.start().payOnce(salary('ref-1')), world.start().payOnce(salary('ref-1'))];
    await hold.waitFor(2);
    hold.release();
    expect(await Promise.all(calls)).toMatchObject([{ kind: 'paid' }, { kind: 'paid' }]);
    expect(world.sandbox.stats()).toMatchObject({ payments: 1, duplicatePayments: 1 });
  });

  test('a time limit that is no number ends at once, before anything is sent', async () => {
    const world = await payouts();
    const verdict = await world.start().payOnce(salary('ref-1'), { giveUpAfterMs: Number.NaN });
    expect(verdict).toMatchObject({ kind: 'unknown' });
    expect(sent(world)).toEqual(['ask']);
  });

  test('time is up at the end, whatever the server does', async () => {
    const world = await payouts();
    world.sandbox.fail({ share: 1 }, { kind: 'status', status: 503 }, { on: 'api', path: PAY });
    const verdict = await world.start().payOnce(salary('ref-1'), { giveUpAfterMs: 600_000 });
    expect(verdict).toMatchObject({ kind: 'unknown', why: 'not-listed' });
    expect(sent(world).filter((what) => what === 'pay')).toHaveLength(3);
    expect(world.time.now()).toBeLessThanOrEqual(600_000);
  });
});

describe('what is wrong in itself is refused before anything is sent', () => {
  test.each<[string, Partial<Payment>, string]>([
    ['no reference', { merchantRefId: undefined as never }, '"merchantRefId" must be given'],
    ['an empty reference', { merchantRefId: '' }, '"merchantRefId" must be given'],
    ['41 characters', { merchantRefId: 'x'.repeat(41) }, '"merchantRefId" must be given'],
    ['a space', { merchantRefId: 'a b' }, '"merchantRefId" must be given'],
    ['a letter that forms may change', { merchantRefId: 'é' }, '"merchantRefId" must be given'],
    ['a number', { merchantRefId: 1 as never }, '"merchantRefId" must be given'],
    ['an amount of 0', { amount: 0 }, '"amount" must be'],
    ['a third decimal', { amount: 0.005 }, '"amount" must be'],
    ['no number', { amount: Number.NaN }, '"amount" must be'],
    ['no end', { amount: Number.POSITIVE_INFINITY }, '"amount" must be'],
  ])('%s', async (_, change, message) => {
    const world = await payouts();
    await expect(world.start().payOnce({ ...salary('ref-1'), ...change } as Payment)).rejects.toThrow(
      message,
    );
    expect(world.sandbox.requests()).toEqual([]);
  });

  test('40 characters, and an amount of paise, are right', async () => {
    const world = await payouts({ paymentCourse: ['SUCCESS'] });
    const verdict = await world.start().payOnce(salary('x'.repeat(40), 0.07));
    expect(verdict).toMatchObject({ kind: 'paid', transaction: { amount: 0.07 } });
  });
});
