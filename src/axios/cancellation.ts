import { CanceledError, type InternalAxiosRequestConfig } from 'axios';
import type { Clock } from '../time/clock.ts';
import { anyOf, type Cancellation, cancellationOf, Ending, NEVER, unlessCancelled } from '../time/wait.ts';

/** What bounds a wait of a call. */
export interface WaitBounds {
  readonly clock: Clock;
  readonly limitMs: number;
  /** The caller's. It rejects the call with its reason. */
  readonly cancellation?: Cancellation;
  /** Comes when the auth is closed. */
  readonly closed?: Cancellation;
}

/** What the promise brings; undefined if it fails, is late or the auth is closed. Rejects at once if the caller cancels. */
export async function inTime<T>(
  promise: Promise<T>,
  { clock, limitMs, cancellation = NEVER, closed = NEVER }: WaitBounds,
): Promise<T | undefined> {
  const late = new Ending(() => new Error('late'));
  const limit = clock.limit(limitMs, () => late.come(), 'unref');
  const value = await unlessCancelled(promise, anyOf([cancellation, closed, late])).catch(() => undefined);
  limit.cancel();
  const cancelled = cancellation.reason();
  if (cancelled !== undefined) throw cancelled;
  return value;
}

/** The `signal` and the `cancelToken` of one request. The reason is a CanceledError, as with axios. */
export function requestCancellation(config: InternalAxiosRequestConfig): Cancellation {
  const { signal, cancelToken } = config;
  // Most requests have neither.
  if (!signal && !cancelToken) return NEVER;
  const cancellations: Cancellation[] = [];
  if (cancelToken) {
    // Axios has these methods, but no types for them.
    const token = cancelToken as typeof cancelToken &
      Record<'subscribe' | 'unsubscribe', (listener: () => void) => void>;
    cancellations.push({
      reason: () => token.reason,
      subscribe(listener) {
        token.subscribe(listener);
        return () => token.unsubscribe(listener);
      },
    });
  }
  if (signal) {
    cancellations.push(cancellationOf(signal as AbortSignal, () => new CanceledError(undefined, config)));
  }
  return anyOf(cancellations);
}
