import type { Clock } from './clock.ts';

/**
 * Settles as the promise does, or rejects once the limit has passed: what comes later is nobody's business. Does not
 * keep the process alive; who awaits it does.
 */
export function withinLimit<T>(
  promise: PromiseLike<T>,
  limit: { readonly clock: Clock; readonly limitMs: number },
  toError: () => Error,
): Promise<T> {
  let cancelTimer = () => {};
  const tooLate = new Promise<never>((_, reject) => {
    cancelTimer = limit.clock.timer(limit.limitMs, () => reject(toError()), 'unref');
  });
  return Promise.race([promise, tooLate]).finally(cancelTimer);
}
