import { forCaller } from '../../errors.ts';
import type { Clock } from '../../time/clock.ts';
import { type Instant, msUntil, readClock } from '../../time/instant.ts';
import type { WaitLimit } from '../../time/limit.ts';
import { abortWith, type Cancellation, cancellationOf, sleep } from '../../time/wait.ts';
import type { TokenRecord } from '../store/token-store.ts';
import { outOfPatienceError } from './messages.ts';

/** `found`: in memory or in the store (D3). */
export interface Obtained {
  readonly record: TokenRecord;
  readonly kind: 'found' | 'minted';
}

export interface CallerLimits {
  readonly limit: WaitLimit;
  readonly cancellation: Cancellation | undefined;
}

interface Waiter {
  readonly since: Instant;
  readonly limit: WaitLimit;
  readonly resolve: (obtained: Obtained) => void;
  readonly reject: (reason: unknown) => void;
  readonly stopWaiting: () => void;
}

/** A wait whose end is known: a caller that can't wait that long is told at once (E4). */
interface Hold {
  readonly until: Instant;
  readonly tooLong: () => Error;
}

/**
 * One mint that any number of callers wait for (C1). Each caller leaves by itself, cancelled or out of patience, without
 * disturbing the others. When the last one has left, the mint is aborted, unless a token request is under way (C3).
 */
export abstract class SingleFlight {
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();
  readonly #abort = new AbortController();
  #hold: Hold | undefined;
  #outOfPatience: Error | undefined;
  /** A mint in the background goes on although nobody waits, until somebody has waited and left. */
  #wasJoined = false;
  #sent = 0;

  /** The `grant_type` of the token request that is under way: what it brings is awaited, whoever leaves (C3). */
  sending: string | undefined;
  /** Settles when the mint has ended; never rejects. */
  over: Promise<void> = Promise.resolve();
  readonly signal: AbortSignal = this.#abort.signal;
  protected readonly aborted: Cancellation = cancellationOf(this.signal);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The token that has arrived, and is being stored: whoever can't wait for that takes it as it is (C4). */
  protected abstract get arrived(): Obtained | undefined;

  get isAwaited(): boolean {
    return this.#waiters.size > 0;
  }

  /** Whether callers have waited, and all of them have left. */
  protected get isDeserted(): boolean {
    return this.#wasJoined && !this.isAwaited;
  }

  protected run(mint: Promise<Obtained>): void {
    this.over = mint.then(
      (obtained) => this.#settle((waiter) => waiter.resolve(obtained)),
      (error: unknown) => this.#rejectAll(error),
    );
  }

  /** Not for a caller that is cancelled already. */
  join({ limit, cancellation }: CallerLimits): Promise<Obtained> {
    return new Promise((resolve, reject) => {
      const since = readClock(this.#clock);
      if (this.#hold !== undefined && msUntil(this.#hold.until, since) >= limit.leftMs) {
        return reject(this.#hold.tooLong());
      }
      // First, as a stranger's signal may throw here: no timer is left behind then.
      const unsubscribe = cancellation?.subscribe(() =>
        this.#leave(waiter, () => reject(cancellation.reason())),
      );
      const stopLimit = limit.start(() => this.#dismiss(waiter));
      const stopWaiting = () => {
        stopLimit();
        unsubscribe?.();
      };
      const waiter: Waiter = { since, limit, resolve, reject, stopWaiting };
      this.#wasJoined = true;
      this.#waiters.add(waiter);
    });
  }

  /** Callers whose limit ends by then are rejected now: they would wait in vain, as the mint is still to come (E4). */
  protected async holdUntil(hold: Hold): Promise<void> {
    const leftMs = msUntil(hold.until, readClock(this.#clock));
    this.#hold = hold;
    try {
      for (const waiter of [...this.#waiters]) {
        if (leftMs >= waiter.limit.leftMs) this.#leave(waiter, () => waiter.reject(hold.tooLong()));
      }
      await sleep(this.#clock, leftMs, this.aborted, 'unref');
    } finally {
      this.#hold = undefined;
    }
  }

  protected startSending(grant: string): void {
    this.sending = grant;
    this.#sent++;
  }

  /** What was sent has been answered, without a token: the mint goes on only while somebody waits. */
  protected stopSending(): void {
    this.sending = undefined;
    this.#abortIfDeserted();
  }

  /** A mint that has not sent anything yet is not needed any more. */
  resolveAll(obtained: Obtained): void {
    this.#settle((waiter) => waiter.resolve(obtained));
    this.#wasJoined = true;
    this.#abortIfDeserted();
  }

  /** A refresh that is under way goes on: it does not listen to the signal. */
  abort(reason: Error): void {
    this.#rejectAll(reason);
    abortWith(this.#abort, reason);
  }

  #dismiss(waiter: Waiter): void {
    const { arrived } = this;
    if (arrived === undefined) this.#outOfPatience = outOfPatienceError(waiter.since.wallMs, this.#sent);
    this.#leave(waiter, () =>
      arrived === undefined ? waiter.reject(this.#outOfPatience) : waiter.resolve(arrived),
    );
  }

  #leave(waiter: Waiter, tell: () => void): void {
    waiter.stopWaiting();
    this.#waiters.delete(waiter);
    tell();
    this.#abortIfDeserted();
  }

  #abortIfDeserted(): void {
    if (this.sending !== undefined || !this.isDeserted) return;
    abortWith(this.#abort, this.#outOfPatience ?? new Error('Nobody waits for this token any more.'));
  }

  #rejectAll(error: unknown): void {
    this.#settle((waiter) => waiter.reject(forCaller(error)));
  }

  #settle(tell: (waiter: Waiter) => void): void {
    for (const waiter of this.#waiters) {
      waiter.stopWaiting();
      tell(waiter);
    }
    this.#waiters.clear();
  }
}
