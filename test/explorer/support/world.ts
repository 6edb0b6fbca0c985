import { AxiosError, type AxiosResponse, CanceledError, type InternalAxiosRequestConfig } from 'axios';
import type { PayuAuthEvent } from '../../../src/events.ts';
import { classify, momentOf, type TokenReply } from '../../properties/support/gate-model.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { type ApiSend, atApi, type Call } from './call.ts';
import { createMember, type Member, REVOKE_URL, TOKEN_URL } from './member.ts';
import { type ModelReply, ModelServer, SECRET_SHAPE } from './model-server.ts';
import { ModelStore } from './model-store.ts';
import type { CallSetup, EventKind, Scenario } from './scenario.ts';
import { lifeMsIn, settled, type TokenRequest, tokenAnswer, tokenIn } from './token-traffic.ts';

/** What is known of a token value. */
interface KnownToken {
  /** Who asked for it, and when; a sibling's comes from nobody here. */
  readonly auth: string | undefined;
  readonly order: number;
  /** Who may carry it. */
  readonly members: Set<string>;
  /** Who has asked for it, was given it, or has carried it: by hand, only what an auth has seen is forgotten. */
  readonly seenBy: Set<string>;
  readonly lifeMs: number;
  readonly steadyEnd: number;
  readonly wallEnd: number;
}

interface ApiRequest {
  readonly send: ApiSend;
  readonly give: (reply: ModelReply) => void;
  readonly break: () => void;
}

const TOKEN_TIMEOUT_MS = 10_000;
/** A point in time is told in whole seconds. */
const LONGEST_MINUTE_MS = 61_000;
const TOKEN_ATTEMPTS = 4;
const RENEW_AHEAD_MS = 60_000;

