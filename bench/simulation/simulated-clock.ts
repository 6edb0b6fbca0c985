import type { Clock, KeepsAlive } from '../../src/time/clock.ts';
import type { Limit } from '../../src/time/limit.ts';

interface Entry {
  readonly at: number;
  readonly order: number;
  callback: (() => void) | undefined;
}

/** A clock for days of thousands of processes: jumps from one timer to the next. A binary heap, ordered by time. */
export class SimulatedClock implements Clock {
  #now: number;
  #order = 0;
  readonly #heap: Entry[] = [];

  constructor(startsAt: number) {
    this.#now = startsAt;
  }

  steadyMs(): number {
    return this.now();
  }

  now(): number {
    return this.#now;
  }

  timer(delayMs: number, callback: () => void, _awaited: KeepsAlive): () => void {
    const entry: Entry = { at: this.#now + Math.max(0, delayMs), order: this.#order++, callback };
    this.#push(entry);
    return () => {
      entry.callback = undefined;
    };
  }

  /** Processes of the simulation never stand still. */
  limit(limitMs: number, callback: () => void, keepsAlive: KeepsAlive): Limit {
    const startedAt = this.#now;
    return {
      usedMs: () => Math.min(limitMs, this.#now - startedAt),
      cancel: this.timer(limitMs, callback, keepsAlive),
    };
  }

  /** Resolves at that time of the simulation. */
  sleepUntil(at: number): Promise<void> {
    return new Promise((resolve) => {
      this.timer(at - this.#now, resolve, 'ref');
    });
  }

  /** Fires what comes due until then, in order; what a callback begins has settled before time moves on. */
  async run(until: number): Promise<void> {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.at > until) break;
      this.#now = Math.max(this.#now, next.at);
      this.#fireDue();
      await new Promise(setImmediate);
    }
    this.#now = until;
  }

  #fireDue(): void {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.at > this.#now) return;
      this.#pop();
      next.callback?.();
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(entry, heap[parent] as Entry)) break;
      heap[index] = heap[parent] as Entry;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child++;
      if (!isBefore(heap[child] as Entry, last)) break;
      heap[index] = heap[child] as Entry;
      index = child;
    }
    heap[index] = last;
  }
}

/** The clock of a machine whose wall clock is wrong by so much; timers and the steady clock are right. */
export function wrongBy(aheadMs: number, clock: SimulatedClock): Clock {
  if (aheadMs === 0) return clock;
  return {
    now: () => clock.now() + aheadMs,
    steadyMs: () => clock.steadyMs(),
    timer: (delayMs, callback, keepsAlive) => clock.timer(delayMs, callback, keepsAlive),
    limit: (limitMs, callback, keepsAlive) => clock.limit(limitMs, callback, keepsAlive),
  };
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
