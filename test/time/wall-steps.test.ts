import { PassThrough } from 'node:stream';
import axios, { type AxiosAdapter, type InternalAxiosRequestConfig } from 'axios';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createPayuAuthIn, type PayuAuth } from '../../src/payu-auth.ts';
import type { Call } from '../explorer/support/call.ts';
import { type Answerer, happen, pass, rest, settle } from '../explorer/support/events.ts';
import type { AuthSetup, CallSetup, Event, Scenario } from '../explorer/support/scenario.ts';
import { World } from '../explorer/support/world.ts';
import { middling } from '../support/harness.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { StoreUnderTest, turns } from '../token/support.ts';

/**
 * "Never hangs", with a wall clock that steps (T1): the states in which a call may be, and the steps. In each of them
 * the call comes to the same end as without a step, and no later.
 */
interface State {
  readonly auth?: Partial<AuthSetup>;
  readonly store?: Scenario['store'];
  readonly server?: Partial<Scenario['server']>;
  readonly call?: Partial<CallSetup>;
  /** What led to the state. */
  readonly before: readonly Event[];
  /** The number of the call that is looked at. */
  readonly subject: number;
  /** What happens later, in milliseconds from the state on. */
  readonly later?: readonly (readonly [atMs: number, event: Event])[];
  /** Who answers at once, as it stands. */
  readonly answers: readonly Answerer[];
  /** When the call ends without a step, in milliseconds from the state on, and how. */
  readonly endsAtMs: number;
  readonly ends: 'fulfilled' | 'ERR_TOKEN_UNAVAILABLE';
  /** A token's life is over when either clock says so: after a step forward it may take the time of a mint. */
  readonly endsForwardAtMs?: number;
}

const HELD: readonly Event[] = ['call #1', 'token @A', 'api #1'];

