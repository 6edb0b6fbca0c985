import { html, type Reply } from '../reply.ts';
import type { TokenEntry } from '../token-ledger.ts';
import type { Received } from '../traffic.ts';
import type { World } from '../world.ts';

const merchantHeaders = ['payoutmerchantid', 'pid', 'merchantid', 'mid'] as const;

/** Whose payments and links a request is about; `foreign`: its header names another merchant than its token. */
export type Merchant =
  /** `id` is undefined for all clients without a merchant id: they share what they have. */
  { readonly kind: 'own'; readonly id: string | undefined } | { readonly kind: 'foreign' };

/** A client's own merchant id counts first, then the sandbox's; without either, every header is right. */
export function merchantOf(request: Received, { clientId }: TokenEntry, world: World): Merchant {
  const ofClient = world.clients.get(clientId)?.merchantId;
  const id = ofClient ?? world.settings.merchantId;
  if (id === undefined) return { kind: 'own', id };
  const named = merchantHeaders.flatMap((name) => request.headers[name] ?? []);
  // PayU asks for the header. Without merchants of their own, calls may leave it out, which is handy in tests.
  const isNamed = named.length > 0 || ofClient === undefined;
  return isNamed && named.every((value) => value === id) ? { kind: 'own', id } : { kind: 'foreign' };
}

/** As a gateway answers it: no JSON, and nothing that a new token would cure. */
export function merchantForbidden(): Reply {
  return html(403, '403 Forbidden');
}
