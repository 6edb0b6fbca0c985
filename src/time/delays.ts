/** A delay that doubles with each failure in a row. */
export interface BackOff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Between the tries of one mint (E6). */
export const BETWEEN_TRIES: BackOff = { firstMs: 200, maxMs: 5_000 };
/** Before the next mint, once all tries of one have failed (E6). */
export const BETWEEN_MINTS: BackOff = { firstMs: 1_000, maxMs: 30_000 };
/** Before the next renewal caused by a refusal, where renewing did not help (D5). */
export const BETWEEN_REFUSALS: BackOff = { firstMs: 1_000, maxMs: 60_000 };
/** After a rate limit that does not say how long to wait (E2). */
const UNTOLD_RATE_LIMIT: BackOff = { firstMs: 1_000, maxMs: 60_000 };

/** The delay after the nth failure in a row, n from 1. */
export function delayAfter(failures: number, { firstMs, maxMs }: BackOff): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
}

/**
 * Half of the delay is random, so that callers spread out and none comes back at once. Rounded up, as a Date holds no
 * fractions, and a caller that comes back at the named time must not be too early.
 */
export function jittered(delayMs: number, random: () => number): number {
  return Math.ceil(delayMs / 2 + (delayMs / 2) * random());
}

/** A told wait is believed for so long at a time: after it one request asks again (rule E2). */
export const LONGEST_BELIEVED_MS: number = 60 * 60 * 1_000;

/** How long to wait after a rate limit: as told, or by a back-off after the nth one in a row that told nothing (E2). */
export function rateLimitWaitMs(toldMs: number | undefined, untold: number, random: () => number): number {
  if (toldMs === undefined) return jittered(delayAfter(untold, UNTOLD_RATE_LIMIT), random);
  return Math.min(Math.ceil(toldMs + toldMs * 0.1 * random()), LONGEST_BELIEVED_MS);
}
