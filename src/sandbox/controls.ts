import { checkFault, checkStatus, type Fault } from './fault.ts';
import type { Target } from './fault-plan.ts';
import type { Hold, HoldProcess } from './hold.ts';
import { createPaymentControls, type PaymentControls } from './payment-controls.ts';
import { checkRateLimit, type RateLimitReply } from './rate-limit.ts';
import type { Reply } from './reply.ts';
import { scopeList } from './scopes.ts';
import { checkShapes } from './settle.ts';
import type { SandboxStats } from './stats.ts';
import type { TokenReplyShape } from './token-reply.ts';
import type { RequestKind, SandboxRequest } from './traffic.ts';
import { check, invalid } from './validate.ts';
import type { World } from './world.ts';

/** Which requests a control is about. */
export interface TargetOptions {
  /** Default `token`. */
  readonly on?: RequestKind;
  /** Only paths that begin with this, such as `/payout`. Default: all. */
  readonly path?: string;
}

/** The answer to the next requests that `rateLimit` meets, and which those are. */
export interface RateLimitOptions extends RateLimitReply, TargetOptions {}

export interface HoldOptions {
  /** Default `before`: the answer is computed on arrival and delivered at release. */
  readonly process?: HoldProcess;
}

/** An answer of your own making; a `body` that is no string is sent as JSON. */
export interface RawReply {
  /** Default 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface RevokeAllOptions {
  /** Leave the refresh tokens alive. Default: they die too, as in Doorkeeper, where both are one row. */
  readonly keep?: 'refresh-tokens';
}

export interface IssueTokenOptions {
  /** Default: the public client of the password grant. */
  readonly clientId?: string;
  /** Default: all scopes of the sandbox. */
  readonly scope?: string | readonly string[];
}

/** A token that was obtained elsewhere, such as in the partner's OTP flow. */
export interface IssuedToken {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Undefined for a token that never expires. */
  readonly expiresInSeconds: number | undefined;
}

/** What a test may do to the sandbox, and ask it. Wrong arguments throw a `TypeError` that names them. */
export interface SandboxControls extends PaymentControls {
  /** Counters since the start or the last `resetStats()`, and what goes on right now. */
  stats(): SandboxStats;
  /** Sets the counters to 0 and empties the request log; tokens and plans stay. */
  resetStats(): void;
  /** Resolves as soon as the counters fulfil the condition; rejects if the sandbox closes before. */
  until(condition: (stats: SandboxStats) => boolean): Promise<SandboxStats>;
  /** The newest requests, oldest first; as many as `requestLogLimit` says. */
  requests(): readonly SandboxRequest[];
  revokeAllTokens(options?: RevokeAllOptions): void;
  expireAllTokens(): void;
  /** Life of tokens minted from now on; null: they never expire. */
  setTokenLife(seconds: number | null): void;
  /** How successful token replies deviate from now on; an empty list: not at all. */
  setReplyShape(shape: TokenReplyShape | readonly TokenReplyShape[]): void;
  /** Rotates the secret of the sandbox's client (not what `clientSecret` says: that stays the first one). */
  setClientSecret(secret: string): void;
  /** Makes a token pair without a request; counted nowhere. */
  issueToken(options?: IssueTokenOptions): IssuedToken;
  /** Answers the next `count` requests with a rate limit; without a look at their token. */
  rateLimit(count: number, options?: RateLimitOptions): void;
  /** Plans a fault for the next so many requests, or for a share (0 to 1) of all until `clearFaults()`. */
  fail(what: number | { readonly share: number }, fault: Fault, options?: TargetOptions): void;
  /** Answers the next request with this, unprocessed. Several are queued. */
  replyNext(reply: RawReply, options?: TargetOptions): void;
  /** Parks requests, from now on, until they are released. */
  hold(on: RequestKind, path?: string, options?: HoldOptions): Hold;
  /** Forgets rate limits, faults and replies that have not been met yet. Holds stay. */
  clearFaults(): void;
}

const kinds = ['token', 'revoke', 'api'] as const;
export const targetKeys: readonly string[] = ['on', 'path'];

