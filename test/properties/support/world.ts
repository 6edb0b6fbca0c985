import { Agent, createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import axios, {
  type AxiosAdapter,
  type AxiosError,
  type AxiosInstance,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import type { PayuAuthOptions } from '../../../src/options/options.ts';
import { createPayuAuthIn, type PayuAuth } from '../../../src/payu-auth.ts';
import { type Sandbox, startSandbox } from '../../../src/sandbox/index.ts';
import { MemoryTokenStore } from '../../../src/token/store/memory-token-store.ts';
import type { TokenStore } from '../../../src/token/store/token-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import type { Call } from './call.ts';
import { after, between, classify, GateModel, type Moment, momentOf } from './gate-model.ts';
import { AUTHS, type AuthName, SCOPES, type Setup } from './steps.ts';

/** One request to the token endpoint, as it passed through the transport that the auths are given. */
interface TokenSend {
  readonly sentAt: Moment;
  readonly auth: AuthName;
  readonly scope: string;
  readonly order: number;
  readonly round: number;
  isLive: boolean;
}

interface HeldToken {
  readonly value: string;
  /** Before this, by both clocks, there is no reason to renew it, unless it is refused. */
  readonly renewAt: Moment;
}

/** An auth, what it is attached to, and what its tokens must be. */
export interface Member {
  readonly name: AuthName;
  readonly auth: PayuAuth;
  readonly client: AxiosInstance;
  readonly gate: GateModel;
  /** Scope → values that were taken out of use by hand, and the order from which on they must not be seen. */
  readonly banned: Map<string, Map<string, number>>;
  /** Scope → results of token requests up to this order no longer count. */
  readonly supersededAt: Map<string, number>;
  /** Scope → all values that this auth was given, with the order of the request that brought it. */
  readonly values: Map<string, Set<string>>;
  /** Scope → the last token that was minted and still counts. */
  readonly held: Map<string, HeldToken>;
  isClosed: boolean;
}

/** The server's clock is right, whatever is done to ours. */
const SERVER_STARTS_AT = new ManualClock().now();

/** Longer than anything that an auth waits for when it is closed. */
const CLOSING_MS = 3_600_000;

/** By host. One function for all: axios remembers each `env.fetch` that it has ever seen. */
const worlds = new Map<string, World>();

function fetchOfItsWorld(request: Request, init?: RequestInit): Promise<Response> {
  const world = worlds.get(new URL(request.url).host);
  return world === undefined ? fetch(request, init) : world.fetch(request, init);
}

const freshAgent = (): Agent => new Agent({ keepAlive: false });

/** A sandbox, a foreign server, three auths and everything that passes between them. */
export class World {
  readonly setup: Setup;
  readonly clock: ManualClock = new ManualClock();
  readonly violations: string[] = [];
  readonly members: Map<AuthName, Member> = new Map();
  /** All token values that anybody was ever given. */
  readonly tokens: Set<string> = new Set();
  /** Call → the time that its requests have spent in the hands of the API. */
  readonly apiSends: Map<number, { sentMs: number; firstRefusedOrder: number }> = new Map();
  /** Token → who asked for it, and when. */
  readonly #minted = new Map<string, { readonly auth: AuthName; readonly order: number }>();
  /** Refresh token → the scope that its access token was asked for. */
  readonly #refreshScopes = new Map<string, string>();
  #sandbox!: Sandbox;
  #foreign!: Server;
  #order = 0;
  readonly #tokenSends = new Set<TokenSend>();
  #liveRevocations = 0;
  #liveApiSends = 0;
  #events = 0;

  private constructor(setup: Setup) {
    this.setup = setup;
  }

  static async start(setup: Setup): Promise<World> {
    const world = new World(setup);
    world.#sandbox = await startSandbox({
      now: () => SERVER_STARTS_AT + world.clock.steadyMs(),
      seed: setup.seed,
      reuseTokens: setup.reuseTokens,
      revokePrevious: setup.revokePrevious,
      refreshRotation: setup.refreshRotation,
      tokenLifeSeconds: setup.lifeSeconds,
      requestLogLimit: 100_000,
    });
    world.#foreign = await world.#startForeign();
    for (const host of world.#hosts()) worlds.set(host, world);
    const shared = new MemoryTokenStore();
    for (const name of AUTHS) world.members.set(name, world.#member(name, shared));
    return world;
  }

  get sandbox(): Sandbox {
    return this.#sandbox;
  }

  get foreignUrl(): string {
    // A TCP server that listens has an address of this kind.
    return `http://127.0.0.1:${(this.#foreign.address() as AddressInfo).port}`;
  }

  /** A number that rises with everything that is sent or asked. */
  get order(): number {
    return this.#order;
  }

  nextOrder(): number {
    return ++this.#order;
  }

  member(name: AuthName): Member {
    return this.members.get(name) as Member;
  }

  wrong(what: string): void {
    this.violations.push(what);
  }

  /** Whether each request that was sent has arrived, and each answer too: what is left waits for us. */
  get isSettled(): boolean {
    const { tokenRequestsInFlight, apiRequestsInFlight } = this.sandbox.stats();
    return (
      this.liveTokenSends === tokenRequestsInFlight &&
      this.#liveApiSends === apiRequestsInFlight &&
      this.#liveRevocations === 0
    );
  }

  get liveTokenSends(): number {
    return [...this.#tokenSends].filter(({ isLive }) => isLive).length;
  }

  get liveApiSends(): number {
    return this.#liveApiSends;
  }

  /** Changes whenever something happens. */
  get pulse(): string {
    return `${this.#order} ${this.clock.pending} ${this.#events} ${this.#liveApiSends}`;
  }

  /** Notes that an API request begins; returns what notes its end. */
  apiStarts(call: number): (status?: number) => void {
    this.#liveApiSends++;
    this.nextOrder();
    const sends = this.apiSends.get(call) ?? { sentMs: 0, firstRefusedOrder: Number.POSITIVE_INFINITY };
    this.apiSends.set(call, sends);
    const { clock } = this;
    const since = clock.steadyMs() - clock.stalledMs;
    let isLive = true;
    return (status) => {
      if (!isLive) return;
      isLive = false;
      this.#liveApiSends--;
      sends.sentMs += clock.steadyMs() - clock.stalledMs - since;
      if (status === 401) sends.firstRefusedOrder = Math.min(sends.firstRefusedOrder, this.nextOrder());
    };
  }

  /** Whether a call may have found this token, and not caused its mint. */
  wasFound({ id, member }: Call, token: string | undefined): boolean {
    const minted = this.#minted.get(token ?? '');
    return minted?.auth !== member.name || minted.order < (this.apiSends.get(id)?.firstRefusedOrder ?? 0);
  }

  /** From now on, no value that this auth has or is about to get for these scopes may be used by a new call. */
  ban(member: Member, scopes: readonly string[], except: (value: string) => boolean = () => false): void {
    const order = this.nextOrder();
    for (const scope of scopes) {
      member.supersededAt.set(scope, order);
      member.held.delete(scope);
      const banned = member.banned.get(scope) ?? new Map<string, number>();
      member.banned.set(scope, banned);
      for (const value of member.values.get(scope) ?? []) if (!except(value)) banned.set(value, order);
    }
  }

  async close(): Promise<void> {
    for (const host of this.#hosts()) worlds.delete(host);
    // What an auth still waits for ends with the connection, or with the time that it has.
    const closing = Promise.all([...this.members.values()].map(({ auth }) => auth.close()));
    await this.sandbox.close();
    this.#foreign.closeAllConnections();
    await new Promise((resolve) => this.#foreign.close(resolve));
    this.clock.advance(CLOSING_MS);
    await closing;
  }

  #hosts(): readonly string[] {
    return [this.sandbox.url, this.foreignUrl].map((url) => new URL(url).host);
  }

  #member(name: AuthName, shared: TokenStore): Member {
    const { sandbox, clock, setup } = this;
    const grant: PayuAuthOptions['grant'] =
      name === 'user'
        ? {
            type: 'password',
            clientId: sandbox.publicClientId,
            username: sandbox.username,
            password: sandbox.password,
          }
        : { type: 'client_credentials', clientId: sandbox.clientId, clientSecret: sandbox.clientSecret };
    const auth = createPayuAuthIn(
      { clock, random: seeded(setup.seed) },
      {
        environment: sandbox.environment,
        grant,
        scope: SCOPES[0],
        store:
          setup.store === 'shared'
            ? shared
            : setup.store === 'failing'
              ? failingStore(setup.seed)
              : new MemoryTokenStore(),
        renewAheadMs: setup.renewAheadMs,
        http: { adapter: (config) => this.#tokenTransport(name, config) },
        onEvent: () => {
          this.#events++;
        },
      },
    );
    const client = axios.create({
      baseURL: sandbox.url,
      adapter: (config: InternalAxiosRequestConfig) => this.#apiTransport(config),
      // Nothing is kept open, so that whatever is open at the end was left behind.
      httpAgent: freshAgent(),
      env: { fetch: fetchOfItsWorld, Request, Response },
    } as object);
    auth.attach(client);
    return {
      name,
      auth,
      client,
      gate: new GateModel(),
      banned: new Map(),
      supersededAt: new Map(),
      values: new Map(),
      held: new Map(),
      isClosed: false,
    };
  }

  async #apiTransport(config: InternalAxiosRequestConfig): Promise<Awaited<ReturnType<AxiosAdapter>>> {
    const ended = this.apiStarts(Number(config.headers.get('x-call')));
    try {
      const response = await axios.getAdapter('http')(config);
      ended(response.status);
      return this.#renamed(response);
    } catch (error) {
      const { response } = error as AxiosError;
      ended(response?.status);
      if (response !== undefined) this.#renamed(response);
      throw error;
    }
  }

  /** The challenge, with the scheme's name as this server has it. */
  #renamed(response: AxiosResponse): AxiosResponse {
    const challenge = response.headers['www-authenticate'];
    if (typeof challenge === 'string') {
      response.headers['www-authenticate'] = challenge.replace(/^Bearer/, this.setup.scheme);
    }
    return response;
  }

  async fetch(request: Request, init: RequestInit | undefined): Promise<Response> {
    const ended = this.apiStarts(Number(request.headers.get('x-call')));
    try {
      const response = await fetch(request, init);
      ended(response.status);
      return response;
    } finally {
      ended();
    }
  }

  /** Sends, and hands on a reply that it has read to its end: so it knows before the auth does. */
  async #tokenTransport(
    name: AuthName,
    config: InternalAxiosRequestConfig,
  ): Promise<Awaited<ReturnType<AxiosAdapter>>> {
    const { clock } = this;
    const { gate } = this.member(name);
    const real = axios.getAdapter('http');
    const whole = { ...config, httpAgent: freshAgent() };
    if (config.url !== this.sandbox.environment.tokenUrl) {
      this.#liveRevocations++;
      return real(whole).finally(() => this.#liveRevocations--);
    }
    const form = new URLSearchParams(String(config.data));
    // A refresh names no scope (F1).
    const scope = form.get('scope') ?? this.#refreshScopes.get(form.get('refresh_token') ?? '') ?? '';
    const grant = form.get('grant_type') ?? '';
    const send = this.#tokenSendStarts(name, scope, grant);
    const signal = config.signal as AbortSignal;
    const leave = (): void => {
      if (!send.isLive) return;
      send.isLive = false;
      const isTooLate = String((signal.reason as Error).message).includes('tokenTimeoutMs');
      if (isTooLate) gate.ends(send.round, { kind: 'passing' }, momentOf(clock), grant);
      else gate.leaves(send.round);
    };
    signal.addEventListener('abort', leave);
    try {
      const response = await real(whole);
      const text = await readAll(response.data as Readable);
      if (send.isLive) {
        const retryAfter = response.headers['retry-after'];
        // A point in time is read against the server's own clock (T3).
        const serversMs = Date.parse(response.headers.date);
        const reply = classify(response.status, text, retryAfter, serversMs);
        gate.ends(send.round, reply, momentOf(clock), grant);
        this.#learn(send, text);
      }
      return { ...response, data: Readable.from([Buffer.from(text)]) };
    } catch (error) {
      if (send.isLive) gate.ends(send.round, { kind: 'passing' }, momentOf(clock), grant);
      throw error;
    } finally {
      send.isLive = false;
      signal.removeEventListener('abort', leave);
    }
  }

  #tokenSendStarts(name: AuthName, scope: string, grant: string): TokenSend {
    const { gate, isClosed } = this.member(name);
    if (isClosed) this.wrong(`${name} is closed and asked for a token`);
    const { round, wrong } = gate.sends(momentOf(this.clock), grant);
    if (wrong !== undefined) this.wrong(`${name}: ${wrong}`);
    const isSameKey = (other: AuthName): boolean =>
      other === name || (this.setup.store === 'shared' && name !== 'user' && other !== 'user');
    for (const each of this.#tokenSends) {
      if (each.isLive && each.scope === scope && isSameKey(each.auth)) {
        this.wrong(`${name}: a second token request for "${scope}", next to one of ${each.auth}`);
      }
    }
    this.#checkNeed(name, scope);
    const send: TokenSend = {
      sentAt: momentOf(this.clock),
      auth: name,
      scope,
      order: this.nextOrder(),
      round,
      isLive: true,
    };
    this.#tokenSends.add(send);
    return send;
  }

  /** A token that is held and good needs no renewal, whatever is said of an older one (D2). */
  #checkNeed(name: AuthName, scope: string): void {
    // While a store is slow to take a token, the last caller that waits for it may leave: the token is lost then.
    if (this.setup.store === 'failing') return;
    const held = this.member(name).held.get(scope);
    if (held === undefined || between(momentOf(this.clock), held.renewAt) <= 0) return;
    const isRefused = this.sandbox
      .requests()
      .some(({ token, status }) => token === held.value && status === 401);
    if (!isRefused) this.wrong(`${name} asks for a token for "${scope}" and holds a good one`);
  }

  /** What was over by the clock as it was may have been given up, and be looked for by a mint that goes on (T1). */
  stepWall(ms: number): void {
    for (const { held } of this.members.values()) {
      for (const [scope, { renewAt }] of held) {
        if (between(momentOf(this.clock), renewAt) <= 0) held.delete(scope);
      }
    }
    this.clock.stepWall(ms);
  }

  #learn(send: TokenSend, text: string): void {
    let reply: { access_token?: unknown; expires_in?: unknown; refresh_token?: unknown };
    try {
      reply = JSON.parse(text) ?? {};
    } catch {
      return;
    }
    if (typeof reply.access_token !== 'string') return;
    this.give(send.auth, send.scope, reply.access_token);
    if (typeof reply.refresh_token === 'string') this.giveRefreshToken(send.scope, reply.refresh_token);
    this.#minted.set(reply.access_token, send);
    const member = this.member(send.auth);
    const supersededAt = member.supersededAt.get(send.scope) ?? 0;
    if (send.order < supersededAt) {
      member.banned.get(send.scope)?.set(reply.access_token, this.nextOrder());
      return;
    }
    const lifeMs = typeof reply.expires_in === 'number' ? reply.expires_in * 1_000 : 3_600_000;
    const renewAt = after(send.sentAt, lifeMs * 0.9 - 1_000);
    member.held.set(send.scope, { value: reply.access_token, renewAt });
  }

  give(name: AuthName, scope: string, value: string): void {
    this.tokens.add(value);
    const { values } = this.member(name);
    values.set(scope, (values.get(scope) ?? new Set()).add(value));
  }

  giveRefreshToken(scope: string, value: string): void {
    this.#refreshScopes.set(value, scope);
  }

  async #startForeign(): Promise<Server> {
    const server = createServer((req, res) => {
      const headers = JSON.stringify(req.headers);
      for (const token of this.tokens) {
        if (headers.includes(token)) this.wrong(`a token went to a foreign origin: ${req.method} ${req.url}`);
      }
      req.resume();
      res.writeHead(req.url?.includes('refuse') ? 401 : 200, { 'content-type': 'application/json' });
      res.end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
  }
}

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A store that fails one time in two, each time in another way. */
function failingStore(seed: number): TokenStore {
  const random = seeded(seed);
  const inner = new MemoryTokenStore();
  const perhaps = <T>(work: () => T | Promise<T>): T | Promise<T> => {
    const luck = random();
    if (luck < 0.15) throw new Error('the store is down');
    if (luck < 0.3) return Promise.reject(new Error('the store is down'));
    if (luck < 0.35) return new Promise<T>(() => {});
    if (luck < 0.6) return Promise.resolve().then(work);
    return work();
  };
  return {
    get: (key) => perhaps(() => inner.get(key)),
    set: (key, record) => perhaps(() => inner.set(key, record)),
    delete: (key) => perhaps(() => inner.delete(key)),
    withLock: async (key, task, signal) => {
      if (random() < 0.3) throw new Error('no lock to be had');
      return inner.withLock(key, task, signal);
    },
  };
}
