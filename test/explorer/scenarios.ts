import type { AuthSetup, CallSetup, EventKind, Scenario } from './support/scenario.ts';

const MERCHANT: AuthSetup = { grant: 'client_credentials', clientId: 'merchant' };
const USER: AuthSetup = { grant: 'password', clientId: 'user' };

const SERVER: Scenario['server'] = {
  lifeSeconds: 7_200,
  rotation: 'at-once',
  revokesPrevious: false,
  challenge: 'Bearer realm="api", error="invalid_token"',
  refreshes: 'answered',
};

function call(auth: string, more: Partial<CallSetup> = {}): CallSetup {
  return { auth, via: 'request', maxWaitMs: 120_000, replay: 'allowed', ...more };
}

/** Only the token half: half the events, and half the cost. */
function asks(auth: string): CallSetup {
  return call(auth, { via: 'getToken' });
}

/** As often as it is possible. */
const ALWAYS = 99;
/** What answers without any trouble. */
const ANSWERS: Partial<Record<EventKind, number>> = { token: ALWAYS, api: ALWAYS };

const ONE: Pick<Scenario, 'auths' | 'store' | 'server' | 'prelude' | 'calmMs'> = {
  auths: { A: MERCHANT },
  store: 'own',
  server: SERVER,
  prelude: [],
  // Longer than a told minute with its jitter, and than any pause.
  calmMs: 200_000,
};
/** Two processes that share a store. */
const TWO: Pick<Scenario, 'auths' | 'store' | 'server' | 'prelude' | 'calmMs'> = {
  ...ONE,
  auths: { A: MERCHANT, B: MERCHANT },
  store: 'shared',
};
/** A token is held and inside its window. */
const IN_WINDOW = ['call #1', 'token @A', 'api #1', 'window'];