export function createControls(world: World): SandboxControls {
  const { plan, stats, log, ledger, holds } = world;
  return {
    ...createPaymentControls(world),
    stats: () => stats.snapshot(),
    resetStats() {
      stats.reset();
      log.clear();
    },
    until: (condition) => stats.until(condition),
    requests: () => log.newest(),
    revokeAllTokens({ keep } = {}) {
      ledger.revokeAll(keep === undefined ? undefined : check.oneOf('keep', keep, ['refresh-tokens']));
    },
    expireAllTokens: () => ledger.expireAll(),
    setTokenLife(seconds) {
      ledger.lifeMs = lifeInMs(check.life('seconds', seconds));
    },
    setReplyShape(shape) {
      world.replyShape = checkShapes(shape);
    },
    setClientSecret(secret) {
      const { clientId } = world.settings;
      const client = world.clients.get(clientId);
      world.clients.set(clientId, { clientId, ...client, clientSecret: check.text('secret', secret) });
    },
    issueToken: (options = {}) => issueToken(world, options),
    rateLimit(count, options = {}) {
      check.keys('options', { ...options }, rateLimitKeys);
      const limit = checkRateLimit({ ...options });
      plan.next(countOf(count), targetOf(options), { kind: 'rate-limit', limit });
    },
    fail(what, fault, options = {}) {
      check.keys('options', { ...options }, targetKeys);
      const interruption = { kind: 'fault', fault: checkFault(fault) } as const;
      if (typeof what === 'object' && what !== null)
        plan.share(shareOf(what), targetOf(options), interruption);
      else plan.next(countOf(what), targetOf(options), interruption);
    },
    replyNext(reply, options = {}) {
      check.keys('options', { ...options }, targetKeys);
      plan.next(1, targetOf(options), { kind: 'reply', reply: wholeReply(reply) });
    },
    hold(on, path, { process = 'before' } = {}) {
      check.oneOf('on', on, kinds);
      check.oneOf('process', process, ['before', 'after', 'late']);
      return holds.add(targetOf({ on, ...(path !== undefined && { path }) }), process);
    },
    clearFaults: () => plan.clear(),
  };
}

export function lifeInMs(seconds: number | null): number {
  return seconds === null ? Number.POSITIVE_INFINITY : seconds * 1000;
}

export const rateLimitKeys: readonly string[] = [
  ...targetKeys,
  'retryAfter',
  'retryAfterHeader',
  'status',
  'body',
];

function countOf(count: unknown): number {
  return check.integer('count', count, { min: 0 });
}

function shareOf(what: unknown): number {
  const { share } = check.object('share', what);
  if (typeof share !== 'number' || !(share >= 0 && share <= 1)) throw invalid('share', 'must be from 0 to 1');
  return share;
}

function targetOf({ on = 'token', path }: TargetOptions): Target {
  if (path !== undefined && !check.text('path', path).startsWith('/'))
    throw invalid('path', 'must begin with a slash, as the paths of requests do');
  return { on: check.oneOf('on', on, kinds), path };
}

function wholeReply(reply: RawReply): Reply {
  check.keys('reply', check.object('reply', reply), ['status', 'headers', 'body']);
  const { status = 200, headers = {}, body } = reply;
  checkStatus('status', status);
  for (const [name, value] of Object.entries(check.object('headers', headers)))
    check.header(`headers.${name}`, name, value);
  if (typeof body === 'string') return { status, headers: lowerCased(headers), body };
  const type = { 'content-type': 'application/json; charset=utf-8' };
  return { status, headers: { ...type, ...lowerCased(headers) }, body: JSON.stringify(body ?? null) };
}

function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function issueToken(world: World, options: IssueTokenOptions): IssuedToken {
  check.keys('options', { ...options }, ['clientId', 'scope']);
  const { clientId = world.settings.publicClientId, scope } = options;
  check.oneOf('clientId', clientId, [...world.clients.keys()]);
  const entry = world.ledger.issue({
    clientId,
    userUuid: world.userUuid,
    scope: typeof scope === 'string' ? scopeList(scope) : (scope ?? world.settings.scopes),
    refreshable: true,
  });
  return {
    accessToken: entry.accessToken,
    refreshToken: entry.refreshToken ?? '',
    expiresInSeconds: world.ledger.secondsLeft(entry),
  };
}
