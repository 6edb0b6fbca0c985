import axios, { type AxiosAdapter } from 'axios';
import { type AccessToken, createPayuAuth } from '../../index.ts';
import { KeepingStore } from '../refresh-token-file.ts';
import type { Settings } from '../settings.ts';
import type { Sighting } from './clock-offset.ts';

/** The result of one question to a token endpoint. */
export type Answer =
  | { readonly kind: 'token'; readonly token: AccessToken }
  | { readonly kind: 'rate-limited'; readonly retryAt: Date }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Nothing is asked more often: a check-up must not become a load. */
export const MOST_TOKEN_REQUESTS = 6;

/**
 * Asks token endpoints, seldom: each question is one token request, and after a rate limit, or when the allowance is
 * used up, none is left.
 */
export class Probe {
  readonly #now: () => number;
  #left: number = MOST_TOKEN_REQUESTS;
  /** The one in force, where an answer brought one. */
  refreshToken: string | undefined;
  /** The first reply: later ones would say the same about the clock. */
  sighting: Sighting | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** How many questions are left. */
  get left(): number {
    return this.#left;
  }

  async ask(settings: Settings): Promise<Answer> {
    const rateLimited = new AbortController();
    const store = new KeepingStore();
    let retryAt: Date | undefined;
    try {
      // An auth and a store for this question alone: what others remember must not answer for PayU.
      const auth = createPayuAuth({
        ...settings,
        store,
        tokenAttempts: 1,
        http: { adapter: this.#watchingAdapter },
        onEvent: (event) => {
          if (event.type !== 'rate-limited') return;
          retryAt = event.retryAt;
          rateLimited.abort();
        },
      });
      try {
        return { kind: 'token', token: await auth.getToken({ signal: rateLimited.signal }) };
      } finally {
        this.refreshToken = store.refreshToken ?? this.refreshToken;
        await auth.close();
      }
    } catch (error) {
      if (retryAt === undefined) return { kind: 'failed', error };
      this.#left = 0;
      return { kind: 'rate-limited', retryAt };
    }
  }

  readonly #watchingAdapter: AxiosAdapter = async (config) => {
    if (this.#left === 0) throw new Error('the doctor has asked often enough');
    this.#left--;
    const sentAt = this.#now();
    const response = await axios.getAdapter(['http', 'fetch'])(config);
    const date: unknown = response.headers.date;
    this.sighting ??= {
      sentAt,
      receivedAt: this.#now(),
      date: typeof date === 'string' ? date : undefined,
    };
    return response;
  };
}