export const SCENARIOS: readonly Scenario[] = [
  {
    ...ONE,
    name: 'a revocation',
    server: { ...SERVER, challenge: 'OAuth realm="api", error="invalid_token"' },
    calls: [call('A'), call('A'), call('A')],
    events: { call: 3, ...ANSWERS, 'revoke-all': 1, 'api-late-ok': 1 },
    depth: 9,
    losesNoCall: true,
  },
  {
    ...ONE,
    name: 'an expiry',
    calls: [call('A'), call('A'), call('A')],
    events: { call: 3, ...ANSWERS, window: 1, expire: 1, 'api-late-ok': 1, timer: 1 },
    depth: 7,
    losesNoCall: true,
  },
  {
    ...ONE,
    name: 'a renewal in the background, then a revocation',
    calls: [call('A'), call('A'), call('A')],
    prelude: ['call #1', 'token @A', 'window'],
    events: { call: 2, ...ANSWERS, 'revoke-all': 1, 'api-late-ok': 1 },
    depth: 7,
    losesNoCall: true,
  },
  {
    ...ONE,
    name: 'by hand',
    calls: [call('A'), asks('A'), call('A')],
    prelude: IN_WINDOW,
    events: { call: 2, ...ANSWERS, invalidate: 1, revoke: 1, 'set-token': 1, close: 1, abort: 1, timer: 1 },
    depth: 5,
    losesNoCall: true,
  },
  {
    ...ONE,
    name: 'a token endpoint in trouble',
    calls: [asks('A'), asks('A'), call('A', { maxWaitMs: 5_000 })],
    events: {
      call: 3,
      token: ALWAYS,
      'token-503': 1,
      'token-limited': 1,
      'token-untold': 1,
      'token-garbage': 1,
      'token-lost': 1,
      'token-refused': 1,
      'token-reset': 1,
      'token-408': 1,
      'token-point-in-time': 1,
      abort: 1,
      timer: 2,
    },
    depth: 5,
    losesNoCall: false,
  },
  {
    ...ONE,
    name: 'no try is left',
    auths: { A: { ...MERCHANT, options: { tokenAttempts: 2 } } },
    calls: [asks('A'), call('A', { maxWaitMs: 900 }), asks('A')],
    events: { call: 3, token: ALWAYS, 'token-503': 3, 'token-garbage': 2, abort: 1, timer: 3 },
    depth: 7,
    losesNoCall: false,
  },
  {
    ...ONE,
    name: 'faults that pass',
    calls: [asks('A'), asks('A'), asks('A')],
    events: {
      call: 3,
      token: ALWAYS,
      'token-503': 1,
      'token-408': 1,
      'token-reset': 1,
      'token-point-in-time': 1,
      timer: 3,
    },
    depth: 6,
    losesNoCall: true,
  },
  {
    ...ONE,
    name: 'told to wait for days, and until a point in time',
    calls: [asks('A'), asks('A'), asks('A')],
    events: {
      call: 3,
      token: ALWAYS,
      'token-limited-long': 1,
      'token-point-in-time': 2,
      timer: 2,
      'wall-1h': 1,
    },
    depth: 6,
    calmMs: 3_600_001,
    losesNoCall: false,
  },
  {
    ...TWO,
    name: 'a sibling whose clock is an hour fast',
    auths: { A: MERCHANT, B: { ...MERCHANT, clockAheadMs: 3_600_000 } },
    store: 'notices',
    calls: [call('A'), asks('B'), call('A'), asks('B')],
    events: { call: 4, ...ANSWERS, 'token-limited': 1, timer: 1, 'revoke-all': 1 },
    depth: 5,
    losesNoCall: true,
  },
  {
    ...ONE,
    name: 'a refresh token that breaks the server',
    auths: { A: { ...USER, options: { tokenAttempts: 2 } } },
    server: { ...SERVER, refreshes: 'broken' },
    calls: [call('A'), asks('A'), asks('A')],
    prelude: [...IN_WINDOW, 'expire'],
    events: { call: 2, token: ALWAYS },
    depth: 7,
    losesNoCall: false,
  },
  {
    ...TWO,
    name: 'two processes, then a revocation',
    calls: [call('A'), call('B'), call('A'), call('B')],
    events: { call: 4, ...ANSWERS, 'revoke-all': 1, sibling: 1 },
    depth: 5,
    losesNoCall: true,
  },
  {
    ...TWO,
    name: 'two processes that forget by hand',
    calls: [call('A'), call('B'), call('A'), call('B')],
    events: { call: 4, ...ANSWERS, 'revoke-all': 1, invalidate: 1, window: 1 },
    depth: 5,
    losesNoCall: true,
  },
  {
    ...TWO,
    name: 'two processes, notices shared',
    store: 'notices',
    calls: [asks('A'), asks('B'), asks('A'), asks('B')],
    events: { call: 4, token: ALWAYS, 'token-limited': 1, 'token-refused': 1, 'token-503': 1, timer: 2 },
    depth: 5,
    losesNoCall: false,
  },
  {
    ...TWO,
    name: 'a store that takes its time, and fails',
    auths: { A: MERCHANT },
    store: 'held',
    calls: [asks('A'), call('A', { maxWaitMs: 1_500 }), asks('A')],
    events: {
      call: 3,
      token: ALWAYS,
      'store-go': ALWAYS,
      'store-fail': 1,
      invalidate: 1,
      sibling: 1,
      timer: 1,
      abort: 1,
    },
    depth: 5,
    losesNoCall: true,
  },
  {
    ...ONE,
    name: 'two clients',
    auths: { A: MERCHANT, B: { ...MERCHANT, clientId: 'another' } },
    store: 'shared',
    calls: [call('A'), call('B'), call('A'), call('B')],
    events: { call: 4, ...ANSWERS, 'revoke-all': 1, 'token-503': 1 },
    depth: 5,
    losesNoCall: true,
  },
  {
    ...ONE,
    name: 'a wall clock that steps while calls wait',
    calls: [asks('A'), call('A', { maxWaitMs: 2_000 })],
    events: {
      call: 2,
      token: ALWAYS,
      'wall+1h': 1,
      'wall-1h': 1,
      'token-503': 1,
      'token-limited': 1,
      'token-lost': 1,
      timer: 2,
    },
    depth: 5,
    losesNoCall: false,
  },
  {
    ...ONE,
    name: 'a wall clock that steps while a token is held',
    calls: [call('A'), call('A', { maxWaitMs: 2_000 })],
    events: {
      call: 2,
      ...ANSWERS,
      'wall+1h': 1,
      'wall-1h': 1,
      window: 1,
      timer: 1,
      'api-429': 1,
      'revoke-all': 1,
    },
    depth: 5,
    losesNoCall: false,
  },
  {
    ...ONE,
    name: 'impatient callers',
    calls: [call('A', { maxWaitMs: 300 }), call('A', { maxWaitMs: 300 }), call('A')],
    events: { call: 3, ...ANSWERS, 'token-503': 1, 'token-lost': 1, abort: 2, timer: 3 },
    depth: 7,
    losesNoCall: false,
  },
  {
    ...ONE,
    name: 'a slow API and its rate limits',
    calls: [call('A'), call('A', { replay: 'disabled' }), call('A', { maxWaitMs: 4_000 })],
    events: {
      call: 3,
      ...ANSWERS,
      'api-429': 2,
      'api-500': 1,
      'api-reset': 1,
      'revoke-all': 1,
      abort: 1,
      timer: 1,
      close: 1,
    },
    depth: 5,
    losesNoCall: false,
  },
  {
    ...ONE,
    name: 'a server that reuses tokens, and one that revokes them',
    server: { ...SERVER, revokesPrevious: true },
    calls: [call('A'), call('A'), call('A')],
    events: { call: 3, ...ANSWERS, 'token-same': 2, 'token-dead': 1, window: 1, 'revoke-all': 1, timer: 1 },
    depth: 7,
    losesNoCall: false,
  },
  {
    ...ONE,
    name: 'refresh tokens that rotate at once',
    auths: { A: USER },
    calls: [call('A'), asks('A'), asks('A')],
    prelude: IN_WINDOW,
    events: {
      call: 2,
      ...ANSWERS,
      'token-dead-refresh': 1,
      'token-odd-refusal': 1,
      'token-lost': 1,
      'token-503': 1,
      'token-after-stall': 1,
      'revoke-all': 1,
      'revoke-all-too': 1,
      abort: 1,
      timer: 1,
      // A refresh token by hand, whose refresh nobody waits for in the end (C3).
      'set-refresh': 1,
    },
    depth: 4,
    losesNoCall: false,
  },
  {
    ...TWO,
    name: 'two processes with one refresh token',
    auths: { A: USER, B: USER },
    server: { ...SERVER, rotation: 'with-grace' },
    calls: [call('A'), call('B'), call('A'), call('B')],
    prelude: IN_WINDOW,
    events: {
      call: 3,
      ...ANSWERS,
      'token-dead-refresh': 1,
      'token-lost': 1,
      'revoke-all': 1,
      sibling: 1,
      timer: 1,
    },
    depth: 4,
    losesNoCall: false,
  },
];

export function scenarioNamed(name: string): Scenario {
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (scenario === undefined) throw new Error(`no scenario "${name}"`);
  return scenario;
}