const STATES: Readonly<Record<string, State>> = {
  'waits for a mint, which is answered': {
    before: ['call #1'],
    subject: 1,
    later: [[1_500, 'token @A']],
    answers: ['api'],
    endsAtMs: 1_500,
    ends: 'fulfilled',
  },
  'waits for a mint, which hangs, until maxWaitMs': {
    call: { maxWaitMs: 2_000 },
    before: ['call #1'],
    subject: 1,
    answers: [],
    endsAtMs: 2_000,
    ends: 'ERR_TOKEN_UNAVAILABLE',
  },
  'waits for a mint that hangs, until its tokenTimeoutMs and a second try': {
    before: ['call #1'],
    subject: 1,
    later: [[10_500, 'token @A']],
    answers: ['api'],
    endsAtMs: 10_500,
    ends: 'fulfilled',
  },
  'waits in the back-off between two tries': {
    before: ['call #1', 'token-503 @A'],
    subject: 1,
    answers: ['token', 'api'],
    endsAtMs: 150,
    ends: 'fulfilled',
  },
  'waits out a cool-down that the token endpoint told': {
    before: ['call #1', 'token-limited @A'],
    subject: 1,
    answers: ['token', 'api'],
    endsAtMs: 63_000,
    ends: 'fulfilled',
  },
  'waits out a cool-down that siblings are told of': {
    store: 'notices',
    before: ['call #1', 'token-limited @A'],
    subject: 1,
    answers: ['token', 'api'],
    endsAtMs: 63_000,
    ends: 'fulfilled',
  },
  'comes after the pause that follows an outage': {
    auth: { options: { tokenAttempts: 1 } },
    before: ['call #1', 'token-503 @A'],
    subject: 2,
    later: [[1_000, 'call #2']],
    answers: ['token', 'api'],
    endsAtMs: 1_000,
    ends: 'fulfilled',
  },
  'comes after the time for which a refusal is remembered': {
    before: ['call #1', 'token-refused @A'],
    subject: 2,
    later: [[10_000, 'call #2']],
    answers: ['token', 'api'],
    endsAtMs: 10_000,
    ends: 'fulfilled',
  },
  'comes after the time for which siblings remember a refusal': {
    store: 'notices',
    before: ['call #1', 'token-refused @A'],
    subject: 2,
    later: [[10_000, 'call #2']],
    answers: ['token', 'api'],
    endsAtMs: 10_000,
    ends: 'fulfilled',
  },
  'comes after the pause that follows a renewal in vain (D5)': {
    before: ['call #1', 'token @A', 'revoke-all', 'api #1', 'token @A', 'revoke-all', 'api #1'],
    subject: 2,
    later: [[1_000, 'call #2']],
    answers: ['token', 'api'],
    endsAtMs: 1_000,
    ends: 'fulfilled',
  },
  'waits for a secret': {
    auth: { secret: () => new Promise(() => {}) },
    before: ['call #1'],
    subject: 1,
    answers: [],
    endsAtMs: 10_000,
    ends: 'ERR_TOKEN_UNAVAILABLE',
  },
  'waits for a store that does not answer': {
    store: 'held',
    before: ['call #1'],
    subject: 1,
    // It is asked twice, and told once.
    later: Array.from({ length: 6 }, () => [700, 'store-go'] as const),
    answers: ['token', 'api'],
    endsAtMs: 700,
    ends: 'fulfilled',
  },
  'waits for a lock that a sibling holds, until maxWaitMs': {
    store: 'shared',
    call: { maxWaitMs: 2_000 },
    before: ['call #4', 'call #1'],
    subject: 1,
    answers: [],
    endsAtMs: 2_000,
    ends: 'ERR_TOKEN_UNAVAILABLE',
  },
  'waits for a lock that a sibling gives back': {
    store: 'shared',
    before: ['call #4', 'call #1'],
    subject: 1,
    later: [[1_500, 'token @B']],
    answers: ['api'],
    endsAtMs: 1_500,
    ends: 'fulfilled',
  },
  'waits for an API that told it to': {
    before: ['call #1', 'token @A', 'api-429 #1'],
    subject: 1,
    answers: ['api'],
    endsAtMs: 5_250,
    ends: 'fulfilled',
  },
  'is between a 401 and its replay': {
    before: ['call #1', 'token @A', 'revoke-all', 'api #1'],
    subject: 1,
    later: [[1_500, 'token @A']],
    answers: ['api'],
    endsAtMs: 1_500,
    ends: 'fulfilled',
  },
  'is between a 401 and a replay that hangs, until maxWaitMs': {
    call: { maxWaitMs: 2_000 },
    before: ['call #1', 'token @A', 'revoke-all', 'api #1'],
    subject: 1,
    answers: [],
    endsAtMs: 2_000,
    ends: 'ERR_TOKEN_UNAVAILABLE',
  },
  'freezes a form whose file never ends, until maxWaitMs': {
    call: { maxWaitMs: 2_000, body: formThatStalls() },
    before: ['call #1'],
    subject: 1,
    answers: ['token', 'api'],
    endsAtMs: 2_000,
    ends: 'fulfilled',
  },
  'has waited already, and waits again': {
    call: { maxWaitMs: 3_000 },
    before: ['call #1'],
    subject: 1,
    later: [
      [1_500, 'token @A'],
      [1_500, 'revoke-all'],
      [1_500, 'api #1'],
    ],
    answers: [],
    endsAtMs: 3_000,
    ends: 'ERR_TOKEN_UNAVAILABLE',
  },
  'goes out while a renewal hangs in the background': {
    before: [...HELD, 'window', 'call #2'],
    subject: 2,
    later: [[1_000, 'api #2']],
    answers: [],
    endsAtMs: 1_000,
    ends: 'fulfilled',
  },
  'comes while a renewal is under way in the background': {
    server: { lifeSeconds: 86_400 },
    before: [...HELD, 'window', 'call #2', 'api #2'],
    subject: 3,
    later: [
      [100, 'call #3'],
      [1_000, 'token @A'],
    ],
    answers: ['api'],
    endsAtMs: 100,
    ends: 'fulfilled',
    endsForwardAtMs: 1_000,
  },
};

/** Of a file as users open them: its bytes come from elsewhere, and here never do. */
function formThatStalls(): FormData {
  class StalledFile extends File {
    override stream(): ReturnType<File['stream']> {
      return new ReadableStream();
    }
  }
  const form = new FormData();
  form.append('file', new StalledFile(['bytes'], 'file'));
  return form;
}

type Step = readonly [when: 'at once' | 'mid-way', event: Event];

const STEPS: Readonly<Record<string, readonly Step[]>> = {
  'no step': [],
  'one hour back, at once': [['at once', 'wall-1h']],
  'one hour forward, at once': [['at once', 'wall+1h']],
  'one hour back, mid-way': [['mid-way', 'wall-1h']],
  'one hour forward, mid-way': [['mid-way', 'wall+1h']],
  'back at once, forward mid-way': [
    ['at once', 'wall-1h'],
    ['mid-way', 'wall+1h'],
  ],
  'forward at once, back mid-way': [
    ['at once', 'wall+1h'],
    ['mid-way', 'wall-1h'],
  ],
};

