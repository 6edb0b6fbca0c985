import { deferred } from './deferred.ts';
import { invalid } from './validate.ts';

/** What the sandbox saw since it started, or since `resetStats()`: plain JSON. */
export interface SandboxStats {
  /** Requests to the token endpoint, however they ended. */
  readonly tokenRequests: number;
  readonly tokenRequestsByGrant: Readonly<Record<string, number>>;
  /** New access tokens, refreshes included. */
  readonly mints: number;
  /** Token requests answered with a token that was there already. */
  readonly reused: number;
  /** Mints by the refresh grant. */
  readonly refreshes: number;
  /** Requests to the revocation endpoint. */
  readonly revokeRequests: number;
  /** Tokens that the revocation endpoint killed. */
  readonly revocations: number;
  /** Requests to an API, however they ended. */
  readonly apiRequests: number;
  /** 401s of the APIs. */
  readonly unauthorized: number;
  /** Payments that were taken: the money moves, whatever the caller was told. */
  readonly payments: number;
  /** Payments that came again and were refused (1002), as their `merchantRefId` was taken before. */
  readonly duplicatePayments: number;
  readonly paymentLinks: number;
  /** Requests answered by `rateLimit`. */
  readonly rateLimited: number;
  /** Requests that met a planned fault. */
  readonly faults: number;
  /** Requests whose client left before the answer. */
  readonly aborted: number;
  /** Most token requests that were in flight at once. */
  readonly maxConcurrentTokenRequests: number;
  readonly tokenRequestsInFlight: number;
  readonly apiRequestsInFlight: number;
  readonly openConnections: number;
}

type Gauge = 'tokenRequestsInFlight' | 'apiRequestsInFlight' | 'openConnections';
export type Counter = Exclude<
  keyof SandboxStats,
  Gauge | 'tokenRequestsByGrant' | 'maxConcurrentTokenRequests'
>;

interface Waiter {
  readonly condition: (stats: SandboxStats) => boolean;
  readonly resolve: (stats: SandboxStats) => void;
  readonly reject: (reason: unknown) => void;
}

const noCounts: Readonly<Record<Counter, number>> = {
  tokenRequests: 0,
  mints: 0,
  reused: 0,
  refreshes: 0,
  revokeRequests: 0,
  revocations: 0,
  apiRequests: 0,
  unauthorized: 0,
  payments: 0,
  duplicatePayments: 0,
  paymentLinks: 0,
  rateLimited: 0,
  faults: 0,
  aborted: 0,
};

/** Counters since the last reset, gauges of the moment, and the tests that wait for them. */
export class Statistics {
  #counts: Record<Counter, number> = { ...noCounts };
  readonly #gauges: Record<Gauge, number> = {
    tokenRequestsInFlight: 0,
    apiRequestsInFlight: 0,
    openConnections: 0,
  };
  #byGrant = new Map<string, number>();
  #maxConcurrent = 0;
  readonly #waiters = new Set<Waiter>();
  #end: Error | undefined;

  count(counter: Counter, by = 1): void {
    this.#counts[counter] += by;
    this.#changed();
  }

  countGrant(grant: string): void {
    this.#byGrant.set(grant, (this.#byGrant.get(grant) ?? 0) + 1);
    this.#changed();
  }

  /** Raises or lowers what goes on at the moment. */
  gauge(gauge: Gauge, by: 1 | -1): void {
    this.#gauges[gauge] += by;
    this.#maxConcurrent = Math.max(this.#maxConcurrent, this.#gauges.tokenRequestsInFlight);
    this.#changed();
  }

  snapshot(): SandboxStats {
    return {
      ...this.#counts,
      ...this.#gauges,
      maxConcurrentTokenRequests: this.#maxConcurrent,
      tokenRequestsByGrant: Object.fromEntries(this.#byGrant),
    };
  }

  reset(): void {
    this.#counts = { ...noCounts };
    this.#byGrant = new Map();
    this.#maxConcurrent = this.#gauges.tokenRequestsInFlight;
  }

  /** Resolves once the condition holds, at the latest with the change that makes it hold. */
  until(condition: (stats: SandboxStats) => boolean): Promise<SandboxStats> {
    const { promise, resolve, reject } = deferred<SandboxStats>();
    this.#waiters.add({ condition, resolve, reject });
    this.#changed();
    if (this.#end !== undefined) this.end(this.#end);
    return promise;
  }

  /** Nothing will change any more. */
  end(reason: Error): void {
    this.#end = reason;
    for (const waiter of this.#waiters) waiter.reject(reason);
    this.#waiters.clear();
  }

  #changed(): void {
    if (this.#waiters.size === 0) return;
    const now = this.snapshot();
    for (const waiter of this.#waiters) {
      if (isSettled(waiter, now)) this.#waiters.delete(waiter);
    }
  }
}

/** The request that brings a change knows nothing of what a condition throws: an assertion, for example. */
function isSettled({ condition, resolve, reject }: Waiter, now: SandboxStats): boolean {
  try {
    if (typeof condition !== 'function') throw invalid('condition', 'must be a function of the counters');
    const holds: unknown = condition(now);
    if (holds instanceof Promise) throw invalid('condition', 'must return true or false, not a promise');
    if (holds) resolve(now);
    return Boolean(holds);
  } catch (error) {
    reject(error);
    return true;
  }
}
