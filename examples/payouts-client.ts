/**
 * A small typed client for PayU Payouts, to copy and make yours. `payOnce` pays a reference once or not at all, and
 * says what it knows of it; no timeout, lost connection or restart makes it pay twice.
 *
 *     const http = axios.create({ baseURL: 'https://uatoneapi.payu.in/payout' });
 *     auth.attach(http);
 *     const payouts = new PayoutsClient(http, { merchantId: '1111123' });
 *
 *     await orders.keep(payment.merchantRefId); // first: after a crash it is all that you have
 *     const verdict = await payouts.payOnce(payment);
 *
 * Why it may send a payment again: always with the same `merchantRefId`, and PayU takes each of them once (1002).
 * The whole recipe: docs/payments.md
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isAxiosError } from 'axios';
import { isPayuAuthError } from 'axios-payu-auth';

interface AnyPayment {
  /** Yours: keep it before the call. 40 characters at most; PayU takes each one once. */
  readonly merchantRefId: string;
  readonly batchId: string;
  /** Rupees, two decimals at most. */
  readonly amount: number;
  readonly purpose: string;
  readonly beneficiaryEmail?: string;
  readonly beneficiaryMobile?: string;
  /** Whether PayU may try again while a bank is down (`WAITING_FOR_RETRY`). PayU's default: true. */
  readonly retry?: boolean;
}

export interface BankPayment extends AnyPayment {
  readonly paymentType: 'IMPS' | 'NEFT' | 'RTGS';
  readonly beneficiaryName: string;
  readonly beneficiaryAccountNumber: string;
  readonly beneficiaryIfscCode: string;
}

export interface UpiPayment extends AnyPayment {
  readonly paymentType: 'UPI';
  readonly beneficiaryName?: string;
  readonly vpa: string;
}

/** @see https://docs.payu.in/reference/initiate-transfer-api */
export type Payment = BankPayment | UpiPayment;

/** The last two are final. PayU may add words: whatever is not final may still be paid. */
export type TxnStatus =
  | ('QUEUED' | 'IN_PROGRESS' | 'PENDING' | 'WAITING_FOR_RETRY' | 'SUCCESS' | 'FAILED')
  | (string & {});

/** What PayU's status check says of a payment; further fields are left as they came. */
export interface Transaction {
  readonly txnId: number;
  readonly merchantRefId: string;
  readonly amount: number;
  readonly txnStatus: TxnStatus;
  readonly txnSubStatus?: string | null;
  readonly transferType?: string | null;
  readonly beneficiaryName?: string | null;
  readonly payuTransactionRefNo?: string | null;
  readonly bankTransactionRefNo?: string | null;
  readonly msg?: string | null;
}

/** What is known of a payment. After `pending` and `unknown`: the same call again, later, with the same payment. */
export type Verdict =
  /** `SUCCESS`: final. */
  | { readonly kind: 'paid'; readonly transaction: Transaction }
  /** `FAILED`: final. To pay again takes a new `merchantRefId`, and that is your decision. */
  | { readonly kind: 'failed'; readonly transaction: Transaction }
  /** PayU did not take it, and lists no payment of this reference. Correct it, and keep the reference. */
  | { readonly kind: 'refused'; readonly codes: readonly number[]; readonly reason: string }
  /** The reference belongs to another payment, which it says nothing good about. A matter for a person. */
  | { readonly kind: 'mismatch'; readonly transaction: Transaction; readonly differs: readonly string[] }
  /** PayU has it, and it is not final. Without a `transaction`: PayU took it, and does not list it yet. */
  | { readonly kind: 'pending'; readonly transaction?: Transaction }
  /** It may be paid, or not. Never take it for failed. */
  | { readonly kind: 'unknown'; readonly why: UnknownBecause; readonly error?: unknown };

export type UnknownBecause =
  /** PayU lists no payment of this reference, which does not say that there is none. */
  | 'not-listed'
  /** The status check could not be asked or understood; see `error`. */
  | 'not-answered'
  /** PayU lists several payments of this reference. A matter for a person. */
  | 'several'
  /** Your `signal`. */
  | 'aborted';

