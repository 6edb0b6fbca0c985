import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import type { AccessToken } from '../../../src/payu-auth.ts';
import type { Hold, SandboxRequest } from '../../../src/sandbox/index.ts';
import { payment } from '../../support/payments.ts';
import { bodyOf } from './bodies.ts';
import { type Call, MAX_WAIT_MS, whatIsWrong } from './call.ts';
import { type CallStep, SCOPES, type Schedule, type Step, scopeKeyOf } from './steps.ts';
import { type Member, World } from './world.ts';

/** What a schedule came to, for the figures of a soak. */
export interface Tally {
  readonly steps: number;
  readonly calls: number;
  readonly tokenRequests: number;
  readonly apiRequests: number;
}

/** Turns of the event loop without anything new after which nothing more is expected. */
const QUIET_TURNS = 4;
/** Not a limit on speed: a run that is stuck must fail, and not hang. */
const STUCK_MS = 20_000;

/** Runs a schedule over a sandbox of its own. Rejects with the first rule that was broken. */
export async function runSchedule({ setup, steps }: Schedule): Promise<Tally> {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => {
    unhandled.push(reason);
  };
  process.on('unhandledRejection', note);
  const run = new Run(await World.start(setup));
  try {
    for (const [index, step] of steps.entries()) {
      await run.take(step);
      run.check(`step ${index} (${step.kind})`);
    }
    const tally = await run.finish(steps.length);
    if (unhandled.length > 0) throw new Error(`unhandled rejection: ${String(unhandled[0])}`);
    return tally;
  } finally {
    await run.world.close();
    for (let i = 0; i < 3; i++) await turn();
    process.off('unhandledRejection', note);
  }
}

class Run {
  readonly world: World;
  readonly #calls: Call[] = [];
  readonly #holds: Partial<Record<'token' | 'api', Hold>> = {};
  #hasFaults = false;
  #isAtTheEnd = false;

  constructor(world: World) {
    this.world = world;
    const { hold } = world.setup;
    if (hold === 'none') return;
    this.#holds.token = world.sandbox.hold('token', undefined, { process: hold });
    this.#holds.api = world.sandbox.hold('api', undefined, { process: hold });
  }

  async take(step: Step): Promise<void> {
    const { sandbox } = this.world;
    switch (step.kind) {
      case 'call':
        for (let i = 0; i < step.times; i++) this.#request(step);
        break;
      case 'get-token':
        this.#getToken(this.world.member(step.auth), step.scope);
        break;
      case 'abort': {
        const pending = this.#pending();
        pending[step.which % Math.max(1, pending.length)]?.controller.abort();
        break;
      }
      case 'release':
        this.#holds[step.on]?.release(step.count);
        break;
      case 'advance':
        await this.#advance(step.ms);
        break;
      case 'step-wall':
        this.world.stepWall(step.ms);
        break;
      case 'stall':
        this.world.clock.stall(step.ms);
        break;
      case 'revoke-all':
        sandbox.revokeAllTokens(step.keepRefreshTokens ? { keep: 'refresh-tokens' } : {});
        break;
      case 'expire-all':
        sandbox.expireAllTokens();
        break;
      case 'life':
        sandbox.setTokenLife(step.seconds);
        break;
      case 'rate-limit':
        sandbox.rateLimit(step.count, {
          on: step.on,
          // The sandbox's replies bear the date of the machine.
          retryAfter: step.retryAfter === 'soon' ? Math.round(Date.now() / 1_000) + 60 : step.retryAfter,
          status: step.status,
        });
        break;
      case 'fail':
        this.#hasFaults = true;
        sandbox.fail(step.count, step.fault, { on: step.on });
        break;
      case 'invalidate':
        this.#invalidate(this.world.member(step.auth), step.what);
        break;
      case 'revoke':
        this.#revoke(this.world.member(step.auth), step.scope);
        break;
      case 'set-token':
        this.#setToken(this.world.member(step.auth), step.scope, step.token);
        break;
      case 'close':
        this.#close(this.world.member(step.auth));
        break;
      default:
        throw step satisfies never;
    }
    await this.#settle();
  }

