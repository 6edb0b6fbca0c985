import { authenticatedClient, mayUseGrant } from './client-check.ts';
import { formOf } from './form.ts';
import { oauthError } from './oauth-errors.ts';
import type { SandboxClient } from './options.ts';
import { json, type Reply } from './reply.ts';
import { scopeList } from './scopes.ts';
import type { TokenEntry } from './token-ledger.ts';
import { tokenReply } from './token-reply.ts';
import type { Received } from './traffic.ts';
import type { Flight, World } from './world.ts';

type Decision =
  | { readonly kind: 'token'; readonly entry: TokenEntry; readonly how: 'minted' | 'reused' | 'refreshed' }
  | { readonly kind: 'error'; readonly error: string };

const refuse = (error: string): Decision => ({ kind: 'error', error });

/** `POST /oauth/token`: checks in Doorkeeper's order, the grant first, then the client, then its request. */
export function answerTokenRequest(request: Received, world: World, flight: Flight): Reply {
  if (request.method !== 'POST') return json(404, { status: 404, error: 'Not Found' });
  const form = formOf(request);
  if (form !== undefined) world.stats.countGrant(form.get('grant_type') ?? '');
  const outcome = form === undefined ? refuse('invalid_request') : decide(form, world, flight);
  if (outcome.kind === 'error') return oauthError(outcome.error, world.settings.statusStyle);
  if (outcome.how === 'reused') world.stats.count('reused');
  else world.stats.count('mints');
  if (outcome.how === 'refreshed') world.stats.count('refreshes');
  return tokenReply(outcome.entry, world.ledger.secondsLeft(outcome.entry), world.replyShape);
}

function decide(form: URLSearchParams, world: World, flight: Flight): Decision {
  const grant = form.get('grant_type') ?? '';
  if (grant === '') return refuse('invalid_request');
  const custom = world.settings.customGrant;
  switch (grant) {
    case 'client_credentials':
      return withClient(form, world, grant, (client) => mintForClient(form, world, client, flight));
    case 'password':
      return withClient(form, world, grant, (client) => mintForUser(form, world, client));
    case 'refresh_token':
      return withClient(form, world, grant, (client) => refresh(form, world, client, flight));
    default:
      if (grant !== custom?.grantType) return refuse('unsupported_grant_type');
      return mintByCustomGrant(form, world, custom.parameters ?? {}, flight);
  }
}

function withClient(
  form: URLSearchParams,
  world: World,
  grant: string,
  proceed: (client: SandboxClient) => Decision,
): Decision {
  const client = authenticatedClient(form, world.clients);
  if (client === undefined) return refuse('invalid_client');
  if (!mayUseGrant(client, grant)) return refuse('unauthorized_client');
  return proceed(client);
}

function mintForClient(form: URLSearchParams, world: World, client: SandboxClient, flight: Flight): Decision {
  const scope = allowedScope(form, world, client);
  if (scope === undefined) return refuse('invalid_scope');
  const raced = [...world.flights].some((other) => other.clientId === client.clientId);
  if (world.settings.raceInvalidTokenReuse && raced) return refuse('invalid_token_reuse');
  flight.clientId = client.clientId;
  return mint(world, client, scope, undefined);
}

function mintForUser(form: URLSearchParams, world: World, client: SandboxClient): Decision {
  const { username, password } = world.settings;
  if (form.get('username') !== username || form.get('password') !== password) return refuse('invalid_grant');
  const scope = allowedScope(form, world, client);
  return scope === undefined ? refuse('invalid_scope') : mint(world, client, scope, world.userUuid);
}

/** Documents leave open whether such a grant names its client; where it does, the client is checked. */
function mintByCustomGrant(
  form: URLSearchParams,
  world: World,
  parameters: Readonly<Record<string, string>>,
  flight: Flight,
): Decision {
  const proceed = (client: SandboxClient): Decision => {
    for (const [name, value] of Object.entries(parameters)) {
      if (!form.has(name)) return refuse('invalid_request');
      if (form.get(name) !== value) return refuse('invalid_grant');
    }
    return mintForClient(form, world, client, flight);
  };
  if (form.has('client_id')) return withClient(form, world, form.get('grant_type') ?? '', proceed);
  return proceed({ clientId: world.settings.clientId });
}

function mint(
  world: World,
  client: SandboxClient,
  scope: readonly string[],
  userUuid: string | undefined,
): Decision {
  const { clientId } = client;
  const { entry, reused } = world.ledger.mint({
    clientId,
    userUuid,
    scope,
    refreshable: userUuid !== undefined,
  });
  return { kind: 'token', entry, how: reused ? 'reused' : 'minted' };
}

function refresh(form: URLSearchParams, world: World, client: SandboxClient, flight: Flight): Decision {
  const value = form.get('refresh_token') ?? '';
  if (value === '') return refuse('invalid_request');
  const old = world.ledger.byRefreshToken(value);
  if (old === undefined || old.clientId !== client.clientId) return refuse('invalid_grant');
  if (old.refreshRevoked) return refuse(deadRefreshToken(value, world));
  const scope = form.has('scope') ? scopeList(form.get('scope') ?? '') : old.scope;
  if (scope.length === 0 || !scope.every((name) => old.scope.includes(name))) return refuse('invalid_scope');
  flight.refreshToken = value;
  return { kind: 'token', entry: world.ledger.refresh(old, scope), how: 'refreshed' };
}

/** Up to Doorkeeper 5.1, the loser of a race between two refreshes is told `invalid_request`. */
function deadRefreshToken(value: string, world: World): string {
  const raced = [...world.flights].some((other) => other.refreshToken === value);
  const old = ['doorkeeper-5.0', 'doorkeeper-5.1'].includes(world.settings.statusStyle);
  return raced && old ? 'invalid_request' : 'invalid_grant';
}

/** Undefined for a missing, unknown or forbidden scope, and for separators other than the space. */
function allowedScope(
  form: URLSearchParams,
  world: World,
  client: SandboxClient,
): readonly string[] | undefined {
  const scope = scopeList(form.get('scope') ?? '');
  const allowed = client.scopes ?? world.settings.scopes;
  return scope.length > 0 && scope.every((name) => allowed.includes(name)) ? scope : undefined;
}