export interface PayOptions {
  /** Ends the waiting, and nothing at PayU. */
  readonly signal?: AbortSignal;
  /** For all of it: sending, asking, waiting. Default 60_000. */
  readonly giveUpAfterMs?: number;
}

export interface PayoutsOptions {
  /** PayU's `payoutMerchantId`: another number than the merchant id of PayU's other products. */
  readonly merchantId: string;
  /** PayU's documents disagree: `/v2/payment` in test, `/payment` in production. Default `/v2/payment`. */
  readonly paymentPath?: '/v2/payment' | '/payment';
  /** Version 2 wants `pid`, version 1 `payoutMerchantId`. Default: by the path. */
  readonly merchantHeader?: 'pid' | 'payoutMerchantId';
  /** Limit for one request, its token included. Default 20_000. */
  readonly requestTimeoutMs?: number;
}

/** Why a question was not answered: PayU said no, said what nobody understands, or could not be reached. */
export class PayoutsError extends Error {
  readonly kind: 'refused' | 'not-understood' | 'not-reached';

  constructor(kind: PayoutsError['kind'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'PayoutsError';
    this.kind = kind;
  }
}

/** Time, so that tests need not wait for it. */
export interface Surroundings {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  wait(ms: number, signal: AbortSignal): Promise<unknown>;
  timeout(ms: number): AbortSignal;
}

const REAL: Surroundings = {
  now: () => performance.now(),
  wait: (ms, signal) => sleep(ms, undefined, { signal }),
  // Whole milliseconds: Node.js takes no other.
  timeout: (ms) => AbortSignal.timeout(Math.ceil(ms)),
};

/** Sends of one payment within one call, all with the same reference. */
const MOST_SENDS = 3;
/**
 * Empty answers, over 7 seconds, before it sends again or believes a refusal: what is being worked on, perhaps for an
 * earlier run of yours, must have the time to be listed, or to be refused as known.
 */
const ENOUGH_EMPTIES = 3;
/** A list of a thousand payments must not bring the rate limit upon all that the merchant does. */
const QUESTIONS_AT_ONCE = 5;
const NEVER = Number.POSITIVE_INFINITY;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;
/** PayU's most. */
const PAGE_SIZE = 100;
/** A limit for a server that does not heed the filter. */
const MOST_PAGES = 50;
const DUPLICATE_MERCHANT_REF_ID = 1002;

/**
 * What must not depend on the instance. By its own defaults it may follow redirects and take other statuses for successes,
 * by axios-retry or retry-axios send a payment again without our knowing, by a cache answer for PayU. Bodies are texts:
 * what renames fields, `merchantRefId` among them, lets texts be.
 */
const OURS = {
  transformRequest: [(body: unknown) => body],
  transformResponse: [parsed],
  maxRedirects: 0,
  fetchOptions: { redirect: 'error' },
  responseType: 'json',
  validateStatus: (status: number) => status >= 200 && status < 300,
  'axios-retry': { retries: 0 },
  raxConfig: { retry: 0, noResponseRetries: 0 },
  cache: false,
} as const;
/** Else an instance's default would say of one body what is true of the other. */
const JSON_BODY = { 'Content-Type': 'application/json' } as const;
const FORM_BODY = { 'Content-Type': 'application/x-www-form-urlencoded' } as const;

/** What is used of an axios instance. Axios has a type of it for `import` and another for `require`: both fit here. */
interface Http {
  post(url: string, body: unknown, config: object): Promise<{ readonly data: unknown }>;
}

export class PayoutsClient {
  readonly #http: Http;
  readonly #options: PayoutsOptions;
  readonly #surroundings: Surroundings;

  /**
   * `http` has the base URL and an attached auth with the scope `create_payout_transactions`, and no interceptor that
   * changes responses: an answer that is not PayU's own is not understood, and then nothing is sent.
   */
  constructor(http: Http, options: PayoutsOptions, surroundings: Surroundings = REAL) {
    if (typeof options.merchantId !== 'string' || !/^\S+$/.test(options.merchantId)) {
      throw new TypeError('"merchantId" must be given, as a text: PayU’s payoutMerchantId');
    }
    this.#http = http;
    this.#options = options;
    this.#surroundings = surroundings;
  }

