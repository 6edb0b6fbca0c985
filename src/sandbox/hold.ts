import { deferred } from './deferred.ts';
import { matches, type Target } from './fault-plan.ts';
import type { RequestKind } from './traffic.ts';
import { check } from './validate.ts';

/** Requests that are kept waiting until a test lets them go. */
export interface Hold {
  /** How many requests arrived here so far, the released and the aborted included. */
  readonly arrived: number;
  /** How many of them left before they were released. */
  readonly aborted: number;
  /** Resolves as soon as that many have arrived; rejects if the sandbox closes before. */
  waitFor(count: number): Promise<void>;
  /** Resolves as soon as that many have left before they were released. */
  waitForAborted(count: number): Promise<void>;
  /**
   * Lets the oldest `count` requests go; fewer parked: the next arrivals pass instead. Without a
   * number: lets all go and ends the hold.
   */
  release(count?: number): void;
}

/**
 * When a parked request takes its effect. `before`: on arrival, its answer waits · `after`: at release, if its client is
 * still there · `late`: at release, even if its client has left: a request that was kept on its way.
 */
export type HoldProcess = 'before' | 'after' | 'late';

interface Threshold {
  readonly count: number;
  readonly of: 'arrived' | 'aborted';
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

export class ParkedRequests implements Hold {
  readonly target: Target;
  readonly process: HoldProcess;
  arrived = 0;
  aborted = 0;
  #open = false;
  #end: Error | undefined;
  /** Releases that no request has used yet. */
  #credit = 0;
  readonly #parked = new Set<() => void>();
  #thresholds: Threshold[] = [];
  readonly #ended: () => void;

  constructor(target: Target, process: HoldProcess, ended: () => void) {
    this.target = target;
    this.process = process;
    this.#ended = ended;
  }

  /** Calls `go` at release. The result is told when the request's client has left. */
  park(go: () => void): () => void {
    if (this.#open || this.#credit > 0) {
      if (!this.#open) this.#credit -= 1;
      this.#count('arrived');
      go();
      return () => {};
    }
    this.#parked.add(go);
    this.#count('arrived');
    return () => {
      if (!this.#parked.has(go)) return;
      if (this.process !== 'late') this.#parked.delete(go);
      this.#count('aborted');
    };
  }

  waitFor(count: number): Promise<void> {
    return this.#reaches('arrived', count);
  }

  waitForAborted(count: number): Promise<void> {
    return this.#reaches('aborted', count);
  }

  release(count?: number): void {
    if (count !== undefined) check.integer('count', count, { min: 0 });
    const going = [...this.#parked].slice(0, count);
    if (count === undefined) {
      this.#open = true;
      this.#ended();
    } else {
      this.#credit += count - going.length;
    }
    for (const go of going) {
      this.#parked.delete(go);
      go();
    }
  }

  /** The sandbox closes: nobody is answered any more. */
  end(reason: Error): void {
    this.#end = reason;
    this.#parked.clear();
    for (const threshold of this.#thresholds) threshold.reject(reason);
    this.#thresholds = [];
  }

  #reaches(of: Threshold['of'], count: number): Promise<void> {
    if (this[of] >= check.integer('count', count, { min: 0 })) return Promise.resolve();
    const { promise, resolve, reject } = deferred<void>();
    this.#thresholds.push({ count, of, resolve, reject });
    if (this.#end !== undefined) this.end(this.#end);
    return promise;
  }

  #count(of: Threshold['of']): void {
    this[of] += 1;
    const reached = this.#thresholds.filter((one) => one.of === of && this[of] >= one.count);
    this.#thresholds = this.#thresholds.filter((one) => !reached.includes(one));
    for (const threshold of reached) threshold.resolve();
  }
}

/** The holds of one sandbox; the oldest that fits takes a request. */
export class Holds {
  readonly #holds = new Set<ParkedRequests>();
  /** A test may still wait on a hold that has ended. */
  readonly #all = new Set<ParkedRequests>();
  #end: Error | undefined;

  add(target: Target, process: HoldProcess): ParkedRequests {
    const hold = new ParkedRequests(target, process, () => this.#holds.delete(hold));
    this.#holds.add(hold);
    this.#all.add(hold);
    if (this.#end !== undefined) this.end(this.#end);
    return hold;
  }

  find(kind: RequestKind, path: string): ParkedRequests | undefined {
    return [...this.#holds].find((hold) => matches(hold.target, kind, path));
  }

  releaseAll(): void {
    for (const hold of this.#holds) hold.release();
  }

  end(reason: Error): void {
    this.#end = reason;
    for (const hold of this.#all) hold.end(reason);
    this.#all.clear();
    this.#holds.clear();
  }
}