  /** Throws where a rule was broken. */
  check(when: string): void {
    const { world } = this;
    if (this.#isIdle && world.clock.pending > 0) world.wrong('a timer is left that nothing waits for');
    const sends = byCall(world.sandbox.requests());
    for (const call of this.#calls) {
      const wrong = whatIsWrong(call, sends.get(String(call.id)) ?? [], world);
      if (wrong !== undefined) world.wrong(`call ${call.id} (${call.what}): ${wrong}`);
    }
    if (world.sandbox.stats().duplicatePayments > 0) world.wrong('a payment was made twice');
    const [first] = world.violations;
    if (first !== undefined) throw new Error(`after ${when}: ${first}`);
  }

  /** Lets everything come to its end, then sees that all is well once there are no faults. */
  async finish(steps: number): Promise<Tally> {
    const { world } = this;
    world.sandbox.clearFaults();
    this.#holds.token?.release();
    this.#holds.api?.release();
    await this.#drain();
    this.#checkQuiet('once all calls have settled');
    await this.#advance(600_000);
    await this.#drain();
    world.sandbox.setTokenLife(7_200);
    for (const member of world.members.values()) {
      if (!member.isClosed) await this.#faultFreeCalls(member);
    }
    for (const member of world.members.values()) this.#close(member);
    await this.#drain();
    this.#checkQuiet('once all auths are closed');
    this.check('the end');
    await this.#untilDisconnected();
    const { tokenRequests, apiRequests } = world.sandbox.stats();
    return { steps, calls: this.#calls.length, tokenRequests, apiRequests };
  }

  /** Nothing is under way, not even in the background, where a store that does not answer may hold something up. */
  get #isIdle(): boolean {
    const { members, liveTokenSends, setup } = this.world;
    const isCalm = [...members.values()].every(({ gate }) => gate.isOpen);
    return isCalm && liveTokenSends === 0 && this.#pending().length === 0 && setup.store !== 'failing';
  }

  async #faultFreeCalls(member: Member): Promise<void> {
    const { revokePrevious, store } = this.world.setup;
    // A call is replayed once only, and may meet two dead tokens: its own, and what somebody else left in the store, or
    // one whose renewal is in a pause (D5). Where each mint kills tokens of other scopes too, that goes on for ever; one
    // scope is left then.
    const isCrossfire =
      (revokePrevious === true && store === 'shared') || (revokePrevious !== false && store === 'failing');
    const scopes = isCrossfire ? [0] : [...SCOPES.keys()];
    for (const scope of [...scopes, ...scopes]) {
      this.#request(plainCall(member, scope, 'http'));
      await this.#drain();
      await this.#advance(61_000);
    }
    this.#isAtTheEnd = true;
    for (const adapter of ['http', 'fetch'] as const) {
      for (const scope of scopes) {
        this.#request(plainCall(member, scope, adapter));
        await this.#drain();
      }
    }
    this.#isAtTheEnd = false;
  }

