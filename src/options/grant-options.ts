import { invalidOption } from '../errors.ts';
import { isPlain } from '../json.ts';
import { publicClientIds } from '../payu.ts';
import {
  type Grant,
  optionOf,
  secretFault,
  textFault,
  type WireGrant,
  wireGrant,
} from '../token/endpoint/grants.ts';
import { givenOption, givenOptions, requireText } from '../validation.ts';

/** What of the option "environment" says which client ids can be meant. */
export interface GrantEnvironment {
  /** Which one of PayU's it is; undefined for any other server. */
  readonly payu: 'test' | 'production' | undefined;
  readonly given: 'by-name' | 'by-url';
}

/** The grant in wire names, checked; `environment` tells PayU's public client. */
export function resolveGrant(grant: unknown, environment: GrantEnvironment): WireGrant {
  if (!isPlain(grant))
    throw invalidOption('grant', 'must be an object such as { type: "client_credentials", … }.');
  const type = givenOption(grant, 'type');
  if (typeof type !== 'string' || !Object.hasOwn(GRANT_OPTIONS, type)) {
    throw invalidOption(
      'grant.type',
      'must be "client_credentials", "password", "refresh_token" or "custom".',
    );
  }
  const checked = givenOptions('grant.', grant, GRANT_OPTIONS[type as Grant['type']]) as unknown as Grant;
  const clientId = resolveClientId(checked, environment);
  if (checked.type === 'password') requireTrimmed('grant.username', checked.username);
  if (checked.type === 'custom') {
    requireTrimmed('grant.grantType', checked.grantType);
    refuseReserved(checked.parameters);
  }
  const wire = wireGrant(checked, clientId);
  for (const [parameter, secret] of Object.entries(wire.secret)) {
    const fault = typeof secret === 'function' ? undefined : secretFault(secret);
    if (fault !== undefined) throw invalidOption(optionOf(wire, parameter), `${fault}.`);
  }
  return wire;
}

function requireTrimmed(option: string, value: string): void {
  requireText(option, value);
  const fault = value === value.trim() ? nameFault(value) : 'must not begin or end with white space: trim it';
  if (fault !== undefined) throw invalidOption(option, `${fault}.`);
}

/** A name may hold no quotation mark at an end either that has no other: half of a pair. A secret may, and some do. */
function nameFault(name: string): string | undefined {
  const isHalfQuoted = ['"', "'", '`'].some(
    (mark) => (name.startsWith(mark) || name.endsWith(mark)) && name.split(mark).length === 2,
  );
  return (
    textFault(name) ??
    (isHalfQuoted
      ? 'must not begin or end with a quotation mark that has no other, as copied text may: leave the mark out'
      : undefined)
  );
}

const GRANT_OPTIONS: Readonly<Record<Grant['type'], readonly string[]>> = {
  client_credentials: ['type', 'clientId', 'clientSecret'],
  password: ['type', 'username', 'password', 'clientId', 'clientSecret'],
  refresh_token: ['type', 'refreshToken', 'clientId', 'clientSecret'],
  custom: ['type', 'grantType', 'clientId', 'clientSecret', 'parameters'],
};

/** Refuses parameters that have an option of their own, or that the library sets. */
function refuseReserved(parameters: unknown): void {
  if (parameters === undefined) return;
  if (!isPlain(parameters))
    throw invalidOption(
      'grant.parameters',
      'must be an object such as { name: value }, one form parameter each.',
    );
  const reserved = ['grant_type', 'client_id', 'client_secret', 'scope'].find((name) =>
    Object.hasOwn(parameters, name),
  );
  if (Object.hasOwn(parameters, ''))
    throw invalidOption('grant.parameters', 'holds a parameter without a name.');
  if (reserved !== undefined) {
    throw invalidOption(`grant.parameters.${reserved}`, 'is set by an option of its own: leave it out here.');
  }
}

function resolveClientId(grant: Grant, { payu, given }: GrantEnvironment): string | undefined {
  const { clientId } = grant;
  if (clientId === undefined) {
    if (grant.type === 'custom') return undefined;
    if (grant.type === 'client_credentials')
      throw invalidOption('grant.clientId', 'must be given: the client id that PayU shared with you.');
    if (payu === undefined || given === 'by-url')
      throw invalidOption(
        'grant.clientId',
        'must be given where "environment" is neither "test" nor "production".',
      );
    if (grant.clientSecret !== undefined) {
      throw invalidOption(
        'grant.clientSecret',
        'needs "grant.clientId": the public client, which is the default, has no secret. Give both or neither.',
      );
    }
    return publicClientIds[payu];
  }
  requireText('grant.clientId', clientId);
  // The documents print the production id broken by a space.
  const stripped = clientId.replace(/\s+/g, '');
  const fault = nameFault(stripped);
  if (fault !== undefined) throw invalidOption('grant.clientId', `${fault}.`);
  if (/[^\x21-\x7E]/.test(stripped)) {
    throw invalidOption(
      'grant.clientId',
      'must be ASCII without control characters (RFC 6749 appendix A.1): copy it anew.',
    );
  }
  const other = payu === 'test' ? 'production' : 'test';
  if (payu !== undefined && stripped.toLowerCase() === publicClientIds[other]) {
    const [says, remedy] =
      given === 'by-name'
        ? [`"environment" is "${payu}"`, 'Leave it out']
        : [`"environment.tokenUrl" leads to ${payu}`, 'Change one of the two'];
    throw invalidOption(
      'grant.clientId',
      `is PayU's public client id of the ${other} environment, but ${says}. ${remedy}.`,
    );
  }
  return stripped;
}
