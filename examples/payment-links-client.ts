/**
 * A small typed client for PayU Payment Links, to copy and make yours. `createOnce` makes one link for an invoice
 * number, and finds it again: no timeout, lost connection or restart leaves a customer with two links to pay.
 *
 *     const http = axios.create({ baseURL: 'https://uatoneapi.payu.in/payment-links' });
 *     auth.attach(http, { scope: [scopes.paymentLinks.create, scopes.paymentLinks.read] });
 *     const links = new PaymentLinksClient(http, { merchantId: '4825038' });
 *
 *     await invoices.keep(link.invoiceNumber); // first: after a crash it is all that you have
 *     const verdict = await links.createOnce(link);
 *
 * It may send a link again, always with the same `invoiceNumber`: PayU takes each of them once ("Invoice Number already
 * exists"). The whole recipe: docs/payments.md
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isAxiosError } from 'axios';
import { isPayuAuthError } from 'axios-payu-auth';

/** @see https://docs.payu.in/reference/create-payment-links */
export interface NewPaymentLink {
  /** Yours: keep it before the call. PayU takes each one once, and makes one up where it is missing. */
  readonly invoiceNumber: string;
  /** Rupees, two decimals at most. */
  readonly subAmount: number;
  readonly description: string;
  readonly source: 'API';
  readonly isPartialPaymentAllowed?: boolean;
  /** `yyyy-MM-dd HH:mm:ss` */
  readonly expiryDate?: string;
  readonly customer?: { readonly name?: string; readonly phone?: string; readonly email?: string };
}

/** What PayU says of a link; further fields are left as they came. */
export interface PaymentLink {
  readonly invoiceNumber: string;
  readonly subAmount: number;
  /** Where the customer pays. */
  readonly paymentLink: string;
  readonly active: boolean;
}

/** What is known of a link. After `unknown`: the same call again, later, with the same link. */
export type LinkVerdict =
  /** There is one link of this invoice number: made now, or by an earlier call. */
  | { readonly kind: 'created'; readonly link: PaymentLink }
  /** The invoice number belongs to a link of another amount. A matter for a person. */
  | { readonly kind: 'mismatch'; readonly link: PaymentLink }
  /** PayU did not make it, and knows no link of this invoice number. Correct it, and keep the number. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** There may be a link, or none. */
  | { readonly kind: 'unknown'; readonly why: LinkUnknownBecause; readonly error?: unknown };

export type LinkUnknownBecause =
  /** PayU knows no link of this invoice number, which does not say that there is none. */
  | 'not-found'
  /** The link could not be read; see `error`. */
  | 'not-answered'
  /** Your `signal`. */
  | 'aborted';

export interface CreateOptions {
  /** Ends the waiting, and nothing at PayU. */
  readonly signal?: AbortSignal;
  /** For all of it: sending, reading, waiting. Default 30_000. */
  readonly giveUpAfterMs?: number;
}

export interface PaymentLinksOptions {
  readonly merchantId: string;
  /** PayU's documents disagree. Default `merchantId`. */
  readonly merchantHeader?: 'merchantId' | 'mid';
  /** Limit for one request, its token included. Default 10_000. */
  readonly requestTimeoutMs?: number;
}

/** Why a link could not be read: PayU said no, said what nobody understands, or could not be reached. */
export class PaymentLinksError extends Error {
  readonly kind: 'refused' | 'not-understood' | 'not-reached';

  constructor(kind: PaymentLinksError['kind'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'PaymentLinksError';
    this.kind = kind;
  }
}

/** Time, so that tests need not wait for it. */
export interface LinkSurroundings {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  wait(ms: number, signal: AbortSignal): Promise<unknown>;
  timeout(ms: number): AbortSignal;
}

const REAL: LinkSurroundings = {
  now: () => performance.now(),
  wait: (ms, signal) => sleep(ms, undefined, { signal }),
  // Whole milliseconds: Node.js takes no other.
  timeout: (ms) => AbortSignal.timeout(Math.ceil(ms)),
};

/** Sends of one link within one call, all with the same invoice number. */
const MOST_SENDS = 3;
/**
 * Misses, over 7 seconds, before it sends again or believes a refusal: what is being worked on, perhaps for an earlier run
 * of yours, must have the time to be found, or to be refused as known.
 */
const ENOUGH_MISSES = 3;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;

/**
 * What must not depend on the instance. By its own defaults it may follow redirects and take other statuses for successes,
 * by axios-retry or retry-axios send a link again without our knowing, by a cache answer for PayU. Bodies are texts: what
 * renames fields, `invoiceNumber` among them, lets texts be.
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
/** Else an instance's default may say that it is a form. */
const JSON_BODY = { 'Content-Type': 'application/json' } as const;

interface Call {
  readonly method: 'get' | 'post';
  readonly url: string;
  readonly data?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is used of an axios instance. Axios has a type of it for `import` and another for `require`: both fit here. */
interface Http {
  request(config: object): Promise<{ readonly data: unknown }>;
}

export class PaymentLinksClient {
  readonly #http: Http;
  readonly #options: PaymentLinksOptions;
  readonly #surroundings: LinkSurroundings;

