import { authenticatedClient } from './client-check.ts';
import { formOf } from './form.ts';
import { errorBody, oauthError } from './oauth-errors.ts';
import { json, type Reply } from './reply.ts';
import type { Received } from './traffic.ts';
import type { World } from './world.ts';

/** `POST /oauth/revoke` (RFC 7009): an unknown token is as good as revoked. */
export function answerRevokeRequest(request: Received, world: World): Reply {
  if (request.method !== 'POST') return json(404, { status: 404, error: 'Not Found' });
  const form = formOf(request);
  if (form === undefined) return oauthError('invalid_request', world.settings.statusStyle);
  const client = authenticatedClient(form, world.clients);
  if (client === undefined) return json(401, errorBody('invalid_client'));
  const entry = world.ledger.byAnyToken(form.get('token') ?? '');
  if (entry === undefined) return json(200, {});
  if (entry.clientId !== client.clientId) {
    return json(403, errorBody('unauthorized_client', 'You are not authorized to revoke this token'));
  }
  if (entry.revoked && entry.refreshRevoked) {
    return world.settings.revokedTwice === 'ok'
      ? json(200, {})
      : json(401, errorBody('invalid_token', 'The access token was revoked'));
  }
  world.ledger.revoke(entry);
  world.stats.count('revocations');
  return json(200, {});
}
