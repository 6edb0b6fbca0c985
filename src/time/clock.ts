import { performance as nodes } from 'node:perf_hooks';
import { heardLimit, type Limit } from './limit.ts';

/** Whether a timer keeps the process alive, in Node's own words: one that somebody awaits does (rule E8). */
export type KeepsAlive = 'ref' | 'unref';

/** Time, as the library sees it. Tests pass a manual one. */
export interface Clock {
  /** The wall clock: milliseconds since the epoch. It may be set back or forward at any time (rule T1). */
  now(): number;
  /** A clock that never goes back: milliseconds since some moment, fractions included. For durations. */
  steadyMs(): number;
  /** After 25 days at the latest. Returns what cancels it. */
  timer(delayMs: number, callback: () => void, keepsAlive: KeepsAlive): () => void;
  /** Calls back once, after `limitMs` in which this process could have heard an answer (rule T2). */
  limit(limitMs: number, callback: () => void, keepsAlive: KeepsAlive): Limit;
}

/** setTimeout takes no more: a longer delay would fire at once. No wait is so long (B1, E2), only a limit on one. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** `Date`, `performance` and `setTimeout` are looked up at each call, so that users' fake timers work. */
export const systemClock: Clock = {
  now: () => Date.now(),
  steadyMs() {
    const nowMs: unknown = globalThis.performance?.now?.();
    // A test environment may have put something in place that knows no time.
    return Number.isFinite(nowMs) ? (nowMs as number) : nodes.now();
  },
  timer(delayMs, callback, keepsAlive) {
    const handle = setTimeout(callback, Math.min(Math.max(0, delayMs), LONGEST_TIMER_MS));
    if (keepsAlive === 'unref') handle.unref?.();
    return () => clearTimeout(handle);
  },
  limit: (limitMs, callback, keepsAlive) => heardLimit(systemClock, limitMs, callback, keepsAlive),
};

const LAST_MOMENT = 8.64e15;

/** A server may tell us a wait that leads beyond what a Date can hold. */
export function dateAt(time: number): Date {
  return new Date(Math.min(time, LAST_MOMENT));
}
