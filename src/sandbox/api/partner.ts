import { createHmac, timingSafeEqual } from 'node:crypto';
import { errorBody } from '../oauth-errors.ts';
import { json, type Reply } from '../reply.ts';
import { type Received, tokenOf } from '../traffic.ts';
import type { World } from '../world.ts';
import { accessOf, fieldsOf, jsonOf, notFound } from './access.ts';

/**
 * Partner: v1, v3 and the QR routes refuse a token in three different ways. PayU has it on a host of its own; here its
 * paths may also begin with `/partner`, as a gateway for all products would have it.
 */
export function partner(request: Received, world: World): Reply {
  const path = request.url.pathname.replace(/^\/partner(?=\/)/, '');
  if (path.startsWith('/qr/')) return qr(request, world);
  if (path.startsWith('/api/v1/')) return v1(request, world, scopeFor(path));
  return path.startsWith('/api/v3/') ? v3(request, world, scopeFor(path)) : notFound();
}

/** The documents say which topic needs which scope: here the words of the path tell the topic. */
const SCOPES: readonly (readonly [topic: RegExp, scope: string])[] = [
  [/bank_detail/, 'create_bank_details'],
  [/kyc/, 'client_manage_kyc_details'],
  [/agreement|e-?sign/, 'client_manage_agreement'],
  [/penny/, 'user_token'],
  [/payment_link/, 'create_payment_links'],
  [/otp\/send/, 'send_sign_in_otp'],
  [/otp\/verify/, 'verify_sign_in_otp'],
];

function scopeFor(path: string): string {
  return SCOPES.find(([topic]) => topic.test(path))?.[1] ?? 'refer_merchant';
}

/** One body for a bad token and for a missing scope: the caller cannot tell them apart. */
function v1(request: Received, world: World, scope: string): Reply {
  const access = accessOf(request, world, scope);
  return access.kind === 'granted' ? done(request) : json(401, { status: 'Unauthorized' });
}

function v3(request: Received, world: World, scope: string): Reply {
  const access = accessOf(request, world, scope);
  if (access.kind === 'granted') return done(request);
  return access.kind === 'scope-missing'
    ? json(403, errorBody('insufficient_scope'))
    : json(401, errorBody('invalid_token', 'The access token provided is invalid'));
}

/** The token travels in `X-Partner-Token`; `Authorization` holds a hash over the very bytes of the body. */
function qr(request: Received, world: World): Reply {
  const hash = /^hmac +([0-9a-f]{64})$/i.exec(request.headers.authorization ?? '')?.[1];
  if (hash === undefined) return json(401, { error: 'Invalid HMAC header' });
  const access = accessOf(request, world, undefined, tokenOf(request.headers));
  if (access.kind !== 'granted') {
    return json(401, errorBody('invalid_token', 'The access token provided is invalid'));
  }
  const expected = createHmac('sha256', world.settings.clientSecret).update(request.rawBody).digest();
  if (!timingSafeEqual(Buffer.from(hash, 'hex'), expected)) return json(403, { error: 'Invalid Hash' });
  return done(request);
}

function done(request: Received): Reply {
  return json(200, { status: 'success', data: fieldsOf(jsonOf(request)) });
}
