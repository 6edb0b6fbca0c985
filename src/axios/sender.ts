import type { AxiosAdapter, AxiosHeaders, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { systemClock } from '../time/clock.ts';
import { unlinked } from './bodies/copied-stream.ts';
import { classifyBody, type FrozenBody, type RequestBody } from './bodies/replayable.ts';
import type { WaitBounds } from './cancellation.ts';
import { isAgentOfEnvironment } from './proxy.ts';
import {
  type AttemptResult,
  endedAsAnother,
  follow,
  guardedTransport,
  type RedirectWatch,
  redirectHook,
} from './redirects.ts';
import type { ResolvedRequestOptions } from './request-options.ts';
import { restoreError, restoreResponse, type SentRequest } from './restore.ts';
import { asOurs, type Changes, copyHeaders } from './sent-config.ts';
import type { TokenHeader } from './token-header.ts';

/** One axios call, as it reaches the adapter. */
export interface Call extends Pick<SentRequest, 'config' | 'adapterIsUsers'> {
  readonly adapter: AxiosAdapter;
  /** False if the adapter is sure not to use fetch. */
  readonly mayFetch: boolean;
  /** Where the call goes. The token goes nowhere else. */
  readonly origin: string;
  /** The call goes to this machine by plain http. */
  readonly isPlain: boolean;
  readonly options: ResolvedRequestOptions;
}

/**
 * Sends the attempts of one call. Method, URL, headers and bytes are the same each time; the token is the current one.
 * The caller gets its own config back.
 */
export class Sender implements RedirectWatch, SentRequest {
  readonly config: InternalAxiosRequestConfig;
  readonly origin: string;
  readonly adapterIsUsers: boolean;
  readonly header: TokenHeader;
  headerValue = '';
  token = '';
  sentAtMs = 0;
  hasLeftOrigin = false;
  mayHaveBeenProcessed = false;
  attempts = 0;

  readonly #call: Call;
  /** The config of the last attempt. */
  #sent: InternalAxiosRequestConfig;
  /** What the caller's config holds itself, while an attempt has put something else there. */
  #lent: Changes = {};
  /** The caller's headers. The adapter gets copies. */
  readonly #headers: AxiosHeaders;
  /** The body as the adapter gets it: a copy of a stream. */
  readonly #sentData: unknown;
  #body: RequestBody;
  #frozen: FrozenBody | undefined;

  constructor(call: Call, header: TokenHeader) {
    const { config } = call;
    this.config = config;
    this.origin = call.origin;
    this.adapterIsUsers = call.adapterIsUsers;
    this.#call = call;
    this.#sent = config;
    this.header = header;
    this.#headers = config.headers as AxiosHeaders;
    this.#sentData = unlinked(config.data);
    this.#body = classifyBody(config);
  }

  /** Whether the call can be sent again with the same bytes, and without the danger that the server does it twice. */
  get isRepeatable(): boolean {
    return !this.mayHaveBeenProcessed && this.#body.kind !== 'once';
  }

  /** Turns a form into bytes. A form that can't be read in advance is sent once, as it is. */
  async freezeBody(bounds: WaitBounds): Promise<void> {
    if (this.#body.kind !== 'freezable') return;
    this.#frozen = await this.#body.freeze(bounds);
    if (this.#frozen === undefined) this.#body = { kind: 'once' };
  }

  /** One send. The first uses the caller's own config object, as a copy would cost more than everything else here. */
  send(token: string): Promise<AxiosResponse> {
    const isFirst = this.attempts++ === 0;
    this.token = token;
    if (this.config.timeout) this.sentAtMs = systemClock.steadyMs();
    this.headerValue = this.header.value(token);
    const changes = this.#changes();
    if (isFirst) swap(this.config, changes);
    this.#lent = isFirst ? changes : {};
    this.#sent = isFirst ? this.config : asOurs(this.config, changes);
    // Axios calls it without a `this` as well.
    const { adapter } = this.#call;
    try {
      return Promise.resolve(adapter(this.#sent)) as Promise<AxiosResponse>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Follows the redirects that fetch has left to us. */
  async follow(first: AttemptResult): Promise<AttemptResult> {
    const last = this.#leavesRedirects
      ? await follow(first, asOurs(this.config, this.#changes()), this.#call.adapter, this)
      : first;
    if (last.response !== undefined && endedAsAnother(last.response, this.config.method)) {
      this.mayHaveBeenProcessed = true;
    }
    return last;
  }

  /** Ends an attempt: whoever holds the config (a later error of axios, a logger) finds in it what the caller put there. */
  takeBack(): void {
    swap(this.config, this.#lent);
    this.#lent = {};
    if (!this.adapterIsUsers) return;
    // A mock keeps the config of each attempt, and tests read the header in it (A3).
    this.#sent.headers = this.header.traceOn(this.#headers, this.token);
    if (this.attempts === 1) this.config.headers = this.#sent.headers;
  }

  /** Gives the caller its own config and headers, without the token. */
  settle({ response, failure }: AttemptResult): AxiosResponse {
    if (failure !== undefined) throw restoreError(failure.error, this);
    return restoreResponse(response as AxiosResponse, this);
  }

  /** Whether fetch leaves its redirects to us. */
  get #leavesRedirects(): boolean {
    const mode = this.config.fetchOptions?.redirect;
    return this.#call.mayFetch && mode !== 'manual' && mode !== 'error';
  }

  /** All that is sent differently from what the caller gave us. */
  #changes(): Changes {
    const { beforeRedirect, transport, fetchOptions, proxy, httpAgent, data } = this.config;
    const headers = copyHeaders(this.#headers);
    headers[this.header.name] = this.headerValue;
    const changes: Changes = { headers, beforeRedirect: redirectHook(this, beforeRedirect) };
    if (this.#frozen !== undefined) {
      headers.set(this.#frozen.headers);
      // One of the caller's may be of another body, such as an incoming request's.
      if (headers.has('Content-Length')) headers.setContentLength(this.#frozen.bytes.length);
      changes.data = this.#frozen.bytes;
    } else if (this.#sentData !== data) changes.data = this.#sentData;
    // The environment's proxy would read the token (G5).
    if (this.#call.isPlain) changes.proxy = proxy || false;
    if (this.#call.isPlain && isAgentOfEnvironment(httpAgent)) changes.httpAgent = false;
    if (transport) changes.transport = guardedTransport(transport, redirectHook(this, undefined));
    if (this.#leavesRedirects) changes.fetchOptions = { ...fetchOptions, redirect: 'manual' };
    return changes;
  }
}

/** Puts the changes into the config, and what was there into the changes. */
function swap(config: InternalAxiosRequestConfig, changes: Changes): void {
  const own = config as unknown as Record<string, unknown>;
  const swapped = changes as Record<string, unknown>;
  for (const name of Object.keys(swapped)) {
    const value = swapped[name];
    swapped[name] = own[name];
    if (value === undefined) delete own[name];
    else own[name] = value;
  }
}
