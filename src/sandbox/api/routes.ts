import type { Reply } from '../reply.ts';
import type { Received } from '../traffic.ts';
import type { World } from '../world.ts';
import { notFound } from './access.ts';
import { bankVerification } from './bank-verification.ts';
import { bbps } from './bbps.ts';
import { partner } from './partner.ts';
import { paymentLinks } from './payment-links.ts';
import { payouts } from './payouts.ts';
import { echo, protectedResource, redirect } from './plain.ts';

type Handler = (request: Received, world: World) => Reply;

const handlers: ReadonlyMap<string, Handler> = new Map([
  ['payout', payouts],
  ['payment-links', paymentLinks],
  ['partner', partner],
  ['qr', partner],
  ['api', partner],
  ['payu-nbc', bbps],
  ['dvs', bankVerification],
  ['protected', protectedResource],
  ['echo', echo],
  ['redirect', redirect],
]);

/** The API that the first part of the path names. */
export function answerApiRequest(request: Received, world: World): Reply {
  const handler = handlers.get(request.url.pathname.split('/')[1] ?? '');
  return handler === undefined ? notFound() : handler(request, world);
}
