import { forCaller } from '../../errors.ts';
import type { Clock } from '../../time/clock.ts';
import { type Cancellation, cancellationOf, sleep } from '../../time/wait.ts';

/** How long a caller may wait, and what ends its wait early. */
export interface Patience {
  readonly maxWaitMs: number;
  readonly cancellation: Cancellation | undefined;
}

interface Waiter<T> {
  readonly since: number;
  readonly deadline: number;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
  unsubscribe: (() => void) | undefined;
}

/** A wait whose end is known: whoever can't wait that long is told at once. */
interface Hold {
  readonly until: number;
  readonly tooLong: () => Error;
}

/**
 * One piece of work that any number of callers wait for (C1). Each of them leaves by itself: cancelled, or out of
 * patience, without disturbing the others; when the last one has left, the work is aborted (C3).
 */
export class Flight<T> {
  readonly #clock: Clock;
  readonly #outOfPatience: (since: number) => Error;
  readonly #waiters = new Set<Waiter<T>>();
  readonly #abort = new AbortController();
  #cancelTimer: (() => void) | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #hold: Hold | undefined;
  /** Whether anybody ever waited: a background flight is left alone until somebody joins it. */
  #joined = false;
  #seenThrough = false;
  #over: Promise<void> = Promise.resolve();

  /** `outOfPatience` makes the error of a caller that has waited since then for as long as it may. */
  constructor(clock: Clock, outOfPatience: (since: number) => Error) {
    this.#clock = clock;
    this.#outOfPatience = outOfPatience;
  }

  /** Aborts when nobody waits any more, and when the flight is called off. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get isAwaited(): boolean {
    return this.#waiters.size > 0;
  }

  /** Whether the work goes on when nobody waits. */
  get isSeenThrough(): boolean {
    return this.#seenThrough;
  }

  /** Settles when the work has ended; never rejects. */
  get over(): Promise<void> {
    return this.#over;
  }

  /** Begins the work; all who wait are told of its end. */
  run(work: () => Promise<T>): void {
    this.#over = this.#run(work);
  }

  async #run(work: () => Promise<T>): Promise<void> {
    try {
      const value = await work();
      this.#settle((waiter) => waiter.resolve(value));
    } catch (error) {
      this.#settle((waiter) => waiter.reject(forCaller(error)));
    }
  }

  join(patience: Patience): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancelled = patience.cancellation?.reason();
      if (cancelled !== undefined) return reject(cancelled);
      const since = this.#clock.now();
      const deadline = since + patience.maxWaitMs;
      if (this.#hold !== undefined && this.#hold.until >= deadline) return reject(this.#hold.tooLong());
      const waiter: Waiter<T> = { since, deadline, resolve, reject, unsubscribe: undefined };
      this.#joined = true;
      this.#waiters.add(waiter);
      waiter.unsubscribe = patience.cancellation?.subscribe(() =>
        this.#leave(waiter, patience.cancellation?.reason()),
      );
      this.#watch(deadline);
    });
  }

  /**
   * Waits until that time. Those whose patience ends by then are rejected now, with the error that the caller makes:
   * waiting on would only cost them time, as the mint is still to come (E4).
   */
  async holdUntil(hold: Hold): Promise<void> {
    this.#hold = hold;
    for (const waiter of [...this.#waiters]) {
      if (hold.until >= waiter.deadline) this.#leave(waiter, hold.tooLong());
    }
    await this.#sleepUntil(hold.until);
    this.#hold = undefined;
  }

  /** From now on the work goes on when the last one leaves: what it is about to bring can't be had a second time. */
  seeThrough(): void {
    this.#seenThrough = true;
  }

  /** It brought nothing of that kind: it goes on only while somebody waits. */
  endSeeThrough(): void {
    this.#seenThrough = false;
    this.#abortIfDeserted();
  }

  /** Gives this to all who wait, and aborts the work: what it was to bring is there. */
  land(value: T): void {
    this.#settle((waiter) => waiter.resolve(value));
    // Also where nobody ever waited: once it need not be seen through, it is deserted.
    this.#joined = true;
    if (!this.#seenThrough) this.#abort.abort(new Error('The token came from elsewhere.'));
  }

  /** Aborts the work and rejects all who wait. */
  callOff(reason: Error): void {
    this.#settle((waiter) => waiter.reject(forCaller(reason)));
    this.#abort.abort(reason);
  }

  #leave(waiter: Waiter<T>, reason: unknown): void {
    if (!this.#waiters.delete(waiter)) return;
    waiter.unsubscribe?.();
    waiter.reject(reason);
    this.#abortIfDeserted();
  }

  #abortIfDeserted(): void {
    if (this.#waiters.size > 0 || !this.#joined) return;
    this.#stopWatching();
    if (!this.#seenThrough) this.#abort.abort(new Error('Nobody waits for this token any more.'));
  }

  #settle(tell: (waiter: Waiter<T>) => void): void {
    this.#stopWatching();
    for (const waiter of this.#waiters) {
      waiter.unsubscribe?.();
      tell(waiter);
    }
    this.#waiters.clear();
  }

  /**
   * One timer for all deadlines: ten thousand callers cost one. It is also what keeps the process alive for them;
   * everything that happens inside a flight is on timers and sockets that do not.
   */
  #watch(deadline: number): void {
    if (deadline >= this.#timerAt) return;
    this.#cancelTimer?.();
    this.#timerAt = deadline;
    this.#cancelTimer = this.#clock.timer(deadline - this.#clock.now(), () => this.#dismissLate(), 'ref');
  }

  #dismissLate(): void {
    this.#stopWatching();
    const now = this.#clock.now();
    for (const waiter of [...this.#waiters]) {
      if (waiter.deadline <= now) this.#leave(waiter, this.#outOfPatience(waiter.since));
      else this.#watch(waiter.deadline);
    }
  }

  #stopWatching(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #sleepUntil(time: number): Promise<void> {
    return sleep(this.#clock, time - this.#clock.now(), cancellationOf(this.signal), 'unref');
  }
}
