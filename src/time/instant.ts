import type { Clock } from './clock.ts';

/**
 * A moment on both clocks of this machine (rule T1). The wall clock may be set back or forward at any time; the steady
 * clock stands still in a suspended machine, and under fake timers that replace only `Date` and `setTimeout`. So
 * something is over as soon as either clock says so, and has lasted for the smaller of the two.
 */
export interface Instant {
  readonly wallMs: number;
  readonly steadyMs: number;
}

/** Over from the first moment on. */
export const LONG_AGO: Instant = { wallMs: Number.NEGATIVE_INFINITY, steadyMs: Number.NEGATIVE_INFINITY };

export function readClock(clock: Clock): Instant {
  return { wallMs: clock.now(), steadyMs: clock.steadyMs() };
}

export function later({ wallMs, steadyMs }: Instant, byMs: number): Instant {
  return { wallMs: wallMs + byMs, steadyMs: steadyMs + byMs };
}

export function isOver(end: Instant, now: Instant): boolean {
  return now.wallMs >= end.wallMs || now.steadyMs >= end.steadyMs;
}

/** What is left until then; 0 once it is over. */
export function msUntil(end: Instant, now: Instant): number {
  return Math.max(0, Math.min(end.wallMs - now.wallMs, end.steadyMs - now.steadyMs));
}

/** What has passed since then: never negative, and never more than either clock says. */
export function msSince(start: Instant, now: Instant): number {
  return Math.max(0, Math.min(now.wallMs - start.wallMs, now.steadyMs - start.steadyMs));
}

/** One of the two where both clocks agree: a token's times are mostly the same ones. */
export function earlierOf(a: Instant, b: Instant): Instant {
  if (a.wallMs <= b.wallMs && a.steadyMs <= b.steadyMs) return a;
  return { wallMs: Math.min(a.wallMs, b.wallMs), steadyMs: Math.min(a.steadyMs, b.steadyMs) };
}

export function laterOf(a: Instant, b: Instant): Instant {
  if (a.wallMs >= b.wallMs && a.steadyMs >= b.steadyMs) return a;
  return { wallMs: Math.max(a.wallMs, b.wallMs), steadyMs: Math.max(a.steadyMs, b.steadyMs) };
}
