import type { Awaited, Clock } from '../backoff/clock.ts';

/** Settles as the promise does, or rejects once the limit has passed: what comes later is nobody's business. */
export function withinLimit<T>(
  promise: PromiseLike<T>,
  limit: { readonly clock: Clock; readonly limitMs: number; readonly awaited: Awaited },
  toError: () => Error,
): Promise<T> {
  let cancelTimer = () => {};
  const tooLate = new Promise<never>((_, reject) => {
    cancelTimer = limit.clock.timer(limit.limitMs, () => reject(toError()), limit.awaited);
  });
  return Promise.race([promise, tooLate]).finally(cancelTimer);
}
