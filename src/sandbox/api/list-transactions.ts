import { formOf } from '../form.ts';
import { type PayoutStatus, payoutStatuses, type SandboxPayment } from '../payment-ledger.ts';
import { json, type Reply } from '../reply.ts';
import type { Received } from '../traffic.ts';
import type { World } from '../world.ts';

/** What the form asks for. */
interface Question {
  readonly merchantRefId: string;
  readonly batchId: string;
  readonly transferStatus: string;
  /** Milliseconds since the epoch; the ends of the days that were named. */
  readonly from: number;
  readonly to: number;
  /** Counted from 0, as in the reply; in the form it is counted from 1. */
  readonly page: number;
  readonly pageSize: number;
}

/**
 * PayU's status check. An empty list says that nothing can be told: the payment may be on its way.
 *
 * @see https://docs.payu.in/reference/check-transfer-status-api
 */
export function listTransactions(request: Received, world: World, merchantId: string | undefined): Reply {
  const form = formOf(request);
  if (form === undefined) return notAnswered('content type must be application/x-www-form-urlencoded');
  const question = questionOf(form);
  if (typeof question === 'string') return notAnswered(question);
  const found = world.payments.check((one) => one.merchantId === merchantId && isAskedFor(one, question));
  const listed = found.filter(isListed);
  const first = question.page * question.pageSize;
  const data = {
    payoutMerchantId: null,
    noOfPages: Math.ceil(listed.length / question.pageSize),
    totalElements: listed.length,
    currentPage: question.page,
    totalAmount: 0,
    succesTxn: 0,
    pendingTxn: 0,
    transactionDetails: listed.slice(first, first + question.pageSize).map(detailOf),
  };
  return json(200, { status: 0, msg: null, code: null, data });
}

/** The form, or what is wrong with it. */
function questionOf(form: URLSearchParams): Question | string {
  const field = (name: string): string => form.get(name)?.trim() ?? '';
  const page = wholeNumber(field('page') || '1');
  const pageSize = wholeNumber(field('pageSize') || '10');
  const from = field('from') === '' ? Number.NEGATIVE_INFINITY : startOfDay(field('from'));
  const to = field('to') === '' ? Number.POSITIVE_INFINITY : startOfDay(field('to'));
  if (page === undefined) return 'page must be a number, counted from 1';
  if (pageSize === undefined || pageSize < 1 || pageSize > 100) return 'pageSize must be from 1 to 100';
  if (from === undefined || to === undefined) return 'from and to must be dates in the form dd/MM/yyyy';
  const transferStatus = field('transferStatus').toUpperCase();
  if (transferStatus !== '' && !isStatus(transferStatus)) return 'transferStatus is not valid';
  return {
    merchantRefId: field('merchantRefId'),
    batchId: field('batchId'),
    transferStatus,
    from,
    to: to + DAY_MS - 1,
    page: Math.max(0, page - 1),
    pageSize,
  };
}

function isAskedFor(payment: SandboxPayment, question: Question): boolean {
  const { merchantRefId, batchId, transferStatus, from, to } = question;
  return (
    (merchantRefId === '' || payment.merchantRefId === merchantRefId) &&
    (batchId === '' || payment.batchId === batchId) &&
    (transferStatus === '' || payment.step === transferStatus) &&
    payment.takenAt >= from &&
    payment.takenAt <= to
  );
}

type Listed = SandboxPayment & { readonly step: PayoutStatus };

function isListed(payment: SandboxPayment): payment is Listed {
  return payment.step !== 'UNLISTED';
}

function detailOf(payment: Listed): unknown {
  const { txnId, batchId, merchantRefId, purpose, amount, txnSubStatus, beneficiaryName, msg } = payment;
  return {
    txnId,
    batchId,
    merchantRefId,
    purpose,
    amount,
    txnStatus: payment.step,
    txnSubStatus,
    txnDate: payuDate(payment.takenAt),
    payuTransactionRefNo: payment.payuTransactionRefNo,
    beneficiaryName,
    msg,
    transferType: payment.paymentType,
    bankTransactionRefNo: null,
    lastStatusUpdateDate: payuDate(payment.movedAt),
  };
}

function notAnswered(msg: string): Reply {
  return json(200, { status: 1, msg, code: null, data: null });
}

const DAY_MS = 86_400_000;

/** dd/MM/yyyy, in UTC as the dates of the reply; undefined for another form, and for no day of the calendar. */
function startOfDay(text: string): number | undefined {
  const [, day, month, year] = /^(\d\d)\/(\d\d)\/(\d{4})$/.exec(text) ?? [];
  if (day === undefined || month === undefined || year === undefined) return undefined;
  const at = Date.UTC(Number(year), Number(month) - 1, Number(day));
  return new Date(at).getUTCDate() === Number(day) ? at : undefined;
}

function payuDate(at: number): string {
  return new Date(at).toISOString().replace('Z', '+0000');
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function isStatus(text: string): boolean {
  return payoutStatuses.some((status) => status === text);
}
