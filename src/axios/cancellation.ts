import { CanceledError, type InternalAxiosRequestConfig } from 'axios';
import { anyOf, type Bounds, type Cancellation, cancellationOf, NEVER, withinLimit } from '../time/wait.ts';

/** What bounds a wait of a call: its `cancellation` rejects the call with its reason. */
export interface WaitBounds extends Bounds {
  /** Comes when the auth is closed. */
  readonly closed?: Cancellation;
}

/** What the promise brings; undefined if it fails, is late or the auth is closed. Rejects at once if the caller cancels. */
export async function inTime<T>(
  promise: Promise<T>,
  { cancellation = NEVER, closed = NEVER, ...limit }: WaitBounds,
): Promise<T | undefined> {
  const bounds = { ...limit, cancellation: anyOf([cancellation, closed]) };
  const value = await withinLimit(promise, bounds, () => new Error('late')).catch(() => undefined);
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
