import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { forCaller } from '../errors.ts';
import type { Emit, PayuAuthEvent } from '../events.ts';
import { type Clock, dateAt } from '../time/clock.ts';
import { rateLimitWaitMs } from '../time/delays.ts';
import { WaitLimit } from '../time/limit.ts';
import { anyOf, sleep } from '../time/wait.ts';
import type { HowHeld, Obtained, TokenSource } from '../token/source/token-source.ts';
import { shownUrl } from '../url.ts';
import { discardBody } from './bodies/response-body.ts';
import { inTime, requestCancellation, type WaitBounds } from './cancellation.ts';
import type { OriginGuard } from './origin.ts';
import { type AttemptResult, failed } from './redirects.ts';
import { type Call, Sender } from './sender.ts';
import type { TokenHeader } from './token-header.ts';
import { readVerdict } from './verdict.ts';

/** What all exchanges of one attached instance share. */
export interface ExchangeParts {
  readonly source: TokenSource;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  readonly header: TokenHeader;
  readonly rateLimitRetries: number;
  readonly isTokenRefused: ((response: AxiosResponse) => boolean) | undefined;
  readonly guard: OriginGuard;
  /** Begins a call. Begins it anew if its config has changed during a wait. */
  readonly send: (config: InternalAxiosRequestConfig) => Promise<AxiosResponse>;
}

/** All that one axios call causes: a token, attempts, replays (D) and retries (E5). Nothing else is sent again (D8). */
export class Exchange {
  readonly #parts: ExchangeParts;
  readonly #call: Call;
  readonly #sender: Sender;
  /** The token that replaced a refused one. If it succeeds, renewing has helped (D5). */
  #renewedToken: string | undefined;
  /** Made by the first wait, as most calls never wait. */
  #waitLimit: WaitLimit | undefined;
  /** Replays that refused tokens still allow. One with a minted token is the last; one with a found token may be followed by another (D3). */
  #replaysLeft = 2;
  #rateLimitRetries = 0;
  #wasToldZero = false;

  constructor(parts: ExchangeParts, call: Call) {
    this.#parts = parts;
    this.#call = call;
    this.#sender = new Sender(call, parts.header);
  }

  /** With a fresh token and a plain body, this calls the adapter at once, without a wait of ours (H1). */
  run(): Promise<AxiosResponse> {
    const token = this.#parts.source.usable(this.#call.options.scopeKey);
    const { data } = this.#call.config;
    if (token === undefined || (typeof data === 'object' && data !== null)) return this.#prepareAndRun();
    return this.#send(token.accessToken);
  }

