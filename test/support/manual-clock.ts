import type { Clock, KeepsAlive } from '../../src/time/clock.ts';
import type { Limit } from '../../src/time/limit.ts';

interface Timer {
  at: number;
  /** A limit counts only time in which an answer could have been heard. */
  readonly kind: 'timer' | 'limit';
  readonly order: number;
  readonly callback: () => void;
  readonly keepsAlive: KeepsAlive;
}

/**
 * A clock that stands still until it is told to move. Timers fire in the order of their times. Wall and steady clock
 * advance together; only {@link stepWall} moves the wall clock alone.
 */
export class ManualClock implements Clock {
  /** What the wall clock is ahead of the steady one. */
  #wallAheadMs: number;
  #steadyMs = 0;
  #stalledMs = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();
  readonly #watchers = new Set<() => void>();

  /** Starts far ahead: what lives by the system's clock takes nothing of ours for expired. */
  constructor(startsAt: number = Date.UTC(2100, 0, 1)) {
    this.#wallAheadMs = startsAt;
  }

  now(): number {
    return this.#steadyMs + this.#wallAheadMs;
  }

  /** Since the clock was made; never goes back. */
  steadyMs(): number {
    return this.#steadyMs;
  }

  /** How long the process has stood still, all in all. */
  get stalledMs(): number {
    return this.#stalledMs;
  }

  timer(delayMs: number, callback: () => void, keepsAlive: KeepsAlive): () => void {
    const timer = this.#start('timer', delayMs, callback, keepsAlive);
    return () => this.#timers.delete(timer);
  }

  limit(limitMs: number, callback: () => void, keepsAlive: KeepsAlive): Limit {
    const timer = this.#start('limit', limitMs, callback, keepsAlive);
    return {
      usedMs: () => Math.min(limitMs, limitMs - (timer.at - this.#steadyMs)),
      cancel: () => void this.#timers.delete(timer),
    };
  }

  #start(kind: Timer['kind'], delayMs: number, callback: () => void, keepsAlive: KeepsAlive): Timer {
    const timer: Timer = {
      kind,
      at: this.#steadyMs + Math.max(0, delayMs),
      order: this.#order++,
      callback,
      keepsAlive,
    };
    this.#timers.add(timer);
    for (const watcher of [...this.#watchers]) watcher();
    return timer;
  }

  /** Timers that are running. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Of these, those that keep the process alive. */
  get keepingAlive(): number {
    return [...this.#timers].filter(({ keepsAlive }) => keepsAlive === 'ref').length;
  }

  /** When the next timer is due, from now in milliseconds; undefined without one. */
  get nextInMs(): number | undefined {
    const times = [...this.#timers].map(({ at }) => at - this.#steadyMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Resolves once a timer runs that is due within these bounds: something has begun to wait. */
  waiting(leastMs = 0, mostMs: number = Number.POSITIVE_INFINITY): Promise<void> {
    const isThere = () =>
      [...this.#timers].some(({ at }) => at - this.#steadyMs >= leastMs && at - this.#steadyMs <= mostMs);
    return new Promise((resolve) => {
      const look = () => {
        if (!isThere()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** What an operator or NTP may do to a wall clock, forward or back: the steady clock and timers know nothing of it. */
  stepWall(byMs: number): void {
    this.#wallAheadMs += byMs;
  }

  /** The process stands still for so long: timers come late, and limits do not count it. */
  stall(byMs: number): void {
    this.#stalledMs += byMs;
    for (const timer of this.#timers) if (timer.kind === 'limit') timer.at += byMs;
    this.advance(byMs);
  }

  /** Moves on, and fires what comes due on the way. What the callbacks begin runs after this. */
  advance(byMs: number): void {
    const until = this.#steadyMs + byMs;
    for (;;) {
      const due = [...this.#timers]
        .filter(({ at }) => at <= until)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#steadyMs = due.at;
      due.callback();
    }
    this.#steadyMs = until;
  }
}