  /**
   * Pays once, and asks until the end is known or time is up. Call it again with the same payment whenever you want to
   * know more: after `pending` and `unknown`, and after a restart. Rejects with a `TypeError` for a payment that is
   * wrong in itself, before anything is sent; with nothing else.
   */
  async payOnce(payment: Payment, options: PayOptions = {}): Promise<Verdict> {
    const [verdict] = await this.payAllOnce([payment], options);
    return verdict as Verdict;
  }

  /** As `payOnce`, for a list in one request: a verdict for each payment, in their order. */
  async payAllOnce(payments: readonly Payment[], options: PayOptions = {}): Promise<readonly Verdict[]> {
    const orders = checked(copyOf(payments)).map((payment) => new Order(payment));
    const limits = this.#limits(options);
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      // Asked before the first send, too: an earlier run, or another process, may have sent it.
      await this.#askAll(orders, limits);
      const due = orders.filter((order) => order.maySend);
      if (due.length > 0 && limits.leftMs() > 0) await this.#send(due, limits);
      if (!orders.some((order) => order.isOpen) || !(limits.leftMs() > pauseMs)) break;
      const isAborted = await this.#surroundings.wait(pauseMs, limits.signal).then(
        () => false,
        () => true,
      );
      if (isAborted) break;
    }
    return orders.map((order) => order.verdict(limits.signal.aborted));
  }

  /**
   * All that PayU lists of this very reference. Empty is not "not paid": PayU reads it as unidentified or pending.
   * Rejects with a `PayoutsError`.
   *
   * @see https://docs.payu.in/reference/check-transfer-status-api
   */
  async find(merchantRefId: string, options: PayOptions = {}): Promise<readonly Transaction[]> {
    return this.#find(merchantRefId, this.#limits(options));
  }

  async #askAll(orders: readonly Order[], limits: Limits): Promise<void> {
    // Each lane takes the next one from the same list.
    const waiting = orders.filter((order) => order.isOpen).values();
    const lane = async (): Promise<void> => {
      for (const order of waiting) await this.#ask(order, limits);
    };
    await Promise.all(Array.from({ length: QUESTIONS_AT_ONCE }, lane));
  }

  async #ask(order: Order, limits: Limits): Promise<void> {
    try {
      order.sawListed(await this.#find(order.payment.merchantRefId, limits));
    } catch (error) {
      order.wasNotTold(error);
    }
  }

  async #send(orders: readonly Order[], limits: Limits): Promise<void> {
    const { paymentPath = '/v2/payment', merchantId } = this.#options;
    const { merchantHeader = paymentPath === '/v2/payment' ? 'pid' : 'payoutMerchantId' } = this.#options;
    const body = JSON.stringify(orders.map(({ payment }) => payment));
    const headers = { ...JSON_BODY, [merchantHeader]: merchantId };
    try {
      const response = await this.#post(paymentPath, body, headers, limits);
      for (const order of orders) order.wasSent(readReply(response.data, order.payment.merchantRefId));
    } catch (error) {
      for (const order of orders) order.wasSent(readFailure(error));
    }
  }

  async #find(merchantRefId: string, limits: Limits): Promise<readonly Transaction[]> {
    // By PayU's number: what moves to another page while pages are turned is there twice.
    const found = new Map<number, Transaction>();
    for (let page = 1; page <= MOST_PAGES; page++) {
      const { transactions, pages } = await this.#page(merchantRefId, page, limits);
      const whose = transactions.map((one) => whoseIs(one, merchantRefId));
      if (whose.includes('unknown')) {
        throw new PayoutsError('not-understood', `PayU lists what may be "${merchantRefId}", or not`);
      }
      for (const one of transactions.filter((_, at) => whose[at] === 'own').map(readTransaction)) {
        const before = found.get(one.txnId);
        if (before !== undefined && isFinal(before) && before.txnStatus !== one.txnStatus) {
          const both = `${before.txnStatus} and as ${one.txnStatus}`;
          throw new PayoutsError('not-understood', `PayU lists "${merchantRefId}" as ${both}`);
        }
        found.set(one.txnId, one);
      }
      if (page >= pages) return [...found.values()];
    }
    if (found.size > 0) return [...found.values()];
    throw new PayoutsError('not-understood', `"${merchantRefId}" is not on the first ${MOST_PAGES} pages`);
  }

  async #page(merchantRefId: string, page: number, limits: Limits): Promise<Page> {
    const form = new URLSearchParams({ merchantRefId, page: String(page), pageSize: String(PAGE_SIZE) });
    const headers = { ...FORM_BODY, payoutMerchantId: this.#options.merchantId };
    try {
      const { data } = await this.#post('/payment/listTransactions', form.toString(), headers, limits);
      return readPage(data, this.#options.merchantId);
    } catch (error) {
      if (error instanceof PayoutsError) throw error;
      throw new PayoutsError('not-reached', 'the status check failed', error);
    }
  }

  async #post(
    path: string,
    body: string,
    headers: Readonly<Record<string, string>>,
    { signal, leftMs }: Limits,
  ): Promise<{ readonly data: unknown }> {
    const limitMs = Math.max(1, Math.min(leftMs(), this.#options.requestTimeoutMs ?? 20_000));
    return withinBoth(signal, this.#surroundings.timeout(limitMs), (within) =>
      this.#http.post(path, body, { ...OURS, headers, signal: within }),
    );
  }

  #limits({ signal = new AbortController().signal, giveUpAfterMs = 60_000 }: PayOptions): Limits {
    const { now } = this.#surroundings;
    const end = now() + giveUpAfterMs;
    return { signal, leftMs: () => (signal.aborted ? 0 : end - now()) };
  }
}

