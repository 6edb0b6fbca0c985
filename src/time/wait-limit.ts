import type { Clock, Limit } from './clock.ts';

/** What all the waiting of one call together may take: its `maxWaitMs`, less what it has waited already. */
export class WaitLimit {
  readonly #clock: Clock;
  readonly #maxWaitMs: number;
  #usedMs = 0;
  #running: Limit | undefined;

  constructor(clock: Clock, maxWaitMs: number) {
    this.#clock = clock;
    this.#maxWaitMs = maxWaitMs;
  }

  /** What is left, in milliseconds. */
  get leftMs(): number {
    return Math.max(0, this.#maxWaitMs - this.#usedMs - (this.#running?.usedMs() ?? 0));
  }

  /** Counts from now on, and calls back when nothing is left. Keeps the process alive. Returns what stops it. */
  start(onOver: () => void): () => void {
    const running = this.#clock.limit(this.leftMs, onOver, 'ref');
    this.#running = running;
    return () => {
      if (this.#running !== running) return;
      this.#usedMs += running.usedMs();
      this.#running = undefined;
      running.cancel();
    };
  }
}