  /**
   * `http` has the base URL and an attached auth with the scopes `create_payment_links` and `read_payment_links`, and no
   * interceptor that changes responses: an answer that is not PayU's own is not understood, and then nothing is sent.
   */
  constructor(http: Http, options: PaymentLinksOptions, surroundings: LinkSurroundings = REAL) {
    if (typeof options.merchantId !== 'string' || !/^\S+$/.test(options.merchantId)) {
      throw new TypeError('"merchantId" must be given, as a text');
    }
    this.#http = http;
    this.#options = options;
    this.#surroundings = surroundings;
  }

  /**
   * Makes one link, or finds the one that is there. Rejects with a `TypeError` for a link that is wrong in itself,
   * before anything is sent; with nothing else.
   */
  async createOnce(link: NewPaymentLink, options: CreateOptions = {}): Promise<LinkVerdict> {
    // A copy, as it is sent: another invoice number, set meanwhile, would be another link.
    const [copy] = JSON.parse(JSON.stringify([link]));
    const wanted = checked(copy);
    const limits = this.#limits(options);
    const attempt = new Attempt();
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      // Read before the first send, too: an earlier run may have made it.
      const found = await this.#look(wanted, attempt, limits);
      if (found !== undefined) return verdictOn(wanted, found);
      if (attempt.maySend && limits.leftMs() > 0) attempt.wasSent(await this.#create(wanted, limits));
      if (attempt.verdict !== undefined) return attempt.verdict;
      if (!(limits.leftMs() > pauseMs) || !(await this.#pause(pauseMs, limits))) break;
    }
    return attempt.unknown(limits.signal.aborted);
  }

  /** The link of an invoice number; undefined where PayU knows none. Rejects with a `PaymentLinksError`. */
  async find(invoiceNumber: string, options: CreateOptions = {}): Promise<PaymentLink | undefined> {
    return this.#find(invoiceNumber, this.#limits(options));
  }

  async #look(wanted: NewPaymentLink, attempt: Attempt, limits: Limits): Promise<PaymentLink | undefined> {
    try {
      const found = await this.#find(wanted.invoiceNumber, limits);
      if (found === undefined) attempt.wasMissed();
      return found;
    } catch (error) {
      attempt.wasNotTold(error);
      return undefined;
    }
  }

  async #find(invoiceNumber: string, limits: Limits): Promise<PaymentLink | undefined> {
    let body: unknown;
    try {
      body = await this.#call({ method: 'get', url: `/${encodeURIComponent(invoiceNumber)}` }, limits);
    } catch (error) {
      throw new PaymentLinksError('not-reached', 'the link could not be read', error);
    }
    if (isObject(body) && body.status === -1) {
      if (/not found/i.test(String(body.message))) return undefined;
      throw new PaymentLinksError('refused', `PayU does not show the link: ${String(body.message)}`);
    }
    const link = readLink(body, invoiceNumber);
    if (link === undefined) throw new PaymentLinksError('not-understood', 'the answer is none of PayU’s');
    return link;
  }

  async #create(link: NewPaymentLink, limits: Limits): Promise<Sent> {
    try {
      const data = JSON.stringify(link);
      return readReply(
        await this.#call({ method: 'post', url: '/', data, headers: JSON_BODY }, limits),
        link,
      );
    } catch (error) {
      return readFailure(error);
    }
  }

  async #call({ headers, ...config }: Call, { signal, leftMs }: Limits): Promise<unknown> {
    const { merchantId, merchantHeader = 'merchantId', requestTimeoutMs = 10_000 } = this.#options;
    const limit = this.#surroundings.timeout(Math.max(1, Math.min(leftMs(), requestTimeoutMs)));
    const response = await withinBoth(signal, limit, (within) =>
      this.#http.request({
        ...OURS,
        ...config,
        headers: { ...headers, [merchantHeader]: merchantId },
        signal: within,
      }),
    );
    return response.data;
  }

  /** False if the caller leaves meanwhile. */
  #pause(ms: number, { signal }: Limits): Promise<boolean> {
    return this.#surroundings.wait(ms, signal).then(
      () => true,
      () => false,
    );
  }

  #limits({ signal = new AbortController().signal, giveUpAfterMs = 30_000 }: CreateOptions): Limits {
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

/** What the answer to one send says. */
type Sent =
  | { readonly kind: 'made'; readonly link: PaymentLink }
  /** "Invoice Number already exists": by whom and for what, reading it says. */
  | { readonly kind: 'known' }
  | { readonly kind: 'refused'; readonly reason: string }
  /** 401, 429, no token: PayU refused the request before it looked at the link. */
  | { readonly kind: 'not-processed'; readonly error: unknown }
  /** Everything else: there may be a link. */
  | { readonly kind: 'unclear'; readonly error: unknown };

