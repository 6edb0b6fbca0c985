import type { AxiosAdapter, AxiosHeaders, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import type { FrozenBody } from './bodies/freeze.ts';
import type { PeekLimit } from './bodies/read-ahead.ts';
import { classifyBody, type RequestBody } from './bodies/replayable.ts';
import { unlinked } from './bodies/unlinked.ts';
import { requestCancellation } from './cancellation.ts';
import { isAgentOfEnvironment } from './proxy.ts';
import {
  type AttemptResult,
  endedAsAnother,
  failed,
  follow,
  guardedTransport,
  type RedirectWatch,
  redirectHook,
  succeeded,
} from './redirects.ts';
import { restoreError, restoreResponse, type SentRequest } from './restore.ts';
import { asOurs, type Changes, copyHeaders } from './sent-config.ts';
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

  readonly #call: Call;
  readonly #header: TokenHeader;
  /** Of the attempt that the caller's own config was sent with: replays have configs of their own. */
  #firstToken = '';
  /** What the caller's config had where an attempt has put something else. */
  #lent: Readonly<Record<string, unknown>> = {};
  /** The caller's headers, which no adapter gets to see. */
  readonly #headers: AxiosHeaders;
  /** What the adapter gets in place of a stream. */
  readonly #sentData: unknown;
  #body: RequestBody | undefined;
  #frozen: FrozenBody | undefined;

  constructor(call: Call, header: TokenHeader) {
    const { config } = call;
    this.config = config;
    this.origin = call.origin;
    this.headerName = header.name;
    this.adapterIsUsers = call.adapterIsUsers;
    this.#call = call;
    this.#header = header;
    this.#headers = config.headers as AxiosHeaders;
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
    const changes = this.#changes();
    const sent = isFirst && this.#frozen === undefined ? this.#lend(changes) : asOurs(this.config, changes);
    // Called as axios calls it, without a `this`.
    const { adapter } = this.#call;
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
    const last = this.#leavesRedirects
      ? await follow(first, asOurs(this.config, this.#changes()), this.#call.adapter, this)
      : first;
    if (last.response !== undefined && endedAsAnother(last.response, this.config.method)) {
      this.mayHaveBeenProcessed = true;
    }
    return last;
  }

  /** Puts the changes into the caller's own config, and keeps what was there, until it is taken back. */
  #lend(changes: Changes): InternalAxiosRequestConfig {
    const config = this.config as unknown as Record<string, unknown>;
    const swapped = changes as Record<string, unknown>;
    for (const name of Object.keys(changes)) {
      const own = config[name];
      config[name] = swapped[name];
      swapped[name] = own;
    }
    this.#lent = swapped;
    return this.config;
  }

  /** Whoever holds the config (errors that axios makes later, a logger) finds in it what the caller put there. */
  takeBack(): void {
    const config = this.config as unknown as Record<string, unknown>;
    for (const name of Object.keys(this.#lent)) {
      if (this.#lent[name] === undefined) delete config[name];
      else config[name] = this.#lent[name];
    }
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

  /** Whether redirects that fetch finds are left to us. */
  get #leavesRedirects(): boolean {
    const mode = this.config.fetchOptions?.redirect;
    return this.#call.mayFetch && mode !== 'manual' && mode !== 'error';
  }

  /** All in which what is sent differs from what the caller gave us. */
  #changes(): Changes {
    const { method, beforeRedirect, transport, fetchOptions, proxy, httpAgent, data } = this.config;
    const headers = copyHeaders(this.#headers);
    headers[this.headerName] = this.headerValue;
    const changes: Changes = { headers, beforeRedirect: redirectHook(this, method, beforeRedirect) };
    if (this.#frozen !== undefined) {
      headers.set(this.#frozen.headers);
      changes.data = this.#frozen.bytes;
    } else if (this.#sentData !== data) changes.data = this.#sentData;
    // Plain http is for this machine: the environment's proxy would read the token (G5).
    if (this.#call.isPlain) changes.proxy = proxy || false;
    if (this.#call.isPlain && isAgentOfEnvironment(httpAgent)) changes.httpAgent = false;
    if (transport) changes.transport = guardedTransport(transport, redirectHook(this, method, undefined));
    if (this.#leavesRedirects) changes.fetchOptions = { ...fetchOptions, redirect: 'manual' };
    return changes;
  }

  #classifyBody(): RequestBody {
    this.#body ??= classifyBody(this.config);
    return this.#body;
  }
}
