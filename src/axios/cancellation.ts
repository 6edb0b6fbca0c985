import { CanceledError, type InternalAxiosRequestConfig } from 'axios';
import { anyOf, type Cancellation, cancellationOf } from '../time/wait.ts';

/** The `signal` and the `cancelToken` of one request. The reason is a CanceledError, as with axios. */
export function requestCancellation(config: InternalAxiosRequestConfig): Cancellation | undefined {
  const { signal, cancelToken } = config;
  // Most requests have neither.
  if (!signal && !cancelToken) return undefined;
  const cancellations: Cancellation[] = [];
  if (cancelToken) {
    // Axios has these methods, but no types for them.
    const token = cancelToken as typeof cancelToken & {
      subscribe(listener: () => void): void;
      unsubscribe(listener: () => void): void;
    };
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