  #send(token: string): Promise<AxiosResponse> {
    return this.#sender.send(token).then(
      (response) => this.#conclude({ response }),
      (error: unknown) => this.#conclude(failed(error, this.#sender)),
    );
  }

  async #prepareAndRun(): Promise<AxiosResponse> {
    if (this.#call.options.replay === 'allowed')
      await this.#waiting((bounds) => this.#sender.freezeBody(bounds));
    return this.#attempt((await this.#obtainToken()).record.accessToken);
  }

  /** An attempt after a wait. A call whose config leads elsewhere by now begins anew. */
  async #attempt(token: string, cause?: 'token-refused' | 'rate-limited'): Promise<AxiosResponse> {
    const { config } = this.#call;
    if (!this.#isStillAllowed()) return this.#parts.send(config);
    if (cause !== undefined) {
      const attempt = this.#sender.attempts + 1;
      this.#parts.emit({ type: 'request-replayed', cause, attempt, ...this.#shown });
    }
    // Axios looks for an abort right before it calls the adapter. Its http adapter relies on that.
    const cancelled = requestCancellation(config).reason();
    if (cancelled !== undefined) throw cancelled;
    return this.#send(token);
  }

  /** Gives the outcome to the caller, or sends the request again. */
  #conclude(outcome: AttemptResult): AxiosResponse | Promise<AxiosResponse> {
    this.#sender.takeBack();
    const { response } = outcome;
    if (response === undefined) return this.#sender.settle(outcome);
    const { status } = response;
    // The hot path ends here.
    if (status >= 200 && status < 300 && this.#parts.isTokenRefused === undefined) {
      if (!this.#sender.hasLeftOrigin) this.#noteSuccess();
      return this.#sender.settle(outcome);
    }
    return this.#judge(outcome);
  }

  async #judge(first: AttemptResult): Promise<AxiosResponse> {
    const outcome = await this.#sender.follow(first);
    const { response } = outcome;
    if (response === undefined || this.#sender.hasLeftOrigin) return this.#sender.settle(outcome);
    const { isTokenRefused } = this.#parts;
    const verdict = await this.#waiting((bounds) => readVerdict(response, { ...bounds, isTokenRefused }));
    switch (verdict.kind) {
      case 'accepted':
        this.#noteSuccess();
        break;
      case 'other':
        break;
      case 'insufficient-scope':
      case 'other-scheme':
        this.#skip(verdict.kind);
        break;
      case 'refused': {
        const token = await this.#obtainAnotherToken(response);
        if (token !== undefined) return this.#attempt(token, 'token-refused');
        break;
      }
      case 'rate-limited': {
        const token = await this.#waitOutRateLimit(response, verdict.toldMs);
        if (token !== undefined) return this.#attempt(token, 'rate-limited');
        break;
      }
      default:
        throw verdict satisfies never;
    }
    return this.#sender.settle(outcome);
  }

  /** Tells the source of the refusal. Returns another token to replay with, if there is one (D2 to D6). */
  async #obtainAnotherToken(response: AxiosResponse): Promise<string | undefined> {
    const { source } = this.#parts;
    const { scopeKey } = this.#call.options;
    const refused = this.#sender.token;
    const standing = source.refuse(scopeKey, refused, this.#howHeld);
    if (this.#replaysLeft === 0 || !this.#canReplay()) return undefined;
    let obtained: Obtained;
    try {
      // While renewals pause, a sibling's token may come to the store (D2).
      if (standing === 'paused') await this.#waiting((bounds) => inTime(source.looked(scopeKey), bounds));
      obtained = await this.#obtainToken();
    } catch (error) {
      discardBody(response);
      throw error;
    }
    const token = obtained.record.accessToken;
    if (token === refused) return this.#skip(standing === 'paused' ? 'renewals-paused' : 'same-token');
    if (!this.#isStillAllowed()) return undefined;
    discardBody(response);
    if (standing === 'dropped' || standing === 'paused') this.#renewedToken = token;
    this.#replaysLeft = obtained.kind === 'minted' ? 0 : this.#replaysLeft - 1;
    return token;
  }

  /** Waits as the API told us to. Returns the token to send it again with, if it may be (E5). */
  async #waitOutRateLimit(response: AxiosResponse, told: number | undefined): Promise<string | undefined> {
    const { clock, emit, random, rateLimitRetries } = this.#parts;
    const toldMs = told === 0 && this.#wasToldZero ? undefined : told;
    this.#wasToldZero = told === 0;
    const delayMs = rateLimitWaitMs(toldMs, this.#rateLimitRetries + 1, random);
    emit({ type: 'rate-limited', source: 'api', delayMs, retryAt: dateAt(clock.now() + delayMs) });
    if (this.#rateLimitRetries >= rateLimitRetries || delayMs > this.#limit.leftMs) return undefined;
    if (!this.#canReplay()) return undefined;
    discardBody(response);
    this.#rateLimitRetries++;
    await this.#waiting(({ cancellation, closed }) =>
      sleep(clock, delayMs, anyOf([cancellation, closed]), 'ref'),
    );
    return (await this.#obtainToken()).record.accessToken;
  }

  /** Whether the token may go where the config leads now. The config may have changed during a wait. */
  #isStillAllowed(): boolean {
    const { config, adapter, origin } = this.#call;
    const now = this.#parts.guard.destination(config, adapter);
    return now.withheld === undefined && now.origin === origin;
  }

  #canReplay(): boolean {
    if (this.#call.options.replay !== 'disabled' && this.#sender.isRepeatable) return true;
    this.#skip(this.#call.options.replay === 'disabled' ? 'disabled' : 'body-not-replayable');
    return false;
  }

  #skip(reason: Extract<PayuAuthEvent, { type: 'replay-skipped' }>['reason']): undefined {
    this.#parts.emit({ type: 'replay-skipped', reason });
  }

  get #howHeld(): HowHeld {
    return this.#sender.token === this.#renewedToken ? 'by-renewal' : 'as-held';
  }

  #noteSuccess(): void {
    this.#parts.source.succeed(this.#call.options.scopeKey, this.#sender.token, this.#howHeld);
  }

  async #obtainToken(): Promise<Obtained> {
    const { config, options } = this.#call;
    try {
      return await this.#parts.source.obtain(options.scopeKey, {
        limit: this.#limit,
        cancellation: requestCancellation(config),
      });
    } catch (error) {
      throw forCaller(error, this.#shown);
    }
  }

  /** Runs a wait, and counts its time: all waits of a call together must stay within `maxWaitMs`. */
  async #waiting<T>(wait: (bounds: Required<WaitBounds>) => Promise<T>): Promise<T> {
    const { clock, source } = this.#parts;
    const { leftMs: limitMs } = this.#limit;
    const stop = this.#limit.start(() => {});
    try {
      const cancellation = requestCancellation(this.#call.config);
      return await wait({ clock, limitMs, cancellation, closed: source.closed });
    } catch (error) {
      throw forCaller(error, this.#shown);
    } finally {
      stop();
    }
  }

  get #limit(): WaitLimit {
    this.#waitLimit ??= new WaitLimit(this.#parts.clock, this.#call.options.maxWaitMs);
    return this.#waitLimit;
  }

  /** What events and errors tell about the call. */
  get #shown(): { readonly method: string; readonly url: string } {
    const { config } = this.#call;
    return { method: (config.method ?? 'get').toUpperCase(), url: shownUrl(config) };
  }
}
