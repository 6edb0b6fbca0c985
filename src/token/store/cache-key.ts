import { createHash } from 'node:crypto';
import type { AskedSecrets, WireGrant } from '../endpoint/grants.ts';
import { scopeKey } from '../endpoint/scope.ts';

/**
 * The key of a token in a store: token URL, client, grant, who it is for, scopes (B6). A digest, so that a store
 * shows no secret. A user is told apart by name, not by password: a password may be weak enough to be guessed from a
 * digest, and another one does not make the user's token another token.
 */
export function cacheKey(
  tokenUrl: string,
  grant: WireGrant,
  secrets: AskedSecrets,
  scope: readonly string[],
): string {
  const { password: _, ...fingerprinted } = secrets;
  const parameters = Object.entries({ ...grant.open, ...fingerprinted }).sort(([a], [b]) => (a < b ? -1 : 1));
  return digest([tokenUrl, grant.clientId, grant.grantType, parameters, scopeKey(scope)]);
}

/** The key of what all users of one client must know: cool-downs and refusals. */
export function clientKey(tokenUrl: string, grant: WireGrant): string {
  return digest([tokenUrl, grant.clientId]);
}

/** Another one once the credentials have changed (E7). */
export function fingerprint(secrets: AskedSecrets): string {
  return digest(secrets);
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url');
}