/** One link on its way: what was sent, and what PayU said of it. */
class Attempt {
  verdict: LinkVerdict | undefined;
  #sends = 0;
  #lastSend: Sent | undefined;
  /** The answer to a send was lost. */
  #isUnclear = false;
  /** Answers since the last send that found nothing. */
  #misses = 0;
  #isAnswered = false;
  #error: unknown;

  /** Only while PayU says that it knows no such link, and nothing says that it has one. */
  get maySend(): boolean {
    if (this.#sends === MOST_SENDS) return false;
    const { kind } = this.#lastSend ?? {};
    if (kind === undefined || kind === 'not-processed') return this.#misses > 0;
    return kind === 'unclear' && this.#misses >= ENOUGH_MISSES;
  }

  wasMissed(): void {
    this.#isAnswered = true;
    this.#misses += 1;
    // A refusal alone says nothing of an earlier send, perhaps of another process: that link may be there.
    const isSettled = !this.#isUnclear && this.#misses >= ENOUGH_MISSES;
    if (this.#lastSend?.kind === 'refused' && isSettled) this.verdict = this.#lastSend;
  }

  wasNotTold(error: unknown): void {
    this.#isAnswered = false;
    this.#error = error;
  }

  wasSent(sent: Sent): void {
    this.#sends += 1;
    this.#misses = 0;
    this.#lastSend = sent;
    if ('error' in sent) this.#error = sent.error;
    if (sent.kind === 'refused')
      this.#error = new PaymentLinksError('refused', `PayU refuses it: ${sent.reason}`);
    if (sent.kind === 'unclear') this.#isUnclear = true;
    if (sent.kind === 'made') this.verdict = { kind: 'created', link: sent.link };
  }

  unknown(isAborted: boolean): LinkVerdict {
    const why = this.#isAnswered ? 'not-found' : 'not-answered';
    return { kind: 'unknown', why: isAborted ? 'aborted' : why, error: this.#error };
  }
}

function verdictOn(wanted: NewPaymentLink, link: PaymentLink): LinkVerdict {
  return { kind: isOfAmount(link, wanted) ? 'created' : 'mismatch', link };
}

/** To the paisa: a server's sums may have a 2.0000000000000004 in them. */
function isOfAmount(link: PaymentLink, wanted: NewPaymentLink): boolean {
  return link.subAmount.toFixed(2) === wanted.subAmount.toFixed(2);
}

/** The fields of PayU's bodies that are read, whatever they hold. */
type Fields = Readonly<Partial<Record<FieldName, unknown>>>;
type FieldName =
  | ('status' | 'message' | 'result')
  | ('invoiceNumber' | 'subAmount' | 'paymentLink' | 'active');

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

function readReply(body: unknown, wanted: NewPaymentLink): Sent {
  const link = readLink(body, wanted.invoiceNumber);
  if (link !== undefined && isOfAmount(link, wanted)) return { kind: 'made', link };
  if (isObject(body) && body.status === -1 && typeof body.message === 'string') {
    // PayU gives no number for it.
    return /already exists/i.test(body.message)
      ? { kind: 'known' }
      : { kind: 'refused', reason: body.message };
  }
  return { kind: 'unclear', error: new PaymentLinksError('not-understood', 'the answer is none of PayU’s') };
}

function readFailure(error: unknown): Sent {
  const isRefused = isAxiosError(error) && [401, 429].includes(error.response?.status ?? 0);
  // The library sends nothing without a token, and nothing again but what was refused.
  const isWithoutToken = isPayuAuthError(error) && error.code !== 'ERR_CLOSED';
  return { kind: isRefused || isWithoutToken ? 'not-processed' : 'unclear', error };
}

/** As text, also where it came as a number; one that JSON can't hold exactly is nobody's. */
function numberOf({ invoiceNumber }: Fields): unknown {
  return Number.isSafeInteger(invoiceNumber) ? String(invoiceNumber) : invoiceNumber;
}

/** The link of this very invoice number in a reply; undefined for anything else. */
function readLink(body: unknown, invoiceNumber: string): PaymentLink | undefined {
  if (!isObject(body) || body.status !== 0 || !isObject(body.result)) return undefined;
  const { paymentLink, active } = body.result;
  const subAmount = rupees(body.result.subAmount);
  const isWhole = typeof paymentLink === 'string' && paymentLink !== '' && !Number.isNaN(subAmount);
  if (!isWhole || numberOf(body.result) !== invoiceNumber) return undefined;
  return { ...body.result, invoiceNumber, subAmount, paymentLink, active: active === true };
}

/** What can be found wrong before anything is sent. */
function checked(link: NewPaymentLink): NewPaymentLink {
  // It becomes a part of a path, and must come back the same.
  if (typeof link.invoiceNumber !== 'string' || !/^[\w-]+$/.test(link.invoiceNumber)) {
    throw new TypeError('"invoiceNumber" must be given: letters, digits, "-" and "_"');
  }
  const { subAmount } = link;
  if (!(subAmount > 0 && Number.isFinite(subAmount) && Number(subAmount.toFixed(2)) === subAmount)) {
    throw new TypeError('"subAmount" must be a number of rupees above 0, with two decimals at most');
  }
  return link;
}
