import fc from 'fast-check';
import type { Fault } from '../../../src/sandbox/index.ts';

/** The scopes in use: as one would write them, so that order and spaces are part of it. */
export const SCOPES = [
  'create_payout_transactions',
  'read_payment_links',
  'read_payment_links create_payment_links',
] as const;

/** The same as the token request names them. */
export function scopeKeyOf(scope: number): string {
  return (SCOPES[scope] as string).split(' ').sort().join(' ');
}

export const AUTHS = ['merchant', 'sibling', 'user'] as const;
export type AuthName = (typeof AUTHS)[number];

const BODIES = [
  'none',
  'json',
  'text',
  'buffer',
  'params',
  'form',
  'npm-form',
  'blob',
  'stream',
  'npm-form-stream',
] as const;
export type BodyKind = (typeof BODIES)[number];

/** Where a call goes: two of them leave the origin. */
const TARGETS = ['payment', 'echo', 'protected', 'foreign', 'redirect-302', 'redirect-307'] as const;
export type CallTarget = (typeof TARGETS)[number];

export interface CallStep {
  readonly kind: 'call';
  readonly auth: AuthName;
  readonly to: CallTarget;
  readonly scope: number;
  readonly body: BodyKind;
  readonly adapter: 'http' | 'fetch';
  readonly replay: boolean;
  readonly maxWaitMs: number | undefined;
  readonly responseType: 'json' | 'stream' | 'arraybuffer';
  readonly validateStatus: 'usual' | 'all';
  readonly times: number;
}

export type Step =
  | CallStep
  | { readonly kind: 'get-token'; readonly auth: AuthName; readonly scope: number }
  | { readonly kind: 'abort'; readonly which: number }
  | { readonly kind: 'release'; readonly on: 'token' | 'api'; readonly count: number }
  | { readonly kind: 'advance'; readonly ms: number }
  /** The wall clock is set forward or back; nothing else notices. */
  | { readonly kind: 'step-wall'; readonly ms: number }
  /** The process stands still: time passes, and nothing is heard. */
  | { readonly kind: 'stall'; readonly ms: number }
  | { readonly kind: 'revoke-all'; readonly keepRefreshTokens: boolean }
  | { readonly kind: 'expire-all' }
  | { readonly kind: 'life'; readonly seconds: number | null }
  | {
      readonly kind: 'rate-limit';
      readonly on: 'token' | 'api';
      readonly count: number;
      /** Seconds; `soon` is a point in time, one minute ahead. */
      readonly retryAfter: number | 'soon' | false;
      readonly status: number;
    }
  | { readonly kind: 'fail'; readonly on: 'token' | 'api'; readonly count: number; readonly fault: Fault }
  | { readonly kind: 'invalidate'; readonly auth: AuthName; readonly what: 'all' | 'held' }
  | { readonly kind: 'revoke'; readonly auth: AuthName; readonly scope: number }
  | {
      readonly kind: 'set-token';
      readonly auth: AuthName;
      readonly scope: number;
      readonly token: 'issued' | 'unknown' | 'only-refresh';
    }
  | { readonly kind: 'close'; readonly auth: AuthName };

/** What holds for a whole schedule. */
export interface Setup {
  readonly seed: number;
  readonly reuseTokens: boolean;
  readonly revokePrevious: boolean | 'same-scope';
  readonly refreshRotation: 'previous' | 'immediate' | 'none';
  readonly lifeSeconds: number | null;
  readonly store: 'own' | 'shared' | 'failing';
  readonly renewAheadMs: number;
  /** Whether requests wait at the server until a step releases them, and when they are processed then. */
  readonly hold: 'none' | 'before' | 'after';
  /** What the API calls the scheme of our token in its challenges. */
  readonly scheme: 'Bearer' | 'OAuth';
}

export interface Schedule {
  readonly setup: Setup;
  readonly steps: readonly Step[];
}

/** One of these values, with their literal types. */
function oneOf<const T extends readonly unknown[]>(...values: T): fc.Arbitrary<T[number]> {
  return fc.constantFrom<T[number][]>(...values);
}

const auth = oneOf(...AUTHS);
const scope = fc.nat(SCOPES.length - 1);
const side = oneOf('token' as const, 'api' as const);
const few = fc.integer({ min: 1, max: 4 });

