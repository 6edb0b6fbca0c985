import type { PaymentRequest } from '../payment-ledger.ts';
import { empty, json, type Reply } from '../reply.ts';
import type { Received } from '../traffic.ts';
import type { World } from '../world.ts';
import { accessOf, challenge, jsonOf, notFound } from './access.ts';
import { listTransactions } from './list-transactions.ts';
import { merchantForbidden, merchantOf } from './merchant.ts';
import { duplicate, type PaymentProblem, readPayment } from './payment-request.ts';

/** Payouts, below `/payout`; PayU does not document how it refuses a token: as Doorkeeper does. */
export function payouts(request: Received, world: World): Reply {
  const access = accessOf(request, world, 'create_payout_transactions');
  if (access.kind === 'token-refused') return empty(401, challenge(access.why));
  if (access.kind === 'scope-missing') return empty(403);
  const merchant = merchantOf(request, access.entry, world);
  if (merchant.kind === 'foreign') return merchantForbidden();
  switch (`${request.method} ${request.url.pathname}`) {
    case 'GET /payout/merchant/getAccountDetail':
      return accountDetail(request, merchant.id);
    case 'POST /payout/v2/payment':
    case 'POST /payout/payment':
      return pay(request, world, merchant.id);
    case 'POST /payout/payment/listTransactions':
      return listTransactions(request, world, merchant.id);
    default:
      return notFound();
  }
}

function accountDetail(request: Received, merchantId: string | undefined): Reply {
  const payoutMerchantId = Number(request.headers.payoutmerchantid ?? merchantId ?? 1111123);
  const data = { payoutMerchantId, balance: 94003, lowBalance: false, type: 'current' };
  return json(200, { status: 0, msg: null, code: null, data });
}

/** Documents leave open whether a list with one bad payment is processed in part: an option says which. */
function pay(request: Received, world: World, merchantId: string | undefined): Reply {
  const body = jsonOf(request);
  const { good, bad } = sorted(Array.isArray(body) ? body : [], world, merchantId);
  if (good.length + bad.length === 0) return refused([]);
  if (bad.length === 0 || world.settings.batches === 'per-entry') {
    for (const payment of good) {
      world.payments.take(merchantId, payment);
      world.stats.count('payments');
    }
  }
  if (bad.length > 0) return refused(bad);
  const msg = 'Requests are in process. Will send response of individual request on webhooks set by you';
  return json(200, { status: 0, msg, code: null, data: [] });
}

function sorted(
  list: readonly unknown[],
  world: World,
  merchantId: string | undefined,
): { readonly good: readonly PaymentRequest[]; readonly bad: readonly PaymentProblem[] } {
  const good = new Map<string, PaymentRequest>();
  const bad: PaymentProblem[] = [];
  for (const element of list) {
    const reading = readPayment(element, world.makeReference);
    if (reading.kind === 'refused') {
      bad.push(reading.problem);
      continue;
    }
    const { payment } = reading;
    if (world.payments.knows(merchantId, payment.merchantRefId) || good.has(payment.merchantRefId)) {
      world.stats.count('duplicatePayments');
      bad.push(duplicate(payment));
    } else {
      good.set(payment.merchantRefId, payment);
    }
  }
  return { good: [...good.values()], bad };
}

function refused(data: readonly PaymentProblem[]): Reply {
  return json(200, { status: 1, msg: null, code: null, data });
}