describe.each(Object.entries(STATES))('a call that %s', (_, state) => {
  test.each(Object.entries(STEPS))('%s', async (name, steps) => {
    const { endedAtMs, ended } = await endOf(state, steps);
    const latestMs = name.includes('forward') ? (state.endsForwardAtMs ?? state.endsAtMs) : state.endsAtMs;
    expect(ended).toBe(state.ends);
    if (name.includes('forward') && state.ends === 'fulfilled')
      expect(endedAtMs).toBeLessThanOrEqual(latestMs);
    else expect(endedAtMs).toBe(state.endsAtMs);
  });
});

async function endOf(
  state: State,
  steps: readonly Step[],
): Promise<{ readonly endedAtMs: number; readonly ended: string }> {
  const scenario = scenarioOf(state);
  const world = new World(scenario);
  const take = async (event: Event) => {
    await happen(event, world, scenario);
    await settle(world);
  };
  for (const event of state.before) await take(event);
  const reachedAt = world.clock.steadyMs();
  const stepped = steps.map(([when, event]): [number, Event] => [
    when === 'at once' ? 0 : state.endsAtMs / 2,
    event,
  ]);
  const later = [...stepped, ...(state.later ?? [])].sort(([a], [b]) => a - b);
  for (const [atMs, event] of later) {
    await pass(world, reachedAt + atMs - world.clock.steadyMs(), state.answers);
    await take(event);
    await rest(world, state.answers);
  }
  await pass(world, reachedAt + MOST_MS - world.clock.steadyMs(), state.answers);
  const call = world.call(state.subject);
  for (const { auth } of world.members.values()) await auth.close();
  return { endedAtMs: (call?.endedAt ?? Number.NaN) - reachedAt, ended: outcomeOf(call) };
}

/** By then each of these calls has come to its end, or hangs. */
const MOST_MS = 200_000;

function outcomeOf(call: Call | undefined): string {
  const { outcome, result } = call ?? {};
  if (outcome !== 'rejected') return String(outcome);
  return String((result as { code?: unknown }).code ?? result);
}

function scenarioOf({ auth, store = 'own', server, call }: State): Scenario {
  const setup: AuthSetup = { grant: 'client_credentials', clientId: 'merchant', ...auth };
  const callOf = (name: string): CallSetup => ({
    auth: name,
    via: 'request',
    maxWaitMs: 120_000,
    replay: 'allowed',
    ...(name === 'A' ? call : {}),
  });
  return {
    name: 'a clock that steps',
    auths: store === 'shared' ? { A: setup, B: setup } : { A: setup },
    store,
    calls: [callOf('A'), callOf('A'), callOf('A'), callOf('B')],
    server: {
      lifeSeconds: 7_200,
      rotation: 'at-once',
      revokesPrevious: false,
      challenge: 'Bearer',
      refreshes: 'answered',
      ...server,
    },
    prelude: [],
    events: {},
    depth: 0,
    calmMs: 0,
    losesNoCall: false,
  };
}

/** Waits that are no state of a call for a token: each on an auth that has one, where something hangs for ever. */
interface Wait {
  /** What begins to hang, once the auth has its token. */
  readonly hangs: 'api-body' | 'revocation' | 'secret' | 'store' | 'refresh';
  readonly begin: (auth: PayuAuth, clock: ManualClock) => Promise<unknown>;
  readonly endsAtMs: number;
  readonly ends: number | string | undefined;
}

