/**
 * Leaves a dead Redis alone: for `pauseMs` after a failure no caller asks it, then one at a time tries.
 * Otherwise each call would cost its whole time limit.
 */
export class CircuitBreaker {
  readonly #pauseMs: number;
  readonly #now: () => number;
  readonly #onRecovered: () => void;
  #pausedUntil: number | undefined;

  /** `now`: of a clock that never goes back (T1). `onRecovered`: Redis has answered again after an outage. */
  constructor(parts: {
    readonly pauseMs: number;
    readonly now: () => number;
    readonly onRecovered?: () => void;
  }) {
    this.#pauseMs = parts.pauseMs;
    this.#now = parts.now;
    this.#onRecovered = parts.onRecovered ?? (() => {});
  }

  get isPaused(): boolean {
    return this.#pausedUntil !== undefined && this.#now() < this.#pausedUntil;
  }

  /** Lets this caller ask, unless Redis is left alone. The first one after a pause holds the others off until it has an answer. */
  tryPass(): boolean {
    if (this.isPaused) return false;
    if (this.#pausedUntil !== undefined) this.failed();
    return true;
  }

  /** Also by an answer that was too late for its caller: it is the first sign that the outage is over. */
  answered(): void {
    if (this.#pausedUntil === undefined) return;
    this.#pausedUntil = undefined;
    this.#onRecovered();
  }

  failed(): void {
    this.#pausedUntil = this.#now() + this.#pauseMs;
  }
}
