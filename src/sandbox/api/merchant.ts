import { html, type Reply } from '../reply.ts';
import type { Received } from '../traffic.ts';
import type { World } from '../world.ts';

const merchantHeaders = ['payoutmerchantid', 'pid', 'merchantid', 'mid'] as const;

/** Whether the request names another merchant than the sandbox's, if the sandbox has one. */
export function foreignMerchant(request: Received, world: World): boolean {
  const { merchantId } = world.settings;
  if (merchantId === undefined) return false;
  return merchantHeaders.some((name) => (request.headers[name] ?? merchantId) !== merchantId);
}

/** As a gateway answers it: no JSON, and nothing that a new token would cure. */
export function merchantForbidden(): Reply {
  return html(403, '403 Forbidden');
}