interface Limits {
  readonly signal: AbortSignal;
  /** Until the caller's patience ends; 0 or less after it, and after an abort. */
  readonly leftMs: () => number;
}

/**
 * Ends with the first of the two, also where an interceptor or an adapter does not heed the signal; axios sends nothing any
 * more then. Not AbortSignal.any(): Node.js 20 forgets a time limit that only that knows, and then nothing ends the call.
 */
async function withinBoth<T>(
  first: AbortSignal,
  second: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const end = () => controller.abort();
  const over = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(new Error('no answer in time')));
  });
  over.catch(() => {}); // where the call itself throws
  for (const each of [first, second]) each.addEventListener('abort', end);
  if (first.aborted) end();
  try {
    return await Promise.race([call(controller.signal), over]);
  } finally {
    for (const each of [first, second]) each.removeEventListener('abort', end);
  }
}

/** What the answer to one send says of one payment. */
type Sent =
  | { readonly kind: 'taken' }
  /** 1002: the reference was used before. By whom and for what, the status check says. */
  | { readonly kind: 'known' }
  | { readonly kind: 'refused'; readonly codes: readonly number[]; readonly reason: string }
  /** 401, 429, no token: PayU refused the request before it looked at the payment. */
  | { readonly kind: 'not-processed'; readonly error: unknown }
  /** Everything else: it may have been taken. */
  | { readonly kind: 'unclear'; readonly error: unknown };

/** One payment on its way: what was sent, and what PayU said of it. */
class Order {
  readonly payment: Payment;
  #sends = 0;
  #lastSend: Sent | undefined;
  /** The answer to a send was lost: it may have been taken. */
  #isUnclear = false;
  /** Answers since the last send that listed nothing. */
  #empties = 0;
  /** Whether the last question was. */
  #isAnswered = false;
  #transaction: Transaction | undefined;
  #final: Verdict | undefined;
  #error: unknown;

  constructor(payment: Payment) {
    this.payment = payment;
  }

  get isOpen(): boolean {
    return this.#final === undefined;
  }

