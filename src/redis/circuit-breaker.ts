/**
 * Leaves a dead Redis alone: after an outage nobody asks it for `pauseMs`, and then one caller at a time tries.
 * Otherwise each call would cost its whole time limit.
 */
export class CircuitBreaker {
  readonly #pauseMs: number;
  readonly #now: () => number;
  #pausedUntil: number | undefined;

  constructor(parts: { readonly pauseMs: number; readonly now: () => number }) {
    this.#pauseMs = parts.pauseMs;
    this.#now = parts.now;
  }

  get isPaused(): boolean {
    return this.#pausedUntil !== undefined && this.#now() < this.#pausedUntil;
  }

  /** Whether this caller may ask. The first one after a pause may, and holds the others off until it knows more. */
  mayPass(): boolean {
    if (this.isPaused) return false;
    if (this.#pausedUntil !== undefined) this.failed();
    return true;
  }

  answered(): void {
    this.#pausedUntil = undefined;
  }

  failed(): void {
    this.#pausedUntil = this.#now() + this.#pauseMs;
  }
}
