import type { ClientRequest } from 'node:http';
import type { Nock } from './load-nock.ts';
import { connectionError, type MockAnswer, wireReply } from './reply.ts';

/** A request as it reached nock. */
export interface SeenRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Listener {
  /** Is this request for the kit? Asked before nock looks at what was registered later. */
  readonly claims: (method: string, url: URL) => boolean;
  readonly answer: (request: SeenRequest) => MockAnswer | Promise<MockAnswer>;
  /** nock has passed the whole answer on. */
  readonly answered: (request: SeenRequest) => void;
  /**
   * A request that no interceptor takes, neither the kit's nor a foreign one: what to tell its sender if it is for
   * the kit. Without any interceptor it would leave this machine.
   */
  readonly unexpected: (method: string, url: URL, whereTo: 'nowhere' | 'the network') => string | undefined;
}

/** What nock tells about a request that nothing matches. */
interface NoMatchOptions {
  readonly proto?: string;
  readonly host?: string;
  readonly method?: string;
  readonly path?: string;
}

type NockInterceptor = Parameters<Nock['removeInterceptor']>[0];

// Shown by nock's own messages, where the source of the matching function would be.
const label = '<mockPayu>';

/**
 * The kit's place within nock: interceptors on its own origins that ask the kit. Other interceptors and nock's being
 * active stay as they are, and so do network rules, but for requests that the kit does not let out.
 */
export class NockListener {
  readonly #nock: Nock;
  readonly #listener: Listener;
  readonly #registered = new Map<string, NockInterceptor>();

  constructor(nock: Nock, listener: Listener) {
    if (!nock.isActive()) {
      throw new Error(
        'mockPayu: nock is not active (after nock.restore(), or with NOCK_OFF=true), so that requests would reach PayU: call nock.activate() first',
      );
    }
    this.#nock = nock;
    this.#listener = listener;
    nock.emitter.on('no match', this.#onNoMatch);
  }

  /** Is a kit listening here already? One that a failed test did not restore would swallow this one's requests. */
  isTaken(origin: string, method: string): boolean {
    const { hostname, port, protocol } = new URL(origin);
    const host = `${protocol}//${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
    return this.#nock.activeMocks().includes(`${method} ${host}/${label}`);
  }

  /** Whether anybody's interceptor is there; after the last one is gone, nock remembers the host alone. */
  #isMocked(url: URL): boolean {
    const port = url.port || (url.protocol === 'https:' ? 443 : 80);
    const host = ` ${url.protocol}//${url.hostname}:${port}/`;
    return this.#nock.activeMocks().some((each) => each.includes(host));
  }

  /** Why requests come here no more; undefined as long as they do. */
  whyDeaf(): string | undefined {
    if (!this.#nock.isActive())
      return 'nock.restore() has switched nock off, and requests leave this machine: call nock.activate()';
    const isInPlace = [...this.#registered.keys()].every((key) => {
      const [method = '', origin = ''] = key.split(' ');
      return this.isTaken(origin, method);
    });
    return isInPlace
      ? undefined
      : 'nock.cleanAll() has taken this kit out of nock: call its restore() instead, and make a new one for each test';
  }

  listen(origin: string, method: string): void {
    const key = `${method} ${origin}`;
    if (this.#registered.has(key)) return;
    const listener = this.#listener;
    const matches = (path: string): boolean => listener.claims(method, new URL(origin + path));
    matches.toString = () => label;
    const scope = this.#nock(origin).persist();
    // nock replies by timers of its own; only this event tells that it has.
    const underWay = new WeakMap<object, SeenRequest>();
    scope.on('replied', (req: object) => {
      const request = underWay.get(req);
      if (request !== undefined) listener.answered(request);
    });
    // Optional and persistent: what must be used, and how often, is the kit's own account.
    const interceptor = scope.intercept(matches, method).optionally();
    interceptor.reply(async function (path, body) {
      // `this` is shared by all requests, and shows the next one as soon as it comes.
      const { req } = this;
      const request = { method, url: new URL(origin + path), headers: req.headers, body };
      underWay.set(req, request);
      const outcome = await listener.answer(request);
      if (outcome.kind === 'reply') return wireReply(outcome.reply);
      listener.answered(request);
      throw outcome.error;
    });
    this.#registered.set(key, interceptor);
  }

  close(): void {
    this.#nock.emitter.off('no match', this.#onNoMatch);
    for (const interceptor of this.#registered.values()) this.#nock.removeInterceptor(interceptor);
    this.#registered.clear();
  }

  // nock passes (request, options) for a host that has interceptors, and (options) for one that has none.
  readonly #onNoMatch = (first: ClientRequest & NoMatchOptions, second?: NoMatchOptions): void => {
    const { proto, host, method = 'GET', path = '/' } = second ?? first;
    const text = `${proto}://${host}${path}`;
    if (proto === undefined || host === undefined || !URL.canParse(text)) return;
    const url = new URL(text);
    const message = this.#listener.unexpected(method, url, this.#isMocked(url) ? 'nowhere' : 'the network');
    if (message === undefined) return;
    const error = connectionError(message, 'ERR_MOCK_PAYU');
    // What is thrown here nock throws at the sender, as it does where net connect is disabled.
    if (second === undefined) throw error;
    // The first error wins: without this the client would see nock's, which prints the whole request.
    first.destroy(error);
  };
}
