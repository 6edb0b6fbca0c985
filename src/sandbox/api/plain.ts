import { empty, html, json, type Reply } from '../reply.ts';
import type { Received } from '../traffic.ts';
import type { World } from '../world.ts';
import { accessOf, challenge } from './access.ts';

/** `/protected`: refuses exactly as Doorkeeper does, without a body; `?scope=` names one that is needed. */
export function protectedResource(request: Received, world: World): Reply {
  const access = accessOf(request, world, request.url.searchParams.get('scope') ?? undefined);
  if (access.kind === 'token-refused') return empty(401, challenge(access.why));
  if (access.kind === 'scope-missing') return empty(403);
  return json(200, { status: 'ok' });
}

/** `/echo`: what arrived, to the byte, so that a replayed request can be compared with the first one. */
export function echo(request: Received, world: World): Reply {
  const access = accessOf(request, world);
  if (access.kind !== 'granted')
    return empty(401, challenge(access.kind === 'token-refused' ? access.why : 'invalid'));
  const { method, headers, rawBody, url } = request;
  const body = rawBody.toString('base64');
  return json(200, { method, path: url.pathname + url.search, headers, body });
}

/** `/redirect?to=…&status=302`: leads elsewhere, whatever the token. */
export function redirect(request: Received): Reply {
  const { searchParams } = request.url;
  const to = searchParams.get('to');
  const status = Number(searchParams.get('status') ?? 302);
  if (to === null || ![301, 302, 303, 307, 308].includes(status)) {
    return html(400, '"to" must be given, and "status" be one of 301, 302, 303, 307, 308');
  }
  return empty(status, { location: to });
}
