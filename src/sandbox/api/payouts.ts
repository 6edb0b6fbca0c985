import { empty, json, type Reply } from '../reply.ts';
import type { Received } from '../traffic.ts';
import type { World } from '../world.ts';
import { accessOf, challenge, fieldsOf, jsonOf, notFound } from './access.ts';
import { foreignMerchant, merchantForbidden } from './merchant.ts';

/** Payouts, below `/payout`; PayU does not document how it refuses a token: as Doorkeeper does. */
export function payouts(request: Received, world: World): Reply {
  const access = accessOf(request, world, 'create_payout_transactions');
  if (access.kind === 'token-refused') return empty(401, challenge(access.why));
  if (access.kind === 'scope-missing') return empty(403);
  if (foreignMerchant(request, world)) return merchantForbidden();
  switch (`${request.method} ${request.url.pathname}`) {
    case 'GET /payout/merchant/getAccountDetail':
      return accountDetail(request);
    case 'POST /payout/v2/payment':
    case 'POST /payout/payment':
      return pay(request, world);
    default:
      return notFound();
  }
}

function accountDetail(request: Received): Reply {
  const payoutMerchantId = Number(request.headers.payoutmerchantid ?? 1111123);
  const data = { payoutMerchantId, balance: 94003, lowBalance: false, type: 'current' };
  return json(200, { status: 0, msg: null, code: null, data });
}

/** All or nothing: one bad payment in the list, and none of it is processed. */
function pay(request: Received, world: World): Reply {
  const body = jsonOf(request);
  const payments = (Array.isArray(body) ? body : []).map(fieldsOf);
  const bad = payments.filter((one) => !(Number(one.amount) > 0) || reference(one) === undefined);
  if (payments.length === 0 || bad.length > 0) return failed(bad);
  for (const payment of payments) process(reference(payment) ?? '', world);
  const msg = 'Requests are in process. Will send response of individual request on webhooks set by you';
  return json(200, { status: 0, msg, code: null, data: [] });
}

function failed(bad: readonly Readonly<Record<string, unknown>>[]): Reply {
  const data = bad.map((one) => ({
    batchId: one.batchId ?? '1',
    merchantRefId: one.merchantRefId ?? null,
    error: 'merchantRefId and a positive amount are needed',
    code: [1004],
  }));
  return json(200, { status: 1, msg: null, code: null, data });
}

/** A repeated payment is carried out: a server that forgave it would hide a client that pays twice. */
function process(merchantRefId: string, world: World): void {
  world.stats.count('payments');
  if (world.paid.has(merchantRefId)) world.stats.count('duplicatePayments');
  world.paid.add(merchantRefId);
}

function reference(payment: Readonly<Record<string, unknown>>): string | undefined {
  const value = payment.merchantRefId;
  return (typeof value === 'string' && value !== '') || typeof value === 'number' ? String(value) : undefined;
}