  /** Only while PayU says that it lists no such payment, and nothing says that it has it. */
  get maySend(): boolean {
    if (!this.isOpen || this.#transaction !== undefined || this.#sends === MOST_SENDS) return false;
    const emptiesNeeded = {
      'not-processed': 1,
      unclear: ENOUGH_EMPTIES,
      taken: NEVER,
      known: NEVER,
      refused: NEVER,
    };
    return this.#empties >= (this.#lastSend === undefined ? 1 : emptiesNeeded[this.#lastSend.kind]);
  }

  wasSent(sent: Sent): void {
    this.#sends += 1;
    this.#lastSend = sent;
    this.#empties = 0;
    if ('error' in sent) this.#error = sent.error;
    if (sent.kind === 'refused') this.#error = new PayoutsError('refused', `PayU refuses it: ${sent.reason}`);
    if (sent.kind === 'unclear') this.#isUnclear = true;
  }

  wasNotTold(error: unknown): void {
    this.#isAnswered = false;
    this.#error = error;
  }

  sawListed([transaction, ...others]: readonly Transaction[]): void {
    this.#isAnswered = true;
    if (transaction === undefined) {
      this.#empties += 1;
      // A refusal alone says nothing of an earlier send, perhaps of another process: that may have used up a limit.
      const isSettled = !this.#isUnclear && this.#empties >= ENOUGH_EMPTIES;
      if (this.#lastSend?.kind === 'refused' && isSettled) this.#final = this.#lastSend;
      return;
    }
    this.#transaction = transaction;
    this.#final =
      others.length > 0 ? { kind: 'unknown', why: 'several' } : finalVerdict(this.payment, transaction);
  }

  verdict(isAborted: boolean): Verdict {
    if (this.#final !== undefined) return this.#final;
    if (this.#transaction !== undefined) return { kind: 'pending', transaction: this.#transaction };
    if (this.#lastSend?.kind === 'taken') return { kind: 'pending' };
    const why = this.#isAnswered ? 'not-listed' : 'not-answered';
    return { kind: 'unknown', why: isAborted ? 'aborted' : why, error: this.#error };
  }
}

function finalVerdict(payment: Payment, transaction: Transaction): Verdict | undefined {
  const differs = differences(payment, transaction);
  if (differs.length > 0) return { kind: 'mismatch', transaction, differs };
  if (!isFinal(transaction)) return undefined;
  return { kind: transaction.txnStatus === 'SUCCESS' ? 'paid' : 'failed', transaction };
}

function isFinal({ txnStatus }: Transaction): boolean {
  return txnStatus === 'SUCCESS' || txnStatus === 'FAILED';
}

/**
 * By the whole reference, case included: the filter may also have found "order-11" for "order-1". A number has lost its
 * leading zeros, and a long one its last digits: what may be this reference, or not, is nobody's to say.
 */
function whoseIs({ merchantRefId: listed }: Fields, merchantRefId: string): 'own' | 'other' | 'unknown' {
  if (typeof listed === 'string') return listed === merchantRefId ? 'own' : 'other';
  if (Number.isSafeInteger(listed) && String(listed) === merchantRefId) return 'own';
  return typeof listed === 'number' && listed !== Number(merchantRefId) ? 'other' : 'unknown';
}

/** In what PayU hands back as it was sent. */
function differences(payment: Payment, transaction: Transaction): readonly string[] {
  const plain = (text: string): string => text.trim().replace(/\s+/g, ' ').toLowerCase();
  const pairs = [
    ['amount', payment.amount.toFixed(2), transaction.amount.toFixed(2)],
    ['paymentType', payment.paymentType, transaction.transferType],
    ['beneficiaryName', payment.beneficiaryName, transaction.beneficiaryName],
  ] as const;
  return pairs
    .filter(
      ([, sent, listed]) => sent !== undefined && typeof listed === 'string' && plain(sent) !== plain(listed),
    )
    .map(([name]) => name);
}

/** The fields of PayU's bodies that are read, whatever they hold. */
type Fields = Readonly<Partial<Record<FieldName, unknown>>>;
type FieldName =
  | ('status' | 'data' | 'error' | 'code' | 'payoutMerchantId' | 'noOfPages' | 'transactionDetails')
  | ('txnId' | 'txnStatus' | 'merchantRefId' | 'amount');

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A body as axios parses it by default; what is no JSON stays what it is, and is not understood. */
function parsed(body: unknown): unknown {
  try {
    return typeof body === 'string' ? JSON.parse(body) : body;
  } catch {
    return body;
  }
}

/** Also where they came as a text; anything else is no amount, and not 0. */
function rupees(value: unknown): number {
  const isAmount = typeof value === 'number' || (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value));
  return isAmount ? Number(value) : Number.NaN;
}

/** `{ status: 0, data: [] }`: all were taken · `{ status: 1, data: [{ merchantRefId, code, error }] }`: these were not. */
function readReply(body: unknown, merchantRefId: string): Sent {
  const unclear: Sent = {
    kind: 'unclear',
    error: new PayoutsError('not-understood', 'the answer is none of PayU’s'),
  };
  if (!isObject(body)) return unclear;
  const entries = Array.isArray(body.data) ? body.data.filter(isObject) : [];
  const own = entries.filter((entry) => whoseIs(entry, merchantRefId) === 'own');
  if (own.length === 0) return body.status === 0 ? { kind: 'taken' } : unclear;
  const codes = own.flatMap(({ code }) => code).filter((code): code is number => typeof code === 'number');
  if (body.status !== 1 || codes.length === 0) return unclear;
  if (codes.includes(DUPLICATE_MERCHANT_REF_ID)) return { kind: 'known' };
  return { kind: 'refused', codes, reason: own.map(({ error }) => String(error)).join('; ') };
}

function readFailure(error: unknown): Sent {
  const isRefused = isAxiosError(error) && [401, 429].includes(error.response?.status ?? 0);
  // The library sends nothing without a token, and nothing again but what was refused.
  const isWithoutToken = isPayuAuthError(error) && error.code !== 'ERR_CLOSED';
  return { kind: isRefused || isWithoutToken ? 'not-processed' : 'unclear', error };
}

interface Page {
  readonly transactions: readonly Fields[];
  readonly pages: number;
}

function readPage(body: unknown, merchantId: string): Page {
  if (isObject(body) && body.status === 1) {
    const { msg } = body as { readonly msg?: unknown };
    throw new PayoutsError('refused', `PayU refuses the status check: ${JSON.stringify(msg)}`);
  }
  const data = isObject(body) && body.status === 0 && isObject(body.data) ? body.data : {};
  const { transactionDetails, noOfPages, payoutMerchantId } = data;
  if (String(payoutMerchantId ?? merchantId) !== merchantId) {
    throw new PayoutsError('not-understood', `the list is of the merchant "${String(payoutMerchantId)}"`);
  }
  if (
    !Array.isArray(transactionDetails) ||
    !transactionDetails.every(isObject) ||
    typeof noOfPages !== 'number'
  ) {
    throw new PayoutsError('not-understood', 'the answer to the status check is none of PayU’s');
  }
  return { transactions: transactionDetails, pages: noOfPages };
}

function readTransaction(fields: Fields): Transaction {
  const { txnId, txnStatus, merchantRefId } = fields;
  const amount = rupees(fields.amount);
  if (typeof txnId !== 'number' || typeof txnStatus !== 'string' || Number.isNaN(amount)) {
    throw new PayoutsError('not-understood', `what PayU lists for "${String(merchantRefId)}" lacks a field`);
  }
  return { ...fields, txnId, txnStatus, amount, merchantRefId: String(merchantRefId) };
}

/** As it is sent: what the caller changes meanwhile, a reference above all, would be another payment. */
function copyOf(payments: readonly Payment[]): readonly Payment[] {
  return JSON.parse(JSON.stringify([...payments]));
}

/** What can be found wrong before anything is sent. */
function checked(payments: readonly Payment[]): readonly Payment[] {
  const references = payments.map(({ merchantRefId }) => merchantRefId);
  for (const { merchantRefId, amount } of payments) {
    // Letters, digits and signs: what must come back the same from a form, a log and a database.
    if (typeof merchantRefId !== 'string' || !/^[!-~]{1,40}$/.test(merchantRefId)) {
      throw new TypeError('"merchantRefId" must be given: 1 to 40 characters of ASCII, without spaces');
    }
    if (!(amount > 0 && Number.isFinite(amount) && Number(amount.toFixed(2)) === amount)) {
      throw new TypeError('"amount" must be a number of rupees above 0, with two decimals at most');
    }
  }
  if (new Set(references).size < references.length) {
    throw new TypeError('"merchantRefId" must differ from payment to payment');
  }
  return payments;
}