const WAITS: Readonly<Record<string, Wait>> = {
  'a look into a streamed body that stays open (E1)': {
    hangs: 'api-body',
    begin: (auth) => streamedCall(auth, {}),
    endsAtMs: 1_000,
    ends: 401,
  },
  'the same, with less patience': {
    hangs: 'api-body',
    begin: (auth) => streamedCall(auth, { maxWaitMs: 400 }),
    endsAtMs: 400,
    ends: 401,
  },
  'revoke() at an endpoint that does not answer': {
    hangs: 'revocation',
    begin: (auth) => auth.revoke(),
    endsAtMs: 10_000,
    ends: 'ERR_TOKEN_UNAVAILABLE',
  },
  'revoke() with a secret that does not come': {
    hangs: 'secret',
    begin: (auth) => auth.revoke(),
    endsAtMs: 10_000,
    ends: 'ERR_TOKEN_UNAVAILABLE',
  },
  'invalidate() in a store that does not answer': {
    hangs: 'store',
    begin: (auth) => auth.invalidate(),
    endsAtMs: 10_000,
    ends: undefined,
  },
  'setToken() in a store that does not answer': {
    hangs: 'store',
    begin: (auth) => auth.setToken({ accessToken: 'by-hand' }),
    endsAtMs: 10_000,
    ends: undefined,
  },
  'close() during a refresh that does not answer': {
    hangs: 'refresh',
    begin: async (auth, clock) => {
      await auth.invalidate();
      const call = auth.getToken().catch(() => {});
      for (let n = 0; n < 10; n++) await turns();
      expect(clock.pending).toBeGreaterThan(0);
      await Promise.all([auth.close(), call]);
    },
    endsAtMs: 10_000,
    ends: undefined,
  },
};

function streamedCall(auth: PayuAuth, limits: { readonly maxWaitMs?: number }): Promise<number> {
  const adapter = async (config: InternalAxiosRequestConfig) => ({
    data: new PassThrough(),
    status: 401,
    statusText: '',
    headers: { 'content-type': 'application/json' },
    config,
  });
  const client = axios.create({ baseURL: 'https://api.example.com', adapter });
  auth.attach(client);
  return client
    .get('/', { responseType: 'stream', payuAuth: { replay: false, ...limits }, validateStatus: null })
    .then(({ data, status }) => {
      data.destroy();
      return status;
    });
}

async function authWith({ hangs }: Wait): Promise<{ auth: PayuAuth; clock: ManualClock }> {
  const clock = new ManualClock();
  const store = new StoreUnderTest();
  const never = () => new Promise<never>(() => {});
  let isHanging = false;
  const adapter: AxiosAdapter = (config) => {
    const form = new URLSearchParams(String(config.data));
    const isHung = { revocation: form.has('token'), refresh: form.get('grant_type') === 'refresh_token' };
    if (isHanging && Object.entries(isHung).some(([what, is]) => is && what === hangs)) return never();
    const body = { access_token: 'token', refresh_token: 'refresh', token_type: 'Bearer', expires_in: 7_200 };
    return Promise.resolve({ data: JSON.stringify(body), status: 200, statusText: '', headers: {}, config });
  };
  const auth = createPayuAuthIn(
    { clock, random: middling },
    {
      environment: { tokenUrl: 'https://payu.example/token', revokeUrl: 'https://payu.example/revoke' },
      grant: {
        type: 'password',
        username: 'merchant',
        clientId: 'client',
        password: () => (isHanging && hangs === 'secret' ? never() : 's3cret'),
      },
      scope: 'read_bills',
      store,
      http: { adapter },
    },
  );
  onTestFinished(() => auth.close());
  await auth.getToken();
  isHanging = true;
  if (hangs === 'store') store.before = { set: never, get: never };
  return { auth, clock };
}

describe.each(Object.entries(WAITS))('%s', (_, wait) => {
  test.each(Object.entries(STEPS))('%s', async (__, steps) => {
    const { auth, clock } = await authWith(wait);
    const reachedAt = clock.steadyMs();
    let end: { readonly atMs: number; readonly ended: unknown } | undefined;
    const note = (ended: unknown) => {
      end = { atMs: clock.steadyMs() - reachedAt, ended };
    };
    wait.begin(auth, clock).then(note, (error: { code?: string }) => note(error.code));
    for (const half of ['at once', 'mid-way'] as const) {
      for (const [when, event] of steps) {
        if (when === half) clock.stepWall(event === 'wall-1h' ? -3_600_000 : 3_600_000);
      }
      const untilMs = reachedAt + (half === 'at once' ? wait.endsAtMs / 2 : wait.endsAtMs);
      for (;;) {
        for (let n = 0; n < 12; n++) await turns();
        const leftMs = untilMs - clock.steadyMs();
        if (leftMs <= 0) break;
        clock.advance(Math.min(clock.nextInMs ?? leftMs, leftMs));
      }
    }
    expect(end).toEqual({ atMs: wait.endsAtMs, ended: wait.ends });
  });
});
