import axios, { AxiosError, type AxiosInstance } from 'axios';
import { createPayuAuthIn, type PayuAuth } from '../../src/payu-auth.ts';
import type { TokenStore } from '../../src/token/store/token-store.ts';
import { seededRandom } from '../support/random.ts';
import { API_MS, LIFE_MS, type PayuModel, response } from './payu-model.ts';
import { type SimulatedClock, wrongBy } from './simulated-clock.ts';

export const CALLS_PER_SECOND = 1_000;
/** In the renew-ahead window one call in so many milliseconds is carried out. */
const WINDOW_STRIDE_MS = 500;
/** Calls that fail at once stand for the others until the next one that is carried out. */
const FAILING_STRIDE_MS = 1_000;

/** What the calls of all processes came to. */
export interface Tally {
  calls: number;
  carriedOut: number;
  waited: number;
  longestWaitMs: number;
  replayed: number;
  failed: number;
  /** When the last of them failed, since the start of the scenario. */
  lastFailedAtMs: number;
}

export interface Surroundings {
  readonly clock: SimulatedClock;
  readonly startsAt: number;
  /** What the wall clock of this process is ahead. */
  readonly clockAheadMs: number;
  readonly payu: PayuModel;
  readonly store: TokenStore | undefined;
  readonly renewAheadMs: number;
  readonly tally: Tally;
}

interface Send {
  readonly at: number;
  readonly status: number;
}

/**
 * One process with 1,000 calls per second. A real auth on a real axios instance; of its calls only those are carried
 * out that can come to something: one at a time, each stands for those that would have arrived meanwhile.
 */
export class ModelledProcess {
  readonly #around: Surroundings;
  readonly #auth: PayuAuth;
  readonly #client: AxiosInstance;
  #sends: Send[] = [];
  #token = '';
  #expiresAt = 0;
  #isCalling = false;
  #failsSince: number | undefined;
  #cancelNext = () => {};

  constructor(around: Surroundings, seed: number) {
    this.#around = around;
    const { clock, clockAheadMs, payu, store, renewAheadMs } = around;
    this.#auth = createPayuAuthIn(
      { clock: wrongBy(clockAheadMs, clock), random: seededRandom(seed) },
      {
        environment: { tokenUrl: 'https://accounts.payu.example/oauth/token' },
        grant: { type: 'client_credentials', clientId: 'fleet', clientSecret: 'fleet-secret' },
        scope: 'create_payout_transactions',
        http: { adapter: payu.tokenEndpoint },
        renewAheadMs,
        ...(store === undefined ? {} : { store }),
      },
    );
    this.#client = axios.create({
      baseURL: 'https://api.payu.example',
      adapter: async (config) => {
        const value = String(config.headers.Authorization).slice('Bearer '.length);
        const status = payu.accepts(value) ? 200 : 401;
        this.#sends.push({ at: clock.now(), status });
        await clock.sleepUntil(clock.now() + API_MS);
        const answer = response(config, status, {});
        if (status === 200) return answer;
        throw new AxiosError('refused', AxiosError.ERR_BAD_REQUEST, config, undefined, answer);
      },
    });
    this.#auth.attach(this.#client);
  }

  start(delayMs: number): void {
    this.#next(delayMs);
  }

  /** A token died at the server: the next call finds out. */
  hearOfRevocation(value: string): void {
    if (value === this.#token && !this.#isCalling) this.#next(1_000 / CALLS_PER_SECOND);
  }

  close(): Promise<void> {
    this.#cancelNext();
    return this.#auth.close();
  }

  #next(delayMs: number): void {
    this.#cancelNext();
    this.#cancelNext = this.#around.clock.timer(delayMs, () => void this.#call(), 'ref');
  }

  async #call(): Promise<void> {
    const { clock, tally } = this.#around;
    const startedAt = clock.now();
    this.#isCalling = true;
    this.#sends = [];
    if (this.#failsSince !== undefined) tally.failed += arrivals(startedAt - this.#failsSince);
    this.#failsSince = undefined;
    tally.carriedOut++;
    let isFulfilled = true;
    await this.#client.get('/').catch(() => {
      isFulfilled = false;
    });
    this.#isCalling = false;
    this.#count(startedAt, isFulfilled);
    if (!isFulfilled) {
      this.#failsSince = clock.now();
      return this.#next(FAILING_STRIDE_MS);
    }
    await this.#lookAtToken();
    this.#next(this.#untilItMatters());
  }

  /** Which token is held after the call: the one that it was sent with, or one that came meanwhile. */
  async #lookAtToken(): Promise<void> {
    try {
      const { value, expiresAt } = await this.#auth.getToken();
      this.#token = value;
      this.#expiresAt = expiresAt.getTime() - this.#around.clockAheadMs;
    } catch {
      // It expired while the call was on its way, and there is no other: the next call finds that out.
      this.#expiresAt = this.#around.clock.now();
    }
  }

  /** Until the window nothing can happen; in it, a few calls per second; and one at the very end of the token. */
  #untilItMatters(): number {
    const { clock, payu, renewAheadMs } = this.#around;
    // It died while the call was under way: the next call finds out.
    if (!payu.accepts(this.#token)) return 1_000 / CALLS_PER_SECOND;
    const leftMs = this.#expiresAt - clock.now();
    const windowMs = Math.min(renewAheadMs, 0.1 * LIFE_MS);
    if (leftMs > windowMs) return leftMs - windowMs;
    return leftMs > 0 ? Math.min(leftMs, WINDOW_STRIDE_MS) : 1_000 / CALLS_PER_SECOND;
  }

  #count(startedAt: number, isFulfilled: boolean): void {
    const { clock, tally } = this.#around;
    const [first, second] = this.#sends;
    const firstWaitMs = (first?.at ?? clock.now()) - startedAt;
    const secondWaitMs = second === undefined ? 0 : second.at - ((first?.at ?? 0) + API_MS);
    if (second !== undefined) tally.replayed += arrivals(API_MS);
    const waitedMs = firstWaitMs + secondWaitMs;
    // Whoever arrives while it waits, waits with it, and shares its fate.
    if (!isFulfilled) {
      tally.failed += 1 + arrivals(waitedMs);
      tally.lastFailedAtMs = clock.now() - this.#around.startsAt;
    } else if (waitedMs > 0) tally.waited += 1 + arrivals(waitedMs);
    tally.longestWaitMs = Math.max(tally.longestWaitMs, waitedMs);
  }
}

function arrivals(durationMs: number): number {
  return Math.round((durationMs * CALLS_PER_SECOND) / 1_000);
}
