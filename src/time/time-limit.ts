import type { Clock } from './clock.ts';

/**
 * Settles as the promise does, or rejects once the limit has passed; what the promise comes to later is ignored. The
 * limit does not keep the process alive; a caller that awaits it does.
 */
export function withinLimit<T>(
  promise: PromiseLike<T>,
  limit: { readonly clock: Clock; readonly limitMs: number },
  toError: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const running = limit.clock.limit(limit.limitMs, () => reject(toError()), 'unref');
    promise.then(
      (value) => {
        running.cancel();
        resolve(value);
      },
      (error: unknown) => {
        running.cancel();
        reject(error);
      },
    );
  });
}
