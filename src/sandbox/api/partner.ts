import { createHmac, timingSafeEqual } from 'node:crypto';
import { errorBody } from '../oauth-errors.ts';
import { json, type Reply } from '../reply.ts';
import { type Received, tokenOf } from '../traffic.ts';
import type { World } from '../world.ts';
import { accessOf, fieldsOf, jsonOf } from './access.ts';

/** Partner, below `/partner`: v1, v3 and the QR routes refuse a token in three different ways. */
export function partner(request: Received, world: World): Reply {
  const { pathname } = request.url;
  if (pathname.startsWith('/partner/qr/')) return qr(request, world);
  return pathname.startsWith('/partner/api/v3/') ? v3(request, world) : v1(request, world);
}

/** One body for a bad token and for a missing scope: the caller cannot tell them apart. */
function v1(request: Received, world: World): Reply {
  const access = accessOf(request, world, 'refer_merchant');
  return access.kind === 'granted' ? done(request) : json(401, { status: 'Unauthorized' });
}

function v3(request: Received, world: World): Reply {
  const access = accessOf(request, world, 'refer_merchant');
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