  #pending(): readonly Call[] {
    return this.#calls.filter(({ outcome }) => outcome === 'pending');
  }

  #request(step: CallStep): void {
    const { world } = this;
    const member = world.member(step.auth);
    const scope = step.to === 'payment' ? 0 : step.scope;
    const id = this.#calls.length + 1;
    const { path, data, isOnce } = requestOf(step, id, world.foreignUrl);
    const payuAuth = {
      scope: SCOPES[scope] as string,
      ...(step.replay ? {} : { replay: false }),
      ...(step.maxWaitMs === undefined ? {} : { maxWaitMs: step.maxWaitMs }),
    };
    const limits = {
      isOnce: isOnce || !step.replay,
      maxWaitMs: step.maxWaitMs ?? MAX_WAIT_MS,
      canNotFollow: isOnce && step.to.startsWith('redirect') && step.adapter === 'fetch',
    };
    this.#begin(
      `${step.to} with ${step.body} by ${step.adapter}`,
      member,
      scope,
      async (signal) => {
        const response = await member.client.request({
          method: data === undefined ? 'get' : 'post',
          url: path,
          data,
          headers: { 'x-call': String(id), connection: 'close' },
          responseType: step.responseType,
          signal,
          payuAuth,
          ...(step.adapter === 'fetch' ? { adapter: 'fetch' } : {}),
          ...(step.validateStatus === 'all' ? { validateStatus: () => true } : {}),
        });
        return response;
      },
      limits,
    );
  }

  #getToken(member: Member, scope: number): void {
    this.#begin('getToken', member, scope, (signal) =>
      member.auth.getToken({ scope: SCOPES[scope] as string, signal }),
    );
  }

  #invalidate(member: Member, what: 'all' | 'held'): void {
    const { world } = this;
    if (what === 'all') {
      world.ban(member, [...SCOPES.keys()].map(scopeKeyOf));
      this.#begin('invalidate', member, 0, () => member.auth.invalidate());
      return;
    }
    const value = [...(member.values.get(scopeKeyOf(0)) ?? [])].at(-1);
    if (value === undefined) return;
    if (member.held.get(scopeKeyOf(0))?.value === value) member.held.delete(scopeKeyOf(0));
    // The value is all that is looked at.
    this.#begin('invalidate', member, 0, () => member.auth.invalidate({ value } as AccessToken));
  }

  #revoke(member: Member, scope: number): void {
    this.world.ban(member, [scopeKeyOf(scope)]);
    this.#begin('revoke', member, scope, () => member.auth.revoke({ scope: SCOPES[scope] as string }));
  }

  #setToken(member: Member, scope: number, kind: 'issued' | 'unknown' | 'only-refresh'): void {
    const { world } = this;
    const clientId = member.name === 'user' ? world.sandbox.publicClientId : world.sandbox.clientId;
    const issued = world.sandbox.issueToken({ clientId, scope: SCOPES[scope] as string });
    const { refreshToken } = issued;
    const accessToken = { issued: issued.accessToken, unknown: `unknown_${world.order}`, 'only-refresh': '' }[
      kind
    ];
    world.ban(member, [scopeKeyOf(scope)]);
    if (accessToken !== '') world.give(member.name, scopeKeyOf(scope), accessToken);
    if (refreshToken !== undefined) world.giveRefreshToken(scopeKeyOf(scope), refreshToken);
    const token = kind === 'unknown' ? { accessToken } : { accessToken, refreshToken };
    this.#begin('setToken', member, scope, () =>
      member.auth.setToken(token, { scope: SCOPES[scope] as string }),
    );
  }

  #close(member: Member): void {
    member.isClosed = true;
    this.#begin('close', member, 0, () => member.auth.close());
  }

  #begin(
    what: string,
    member: Member,
    scope: number,
    work: (signal: AbortSignal) => Promise<unknown>,
    limits: Pick<Call, 'isOnce' | 'maxWaitMs' | 'canNotFollow'> = {
      isOnce: true,
      maxWaitMs: MAX_WAIT_MS,
      canNotFollow: false,
    },
  ): void {
    const { world } = this;
    const controller = new AbortController();
    const call: Call = {
      id: this.#calls.length + 1,
      what,
      member,
      scope: scopeKeyOf(scope),
      startedAt: world.clock.steadyMs(),
      startedStalledMs: world.clock.stalledMs,
      startedOrder: world.nextOrder(),
      ...limits,
      controller,
      mustSucceed: this.#isAtTheEnd,
      mayMeetFaults: () => this.#hasFaults,
      outcome: 'pending',
    };
    this.#calls.push(call);
    const ended = (outcome: 'fulfilled' | 'rejected', result: unknown): void => {
      Object.assign(call, {
        outcome,
        result,
        endedAt: world.clock.steadyMs(),
        stalledMs: world.clock.stalledMs - call.startedStalledMs,
        sentMs: world.apiSends.get(call.id)?.sentMs ?? 0,
      });
      world.nextOrder();
      giveUpBody(result);
    };
    work(controller.signal).then(
      (value) => ended('fulfilled', value),
      (error) => ended('rejected', error),
    );
  }

  /** Waits until whatever is under way has come to where it needs time, a release, or nothing more. */
  async #settle(): Promise<void> {
    const { world } = this;
    const limit = performance.now() + STUCK_MS;
    for (let quiet = 0, last = ''; quiet < QUIET_TURNS; ) {
      await turn();
      const pulse = world.pulse;
      quiet = world.isSettled && pulse === last ? quiet + 1 : 0;
      last = pulse;
      if (performance.now() > limit)
        throw new Error(`never comes to rest: ${JSON.stringify(world.sandbox.stats())}`);
    }
    for (const { gate } of world.members.values()) gate.rests();
  }

  /** Moves the clock on, with a rest at each timer on the way. */
  async #advance(ms: number): Promise<void> {
    const { clock } = this.world;
    const until = clock.steadyMs() + ms;
    for (;;) {
      const next = clock.nextInMs;
      if (next === undefined || clock.steadyMs() + next > until) break;
      clock.advance(next);
      await this.#settle();
    }
    clock.advance(until - clock.steadyMs());
    await this.#settle();
  }

  /** Lets time pass until nothing waits any more; what hangs in the API by then is given up. */
  async #drain(): Promise<void> {
    const { clock } = this.world;
    for (let rounds = 0; ; rounds++) {
      await this.#settle();
      if (rounds > 2_000) throw new Error('timers without end');
      const next = clock.nextInMs;
      if (next !== undefined) {
        clock.advance(next);
        continue;
      }
      const pending = this.#pending();
      if (pending.length === 0) return;
      if (this.world.liveApiSends === 0) {
        throw new Error(
          `hangs for ever: ${pending.map(({ id, what }) => `call ${id} (${what})`).join(', ')}`,
        );
      }
      for (const { controller } of pending) controller.abort();
    }
  }

  #checkQuiet(when: string): void {
    const { world } = this;
    if (world.clock.pending > 0) world.wrong(`a timer is left ${when}`);
    if (world.liveTokenSends > 0) world.wrong(`a token request is left ${when}`);
    const listening = this.#calls.find(
      ({ controller }) => getEventListeners(controller.signal, 'abort').length > 0,
    );
    if (listening !== undefined)
      world.wrong(`a listener of call ${listening.id} (${listening.what}) is left ${when}`);
    this.check(when);
  }

  async #untilDisconnected(): Promise<void> {
    const limit = performance.now() + STUCK_MS;
    while (this.world.sandbox.stats().openConnections > 0) {
      await turn();
      if (performance.now() > limit) throw new Error('a socket is left at the end');
    }
  }
}

