import { errorBody } from '../oauth-errors.ts';
import { json, type Reply } from '../reply.ts';
import type { Received } from '../traffic.ts';
import type { World } from '../world.ts';
import { accessOf, challenge, fieldsOf, jsonOf, notFound } from './access.ts';

/** Bank account verification, below `/dvs`: here `error` is an object, at 200 as at 422. */
export function bankVerification(request: Received, world: World): Reply {
  const access = accessOf(request, world, 'verify_bank_account');
  if (access.kind === 'token-refused') return json(401, errorBody('invalid_token'), challenge(access.why));
  if (access.kind === 'scope-missing') return json(403, errorBody('insufficient_scope'));
  if (`${request.method} ${request.url.pathname}` !== 'POST /dvs/bank_accounts/acc_verification') {
    return notFound();
  }
  const { account_number, ifsc } = fieldsOf(jsonOf(request));
  if (!/^\d{6,20}$/.test(String(account_number))) return rejected(422);
  if (!/^[A-Z]{4}0[A-Z0-9]{6}$/.test(String(ifsc))) return rejected(200);
  return json(200, { status: 'success', data: { account_number, ifsc, account_exists: 'YES' } });
}

function rejected(status: number): Reply {
  return json(status, {
    error: { reason: 'Invalid account number or IFSC provided' },
    status: 'failure',
    data: null,
  });
}
