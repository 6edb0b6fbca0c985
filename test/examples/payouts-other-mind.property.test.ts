import axios, { AxiosError, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PayoutsClient, type UpiPayment, type Verdict } from '../../examples/payouts-client.ts';
import { fakeTime } from './support/world.ts';

type Config = InternalAxiosRequestConfig;
/** Draws one of these. */
type Pick = <T>(...from: readonly [T, ...T[]]) => T;

const DONE = ['SUCCESS', 'FAILED'];
/** Answers of which nobody knows what they mean. */
const ODD = [
  '<html>ok</html>',
  '',
  '{',
  '[]',
  'null',
  '{"error":"oops"}',
  '{"status":"0"}',
  '{"status":1}',
] as const;
/** Lists that are none. */
const ODD_LISTS = [
  ...ODD,
  '{"status":0,"data":null}',
  '{"status":1,"msg":"down"}',
  '{"status":0,"data":{"transactionDetails":null,"noOfPages":0}}',
  '{"status":0,"data":{"payoutMerchantId":999,"noOfPages":0,"transactionDetails":[]}}',
] as const;
/** What makes an entry one that can't be read, or that may be of this payment or not. */
const BROKEN = [
  { amount: '' },
  { amount: null },
  { amount: '1,00.10' },
  { txnStatus: null },
  { merchantRefId: null },
];

/**
 * A PayU of another mind than the sandbox: it looks at limits before it looks for a known reference, lists late, and
 * writes numbers as texts and texts as numbers.
 */
class OtherMind {
  /** How often the money went out. */
  payments = 0;
  status = 'QUEUED';
  readonly #pick: Pick;
  readonly #payment: UpiPayment;
  readonly #isBad: boolean;
  /** Answers that do not list it yet. */
  #lag: number;

  constructor(pick: Pick, payment: UpiPayment) {
    this.#pick = pick;
    this.#payment = payment;
    this.#isBad = pick(true, false, false, false);
    this.#lag = pick(0, 1, 2);
  }

  readonly adapter = async (config: Config): Promise<AxiosResponse> => {
    await null;
    if (config.signal?.aborted) throw new axios.CanceledError();
    return config.url === '/v2/payment' ? this.#take(config) : this.#list(config);
  };

  #take(config: Config): AxiosResponse {
    expect(config.data).toBe(JSON.stringify([this.#payment]));
    const before = this.#pick('on', 'on', 'on', 'limited', 'lost');
    if (before === 'limited') throw failed(config, this.#pick(401, 429));
    if (before === 'lost') throw failed(config, this.#pick(undefined, 302, 400, 403, 500));
    const answer = this.#effect();
    const after = this.#pick('on', 'on', 'lost', 'odd');
    if (after === 'lost') throw failed(config, this.#pick(undefined, 403, 408, 502));
    return answered(config, after === 'odd' ? this.#pick(...ODD) : answer);
  }

  #effect(): string {
    const code = this.payments > 0 ? this.#pick(1002, 1002, 1128) : 1022;
    const entry = { batchId: '1', merchantRefId: this.#payment.merchantRefId, error: 'E', code: [code] };
    if (this.payments > 0 || this.#isBad)
      return JSON.stringify({ status: 1, msg: null, code: null, data: [entry] });
    this.payments += 1;
    return JSON.stringify({ status: 0, msg: 'in process', code: null, data: [] });
  }

  #list(config: Config): AxiosResponse {
    const how = this.#pick('on', 'on', 'on', 'lost', 'odd');
    if (how === 'lost') throw failed(config, this.#pick(undefined, 401, 403, 429, 500));
    if (how === 'odd') return answered(config, this.#pick(...ODD_LISTS));
    const other = {
      txnId: 9,
      merchantRefId: `${this.#payment.merchantRefId}1`,
      amount: 1,
      txnStatus: 'SUCCESS',
    };
    const transactionDetails = [...this.#pick([], [other]), ...this.#entries()];
    const data = {
      payoutMerchantId: this.#pick<unknown>(null, 101, '101'),
      noOfPages: 1,
      currentPage: 0,
      transactionDetails,
    };
    return answered(config, JSON.stringify({ status: 0, msg: null, code: null, data }));
  }

  #entries(): readonly object[] {
    if (this.payments === 0 || this.#lag-- > 0) return [];
    if (!DONE.includes(this.status))
      this.status = this.#pick('QUEUED', 'PENDING', 'success', 'REVERSED', ...DONE);
    const { merchantRefId } = this.#payment;
    const entry = {
      txnId: 5,
      merchantRefId: /^\d+$/.test(merchantRefId)
        ? this.#pick<unknown>(merchantRefId, Number(merchantRefId))
        : merchantRefId,
      amount: this.#pick<unknown>(100.1, '100.1', '100.10', 100.10000000000001),
      txnStatus: this.status,
      transferType: this.#pick('UPI', 'upi', null),
      beneficiaryName: this.#pick('Asha Rao', ' ASHA  rao', null),
    };
    return [this.#pick(entry, entry, entry, { ...entry, ...this.#pick(...(BROKEN as [object])) })];
  }
}

function failed(config: Config, status: number | undefined): AxiosError {
  const response = status === undefined ? undefined : { ...answered(config, '<html>'), status };
  return new AxiosError('failed', 'ECONNRESET', config, {}, response);
}

function answered(config: Config, data: string): AxiosResponse {
  return { status: 200, statusText: '', headers: {}, config, data };
}

/** Whether a client may say this. */
function isTrue({ kind }: Verdict, { payments, status }: OtherMind): boolean {
  const possible: Readonly<Record<Verdict['kind'], boolean>> = {
    paid: status === 'SUCCESS',
    failed: status === 'FAILED',
    refused: payments === 0,
    pending: payments === 1,
    mismatch: false,
    unknown: true,
  };
  return possible[kind];
}

test('a PayU of another mind, processes that die and start anew: paid at most once, and no verdict that is not so', async () => {
  const told = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.gen(), async (draw) => {
      const pick: Pick = (...from) => draw(fc.constantFrom, ...from) as never;
      const payment: UpiPayment = {
        merchantRefId: pick('ref-1', '42', '007'),
        batchId: '1',
        paymentType: 'UPI',
        amount: 100.1,
        purpose: 'p',
        beneficiaryName: 'Asha Rao',
        vpa: 'asha@bank',
      };
      const payu = new OtherMind(pick, payment);
      const http = axios.create({ adapter: payu.adapter });
      for (let life = 0; life < 3; life++) {
        const death = new AbortController();
        const time = fakeTime();
        const last = pick(1, 2, 3, 99);
        time.onPause = (pause) => pause === last && death.abort();
        const surroundings = {
          now: () => time.now(),
          wait: (ms: number, signal: AbortSignal) => time.wait(ms, signal),
          timeout: () => time.timeout(0),
        };
        const client = new PayoutsClient(http, { merchantId: '101' }, surroundings);
        const options = { signal: death.signal, giveUpAfterMs: pick(900, 5_000, 60_000) };
        const calls = Array.from({ length: pick(1, 1, 2) }, () => client.payOnce(payment, options));
        for (const verdict of await Promise.all(calls)) {
          told.add(verdict.kind);
          expect(isTrue(verdict, payu), `${verdict.kind} of ${payu.payments}, ${payu.status}`).toBe(true);
        }
        expect(payu.payments).toBeLessThanOrEqual(1);
      }
    }),
    { seed: 18, numRuns: 100 },
  );
  expect([...told].sort()).toEqual(['failed', 'paid', 'pending', 'refused', 'unknown']);
});
