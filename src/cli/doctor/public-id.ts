import { environments, publicClientIds } from '../../index.ts';
import { type Finding, mend } from '../finding.ts';
import type { Settings } from '../settings.ts';

export function tokenUrlOf({ environment }: Settings): string {
  return typeof environment === 'string' ? environments[environment].tokenUrl : environment.tokenUrl;
}

/**
 * What is wrong with the use of one of PayU's public client ids: there is one per environment, without a secret, and
 * for the grants of a user alone.
 */
export function publicIdFinding(settings: Settings): Finding | undefined {
  const { grant } = settings;
  // The documents print the production id broken by a space.
  const clientId = grant.clientId?.replace(/\s+/g, '');
  const owner = (['test', 'production'] as const).find((each) => publicClientIds[each] === clientId);
  if (owner === undefined) return undefined;
  const other = owner === 'test' ? 'production' : 'test';
  if (tokenUrlOf(settings) === environments[other].tokenUrl) {
    return mend(
      'client id',
      `PAYU_CLIENT_ID is PayU's public client id of ${owner}, but ${other} is asked`,
      'unset PAYU_CLIENT_ID, and choose with PAYU_ENVIRONMENT: the public client id is then the right one',
    );
  }
  if (grant.type === 'client_credentials') {
    return mend(
      'client id',
      "PAYU_CLIENT_ID is PayU's public one, which has no secret and no client credentials",
      'set PAYU_CLIENT_ID to the client id that PayU gave you, or PAYU_USERNAME and PAYU_PASSWORD',
    );
  }
  if (grant.clientSecret === undefined) return undefined;
  return mend(
    'client id',
    "PayU's public client has no secret, and is refused with one",
    'unset PAYU_CLIENT_SECRET',
  );
}
