import { atApi, type Call, sameness, whatIsWrong } from './call.ts';
import { answerAll, happen, settle } from './events.ts';
import type { CallSetup, Event, EventKind, Scenario } from './scenario.ts';
import { World } from './world.ts';

/** Calls at the end have numbers of their own. */
const LAST_CALLS = 1_000;
/** Steps that bring any run to its end, or it does not end. */
const MOST_LAST_STEPS = 200;

/** One order of events, as far as it was taken. */
export class Run {
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #taken = new Map<string, number>();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#world = new World(scenario);
  }

  async prepare(): Promise<void> {
    for (const event of this.#scenario.prelude) await this.#happen(event);
  }

  /** What may happen now, each kind as often as the scenario has left for it. */
  enabled(): readonly Event[] {
    const kinds = Object.entries(this.#scenario.events) as [EventKind, number][];
    return kinds
      .filter(([kind, most]) => (this.#taken.get(kind) ?? 0) < most)
      .flatMap(([kind]) => targetsOf(kind, this.#world, this.#scenario).map((target) => `${kind}${target}`));
  }

  async take(event: Event): Promise<void> {
    const [kind = ''] = event.split(' ');
    this.#taken.set(kind, (this.#taken.get(kind) ?? 0) + 1);
    await this.#happen(event);
    this.#check();
  }

  /** Lets all come to its end without trouble: each call settles, and a further one of each auth succeeds. */
  async finish(): Promise<void> {
    const world = this.#world;
    await this.#toTheEnd();
    world.checkEvents();
    this.#check();
    world.clock.advance(this.#scenario.calmMs);
    for (const { name, isClosed } of world.members.values()) {
      if (isClosed) continue;
      world.begin(lastCall(name), LAST_CALLS + world.calls.length);
      await this.#toTheEnd();
      const last = world.calls.at(-1);
      if (last?.outcome !== 'fulfilled') world.wrong(`a call at the end fails: ${String(last?.result)}`);
    }
    for (const { name, isClosed } of world.members.values()) if (!isClosed) world.byHand(name, 'close');
    await this.#toTheEnd();
    this.#check();
  }

  /** Throws where a rule was broken. */
  #check(): void {
    const world = this.#world;
    world.check();
    for (const call of world.calls) {
      const wrong = whatIsWrong(call, {
        isClosed: world.member(call.auth).isClosed,
        losesNoCall: this.#scenario.losesNoCall && !world.member(call.auth).hadTrouble,
      });
      if (wrong !== undefined) world.wrong(`call #${call.number} ${wrong}`);
    }
    const errors = world.calls.filter(({ outcome }) => outcome === 'rejected').map(({ result }) => result);
    if (new Set(errors).size < errors.length) world.wrong('two callers share an error object (C6)');
    const [first] = world.violations;
    if (first !== undefined) throw new Error(first);
  }

  async #toTheEnd(): Promise<void> {
    const world = this.#world;
    for (let step = 0; step < MOST_LAST_STEPS; step++) {
      await settle(world);
      if (answerAll(world)) continue;
      if (world.isQuiet && world.clock.pending === 0) return;
      const nextInMs = world.clock.nextInMs;
      if (nextInMs === undefined) break;
      world.clock.advance(nextInMs);
    }
    const hanging = world.pendingCalls.map(({ number }) => `call #${number}`);
    world.wrong(`never comes to its end: ${hanging.join() || `${world.clock.pending} timers`}`);
  }

  async #happen(event: Event): Promise<void> {
    await happen(event, this.#world, this.#scenario);
    await settle(this.#world);
  }
}

function lastCall(auth: string): CallSetup {
  return { auth, via: 'request', maxWaitMs: 120_000, replay: 'allowed' };
}

/** Whom an event of this kind may concern now; one of several that can't be told apart. */
function targetsOf(kind: EventKind, world: World, scenario: Scenario): readonly string[] {
  const isPossible = (condition: boolean): readonly string[] => (condition ? [''] : []);
  switch (kind) {
    case 'call':
      return nextCalls(world, scenario);
    case 'abort':
      return distinct(world.pendingCalls.filter(({ controller }) => !controller.signal.aborted));
    case 'api':
    case 'api-429':
    case 'api-500':
    case 'api-reset':
      return distinct(world.pendingCalls.filter((call) => atApi(call) !== undefined));
    case 'api-late-ok':
      return distinct(
        world.pendingCalls.filter((call) => {
          const send = atApi(call);
          return send?.wasAlive === true && !world.server.accepts(send.token);
        }),
      );
    case 'timer':
      return isPossible(world.clock.pending > 0);
    case 'window':
      return isPossible((world.windowInMs ?? 0) > 0);
    case 'expire':
    case 'revoke-all':
    case 'revoke-all-too':
      return isPossible(world.server.hasLiveTokens);
    case 'wall+1h':
    case 'wall-1h':
      return [''];
    case 'sibling':
      return isPossible((world.store?.tokenRecords().length ?? 0) > 0);
    case 'store-go':
    case 'store-fail':
      return isPossible((world.store?.heldOperations ?? 0) > 0);
    case 'invalidate':
    case 'revoke':
    case 'set-token':
    case 'set-refresh':
    case 'close':
      return [...world.members.values()].flatMap(({ name, isClosed }) => (isClosed ? [] : [` @${name}`]));
    default:
      return [...world.members.keys()]
        .filter((name) => mayAnswer(kind, name, world))
        .map((name) => ` @${name}`);
  }
}

function mayAnswer(kind: EventKind, name: string, world: World): boolean {
  const request = world.answerable(name);
  if (request === undefined) return false;
  if (kind === 'token-same') return world.server.hasLiveTokens;
  const needsRefresh = kind === 'token-dead-refresh' || kind === 'token-odd-refusal';
  return !needsRefresh || request.form.get('grant_type') === 'refresh_token';
}

/** Of each auth the calls begin in their order. */
function nextCalls(world: World, scenario: Scenario): readonly string[] {
  return [...world.members.keys()].flatMap((name) => {
    const index = scenario.calls.findIndex(
      ({ auth }, each) => auth === name && world.call(each + 1) === undefined,
    );
    return index === -1 ? [] : [` #${index + 1}`];
  });
}

function distinct(calls: readonly Call[]): readonly string[] {
  return [
    ...new Map(calls.toReversed().map((call) => [sameness(call), ` #${call.number}`])).values(),
  ].toReversed();
}