const call: fc.Arbitrary<CallStep> = fc.record({
  kind: oneOf('call'),
  auth,
  to: fc.oneof(
    { weight: 6, arbitrary: oneOf('payment' as const, 'echo' as const, 'protected' as const) },
    { weight: 1, arbitrary: oneOf(...TARGETS) },
  ),
  scope,
  body: oneOf(...BODIES),
  adapter: oneOf('http', 'fetch'),
  replay: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  maxWaitMs: oneOf(undefined, undefined, undefined, 0, 300, 500, 5_000),
  responseType: oneOf('json', 'json', 'stream', 'arraybuffer'),
  validateStatus: oneOf('usual', 'usual', 'all'),
  times: few,
});

const tokenFault: fc.Arbitrary<Fault> = fc.oneof(
  oneOf<readonly Fault[]>(
    { kind: 'hang' },
    { kind: 'reset-before-read' },
    { kind: 'reset-after-read' },
    { kind: 'reset-in-body' },
    { kind: 'html-200' },
    { kind: 'empty-200' },
    { kind: 'truncated-json' },
    { kind: 'garbage' },
    { kind: 'redirect', location: 'http://127.0.0.1:1/' },
  ),
  oneOf(500, 502, 503).map((status): Fault => ({ kind: 'status', status, body: 'html' })),
  oneOf(408, 421, 425, 499).map((status): Fault => ({ kind: 'status', status, body: 'none' })),
  oneOf('unauthorized_client', 'access_denied', 'Invalid_Grant', 'invalid-client ').map(
    (error): Fault => ({ kind: 'oauth-error', error, status: 403 }),
  ),
  oneOf('server_error', 'invalid_token_reuse', 'invalid_grant', 'invalid_client', 'invalid_scope', 'odd').map(
    (error): Fault => ({ kind: 'oauth-error', error }),
  ),
);

const apiFault: fc.Arbitrary<Fault> = oneOf<readonly Fault[]>(
  { kind: 'hang', processed: true },
  { kind: 'reset-before-read' },
  { kind: 'reset-after-read' },
  { kind: 'reset-in-body' },
  { kind: 'status', status: 500, processed: true },
  { kind: 'status', status: 503, body: 'html' },
  { kind: 'status', status: 401, body: 'none' },
  { kind: 'status', status: 401, body: 'html' },
  { kind: 'status', status: 403, body: 'html' },
  { kind: 'oauth-error', error: 'insufficient_scope', status: 401 },
  { kind: 'truncated-json' },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: call },
  { weight: 5, arbitrary: fc.record({ kind: oneOf('release'), on: side, count: few }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: oneOf('advance'),
      ms: oneOf(1, 100, 499, 1_000, 2_500, 9_000, 10_000, 31_000, 61_000, 130_000, 3_600_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: oneOf('step-wall'),
      ms: oneOf(-3_600_000, 3_600_000, -5_000, 5_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: oneOf('stall'), ms: oneOf(1_000, 30_000, 600_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: oneOf('abort'), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: oneOf('get-token'), auth, scope }) },
  { weight: 2, arbitrary: fc.record({ kind: oneOf('revoke-all'), keepRefreshTokens: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: oneOf('expire-all') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: oneOf('life'),
      seconds: oneOf(0, 1, 2, 30, 600, 7_200, null),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: oneOf('rate-limit'),
      on: side,
      count: fc.integer({ min: 1, max: 12 }),
      retryAfter: oneOf(0, 1, 2, 60, 'soon', false),
      status: oneOf(429, 429, 400),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: oneOf('fail'),
      on: oneOf('token'),
      count: few,
      fault: tokenFault,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: oneOf('fail'), on: oneOf('api'), count: few, fault: apiFault }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: oneOf('invalidate'), auth, what: oneOf('all', 'held') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: oneOf('revoke'), auth, scope }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: oneOf('set-token'),
      auth,
      scope,
      token: oneOf('issued', 'unknown', 'only-refresh'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: oneOf('close'), auth }) },
);

const setup: fc.Arbitrary<Setup> = fc.record({
  seed: fc.nat(1_000_000),
  reuseTokens: fc.boolean(),
  revokePrevious: oneOf(false, false, true, 'same-scope'),
  refreshRotation: oneOf('previous', 'immediate', 'none'),
  lifeSeconds: oneOf(7_200, 7_200, 100, 1, null),
  store: oneOf('own', 'shared', 'failing'),
  renewAheadMs: oneOf(60_000, 0),
  hold: oneOf('none', 'before', 'after'),
  scheme: oneOf('Bearer', 'OAuth'),
});

/** Schedules of up to so many steps. */
export function schedules(mostSteps: number): fc.Arbitrary<Schedule> {
  return fc.record({ setup, steps: fc.array(step, { minLength: 1, maxLength: mostSteps, size: 'max' }) });
}
