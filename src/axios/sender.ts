import type { AxiosAdapter, AxiosHeaders, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import type { FrozenBody } from './bodies/freeze.ts';
import type { PeekLimit } from './bodies/read-ahead.ts';
import { classifyBody, type RequestBody } from './bodies/replayable.ts';
import { unlinked } from './bodies/unlinked.ts';
import { requestCancellation } from './cancellation.ts';
import {
  type AttemptResult,
  endedAsAnother,
  failed,
  follow,
  guardedTransport,
  type RedirectWatch,
  redirectHook,
  succeeded,
  type Transport,
} from './redirects.ts';
import { restoreError, restoreResponse, type SentRequest } from './restore.ts';
import { asOurs, copyHeaders } from './sent-config.ts';
import type { TokenHeader } from './token-header.ts';

/** One axios call, as it comes to the adapter. */
export interface Call {
  readonly config: InternalAxiosRequestConfig;
  readonly adapter: AxiosAdapter;
  /** Given as a function, by itself or in a list, as mocks are; else it is one of axios' own. */
  readonly adapterIsUsers: boolean;
  /** False where the adapter is known not to end in a fetch. */
  readonly mayFetch: boolean;
  /** Where it goes; the token goes nowhere else. */
  readonly origin: string;
  /** By plain http to this machine. */
  readonly isPlain: boolean;
}

/** Has fetch leave redirects to us. */
const MANUAL: { readonly redirect: 'manual' } = Object.freeze({ redirect: 'manual' });

/**
 * Puts the attempts of one call on the wire: the same method, URL, headers and bytes each time, with the token of the
 * moment; and gives the caller its own config back.
 */
export class Sender implements RedirectWatch, SentRequest {
  readonly config: InternalAxiosRequestConfig;
  readonly adapterIsUsers: boolean;
  readonly origin: string;
  readonly headerName: string;
  headerValue = '';
  token = '';
  hasLeftOrigin = false;
  mayHaveBeenProcessed = false;
  attempts = 0;

  /** Of the attempt that the caller's own config was sent with: replays have configs of their own. */
  #firstToken = '';
  readonly #adapter: AxiosAdapter;
  readonly #mayFetch: boolean;
  readonly #header: TokenHeader;
  /** The caller's headers, which no adapter gets to see. */
  readonly #headers: AxiosHeaders;
  readonly #usersRedirectHook: InternalAxiosRequestConfig['beforeRedirect'];
  readonly #usersFetchOptions: InternalAxiosRequestConfig['fetchOptions'];
  readonly #usersProxy: InternalAxiosRequestConfig['proxy'];
  readonly #usersTransport: Transport | undefined;
  readonly #isPlain: boolean;
  /** The caller's body, and what of it the adapter gets. */
  readonly #data: unknown;
  readonly #sentData: unknown;
  #body: RequestBody | undefined;
  #frozen: FrozenBody | undefined;

  constructor({ config, adapter, adapterIsUsers, mayFetch, origin, isPlain }: Call, header: TokenHeader) {
    this.config = config;
    this.origin = origin;
    this.headerName = header.name;
    this.adapterIsUsers = adapterIsUsers;
    this.#adapter = adapter;
    this.#mayFetch = mayFetch;
    this.#header = header;
    this.#headers = config.headers as AxiosHeaders;
    this.#usersRedirectHook = config.beforeRedirect;
    this.#usersFetchOptions = config.fetchOptions;
    this.#isPlain = isPlain;
    this.#usersProxy = config.proxy;
    this.#usersTransport = config.transport;
    this.#data = config.data;
    this.#sentData = unlinked(config.data);
  }

  get isRepeatable(): boolean {
    return !this.mayHaveBeenProcessed && (this.#frozen !== undefined || this.#classifyBody().kind !== 'once');
  }

  /** Turns a form into bytes. One that can't be read ahead is sent as it is, once. */
  async freezeBody(limit: PeekLimit): Promise<void> {
    const body = this.#classifyBody();
    if (body.kind !== 'freezable') return;
    this.#frozen = await body.freeze(limit);
    if (this.#frozen === undefined) this.#body = { kind: 'once' };
  }

  /** One send. The first goes with the caller's own config object: a copy would cost more than all else here. */
  send(token: string): Promise<AxiosResponse> {
    const isFirst = this.attempts++ === 0;
    this.token = token;
    if (isFirst) this.#firstToken = token;
    this.headerValue = this.#header.value(token);
    const sent = isFirst && this.#frozen === undefined ? this.config : asOurs(this.config, {});
    this.#equip(sent);
    // Called as axios calls it, without a `this`.
    const adapter = this.#adapter;
    try {
      return Promise.resolve(adapter(sent)) as Promise<AxiosResponse>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The same after a wait of ours, with whatever comes of it. */
  attempt(token: string): Promise<AttemptResult> {
    // Axios asks this right before the adapter, and its http adapter relies on that: it would send all the same.
    const cancelled = requestCancellation(this.config)?.reason();
    if (cancelled !== undefined) return Promise.resolve(failed(cancelled));
    return this.send(token).then(succeeded, failed);
  }

  /** Follows the redirects that fetch left to us. */
  async follow(first: AttemptResult): Promise<AttemptResult> {
    const last = this.#mayFetch && this.#followsForFetch ? await this.#followForFetch(first) : first;
    if (last.response !== undefined && endedAsAnother(last.response, this.config.method)) {
      this.mayHaveBeenProcessed = true;
    }
    return last;
  }

  #followForFetch(first: AttemptResult): Promise<AttemptResult> {
    const sent = asOurs(this.config, {});
    this.#equip(sent);
    return follow(first, sent, this.#adapter, this);
  }

  /** Whoever holds the config (errors that axios makes later, a logger) finds in it what the caller put there. */
  takeBack(): void {
    const { config } = this;
    config.headers = this.#headers;
    if (this.#sentData !== this.#data) config.data = this.#data;
    // The last one that was added is the first to go: then a delete costs next to nothing.
    if (this.#mayFetch) putBack(config, 'fetchOptions', this.#usersFetchOptions);
    if (this.#isPlain) putBack(config, 'proxy', this.#usersProxy);
    if (this.#usersTransport) config.transport = this.#usersTransport;
    putBack(config, 'beforeRedirect', this.#usersRedirectHook);
  }

  /** What the caller gets: its own config, its own headers, no token. */
  settle({ response, failure }: AttemptResult): AxiosResponse {
    if (failure !== undefined) throw restoreError(failure.error, this);
    // Mocks are functions, and remember the config of a call: their users look into it for the header.
    if (this.adapterIsUsers) this.config.headers = this.#header.traceOn(this.#headers, this.#firstToken);
    return restoreResponse(response as AxiosResponse, this);
  }

  get tracedHeaders(): AxiosHeaders | undefined {
    return this.adapterIsUsers ? this.#header.traceOn(this.#headers, this.token) : undefined;
  }

  get #followsForFetch(): boolean {
    const mode = this.#usersFetchOptions?.redirect;
    return mode !== 'manual' && mode !== 'error';
  }

  /** All in which what is sent differs from what the caller gave us. */
  #equip(config: InternalAxiosRequestConfig): void {
    const headers = copyHeaders(this.#headers);
    headers[this.headerName] = this.headerValue;
    if (this.#sentData !== this.#data) config.data = this.#sentData;
    if (this.#frozen !== undefined) {
      headers.set(this.#frozen.headers);
      config.data = this.#frozen.bytes;
    }
    config.headers = headers;
    config.beforeRedirect = redirectHook(this, this.config.method, this.#usersRedirectHook);
    // Plain http is for this machine: the environment's proxy would read the token (G5).
    if (this.#isPlain) config.proxy = this.#usersProxy || false;
    if (this.#usersTransport) {
      config.transport = guardedTransport(
        this.#usersTransport,
        redirectHook(this, this.config.method, undefined),
      );
    }
    if (!this.#mayFetch) return;
    const own = this.#usersFetchOptions;
    if (own === undefined) config.fetchOptions = MANUAL;
    else if (this.#followsForFetch) config.fetchOptions = { ...own, ...MANUAL };
  }

  #classifyBody(): RequestBody {
    this.#body ??= classifyBody(this.config);
    return this.#body;
  }
}

function putBack<K extends 'fetchOptions' | 'proxy' | 'beforeRedirect'>(
  config: InternalAxiosRequestConfig,
  name: K,
  value: InternalAxiosRequestConfig[K] | undefined,
): void {
  if (value === undefined) delete config[name];
  else config[name] = value;
}
