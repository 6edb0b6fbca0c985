import type { AxiosAdapter, AxiosHeaders, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { type Clock, dateAt } from '../backoff/clock.ts';
import { delayAfter, jittered, UNTOLD_RATE_LIMIT, withJitterOnTop } from '../backoff/delays.ts';
import { anyOf, type Cancellation, cancellationOf, sleep } from '../backoff/wait.ts';
import type { Emit, PayuAuthEvent } from '../events.ts';
import type { TokenSource } from '../token/token-source.ts';
import { isAbsoluteUrl } from '../url.ts';
import { requestCancellation } from './cancellation.ts';
import { beforeRedirect, fetchFollowing, type RedirectRules } from './redirects.ts';
import { classifyBody, type FrozenBody, type RequestBody } from './replayable.ts';
import { discardBody } from './response-body.ts';
import { restoreError, restoreResponse } from './restore.ts';
import { asOurs, copyHeaders } from './sent-config.ts';
import { readVerdict } from './verdict.ts';

/** What all exchanges of one attached instance share. */
export interface ExchangeParts {
  readonly source: TokenSource;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  readonly headerName: string;
  readonly headerPrefix: string;
  readonly rateLimitRetries: number;
  readonly isTokenRefused: ((response: AxiosResponse) => boolean) | undefined;
}

/** One axios call, as it comes to the adapter. */
export interface ExchangeRequest {
  readonly config: InternalAxiosRequestConfig;
  readonly adapter: AxiosAdapter;
  readonly follows: 'by-hook' | 'by-itself';
  readonly scopeKey: string;
  readonly origin: string;
  readonly maxWaitMs: number;
  readonly replay: 'allowed' | 'disabled';
}

/** What an attempt came to: both settle paths count, as `validateStatus` may make a success of a 401. */
interface Outcome {
  readonly response: AxiosResponse | undefined;
  /** Present where the adapter rejected. */
  readonly failure?: { readonly error: unknown };
}

/**
 * All that one axios call causes: a token, an attempt, at most one replay for a refused token (D), and what rate limits
 * allow (E5). Nothing else is ever sent again (D8).
 */
export class Exchange {
  readonly #parts: ExchangeParts;
  readonly #request: ExchangeRequest;
  /** The caller's headers, which no adapter gets to see. */
  readonly #headers: AxiosHeaders;
  readonly #usersRedirectHook: InternalAxiosRequestConfig['beforeRedirect'];
  readonly #redirectRules: RedirectRules;
  #body: RequestBody | undefined;
  #frozen: FrozenBody | undefined;
  #token = '';
  #attempts = 0;
  #waitedMs = 0;
  #hasReplayedRefused = false;
  #rateLimitRetries = 0;
  #wasToldZero = false;
  /** A redirect led to another origin: what that one answers is not about our token. */
  #isAstray = false;

  constructor(parts: ExchangeParts, request: ExchangeRequest) {
    this.#parts = parts;
    this.#request = request;
    this.#headers = request.config.headers as AxiosHeaders;
    this.#usersRedirectHook = request.config.beforeRedirect;
    this.#redirectRules = {
      origin: request.origin,
      headerName: parts.headerName,
      onAstray: () => {
        this.#isAstray = true;
      },
    };
  }

  /** With a fresh token and a body that needs no preparation: one call of the adapter, and no wait of ours. */
  run(): Promise<AxiosResponse> {
    const token = this.#parts.source.usable(this.#request.scopeKey);
    const { data } = this.#request.config;
    if (token === undefined || (typeof data === 'object' && data !== null)) return this.#prepareAndRun();
    this.#token = token.accessToken;
    return this.#send().then(
      (response) => this.#conclude({ response }),
      (error: unknown) => this.#conclude(failed(error)),
    );
  }

  async #prepareAndRun(): Promise<AxiosResponse> {
    if (this.#request.replay === 'allowed') await this.#freezeBody();
    this.#token = await this.#obtainToken();
    return this.#conclude(await this.#attempt());
  }

  /** Gives the outcome to the caller, unless it asks for a replay. */
  #conclude(outcome: Outcome): AxiosResponse | Promise<AxiosResponse> {
    this.#takeBack();
    const { response } = outcome;
    // A success that nobody wants to look into: the hot path ends here.
    if (response !== undefined && response.status < 400 && this.#parts.isTokenRefused === undefined) {
      if (response.status >= 200 && response.status < 300 && !this.#isAstray) {
        this.#parts.source.succeed(this.#request.scopeKey, this.#token);
      }
      return this.#settle(outcome);
    }
    return this.#judge(outcome);
  }

  async #judge(outcome: Outcome): Promise<AxiosResponse> {
    const { response } = outcome;
    if (response === undefined || this.#isAstray) return this.#settle(outcome);
    const verdict = await readVerdict(response, this.#parts);
    switch (verdict.kind) {
      case 'accepted':
        this.#parts.source.succeed(this.#request.scopeKey, this.#token);
        return this.#settle(outcome);
      case 'other':
        return this.#settle(outcome);
      case 'insufficient-scope':
        this.#parts.emit({ type: 'replay-skipped', reason: 'insufficient-scope' });
        return this.#settle(outcome);
      case 'refused':
        return (await this.#mayReplayRefused(response))
          ? this.#replay('token-refused')
          : this.#settle(outcome);
      case 'rate-limited':
        return (await this.#mayRetryLimited(response, verdict.toldMs))
          ? this.#replay('rate-limited')
          : this.#settle(outcome);
      default:
        throw verdict satisfies never;
    }
  }

  /** Tells the source of the refusal, in any case; true once there is another token to replay with (D2 to D6). */
  async #mayReplayRefused(response: AxiosResponse): Promise<boolean> {
    const { source } = this.#parts;
    const refused = this.#token;
    const standing = source.refuse(this.#request.scopeKey, refused);
    if (this.#hasReplayedRefused) return false;
    if (!this.#canReplay()) return false;
    if (standing === 'paused') return this.#skip('renewals-paused');
    try {
      this.#token = await this.#obtainToken();
    } catch (error) {
      discardBody(response);
      throw error;
    }
    if (this.#token === refused) return this.#skip('same-token');
    discardBody(response);
    this.#hasReplayedRefused = true;
    return true;
  }

  /** Waits as the API told us; true once the request may go out again (E5). */
  async #mayRetryLimited(response: AxiosResponse, told: number | undefined): Promise<boolean> {
    const { clock, emit, random, rateLimitRetries, source } = this.#parts;
    const toldMs = told === 0 && this.#wasToldZero ? undefined : told;
    this.#wasToldZero = told === 0;
    const delayMs =
      toldMs === undefined
        ? jittered(delayAfter(this.#rateLimitRetries + 1, UNTOLD_RATE_LIMIT), random)
        : withJitterOnTop(toldMs, random);
    emit({ type: 'rate-limited', source: 'api', delayMs, retryAt: dateAt(clock.now() + delayMs) });
    if (this.#rateLimitRetries >= rateLimitRetries || delayMs > this.#remainingMs()) return false;
    if (!this.#canReplay()) return false;
    discardBody(response);
    this.#rateLimitRetries++;
    const closed = cancellationOf(source.closed);
    await this.#waiting((caller) =>
      sleep(clock, delayMs, caller === undefined ? closed : anyOf([caller, closed]), 'awaited'),
    );
    this.#token = await this.#obtainToken();
    return true;
  }

  async #replay(cause: 'token-refused' | 'rate-limited'): Promise<AxiosResponse> {
    const { config } = this.#request;
    this.#parts.emit({
      type: 'request-replayed',
      cause,
      attempt: this.#attempts + 1,
      method: (config.method ?? 'get').toUpperCase(),
      url: urlWithoutQuery(config),
    });
    return this.#conclude(await this.#attempt());
  }

  #canReplay(): boolean {
    if (this.#request.replay === 'disabled') return this.#skip('disabled');
    if (this.#frozen === undefined && this.#classifyBody().kind === 'once')
      return this.#skip('body-not-replayable');
    return true;
  }

  #skip(reason: Extract<PayuAuthEvent, { type: 'replay-skipped' }>['reason']): false {
    this.#parts.emit({ type: 'replay-skipped', reason });
    return false;
  }

  #classifyBody(): RequestBody {
    const contentType = this.#headers.getContentType?.();
    this.#body ??= classifyBody(
      this.#request.config.data,
      typeof contentType === 'string' ? contentType : undefined,
    );
    return this.#body;
  }

  async #freezeBody(): Promise<void> {
    const body = this.#classifyBody();
    if (body.kind !== 'freezable') return;
    try {
      this.#frozen = await body.freeze();
    } catch {
      // A form that can't be read ahead is sent as it is, once.
      this.#body = { kind: 'once' };
    }
  }

  async #obtainToken(): Promise<string> {
    const { source } = this.#parts;
    const usable = source.usable(this.#request.scopeKey);
    if (usable !== undefined) return usable.accessToken;
    const { accessToken } = await this.#waiting((cancellation) =>
      source.obtain(this.#request.scopeKey, { maxWaitMs: this.#remainingMs(), cancellation }),
    );
    return accessToken;
  }

  /** Counts what this call has waited; all of it together must stay within `maxWaitMs`. */
  async #waiting<T>(wait: (caller: Cancellation | undefined) => Promise<T>): Promise<T> {
    const { clock } = this.#parts;
    const startedAt = clock.now();
    try {
      return await wait(requestCancellation(this.#request.config));
    } finally {
      this.#waitedMs += clock.now() - startedAt;
    }
  }

  #remainingMs(): number {
    return Math.max(0, this.#request.maxWaitMs - this.#waitedMs);
  }

  async #attempt(): Promise<Outcome> {
    try {
      return { response: await this.#send() };
    } catch (error) {
      return failed(error);
    }
  }

  /** One send. The first goes with the caller's own config object, which is given back as it was. */
  #send(): Promise<AxiosResponse> {
    const { config, adapter, follows } = this.#request;
    const { headerName, headerPrefix } = this.#parts;
    const headers = copyHeaders(this.#headers);
    headers[headerName] = headerPrefix + this.#token;
    const frozen = this.#frozen;
    if (frozen !== undefined) headers.setContentType(frozen.contentType);
    const isPlain = this.#attempts === 0 && frozen === undefined;
    this.#attempts++;
    const sent = isPlain ? config : asOurs(config, frozen === undefined ? {} : { data: frozen.bytes });
    sent.headers = headers;
    try {
      if (follows === 'by-itself') return fetchFollowing(adapter, sent, this.#redirectRules);
      sent.beforeRedirect = beforeRedirect(this.#redirectRules, this.#usersRedirectHook);
      return adapter(sent) as Promise<AxiosResponse>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Whoever holds the config (errors that axios makes later, a logger) finds the caller's headers in it. */
  #takeBack(): void {
    const { config } = this.#request;
    config.headers = this.#headers;
    if (config.beforeRedirect !== this.#usersRedirectHook) {
      (config as { beforeRedirect?: unknown }).beforeRedirect = this.#usersRedirectHook;
    }
  }

  #settle({ response, failure }: Outcome): AxiosResponse {
    const { config } = this.#request;
    const request = {
      config,
      headerName: this.#parts.headerName,
      headerValue: this.#parts.headerPrefix + this.#token,
      token: this.#token,
    };
    if (failure !== undefined) throw restoreError(failure.error, request);
    return restoreResponse(response as AxiosResponse, request);
  }
}

function failed(error: unknown): Outcome {
  const response = (error as { response?: AxiosResponse } | null | undefined)?.response;
  return { response, failure: { error } };
}

/** For events: where the request went, without query, fragment and user info. */
function urlWithoutQuery({ baseURL = '', url = '' }: InternalAxiosRequestConfig): string {
  const full = isAbsoluteUrl(url) ? url : `${baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`;
  return full.replace(/[?#].*$/s, '').replace(/^([a-z]+:\/\/)[^/]*@/i, '$1');
}
