import type { StatusStyle } from './oauth-errors.ts';
import type { SandboxClient, SandboxCustomGrant, SandboxOptions } from './options.ts';
import { checkCourse } from './payment-controls.ts';
import type { PayoutStep } from './payment-ledger.ts';
import { documentedScopes } from './scopes.ts';
import type { RefreshRotation, RevokePrevious } from './token-ledger.ts';
import { type TokenReplyShape, tokenReplyShapes } from './token-reply.ts';
import { check, invalid } from './validate.ts';

/** The options with every default filled in. */
export interface Settings {
  readonly port: number;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly username: string;
  readonly password: string;
  readonly publicClientId: string;
  readonly clients: readonly SandboxClient[];
  readonly scopes: readonly string[];
  readonly tokenLifeSeconds: number | null;
  readonly reuseTokens: boolean;
  readonly revokePrevious: RevokePrevious;
  readonly raceInvalidTokenReuse: boolean;
  readonly refreshRotation: RefreshRotation;
  readonly statusStyle: StatusStyle;
  readonly replyShape: readonly TokenReplyShape[];
  readonly revokedTwice: 'ok' | 'invalid-token';
  readonly bbpsRefusalStatus: 200 | 401;
  readonly paymentCourse: readonly PayoutStep[];
  readonly batches: 'all-or-none' | 'per-entry';
  readonly merchantId: string | undefined;
  readonly customGrant: SandboxCustomGrant | undefined;
  readonly now: () => number;
  readonly seed: number | undefined;
  readonly requestLogLimit: number;
}

/** Those that need no `customGrant`. */
const GRANT_TYPES = ['client_credentials', 'password', 'refresh_token'];

/** Credentials that nobody can mistake for real ones. */
const fake = {
  clientId: 'sandbox-client-id',
  clientSecret: 'sandbox-client-secret',
  username: 'merchant@sandbox.example',
  password: 'sandbox-password',
  publicClientId: 'sandbox-public-client-id',
};

/** All names; the compiler asks for each. */
const KNOWN: Readonly<Record<keyof SandboxOptions, true>> = {
  port: true,
  clientId: true,
  clientSecret: true,
  clientGrants: true,
  username: true,
  password: true,
  publicClientId: true,
  clients: true,
  scopes: true,
  tokenLifeSeconds: true,
  reuseTokens: true,
  revokePrevious: true,
  raceInvalidTokenReuse: true,
  refreshRotation: true,
  statusStyle: true,
  replyShape: true,
  revokedTwice: true,
  bbpsRefusalStatus: true,
  paymentCourse: true,
  batches: true,
  merchantId: true,
  customGrant: true,
  now: true,
  seed: true,
  requestLogLimit: true,
};

/** Reads the options once; throws a `TypeError` that names the first wrong one. */
export function settle(options: SandboxOptions): Settings {
  refuseUnknown(check.object('options', options));
  const clientId = check.text('clientId', options.clientId ?? fake.clientId);
  const clientSecret = check.text('clientSecret', options.clientSecret ?? fake.clientSecret);
  const publicClientId = check.text('publicClientId', options.publicClientId ?? fake.publicClientId);
  if (publicClientId === clientId) throw invalid('publicClientId', 'must differ from "clientId"');
  const own: SandboxClient = { clientId, clientSecret };
  const { clientGrants, merchantId, seed, replyShape = [] } = options;
  const customGrant = options.customGrant === undefined ? undefined : checkGrant(options.customGrant);
  const grantTypes = [...GRANT_TYPES, ...(customGrant === undefined ? [] : [customGrant.grantType])];
  return {
    port: check.integer('port', options.port ?? 0, { min: 0, max: 65_535 }),
    clientId,
    clientSecret,
    publicClientId,
    username: check.text('username', options.username ?? fake.username),
    password: check.text('password', options.password ?? fake.password),
    clients: allClients(
      [
        clientGrants === undefined
          ? own
          : { ...own, grants: checkGrants('clientGrants', clientGrants, grantTypes) },
        { clientId: publicClientId },
      ],
      furtherClients(options.clients ?? [], grantTypes),
    ),
    scopes: someScopes(options.scopes ?? documentedScopes),
    tokenLifeSeconds: check.life(
      'tokenLifeSeconds',
      options.tokenLifeSeconds === undefined ? 7200 : options.tokenLifeSeconds,
    ),
    reuseTokens: check.oneOf('reuseTokens', options.reuseTokens ?? false, [true, false]),
    revokePrevious: revokePrevious(options.revokePrevious ?? false),
    raceInvalidTokenReuse: check.oneOf('raceInvalidTokenReuse', options.raceInvalidTokenReuse ?? false, [
      true,
      false,
    ]),
    refreshRotation: check.oneOf('refreshRotation', options.refreshRotation ?? 'previous', [
      'previous',
      'immediate',
      'none',
    ]),
    statusStyle: check.oneOf('statusStyle', options.statusStyle ?? 'documented', [
      'documented',
      'doorkeeper-5.0',
      'doorkeeper-5.1',
      'doorkeeper-5.5',
    ]),
    replyShape: checkShapes(replyShape),
    revokedTwice: check.oneOf('revokedTwice', options.revokedTwice ?? 'ok', ['ok', 'invalid-token']),
    bbpsRefusalStatus: check.oneOf('bbpsRefusalStatus', options.bbpsRefusalStatus ?? 200, [200, 401]),
    paymentCourse: checkCourse('paymentCourse', options.paymentCourse ?? ['QUEUED']),
    batches: check.oneOf('batches', options.batches ?? 'all-or-none', ['all-or-none', 'per-entry']),
    merchantId: merchantId === undefined ? undefined : check.text('merchantId', merchantId),
    customGrant,
    now: checkClock(options.now ?? (() => Date.now())),
    seed: seed === undefined ? undefined : check.integer('seed', seed, { min: Number.MIN_SAFE_INTEGER }),
    requestLogLimit: check.integer('requestLogLimit', options.requestLogLimit ?? 1000, { min: 0 }),
  };
}

