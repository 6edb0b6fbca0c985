import { defaultMaxListeners, getMaxListeners, setMaxListeners } from 'node:events';
import type { Clock, KeepsAlive } from './clock.ts';

/** Something that may end a wait early: an AbortSignal, axios' CancelToken, an {@link Ending}. */
export interface Cancellation {
  /** What to reject with; undefined until cancelled. */
  reason(): unknown;
  /** Returns what removes the listener. */
  subscribe(listener: () => void): () => void;
}

export const NEVER: Cancellation = { reason: () => undefined, subscribe: () => () => {} };

/** `toReason` makes an error for each caller: axios writes the caller's frames into the one that it is given. */
export function cancellationOf(
  signal: AbortSignal,
  toReason: (reason: unknown) => unknown = (reason) => reason ?? new Error('aborted'),
): Cancellation {
  return {
    reason: () => (signal.aborted ? toReason(signal.reason) : undefined),
    subscribe(listener) {
      allowManyListeners(signal);
      signal.addEventListener('abort', listener, { once: true });
      return () => {
        try {
          signal.removeEventListener('abort', listener);
        } catch {
          // A stand-in of a test or of an old polyfill may lack it, or throw: the other callers must not hang.
        }
      };
    },
  };
}

/**
 * Any number of calls may share one signal, and each removes its listener: Node.js would warn of a leak from the eleventh
 * on. A number that the signal's owner has set is left alone.
 */
function allowManyListeners(signal: AbortSignal): void {
  try {
    if (getMaxListeners(signal) === defaultMaxListeners) setMaxListeners(Number.POSITIVE_INFINITY, signal);
  } catch {
    // Node.js 20 throws where the number is 0, and each does for a polyfill: neither warns.
  }
}

/** Aborts with a reason, also where a test environment or a polyfill put a class in place that knows none. */
export function abortWith(controller: AbortController, reason: unknown): void {
  const { signal } = controller;
  if (!('reason' in signal)) Object.defineProperty(signal, 'reason', { value: reason });
  controller.abort(reason);
}

export function anyOf(cancellations: readonly Cancellation[]): Cancellation {
  return {
    reason() {
      return cancellations.map((each) => each.reason()).find((reason) => reason !== undefined);
    },
    subscribe(listener) {
      const removals = cancellations.map((each) => each.subscribe(listener));
      return () => {
        for (const remove of removals) remove();
      };
    },
  };
}

/**
 * An end that comes once, for any number of listeners. An AbortSignal would do the same, but walks over all its listeners
 * for each one that comes or goes: twenty thousand waiting calls would stop the event loop.
 */
export class Ending implements Cancellation {
  readonly #toReason: () => Error;
  #listeners: Set<() => void> | undefined;
  #hasCome = false;

  /** `toReason` makes an error for each caller. */
  constructor(toReason: () => Error) {
    this.#toReason = toReason;
  }

  get hasCome(): boolean {
    return this.#hasCome;
  }

  reason(): Error | undefined {
    return this.#hasCome ? this.#toReason() : undefined;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
    return () => this.#listeners?.delete(listener);
  }

  come(): void {
    if (this.#hasCome) return;
    this.#hasCome = true;
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    for (const listener of listeners) listener();
  }
}

/** Waits; rejects at once with the reason when cancelled. Neither timer nor listener is left behind (E8). */
export function sleep(
  clock: Clock,
  delayMs: number,
  cancellation: Cancellation,
  keepsAlive: KeepsAlive,
): Promise<void> {
  let cancelTimer = () => {};
  const over = new Promise<void>((resolve) => {
    cancelTimer = clock.timer(delayMs, resolve, keepsAlive);
  });
  return unlessCancelled(over, cancellation).finally(cancelTimer);
}

/**
 * Settles as the promise does, or rejects at once with the reason when cancelled. A promise that rejects after that is
 * no unhandled rejection.
 */
export function unlessCancelled<T>(promise: PromiseLike<T>, cancellation: Cancellation): Promise<T> {
  let unsubscribe = () => {};
  const ended = new Promise<T>((resolve, reject) => {
    promise.then(resolve, reject);
    const already = cancellation.reason();
    if (already !== undefined) return reject(already);
    unsubscribe = cancellation.subscribe(() => reject(cancellation.reason()));
  });
  return ended.finally(unsubscribe);
}

/** What bounds a wait. */
export interface Bounds {
  readonly clock: Clock;
  readonly limitMs: number;
  readonly cancellation?: Cancellation;
}

/** Settles as the promise does, or rejects when cancelled, or once the limit has passed (T2), which keeps no process alive. */
export function withinLimit<T>(
  promise: PromiseLike<T>,
  { clock, limitMs, cancellation = NEVER }: Bounds,
  toError: () => Error,
): Promise<T> {
  const passed = new Ending(toError);
  const limit = clock.limit(limitMs, () => passed.come(), 'unref');
  return unlessCancelled(promise, anyOf([cancellation, passed])).finally(() => limit.cancel());
}

/** Any work has ended by then: all that it waits for has a limit of its own. */
const LONGEST_WORK_MS = 24 * 60 * 60 * 1_000;

/** Keeps the process alive until the work has ended: the timers and sockets in it do not, and somebody awaits it (E8). */
export function keptAlive<T>(clock: Clock, work: Promise<T>): Promise<T> {
  return work.finally(clock.timer(LONGEST_WORK_MS, () => {}, 'ref'));
}
