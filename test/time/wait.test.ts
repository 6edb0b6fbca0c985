import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import {
  abortWith,
  anyOf,
  type Cancellation,
  cancellationOf,
  Ending,
  keptAlive,
  sleep,
  unlessCancelled,
} from '../../src/time/wait.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** A cancellation by hand that counts its listeners. */
class Switch implements Cancellation {
  readonly listeners = new Set<() => void>();
  #reason: unknown;

  reason(): unknown {
    return this.#reason;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  flip(reason: unknown): void {
    this.#reason = reason;
    for (const listener of [...this.listeners]) listener();
  }
}

/** What became of the promise by the end of this turn of the event loop. */
function thisTurn(promise: Promise<unknown>): Promise<unknown> {
  const settled = promise.then(
    (value) => ({ value }),
    (reason: unknown) => ({ reason }),
  );
  return Promise.race([settled, new Promise((resolve) => setImmediate(resolve, 'pending'))]);
}

const never = (): Promise<never> => new Promise(() => {});

describe('an AbortSignal as a cancellation', () => {
  test('gives its reason, and an error where it was aborted with null', () => {
    expect(cancellationOf(AbortSignal.abort('left')).reason()).toBe('left');
    expect(cancellationOf(AbortSignal.abort(null)).reason()).toEqual(new Error('aborted'));
  });
});

describe('sleep', () => {
  test('ends at its time and not before, and leaves neither timer nor listener', async () => {
    const clock = new ManualClock();
    const cancellation = new Switch();
    const sleeping = sleep(clock, 1_000, cancellation, 'ref');
    clock.advance(999);
    expect(await thisTurn(sleeping)).toBe('pending');
    clock.advance(1);
    expect(await thisTurn(sleeping)).toEqual({ value: undefined });
    expect([clock.pending, cancellation.listeners.size]).toEqual([0, 0]);
  });

  test('cancelled, rejects in the same turn with the reason, and leaves neither timer nor listener', async () => {
    const clock = new ManualClock();
    const cancellation = new Switch();
    const sleeping = sleep(clock, 1_000, cancellation, 'ref');
    cancellation.flip('left');
    expect(await thisTurn(sleeping)).toEqual({ reason: 'left' });
    expect([clock.pending, cancellation.listeners.size]).toEqual([0, 0]);
  });

  test('cancelled before, rejects at once and starts nothing', async () => {
    const clock = new ManualClock();
    const cancellation = new Switch();
    cancellation.flip('left');
    expect(await thisTurn(sleep(clock, 1_000, cancellation, 'ref'))).toEqual({ reason: 'left' });
    expect([clock.pending, cancellation.listeners.size]).toEqual([0, 0]);
  });
});

describe('unlessCancelled', () => {
  test.each([
    ['value', () => Promise.resolve(1), { value: 1 }],
    ['rejection', () => Promise.reject('no'), { reason: 'no' }],
  ])('settles with the %s of the promise and leaves no listener', async (_, promise, expected) => {
    const cancellation = new Switch();
    expect(await thisTurn(unlessCancelled<unknown>(promise(), cancellation))).toEqual(expected);
    expect(cancellation.listeners.size).toBe(0);
  });

  test('cancelled, rejects in the same turn with the reason and leaves no listener', async () => {
    const cancellation = new Switch();
    const waiting = unlessCancelled(never(), cancellation);
    cancellation.flip('left');
    expect(await thisTurn(waiting)).toEqual({ reason: 'left' });
    expect(cancellation.listeners.size).toBe(0);
  });

  test('cancelled before, rejects with the reason even if the promise has settled', async () => {
    const cancellation = new Switch();
    cancellation.flip('left');
    expect(await thisTurn(unlessCancelled(Promise.resolve(1), cancellation))).toEqual({ reason: 'left' });
    expect(cancellation.listeners.size).toBe(0);
  });

  test('a promise that rejects after the cancellation is no unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    const cancellation = new Switch();
    let fail: (reason: unknown) => void = () => {};
    const waiting = unlessCancelled(new Promise((_, reject) => (fail = reject)), cancellation);
    cancellation.flip('left');
    await thisTurn(waiting);
    fail('too late');
    await thisTurn(never());
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});

describe('anyOf', () => {
  test('is cancelled by each, with the reason of the first that was', () => {
    const [a, b] = [new Switch(), new Switch()];
    const both = anyOf([a, b]);
    expect(both.reason()).toBeUndefined();
    b.flip('b');
    expect(both.reason()).toBe('b');
    a.flip('a');
    expect(both.reason()).toBe('a');
  });

  test('listens to all, and leaves all', () => {
    const [a, b] = [new Switch(), new Switch()];
    const heard: string[] = [];
    const leave = anyOf([a, b]).subscribe(() => heard.push('x'));
    b.flip('b');
    expect(heard).toEqual(['x']);
    leave();
    a.flip('a');
    expect([heard.length, a.listeners.size, b.listeners.size]).toEqual([1, 0, 0]);
  });
});

describe('a signal as a cancellation', () => {
  test('tells the reason of its abort, and has no listener of ours after it', () => {
    const controller = new AbortController();
    const cancellation = cancellationOf(controller.signal);
    const heard: unknown[] = [];
    cancellation.subscribe(() => heard.push(cancellation.reason()));
    expect(cancellation.reason()).toBeUndefined();
    controller.abort('left');
    expect(heard).toEqual(['left']);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  test('a listener that left before is not called', () => {
    const controller = new AbortController();
    const leave = cancellationOf(controller.signal).subscribe(() => {
      throw new Error('called');
    });
    leave();
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    controller.abort();
  });

  test('an abort without a reason of use still is one', () => {
    const controller = new AbortController();
    controller.abort(null);
    expect(cancellationOf(controller.signal).reason()).toBeInstanceOf(Error);
  });
});

describe('an end', () => {
  test('comes once: a listener that makes it come again is called once all the same', () => {
    const ending = new Ending(() => new Error('over'));
    let calls = 0;
    ending.subscribe(() => {
      calls++;
      ending.come();
    });
    ending.come();
    ending.subscribe(() => calls++);
    ending.come();
    expect(calls).toBe(1);
  });

  test('has a reason of its own for whoever asks', () => {
    const ending = new Ending(() => new Error('over'));
    expect(ending.reason()).toBeUndefined();
    ending.come();
    expect(ending.reason()).toEqual(new Error('over'));
    expect(ending.reason()).not.toBe(ending.reason());
  });
});

describe('a controller is aborted with a reason', () => {
  test("by Node.js' own class", () => {
    const controller = new AbortController();
    abortWith(controller, 'why');
    expect(controller.signal).toMatchObject({ aborted: true, reason: 'why' });
  });

  test('also where its class knows none', () => {
    const signal = { aborted: false };
    const controller = {
      signal,
      abort: () => {
        signal.aborted = true;
      },
    };
    abortWith(controller as unknown as AbortController, 'why');
    expect(signal).toMatchObject({ aborted: true, reason: 'why' });
  });
});

test.each([
  ['ends well', () => Promise.resolve('done')],
  ['fails', () => Promise.reject(new Error('failed'))],
])('work that %s keeps the process alive until then, for a day at most (E8)', async (_, begin) => {
  const clock = new ManualClock();
  const work = begin();
  const kept = keptAlive(clock, work);
  expect(clock.keepingAlive).toBe(1);
  expect(clock.nextInMs).toBe(24 * 60 * 60 * 1_000);
  const [came, expected] = await Promise.allSettled([kept, work]);
  expect(came).toEqual(expected);
  expect(clock.pending).toBe(0);
});