/** A misspelt option would be passed over in silence. */
function refuseUnknown(options: Readonly<Record<string, unknown>>): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(KNOWN, name));
  if (unknown !== undefined) {
    throw invalid(unknown, `is not an option; there are: ${Object.keys(KNOWN).join(', ')}`);
  }
}

/** An entry of `clients` may say more of a client that is there anyway, but give it no other secret. */
function allClients(
  own: readonly SandboxClient[],
  further: readonly SandboxClient[],
): readonly SandboxClient[] {
  const ids = further.map(({ clientId }) => clientId);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw invalid('clients', `has "${twice}" twice`);
  for (const { clientId, clientSecret } of own) {
    const again = further.find((each) => each.clientId === clientId);
    if (again !== undefined && again.clientSecret !== clientSecret) {
      throw invalid('clients', `has "${clientId}", which is there already, with another "clientSecret"`);
    }
  }
  return [...own, ...further];
}

function checkGrants(name: string, grants: readonly string[], known: readonly string[]): readonly string[] {
  return check.texts(name, grants).map((grant) => check.oneOf(name, grant, known));
}

function checkScopes(name: string, scopes: readonly string[]): readonly string[] {
  const spaced = check.texts(name, scopes).find((scope) => /\s/.test(scope));
  if (spaced !== undefined) throw invalid(name, 'must be a list of scopes, each without white space');
  return scopes;
}

function someScopes(scopes: readonly string[]): readonly string[] {
  if (checkScopes('scopes', scopes).length === 0) throw invalid('scopes', 'must not be empty');
  return scopes;
}

function furtherClients(
  clients: readonly SandboxClient[],
  grantTypes: readonly string[],
): readonly SandboxClient[] {
  if (!Array.isArray(clients)) throw invalid('clients', 'must be a list, such as [{ clientId }]');
  for (const [index, client] of clients.entries()) {
    const name = `clients[${index}]`;
    check.keys(name, check.object(name, client), [
      'clientId',
      'clientSecret',
      'grants',
      'scopes',
      'merchantId',
    ]);
    check.text(`${name}.clientId`, client.clientId);
    if (client.clientSecret !== undefined) check.text(`${name}.clientSecret`, client.clientSecret);
    if (client.merchantId !== undefined) check.text(`${name}.merchantId`, client.merchantId);
    if (client.grants !== undefined) checkGrants(`${name}.grants`, client.grants, grantTypes);
    if (client.scopes !== undefined) checkScopes(`${name}.scopes`, client.scopes);
  }
  return clients;
}

function checkGrant(grant: SandboxCustomGrant): SandboxCustomGrant {
  check.keys('customGrant', check.object('customGrant', grant), ['grantType', 'parameters']);
  check.text('customGrant.grantType', grant.grantType);
  if (grant.parameters !== undefined) check.object('customGrant.parameters', grant.parameters);
  return grant;
}

function checkClock(now: () => number): () => number {
  if (typeof now !== 'function') throw invalid('now', 'must be a function that returns milliseconds');
  return now;
}

/** One shape or several, as a list that holds only known ones. */
export function checkShapes(shape: unknown): readonly TokenReplyShape[] {
  const shapes: readonly unknown[] = Array.isArray(shape) ? shape : [shape];
  return shapes.map((one) => check.oneOf('replyShape', one, tokenReplyShapes));
}

function revokePrevious(choice: NonNullable<SandboxOptions['revokePrevious']>): RevokePrevious {
  if (typeof choice === 'boolean') return choice ? 'all-scopes' : 'none';
  return check.oneOf('revokePrevious', choice, ['same-scope', 'all-scopes']);
}