/** Auths, a server and a store in memory; looks at all that passes between them. */
export class World {
  readonly scenario: Scenario;
  readonly clock: ManualClock = new ManualClock();
  readonly server: ModelServer;
  readonly store: ModelStore | undefined;
  readonly members: ReadonlyMap<string, Member>;
  readonly calls: Call[] = [];
  readonly violations: string[] = [];
  readonly #known = new Map<string, KnownToken>();
  readonly #tokenRequests = new Set<TokenRequest>();
  readonly #apiRequests = new Map<Call, ApiRequest>();
  #order = 0;
  #handOperations = 0;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.server = new ModelServer(scenario.server, () => this.clock.steadyMs());
    this.store =
      scenario.store === 'own'
        ? undefined
        : new ModelStore(scenario.store === 'held' ? 'held' : 'prompt', scenario.store === 'notices', () => {
            this.#order++;
          });
    const transports = {
      api: (member: Member, config: InternalAxiosRequestConfig) => this.#api(member, config),
      token: (member: Member, config: InternalAxiosRequestConfig) => this.#accounts(member, config),
      heard: (member: Member, event: PayuAuthEvent) => this.#heard(member, event),
    };
    this.members = new Map(
      Object.entries(scenario.auths).map(([name, setup]) => [
        name,
        createMember(name, setup, this.clock, this.store, transports),
      ]),
    );
  }

  /** Changes whenever something happens. */
  get pulse(): string {
    return `${this.#order} ${this.clock.pending}`;
  }

  get pendingCalls(): readonly Call[] {
    return this.calls.filter(({ outcome }) => outcome === 'pending');
  }

  /** Nothing is under way by hand, at the token endpoint or at the API. */
  get isQuiet(): boolean {
    return this.#handOperations === 0 && this.#tokenRequests.size === 0 && this.pendingCalls.length === 0;
  }

  member(name: string): Member {
    const member = this.members.get(name);
    if (member === undefined) throw new Error(`no auth ${name}`);
    return member;
  }

  call(number: number): Call | undefined {
    return this.calls.find((call) => call.number === number);
  }

  /** The token request of this auth that is answered next. */
  answerable(name: string): TokenRequest | undefined {
    return [...this.#tokenRequests].find(({ auth, isAnswerable }) => auth === name && isAnswerable);
  }

  wrong(what: string): void {
    this.violations.push(what);
  }

  begin(setup: CallSetup, number: number): void {
    const { client, auth } = this.member(setup.auth);
    const controller = new AbortController();
    const { signal } = controller;
    const { maxWaitMs } = setup;
    const call: Call = {
      ...setup,
      number,
      controller,
      startedAt: this.clock.steadyMs(),
      startedOrder: ++this.#order,
      sends: [],
      outcome: 'pending',
      endedAt: 0,
      result: undefined,
    };
    this.calls.push(call);
    const replay = setup.replay === 'allowed' ? {} : { replay: false };
    const work =
      setup.via === 'getToken'
        ? auth.getToken({ signal }).then(({ value }) => this.#checkToken(call, value))
        : client.post('/payments', setup.body ?? 'pay', {
            headers: { 'x-call': call.number },
            signal,
            payuAuth: { maxWaitMs, ...replay },
          });
    this.#watch(call, work);
  }

  #watch(call: Call, work: Promise<unknown>): void {
    const ended = (outcome: Call['outcome'], result: unknown): void => {
      call.outcome = outcome;
      call.result = result;
      call.endedAt = this.clock.steadyMs();
      this.#order++;
    };
    work.then(
      (value) => ended('fulfilled', value),
      (error) => ended('rejected', error),
    );
  }

  abort(call: Call): void {
    call.controller.abort();
  }

  /** Answers a call that is at the API. */
  answerCall(call: Call, how: Extract<EventKind, `api${string}`>): void {
    const request = this.#apiRequests.get(call);
    const send = atApi(call);
    if (request === undefined || send === undefined) return;
    const isAccepted = how === 'api-late-ok' || (how === 'api' && this.server.accepts(send.token));
    const status = how === 'api-429' ? 429 : how === 'api-500' ? 500 : isAccepted ? 200 : 401;
    if (isAccepted) this.server.used(send.token);
    this.#apiEnds(call, send, how === 'api-reset' ? 'reset' : status);
    if (how === 'api-reset') request.break();
    else request.give({ status, body: '{}', headers: headersOf(status, this.scenario.server.challenge) });
  }

  /** Answers the token request of this auth that was sent first. */
  answerTokenRequest(name: string, kind: EventKind): void {
    const request = this.answerable(name);
    if (request === undefined) return;
    const answer = tokenAnswer(kind, request.form, this.server, this.clock.now());
    if (answer === undefined) return;
    request.isAnswerable = false;
    if (answer === 'lost') return;
    const member = this.member(name);
    this.#tokenRequests.delete(request);
    this.#order++;
    if (answer === 'breaks') {
      this.#tokenRequestFailed(member, request, 'breaks');
      request.break();
      return;
    }
    const reply = classify(answer.status, answer.body, undefined, this.clock.now());
    member.gate.ends(request.round, reply, momentOf(this.clock), grantOf(request.form));
    const value = tokenIn(answer);
    // A refresh token that is dead costs nothing where another token comes (F2).
    const isDeadRefresh = reply.kind === 'answered' && grantOf(request.form) === 'refresh_token';
    if (value === undefined && !isDeadRefresh) this.#owesEvent(member, request, troubleOf(reply));
    if (value !== undefined) member.faults = 0;
    if (value !== undefined) this.#learn(member, value, lifeMsIn(answer), request.order);
    request.give(answer);
  }

  /** Something that an auth is told by hand. */
  byHand(name: string, kind: 'invalidate' | 'revoke' | 'set-token' | 'set-refresh' | 'close'): void {
    const member = this.member(name);
    this.#ban(member);
    this.#handOperations++;
    const done = (): void => {
      this.#handOperations--;
      this.#order++;
    };
    this.#handWork(member, kind).then(done, (error: unknown) => {
      done();
      if (!member.isClosed && kind !== 'revoke') this.wrong(`${kind} fails: ${String(error)}`);
    });
  }

  async #handWork({ auth, ...member }: Member, kind: Parameters<World['byHand']>[1]): Promise<unknown> {
    switch (kind) {
      case 'invalidate':
        return auth.invalidate();
      case 'revoke':
        return auth.revoke();
      case 'close':
        this.member(member.name).isClosed = true;
        return auth.close();
      case 'set-token':
      case 'set-refresh': {
        const given = this.server.answer(formOf(member.setup.clientId, member.setup.grant));
        const {
          access_token: value,
          expires_in: seconds,
          refresh_token: refreshToken,
        } = JSON.parse(given.body);
        if (kind === 'set-refresh') return auth.setToken({ accessToken: '', refreshToken });
        this.#learn(this.member(member.name), value, seconds * 1_000, ++this.#order);
        return auth.setToken({ accessToken: value, expiresInSeconds: seconds, refreshToken });
      }
      default:
        throw kind satisfies never;
    }
  }

  /** Another process renews what it finds in the store. */
  siblingRenews(): void {
    for (const [key, record] of this.store?.tokenRecords() ?? []) {
      const { refreshToken } = record;
      const [member] = this.members.values();
      const { clientId = '', grant = 'password' } = member?.setup ?? {};
      const form = formOf(clientId, grant);
      if (refreshToken !== undefined) {
        form.set('grant_type', 'refresh_token');
        form.set('refresh_token', refreshToken);
      }
      const reply = JSON.parse(this.server.answer(form).body);
      if (typeof reply.access_token !== 'string') continue;
      const lifeMs = reply.expires_in * 1_000;
      const now = this.clock.now();
      this.#know(reply.access_token, undefined, lifeMs, ++this.#order, [...this.members.keys()]);
      this.store?.write(key, {
        ...record,
        accessToken: reply.access_token,
        ...(reply.refresh_token === undefined ? {} : { refreshToken: reply.refresh_token }),
        obtainedAt: now,
        expiresAt: now + lifeMs,
      });
    }
  }

  /** When the newest token that is alive enters its renew-ahead window, in milliseconds from now. */
  get windowInMs(): number | undefined {
    const live = [...this.#known].filter(([value]) => this.server.accepts(value)).at(-1)?.[1];
    if (live === undefined) return undefined;
    return live.steadyEnd - windowMs(live) / 2 - this.clock.steadyMs();
  }

  /** All that can be asked at any time. */
  check(): void {
    const accepted = new Set(
      this.calls
        .flatMap(({ sends }) => sends.filter(({ answer }) => answer === 200))
        .map(({ token }) => token),
    );
    for (const { mintsForRefusals, name } of this.members.values()) {
      // A call is refused once; of its replay, only a token that has helped another call meanwhile counts (D5).
      const refused = this.calls
        .filter(({ auth }) => auth === name)
        .flatMap(({ sends }) =>
          sends
            .filter(({ answer }) => answer === 401)
            .filter(({ token }, index) => index === 0 || accepted.has(token)),
        );
      if (mintsForRefusals > refused.length) this.wrong(`${name}: more mints than refused calls`);
    }
  }

  /** A failure that nobody was told of, once nothing is under way. */
  checkEvents(): void {
    for (const { name, owesEvent, isClosed } of this.members.values()) {
      if (owesEvent && !isClosed) this.wrong(`${name}: a token request failed, and no event tells (B2, C3)`);
    }
  }

  // ---- what the auths send

  #api(member: Member, config: InternalAxiosRequestConfig): Promise<AxiosResponse> {
    const call = this.call(Number(config.headers.get('x-call')));
    if (call === undefined) throw new Error('a request of no call');
    const token = String(config.headers.get('authorization') ?? '').replace('Bearer ', '');
    const known = this.#known.get(token);
    const send: ApiSend = {
      token,
      order: ++this.#order,
      mintedOrder: known?.auth === call.auth ? known.order : 0,
      startedAt: this.clock.steadyMs(),
      wasAlive: this.server.accepts(token),
      answer: undefined,
      answeredOrder: 0,
      answeredAt: 0,
    };
    if (member.isClosed) this.wrong(`${member.name} is closed and sends`);
    if (call.outcome !== 'pending' || call.controller.signal.aborted)
      this.wrong('a call is sent that is over');
    if (atApi(call) !== undefined) this.wrong('a call is sent beside itself');
    this.#checkToken(call, token);
    call.sends.push(send);
    return new Promise((resolve, reject) => {
      const { signal } = config;
      const leave = () => {
        this.#apiEnds(call, send, 'aborted');
        reject(new CanceledError());
      };
      const give = (reply: ModelReply) => {
        signal?.removeEventListener?.('abort', leave);
        settled(config, reply).then(resolve, reject);
      };
      const breaks = () => reject(new AxiosError('socket hang up', 'ECONNRESET', config, {}));
      this.#apiRequests.set(call, { send, give, break: breaks });
      signal?.addEventListener?.('abort', leave);
    });
  }

  #apiEnds(call: Call, send: ApiSend, answer: ApiSend['answer']): void {
    if (send.answer !== undefined) return;
    send.answer = answer;
    send.answeredOrder = ++this.#order;
    send.answeredAt = this.clock.steadyMs();
    this.#apiRequests.delete(call);
  }

  #checkToken(call: Call, value: string): void {
    const known = this.#known.get(value);
    const { banned } = this.member(call.auth);
    // It got a token after all: what failed before was a try among others.
    this.member(call.auth).owesEvent = false;
    known?.seenBy.add(call.auth);
    if (!known?.members.has(call.auth)) this.wrong(`call #${call.number} carries "${value}", not its own`);
    if ((banned.get(value) ?? Number.POSITIVE_INFINITY) < call.startedOrder) {
      this.wrong(`call #${call.number} carries ${value}, which was taken out of use before it began (C5)`);
    }
  }

  #accounts(member: Member, config: InternalAxiosRequestConfig): Promise<AxiosResponse> {
    const form = new URLSearchParams(String(config.data));
    if (config.url === REVOKE_URL) {
      this.server.revoke(form.get('token') ?? '');
      return settled(config, { status: 200, body: '{}', headers: {} });
    }
    if (config.url !== TOKEN_URL) this.wrong(`a token request to ${config.url}`);
    if (grantOf(form) === 'refresh_token' && form.has('scope')) this.wrong('a refresh names a scope (F1)');
    this.#checkNeed(member);
    const { round, wrong } = member.gate.sends(momentOf(this.clock), grantOf(form));
    if (wrong !== undefined) this.wrong(`${member.name}: ${wrong} (E3, E6)`);
    return new Promise((resolve, reject) => {
      const signal = config.signal as AbortSignal;
      const request: TokenRequest = {
        auth: member.name,
        form,
        order: ++this.#order,
        sentAt: this.clock.steadyMs(),
        round,
        isAnswerable: true,
        give: (reply) => settledAlways(config, reply).then(resolve),
        break: () => reject(new AxiosError('socket hang up', 'ECONNRESET', config, {})),
      };
      this.#tokenRequests.add(request);
      signal.addEventListener('abort', () => {
        if (!this.#tokenRequests.delete(request)) return;
        this.#gaveUp(member, request);
        reject(new CanceledError());
      });
    });
  }

  #gaveUp(member: Member, request: TokenRequest): void {
    const isTimeout = this.clock.steadyMs() - request.sentAt >= TOKEN_TIMEOUT_MS;
    if (isTimeout) {
      this.#tokenRequestFailed(member, request, 'timeout');
      return;
    }
    member.gate.leaves(request.round);
    if (!member.isClosed)
      this.wrong(`${member.name}: a token request that was sent is not seen through (C3)`);
    else if (grantOf(request.form) === 'refresh_token') this.wrong('close() gives up a refresh (C3)');
  }

  #tokenRequestFailed(member: Member, request: TokenRequest, why: 'breaks' | 'timeout'): void {
    const grant = grantOf(request.form);
    member.gate.ends(request.round, { kind: 'passing' }, momentOf(this.clock), grant);
    this.#owesEvent(member, request, why === 'breaks' ? 'passing' : 'trouble');
  }

  #owesEvent(member: Member, request: TokenRequest, what: 'passing' | 'trouble'): void {
    member.faults++;
    if (what === 'trouble' || member.faults >= TOKEN_ATTEMPTS) member.hadTrouble = true;
    if (request.order > member.supersededOrder) member.owesEvent = true;
  }

  /** C1, C5: one request for a token at a time, and none for nobody. */
  #checkNeed(member: Member): void {
    const { name, setup, isClosed } = member;
    if (isClosed) this.wrong(`${name} is closed and asks for a token`);
    for (const { auth, isAnswerable } of this.#tokenRequests) {
      const isSameKey =
        auth === name || (this.store !== undefined && this.member(auth).setup.clientId === setup.clientId);
      const isOld = this.scenario.store === 'held' && auth !== name;
      if (isSameKey && isAnswerable && !isOld) this.wrong(`${name}: two token requests at once (C1)`);
    }
    const isAwaited = this.pendingCalls.some(
      (call) => call.auth === name && atApi(call) === undefined && !call.controller.signal.aborted,
    );
    if (!isAwaited && !this.#isInWindow(member)) this.wrong(`${name}: a token is minted for nobody (C5, C3)`);
  }

  /** Whether this auth has a token that may be renewed in the background. */
  #isInWindow({ name, banned }: Member): boolean {
    return [...this.#known].some(([value, known]) => {
      if (!known.members.has(name) || banned.has(value)) return false;
      const steadyLeftMs = known.steadyEnd - this.clock.steadyMs();
      return Math.min(steadyLeftMs, known.wallEnd - this.clock.now()) <= windowMs(known);
    });
  }

  #heard(member: Member, event: PayuAuthEvent): void {
    this.#order++;
    if (event.type === 'token-failed' || event.type === 'rate-limited' || event.type === 'token-minted') {
      member.owesEvent = false;
    }
    if (event.type === 'token-minted' && event.cause === 'refused') member.mintsForRefusals++;
    if (SECRET_SHAPE.test(JSON.stringify(event))) this.wrong(`an event leaks: ${JSON.stringify(event)}`);
  }

  // ---- what is known of tokens

  #learn(member: Member, value: string, lifeMs: number, order: number): void {
    const sharing = [...this.members.values()].filter(
      (other) =>
        other === member || (this.store !== undefined && other.setup.clientId === member.setup.clientId),
    );
    this.#know(
      value,
      member.name,
      lifeMs,
      order,
      sharing.map(({ name }) => name),
    );
    for (const each of sharing) {
      // Of a sibling's token that was still to come, nothing was decided.
      if (each === member && order < each.supersededOrder) each.banned.set(value, this.#order);
      else each.banned.delete(value);
    }
  }

  #know(
    value: string,
    auth: string | undefined,
    lifeMs: number,
    order: number,
    members: readonly string[],
  ): void {
    const before = this.#known.get(value);
    this.#known.set(value, {
      auth,
      order,
      members: new Set([...(before?.members ?? []), ...members]),
      seenBy: new Set([...(before?.seenBy ?? []), ...(auth === undefined ? [] : [auth])]),
      lifeMs,
      steadyEnd: this.clock.steadyMs() + lifeMs,
      wallEnd: this.clock.now() + lifeMs,
    });
  }

  #ban(member: Member): void {
    member.supersededOrder = ++this.#order;
    member.owesEvent = false;
    for (const [value, { seenBy }] of this.#known) {
      if (seenBy.has(member.name)) member.banned.set(value, this.#order);
    }
  }
}

/** A told minute is waited, and a fault tried again: calls survive both. */
function troubleOf(reply: TokenReply): 'passing' | 'trouble' {
  if (reply.kind === 'rate-limited') return (reply.toldMs ?? 0) <= LONGEST_MINUTE_MS ? 'passing' : 'trouble';
  return reply.kind === 'passing' ? 'passing' : 'trouble';
}

function headersOf(status: number, challenge: string): ModelReply['headers'] {
  if (status === 401) return { 'www-authenticate': challenge };
  return status === 429 ? { 'retry-after': '5' } : {};
}

function windowMs({ lifeMs }: { readonly lifeMs: number }): number {
  return Math.min(RENEW_AHEAD_MS, lifeMs / 10);
}

function grantOf(form: URLSearchParams): string {
  return form.get('grant_type') ?? '';
}

function formOf(clientId: string, grant: string): URLSearchParams {
  return new URLSearchParams({ client_id: clientId, grant_type: grant });
}

/** The token half reads replies of any status. */
function settledAlways(config: InternalAxiosRequestConfig, reply: ModelReply): Promise<AxiosResponse> {
  return settled(config, reply).catch((error: AxiosError) => error.response as AxiosResponse);
}
