import type { AxiosAdapter, AxiosHeaders, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { requestCancellation } from './cancellation.ts';
import { failed, follow, type Leash, type Outcome, redirectHook, succeeded } from './redirects.ts';
import { classifyBody, type FrozenBody, type RequestBody } from './replayable.ts';
import { restoreError, restoreResponse } from './restore.ts';
import { asOurs, copyHeaders } from './sent-config.ts';

/** One axios call, as it comes to the adapter. */
export interface Call {
  readonly config: InternalAxiosRequestConfig;
  readonly adapter: AxiosAdapter;
  /** Where it goes; the token goes nowhere else. */
  readonly origin: string;
}

/** Has fetch leave redirects to us. */
const MANUAL: { readonly redirect: 'manual' } = Object.freeze({ redirect: 'manual' });

/**
 * Puts the attempts of one call on the wire: the same method, URL, headers and bytes each time, with the token of the
 * moment; and gives the caller its own config back.
 */
export class Sender implements Leash {
  readonly headerName: string;
  headerValue = '';
  isAstray = false;
  attempts = 0;

  readonly #call: Call;
  readonly #headerPrefix: string;
  /** The caller's headers, which no adapter gets to see. */
  readonly #headers: AxiosHeaders;
  /** Given as a function, as mocks are. Asked before the first send: a mock may take itself off the config. */
  readonly #adapterIsUsers: boolean;
  readonly #usersRedirectHook: InternalAxiosRequestConfig['beforeRedirect'];
  readonly #usersFetchOptions: InternalAxiosRequestConfig['fetchOptions'];
  #body: RequestBody | undefined;
  #frozen: FrozenBody | undefined;

  constructor(call: Call, header: { readonly headerName: string; readonly headerPrefix: string }) {
    this.#call = call;
    this.headerName = header.headerName;
    this.#headerPrefix = header.headerPrefix;
    this.#headers = call.config.headers as AxiosHeaders;
    this.#adapterIsUsers = typeof call.config.adapter === 'function';
    this.#usersRedirectHook = call.config.beforeRedirect;
    this.#usersFetchOptions = call.config.fetchOptions;
  }

  get origin(): string {
    return this.#call.origin;
  }

  get isRepeatable(): boolean {
    return this.#frozen !== undefined || this.#classifyBody().kind !== 'once';
  }

  /** Turns a form into bytes, so that it can be sent a second time. */
  async freezeBody(): Promise<void> {
    const body = this.#classifyBody();
    if (body.kind !== 'freezable') return;
    try {
      this.#frozen = await body.freeze();
    } catch {
      // A form that can't be read ahead is sent as it is, once.
      this.#body = { kind: 'once' };
    }
  }

  /** One send. The first goes with the caller's own config object: a copy would cost more than all else here. */
  send(token: string): Promise<AxiosResponse> {
    const { config, adapter } = this.#call;
    // Axios asks this right before the adapter, and its http adapter relies on that: it would send all the same.
    const cancelled = requestCancellation(config)?.reason();
    if (cancelled !== undefined) return Promise.reject(cancelled);
    const isFirst = this.attempts++ === 0;
    this.headerValue = this.#headerPrefix + token;
    const sent = isFirst && this.#frozen === undefined ? config : asOurs(config, {});
    this.#equip(sent);
    try {
      return Promise.resolve(adapter(sent)) as Promise<AxiosResponse>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The same, with whatever comes of it. */
  attempt(token: string): Promise<Outcome> {
    return this.send(token).then(succeeded, failed);
  }

  /** Follows the redirects that fetch left to us. */
  follow(outcome: Outcome): Promise<Outcome> {
    if (!this.#followsForFetch) return Promise.resolve(outcome);
    const sent = asOurs(this.#call.config, {});
    this.#equip(sent);
    return follow(outcome, sent, this.#call.adapter, this);
  }

  /** Whoever holds the config (errors that axios makes later, a logger) finds in it what the caller put there. */
  takeBack(): void {
    const { config } = this.#call;
    config.headers = this.#headers;
    // Undefined is the same to axios as absent, and a delete would make all that follows slow.
    config.beforeRedirect = this.#usersRedirectHook as never;
    config.fetchOptions = this.#usersFetchOptions as never;
  }

  /** What the caller gets: its own config, its own headers, no token. */
  settle({ response, failure }: Outcome): AxiosResponse {
    const { config } = this.#call;
    const sent = {
      config,
      headerValue: this.headerValue,
      token: this.headerValue.slice(this.#headerPrefix.length),
    };
    if (failure !== undefined) throw restoreError(failure.error, sent);
    if (this.#adapterIsUsers) this.#leaveTrace();
    return restoreResponse(response as AxiosResponse, sent);
  }

  /**
   * Mocks, which are adapters given as functions, remember the config of a call, and their users look into it for the
   * header. So after a success it is there for who asks by name, and not for who prints, serialises or copies the
   * headers. After a failure, and after a call over an adapter by name or by default, it is not.
   */
  #leaveTrace(): void {
    Object.defineProperty(this.#headers, this.headerName, {
      value: this.headerValue,
      configurable: true,
      writable: true,
    });
  }

  get #followsForFetch(): boolean {
    const mode = this.#usersFetchOptions?.redirect;
    return mode !== 'manual' && mode !== 'error';
  }

  /** All in which what is sent differs from what the caller gave us. */
  #equip(config: InternalAxiosRequestConfig): void {
    const headers = copyHeaders(this.#headers);
    headers[this.headerName] = this.headerValue;
    if (this.#frozen !== undefined) {
      headers.setContentType(this.#frozen.contentType);
      config.data = this.#frozen.bytes;
    }
    config.headers = headers;
    config.beforeRedirect = redirectHook(this, this.#usersRedirectHook);
    const own = this.#usersFetchOptions;
    if (own === undefined) config.fetchOptions = MANUAL;
    else if (this.#followsForFetch) config.fetchOptions = { ...own, ...MANUAL };
  }

  #classifyBody(): RequestBody {
    const contentType = this.#headers.getContentType?.();
    this.#body ??= classifyBody(
      this.#call.config.data,
      typeof contentType === 'string' ? contentType : undefined,
    );
    return this.#body;
  }
}
