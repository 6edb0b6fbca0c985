import { json, type Reply } from '../reply.ts';
import type { Received } from '../traffic.ts';
import type { World } from '../world.ts';
import { accessOf, fieldsOf, jsonOf } from './access.ts';

const scopeOfResource: Readonly<Record<string, string>> = {
  bills: 'read_bills',
  billers: 'read_billers',
  categories: 'read_biller_categories',
  getAllBillerCategory: 'read_biller_categories',
  plans: 'read_plans',
};

/** BBPS, below `/payu-nbc`: every failure comes in one envelope, with code 600. */
export function bbps(request: Received, world: World): Reply {
  const access = accessOf(request, world, scopeFor(request));
  if (access.kind === 'token-refused') {
    return failure(world.settings.bbpsRefusalStatus, 'Invalid authorization token', 'AUTH_001');
  }
  if (access.kind === 'scope-missing') return failure(200, 'Not authorized for this resource', 'AUTH_002');
  const body = fieldsOf(jsonOf(request));
  if (request.method === 'POST' && body.billerId === undefined) {
    return failure(200, 'Biller id is missing', 'BILLER_001');
  }
  return json(200, { code: 200, status: 'SUCCESS', payload: { billerId: body.billerId ?? null } });
}

function scopeFor(request: Received): string {
  const resource = request.url.pathname.split('/').at(-1) ?? '';
  const transactions = request.method === 'POST' ? 'create_transactions' : 'read_transactions';
  return scopeOfResource[resource] ?? transactions;
}

function failure(status: number, reason: string, errorCode: string): Reply {
  const payload = {
    errors: [{ reason, errorCode }],
    refId: null,
    requestTimestamp: null,
    responseTimestamp: null,
  };
  return json(status, { code: 600, status: 'FAILURE', payload });
}
