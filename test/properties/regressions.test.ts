import { test } from 'vitest';
import { runSchedule } from './support/run-schedule.ts';
import type { CallStep, Schedule, Setup } from './support/steps.ts';

const SETUP: Setup = {
  seed: 0,
  reuseTokens: false,
  revokePrevious: false,
  refreshRotation: 'previous',
  lifeSeconds: 7_200,
  store: 'own',
  renewAheadMs: 60_000,
  hold: 'none',
  scheme: 'Bearer',
};

const CALL: CallStep = {
  kind: 'call',
  auth: 'merchant',
  to: 'protected',
  scope: 0,
  body: 'none',
  adapter: 'http',
  replay: true,
  maxWaitMs: undefined,
  responseType: 'json',
  validateStatus: 'usual',
  times: 1,
};

/** What random schedules have found, shrunk. */
const FOUND: Readonly<Record<string, Schedule>> = {
  'invalidate() between two tries of a mint: the second try is not thrown away': {
    setup: SETUP,
    steps: [
      { kind: 'fail', on: 'token', count: 1, fault: { kind: 'hang' } },
      CALL,
      { kind: 'invalidate', auth: 'merchant', what: 'all' },
    ],
  },
  'setToken() between two tries of a mint: there is no second try': {
    setup: SETUP,
    steps: [
      { kind: 'fail', on: 'token', count: 1, fault: { kind: 'hang' } },
      CALL,
      { kind: 'set-token', auth: 'merchant', scope: 0, token: 'issued' },
    ],
  },
  'two rate limits side by side, the second with the longer wait': {
    setup: { ...SETUP, hold: 'before' },
    steps: [
      { kind: 'rate-limit', on: 'token', count: 1, retryAfter: 0, status: 429 },
      { kind: 'rate-limit', on: 'token', count: 1, retryAfter: 60, status: 429 },
      CALL,
      { ...CALL, scope: 1 },
      { kind: 'release', on: 'token', count: 2 },
      { kind: 'advance', ms: 61_000 },
    ],
  },
  'a refresh token that is dead while another scope is told to wait': {
    setup: { ...SETUP, hold: 'before' },
    steps: [
      { kind: 'set-token', auth: 'user', scope: 0, token: 'only-refresh' },
      { kind: 'revoke-all', keepRefreshTokens: false },
      { kind: 'rate-limit', on: 'token', count: 1, retryAfter: 60, status: 429 },
      { ...CALL, auth: 'user', scope: 1 },
      { ...CALL, auth: 'user', scope: 0 },
      { kind: 'release', on: 'token', count: 2 },
      { kind: 'advance', ms: 61_000 },
    ],
  },
  'two scopes of one client after a refresh whose caller has left': {
    setup: { ...SETUP, hold: 'before' },
    steps: [
      { kind: 'set-token', auth: 'user', scope: 0, token: 'only-refresh' },
      { ...CALL, auth: 'user' },
      { kind: 'advance', ms: 61_000 },
      { ...CALL, auth: 'user', maxWaitMs: 0, times: 3 },
      { ...CALL, auth: 'user', scope: 1, maxWaitMs: 0, times: 3 },
      { kind: 'advance', ms: 61_000 },
    ],
  },
  'all tokens forgotten while the wall clock is fast, and one of them is not known here any more': {
    setup: { ...SETUP, lifeSeconds: 7_200, hold: 'after' },
    steps: [
      { kind: 'get-token', auth: 'merchant', scope: 0 },
      { ...CALL, auth: 'sibling', to: 'echo', scope: 2, body: 'npm-form-stream', maxWaitMs: 5_000, times: 2 },
      { kind: 'release', on: 'token', count: 2 },
      { kind: 'advance', ms: 3_600_000 },
      { kind: 'step-wall', ms: 3_600_000 },
      { kind: 'get-token', auth: 'merchant', scope: 2 },
      { ...CALL, to: 'payment', scope: 2, body: 'buffer', adapter: 'fetch', maxWaitMs: 300 },
      { kind: 'invalidate', auth: 'merchant', what: 'all' },
      { kind: 'step-wall', ms: -3_600_000 },
    ],
  },
  'a token given again after the wall clock was set forward past its end: it is not asked for by each call': {
    setup: {
      ...SETUP,
      reuseTokens: true,
      revokePrevious: 'same-scope',
      lifeSeconds: null,
      store: 'shared',
      hold: 'after',
    },
    steps: [
      { ...CALL, auth: 'sibling', scope: 1, times: 4 },
      { kind: 'release', on: 'token', count: 4 },
      { kind: 'revoke-all', keepRefreshTokens: true },
      { kind: 'release', on: 'api', count: 1 },
      { kind: 'step-wall', ms: 3_600_000 },
    ],
  },
};

test.each(Object.entries(FOUND))('%s', async (_, schedule) => {
  await runSchedule(schedule);
});
