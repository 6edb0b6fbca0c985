/** Who waits for a timer: one that somebody awaits keeps the process alive, any other does not. */
export type Awaited = 'awaited' | 'unawaited';

/** Time, as the library sees it. Tests pass a manual one. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once, `delayMs` from now. Returns what cancels it. */
  timer(delayMs: number, callback: () => void, awaited: Awaited): () => void;
}

/** setTimeout takes no more: a longer delay would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** `Date` and `setTimeout` are looked up at each call, so that users' fake timers work. */
export const systemClock: Clock = {
  now: () => Date.now(),
  timer(delayMs, callback, awaited) {
    let handle: ReturnType<typeof setTimeout>;
    const start = (remainingMs: number) => {
      const nextMs = Math.min(remainingMs, LONGEST_TIMER_MS);
      handle = setTimeout(() => {
        if (remainingMs > nextMs) start(remainingMs - nextMs);
        else callback();
      }, nextMs);
      if (awaited === 'unawaited') handle.unref?.();
    };
    start(Math.max(0, delayMs));
    return () => clearTimeout(handle);
  },
};

/** The last moment that a Date can hold. */
const LAST_MOMENT = 8.64e15;

/** A moment as a Date: a server may tell us a wait that leads beyond what one can hold. */
export function dateAt(time: number): Date {
  return new Date(Math.min(time, LAST_MOMENT));
}
