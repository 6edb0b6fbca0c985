import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/time/clock.ts';
import { heardLimit, WaitLimit } from '../../src/time/limit.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** One timer at a time, which fires as late as the process that has stood still says. */
class StallingClock implements Pick<Clock, 'steadyMs' | 'timer'> {
  #steadyMs = 0;
  #timer: { readonly delayMs: number; readonly callback: () => void } | undefined;

  steadyMs(): number {
    return this.#steadyMs;
  }

  timer(delayMs: number, callback: () => void): () => void {
    const timer = { delayMs, callback };
    this.#timer = timer;
    return () => {
      if (this.#timer === timer) this.#timer = undefined;
    };
  }

  get isRunning(): boolean {
    return this.#timer !== undefined;
  }

  /** Time passes, and no timer fires. */
  pass(ms: number): void {
    this.#steadyMs += ms;
  }

  /** The next timer fires, and that much too late. */
  fire(lateMs = 0): void {
    const timer = this.#timer;
    if (timer === undefined) throw new Error('No timer runs.');
    this.#timer = undefined;
    this.#steadyMs += timer.delayMs + lateMs;
    timer.callback();
  }
}

/** A limit of a second, in slices of 100 ms. */
function limitOf(limitMs = 1_000) {
  const clock = new StallingClock();
  let isPassed = false;
  const onPassed = () => {
    isPassed = true;
  };
  const limit = heardLimit(clock, limitMs, onPassed, 'unref');
  /** After what lies in the socket was read. */
  const isOver = async () => {
    await new Promise(setImmediate);
    return isPassed;
  };
  return { clock, limit, isOver };
}

describe('a limit for what this process could have heard (T2)', () => {
  it.each([
    { lateMs: [0, 0, 0, 0, 0, 0, 0, 0, 0], over: false, stalls: 0, what: 'nine slices' },
    { lateMs: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], over: true, stalls: 0, what: 'ten slices' },
    { lateMs: Array(10).fill(99), over: true, stalls: 0, what: 'a busy machine' },
    { lateMs: [3_600_000], over: false, stalls: 1, what: 'a stop of an hour' },
    { lateMs: [3_600_000, 0, 0, 0, 0, 0, 0, 0, 0], over: false, stalls: 1, what: 'it, and eight slices' },
    { lateMs: [3_600_000, 0, 0, 0, 0, 0, 0, 0, 0, 0], over: true, stalls: 1, what: 'it, and nine' },
    { lateMs: [0, 0, 0, 0, 0, 0, 0, 0, 0, 101], over: false, stalls: 1, what: 'a stop in the last slice' },
    { lateMs: [0, 0, 0, 0, 0, 0, 0, 0, 0, 101, 0], over: true, stalls: 1, what: 'it, and one slice more' },
    { lateMs: Array(11).fill(101), over: true, stalls: 11, what: 'a process that stands still all the time' },
  ])('$what: over: $over', async ({ lateMs, over, stalls }) => {
    const { clock, limit, isOver } = limitOf();
    for (const each of lateMs) clock.fire(each);
    expect(await isOver()).toBe(over);
    expect(limit.stalls()).toBe(stalls);
    expect(clock.isRunning).toBe(!over);
  });

  it('lets what has arrived be read first', async () => {
    const { clock, limit, isOver } = limitOf();
    for (let n = 0; n < 10; n += 1) clock.fire();
    limit.cancel();
    expect(await isOver()).toBe(false);
  });

  it('is stopped at once', async () => {
    const { clock, limit, isOver } = limitOf();
    limit.cancel();
    expect(clock.isRunning).toBe(false);
    expect(await isOver()).toBe(false);
  });

  it.each([
    { what: 'nothing has passed', slices: [], inSliceMs: 0, used: 0 },
    { what: 'half a slice', slices: [], inSliceMs: 50, used: 50 },
    { what: 'three slices and a half', slices: [0, 0, 0], inSliceMs: 50, used: 350 },
    { what: 'a stop of an hour in a slice counts as one', slices: [3_600_000], inSliceMs: 0, used: 100 },
    { what: 'a stop that still lasts, likewise', slices: [0], inSliceMs: 3_600_000, used: 200 },
    { what: 'all of it', slices: Array(10).fill(0), inSliceMs: 500, used: 1_000 },
    { what: 'a clock that was put back', slices: [0], inSliceMs: -50, used: 100 },
  ])('$what: $used ms are used up', ({ slices, inSliceMs, used }) => {
    const { clock, limit } = limitOf();
    for (const lateMs of slices) clock.fire(lateMs);
    clock.pass(inSliceMs);
    expect(limit.usedMs()).toBe(used);
  });

  it('a stop that still lasts is known of, from more than two slices on', () => {
    const { clock, limit } = limitOf();
    clock.pass(200);
    expect(limit.stalls()).toBe(0);
    clock.pass(1);
    expect(limit.stalls()).toBe(1);
  });

  it.each([1, 2, 9, 10, 11, 1_005])('%i ms are at least as long as that', async (limitMs) => {
    const { clock, isOver } = limitOf(limitMs);
    while (clock.isRunning) clock.fire();
    expect(await isOver()).toBe(true);
    expect(clock.steadyMs()).toBeGreaterThanOrEqual(limitMs);
    expect(clock.steadyMs()).toBeLessThanOrEqual(limitMs + 1);
  });
});

describe('what a call may wait, where one wait lies within another', () => {
  it.each([
    ['the inner one ends first', [1, 0]],
    ['the outer one ends first', [0, 1]],
  ])('%s: it counts once, and no timer is left to keep the process alive (E8)', (_, order) => {
    const clock = new ManualClock();
    const limit = new WaitLimit(clock, 10_000);
    const stops = [limit.start(() => {})];
    clock.advance(1_000);
    stops.push(limit.start(() => {}));
    clock.advance(1_000);
    expect(limit.leftMs).toBe(8_000);
    for (const n of order) stops[n]?.();
    expect(limit.leftMs).toBe(8_000);
    expect(clock.pending).toBe(0);
    clock.advance(1_000);
    expect(limit.leftMs).toBe(8_000);
  });
});
