import { clearImmediate, setImmediate } from 'node:timers';
import type { Clock, KeepsAlive, Limit } from './clock.ts';

const SLICES = 10;

/**
 * A time limit that counts only time in which this process could have heard the answer (rule T2). After a stop of the
 * process or a blocked event loop, what lies in the socket is read before the limit passes: time is counted in slices,
 * a slice counts once however long it took, and one that was late is never the last.
 */
export class HeardLimit implements Limit {
  readonly #clock: Pick<Clock, 'steadyMs' | 'timer'>;
  readonly #limitMs: number;
  readonly #keepsAlive: KeepsAlive;
  readonly #sliceMs: number;
  readonly #onPassed: () => void;
  #leftMs: number;
  #sliceStartedMs = 0;
  #cancelTimer: () => void = () => {};
  #stalls = 0;
  #isExtended = false;

  constructor(
    limit: {
      readonly clock: Pick<Clock, 'steadyMs' | 'timer'>;
      readonly limitMs: number;
      /** Default: does not. */
      readonly keepsAlive?: KeepsAlive;
    },
    onPassed: () => void,
  ) {
    this.#clock = limit.clock;
    this.#limitMs = limit.limitMs;
    this.#keepsAlive = limit.keepsAlive ?? 'unref';
    this.#leftMs = limit.limitMs;
    this.#sliceMs = Math.max(1, Math.ceil(limit.limitMs / SLICES));
    this.#onPassed = onPassed;
    this.#startSlice();
  }

  /** How often the process has stood still so far, for a slice or longer. */
  get stalls(): number {
    return this.#stalls + (this.#isLate() ? 1 : 0);
  }

  usedMs(): number {
    // A test may put its own `performance` in place while the limit runs.
    const inSliceMs = Math.max(0, Math.min(this.#sliceMs, this.#clock.steadyMs() - this.#sliceStartedMs));
    return Math.min(this.#limitMs, this.#limitMs - this.#leftMs + inSliceMs);
  }

  cancel(): void {
    this.#cancelTimer();
  }

  #startSlice(): void {
    this.#sliceStartedMs = this.#clock.steadyMs();
    const delayMs = Math.min(this.#sliceMs, this.#leftMs);
    this.#cancelTimer = this.#clock.timer(delayMs, () => this.#endSlice(), this.#keepsAlive);
  }

  #endSlice(): void {
    const isLate = this.#isLate();
    if (isLate) this.#stalls++;
    this.#sliceStartedMs = this.#clock.steadyMs();
    this.#leftMs -= this.#sliceMs;
    if (this.#leftMs <= 0 && isLate && !this.#isExtended) {
      this.#isExtended = true;
      this.#leftMs = this.#sliceMs;
    }
    if (this.#leftMs > 0) this.#startSlice();
    else {
      // What has arrived by now is read before the immediate.
      const immediate = setImmediate(this.#onPassed);
      this.#cancelTimer = () => clearImmediate(immediate);
    }
  }

  #isLate(): boolean {
    return this.#clock.steadyMs() - this.#sliceStartedMs > 2 * this.#sliceMs;
  }
}
