import { onTestFinished } from 'vitest';
import type { ManualClock } from '../../support/manual-clock.ts';

export const ACCOUNT = '/merchant/getAccountDetail';

/** Rows with titles that show what is given, whole. */
export function titled<T>(rows: readonly T[], given: (row: T) => object): [title: string, row: T][] {
  return rows.map((row) => [JSON.stringify(given(row)).replace(/"/g, ''), row]);
}

/** What became of a promise by the end of this turn of the event loop. */
export async function thisTurn<T>(promise: Promise<T>): Promise<PromiseSettledResult<T> | 'pending'> {
  const [settled] = await Promise.race([
    Promise.allSettled([promise]),
    new Promise<['pending']>((resolve) => setImmediate(resolve, ['pending'])),
  ]);
  return settled;
}

/**
 * Calls at a steady pace of manual time. Each has to come to an end before the clock moves on, or to wait for the end
 * of a back-off, which is at most `longestBackOffMs` away; so what the calls meet does not depend on real time.
 */
export async function steadily(
  clock: ManualClock,
  { count, everyMs, longestBackOffMs }: { count: number; everyMs: number; longestBackOffMs: number },
  call: () => Promise<unknown>,
): Promise<unknown[]> {
  // The stack traces of so many errors, mapped to their sources, would cost more than all the rest.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  onTestFinished(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });
  const outcomes: Promise<unknown>[] = [];
  for (let n = 0; n < count; n++) {
    const outcome = call().catch((error: unknown) => error);
    outcomes.push(outcome);
    if ((await thisTurn(outcome)) === 'pending') {
      await Promise.race([outcome, clock.waiting(1, longestBackOffMs)]);
    }
    clock.advance(everyMs);
  }
  return Promise.all(outcomes);
}
