import { CanceledError, type InternalAxiosRequestConfig } from 'axios';
import { anyOf, type Cancellation, cancellationOf } from '../time/wait.ts';

/** What cancels one request: its `signal`, its `cancelToken`. Rejects as axios would: with a CanceledError. */
export function requestCancellation(config: InternalAxiosRequestConfig): Cancellation | undefined {
  const { signal, cancelToken } = config;
  // Most requests: they are asked on the hot path.
  if (!signal && !cancelToken) return undefined;
  const cancellations: Cancellation[] = [];
  if (cancelToken) {
    // `subscribe` exists on axios' class, but is missing in its types.
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