function plainCall(member: Member, scope: number, adapter: 'http' | 'fetch'): CallStep {
  return {
    kind: 'call',
    auth: member.name,
    to: 'protected',
    scope,
    body: 'none',
    adapter,
    replay: true,
    maxWaitMs: undefined,
    responseType: 'json',
    validateStatus: 'usual',
    times: 1,
  };
}

function byCall(requests: readonly SandboxRequest[]): ReadonlyMap<string, readonly SandboxRequest[]> {
  const groups = new Map<string, SandboxRequest[]>();
  for (const request of requests) {
    const call = String(request.headers['x-call']);
    const group = groups.get(call);
    if (group === undefined) groups.set(call, [request]);
    else group.push(request);
  }
  return groups;
}

function requestOf(
  step: CallStep,
  id: number,
  foreignUrl: string,
): { readonly path: string; readonly data: unknown; readonly isOnce: boolean } {
  const body = bodyOf(step.body, `call ${id}: ₹ and ünïcode`);
  switch (step.to) {
    case 'payment':
      return { path: '/payout/v2/payment', data: [payment(`ref-${id}`)], isOnce: false };
    case 'echo':
      return { path: '/echo', ...body };
    case 'protected':
      return {
        path: `/protected?scope=${(SCOPES[step.scope] as string).split(' ')[0]}`,
        data: undefined,
        isOnce: false,
      };
    case 'foreign':
      return { path: `${foreignUrl}/refuse`, ...body };
    case 'redirect-302':
    case 'redirect-307':
      return {
        path: `/redirect?status=${step.to.slice(-3)}&to=${encodeURIComponent(`${foreignUrl}/refuse`)}`,
        ...body,
      };
    default:
      throw step.to satisfies never;
  }
}

/** As a caller would that asked for a stream and has no use for it. */
function giveUpBody(result: unknown): void {
  const { response = result } = (result ?? {}) as { response?: unknown };
  const { data } = (response ?? {}) as { data?: unknown };
  if (data instanceof ReadableStream) data.cancel().catch(() => {});
  const { destroy, on } = (data ?? {}) as {
    destroy?: () => void;
    on?: (event: string, listener: () => void) => void;
  };
  if (typeof destroy !== 'function' || typeof on !== 'function') return;
  on.call(data, 'error', () => {});
  destroy.call(data);
}
