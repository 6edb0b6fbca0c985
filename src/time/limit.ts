import { clearImmediate, setImmediate } from 'node:timers';
import type { Clock, KeepsAlive } from './clock.ts';

export interface Limit {
  /** What of it is used up: time in which this process did not run does not count. */
  usedMs(): number;
  cancel(): void;
}

/** A limit that also knows how often the process has stood still so far, for a slice or longer. */
export interface HeardLimit extends Limit {
  stalls(): number;
}

const SLICES = 10;

/**
 * A time limit that counts only time in which this process could have heard the answer (rule T2). After a stop of the
 * process or a blocked event loop, what lies in the socket is read before the limit passes: time is counted in slices,
 * a slice counts once however long it took, and one that was late is never the last.
 */
export function heardLimit(
  clock: Pick<Clock, 'steadyMs' | 'timer'>,
  limitMs: number,
  onPassed: () => void,
  keepsAlive: KeepsAlive,
): HeardLimit {
  const sliceMs = Math.max(1, Math.ceil(limitMs / SLICES));
  let leftMs = limitMs;
  let startedMs = 0;
  let stalls = 0;
  let cancel = () => {};
  const isLate = () => clock.steadyMs() - startedMs > 2 * sliceMs;

  function startSlice(): void {
    startedMs = clock.steadyMs();
    cancel = clock.timer(leftMs > 0 ? Math.min(sliceMs, leftMs) : sliceMs, endSlice, keepsAlive);
  }
  function endSlice(): void {
    const wasLate = isLate();
    if (wasLate) stalls++;
    startedMs = clock.steadyMs();
    leftMs -= sliceMs;
    // One more after a late last one, and that is all.
    if (leftMs > 0 || (wasLate && leftMs > -sliceMs)) startSlice();
    else {
      // What has arrived by now is read before the immediate.
      const immediate = setImmediate(onPassed);
      cancel = () => clearImmediate(immediate);
    }
  }

  startSlice();
  return {
    stalls: () => stalls + (isLate() ? 1 : 0),
    usedMs() {
      // A test may put its own `performance` in place while the limit runs.
      const inSliceMs = Math.max(0, Math.min(sliceMs, clock.steadyMs() - startedMs));
      return Math.min(limitMs, limitMs - leftMs + inSliceMs);
    },
    cancel: () => cancel(),
  };
}

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

  get leftMs(): number {
    return Math.max(0, this.#maxWaitMs - this.#usedMs - (this.#running?.usedMs() ?? 0));
  }

  /** Counts from now on, and calls back when nothing is left. Keeps the process alive. Returns what stops it. */
  start(onOver: () => void): () => void {
    const limit = this.#clock.limit(this.leftMs, onOver, 'ref');
    // Of a wait within a wait the outer one counts.
    this.#running ??= limit;
    return () => {
      limit.cancel();
      if (this.#running !== limit) return;
      this.#usedMs += limit.usedMs();
      this.#running = undefined;
    };
  }
}
