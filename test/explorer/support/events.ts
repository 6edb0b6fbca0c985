import { atApi } from './call.ts';
import type { Event, EventKind, Scenario } from './scenario.ts';
import type { World } from './world.ts';

const HOUR_MS = 3_600_000;
/** Longer than any limit of a token request. */
const STALL_MS = 30_000;
/** What follows from an event without any wait takes fewer. */
const MICROTASKS = 50;
/** Turns of the event loop without anything new after which nothing more is expected. */
const QUIET_TURNS = 1;

/** Makes an event happen. One that is not possible any more does nothing. */
export async function happen(event: Event, world: World, scenario: Scenario): Promise<void> {
  const [kind, target = ''] = event.split(' ') as [EventKind, string?];
  const name = target.slice(1);
  const call = world.call(Number(name));
  switch (kind) {
    case 'call': {
      const setup = scenario.calls[Number(name) - 1];
      if (setup !== undefined) world.begin(setup, Number(name));
      return;
    }
    case 'abort':
      if (call !== undefined) world.abort(call);
      return;
    case 'api':
    case 'api-late-ok':
    case 'api-429':
    case 'api-500':
    case 'api-reset':
      if (call !== undefined) world.answerCall(call, kind);
      return;
    case 'timer':
      world.clock.advance(world.clock.nextInMs ?? 0);
      return;
    case 'window':
      return pass(world, world.windowInMs ?? 0);
    case 'expire':
      return pass(world, (world.server.expiresAt ?? 0) - world.clock.steadyMs());
    case 'wall+1h':
      world.clock.stepWall(HOUR_MS);
      return;
    case 'wall-1h':
      world.clock.stepWall(-HOUR_MS);
      return;
    case 'revoke-all-too':
      world.server.revokeRefreshTokens();
      world.server.revokeAccessTokens();
      return;
    case 'revoke-all':
      world.server.revokeAccessTokens();
      return;
    case 'invalidate':
    case 'revoke':
    case 'set-token':
    case 'set-refresh':
    case 'close':
      world.byHand(name, kind);
      return;
    case 'sibling':
      world.siblingRenews();
      return;
    case 'store-go':
    case 'store-fail':
      world.store?.release(kind === 'store-go' ? 'go' : 'fail');
      return;
    case 'token-after-stall':
      return answerAfterStall(name, world);
    default:
      world.answerTokenRequest(name, kind);
  }
}

/** What lies in the socket is read in the same round of the event loop in which the timers fire (T2). */
async function answerAfterStall(name: string, world: World): Promise<void> {
  const request = world.answerable(name);
  world.clock.stall(STALL_MS);
  for (let i = 0; i < MICROTASKS; i++) await undefined;
  if (world.answerable(name) !== request) world.wrong('an answer that lay in the socket was given up (T2)');
  world.answerTokenRequest(name, 'token-after-stall');
}

/** Time passes, with a rest at each timer on the way. */
export async function pass(world: World, ms: number, answerers: readonly Answerer[] = []): Promise<void> {
  const until = world.clock.steadyMs() + ms;
  for (;;) {
    await rest(world, answerers);
    const leftMs = until - world.clock.steadyMs();
    if (leftMs <= 0) return;
    world.clock.advance(Math.min(world.clock.nextInMs ?? leftMs, leftMs));
  }
}

/** Who answers by itself. */
export type Answerer = 'token' | 'api' | 'store';

export const ALL_ANSWER: readonly Answerer[] = ['token', 'api', 'store'];

/** Answers what waits for an answer of these, as it stands; false where nothing does. */
export function answerAll(world: World, answerers: readonly Answerer[] = ALL_ANSWER): boolean {
  let hasAnswered = false;
  while (answerers.includes('store') && (world.store?.heldOperations ?? 0) > 0) {
    world.store?.release('go');
    hasAnswered = true;
  }
  for (const call of answerers.includes('api') ? world.pendingCalls : []) {
    if (atApi(call) === undefined) continue;
    world.answerCall(call, 'api');
    hasAnswered = true;
  }
  for (const name of answerers.includes('token') ? world.members.keys() : []) {
    if (world.answerable(name) === undefined) continue;
    world.answerTokenRequest(name, 'token');
    hasAnswered = true;
  }
  return hasAnswered;
}

/** Lets everything run that needs no time and no other answer. */
export async function rest(world: World, answerers: readonly Answerer[]): Promise<void> {
  do await settle(world);
  while (answerAll(world, answerers));
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets everything run that needs no time. */
export async function settle(world: World): Promise<void> {
  for (let quiet = 0, last = world.pulse; quiet < QUIET_TURNS; ) {
    await turn();
    quiet = world.pulse === last ? quiet + 1 : 0;
    last = world.pulse;
  }
}
