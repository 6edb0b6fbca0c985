import { describe, expect, test } from 'vitest';
import {
  earlierOf,
  type Instant,
  isOver,
  LONG_AGO,
  later,
  laterOf,
  msSince,
  msUntil,
} from '../../src/time/instant.ts';

/** Both clocks start far apart, as those of a machine do. */
function at(wallMs: number, steadyMs: number): Instant {
  return { wallMs: 1_000_000 + wallMs, steadyMs: 5_000 + steadyMs };
}

describe('something is over as soon as either clock says so, and lasts for the smaller of the two (T1)', () => {
  test.each([
    ['both say so', at(100, 100), true, 0, 100],
    ['a millisecond before', at(99, 99), false, 1, 99],
    ['long after', at(500, 500), true, 0, 500],
    ['only the wall clock, which was set forward', at(100, 50), true, 0, 50],
    ['only the steady clock, as the wall clock was set back', at(50, 100), true, 0, 50],
    ['the wall clock is nearer', at(70, 40), false, 30, 40],
    ['the steady clock is nearer', at(40, 70), false, 30, 40],
    ['the wall clock was set back to before the beginning', at(-3_600_000, 40), false, 60, 0],
    ['at the beginning', at(0, 0), false, 100, 0],
  ])('%s', (_, now, isOverNow, leftMs, passedMs) => {
    const end = at(100, 100);
    expect(isOver(end, now)).toBe(isOverNow);
    expect(msUntil(end, now)).toBe(leftMs);
    expect(msSince(at(0, 0), now)).toBe(passedMs);
  });

  test('a moment later is later on both', () => {
    expect(later(at(10, 20), 5)).toEqual(at(15, 25));
  });

  test('long ago is over at any time', () => {
    expect(isOver(LONG_AGO, at(Number.MIN_SAFE_INTEGER, 0))).toBe(true);
    expect(msUntil(LONG_AGO, at(0, 0))).toBe(0);
  });
});

describe('of two moments', () => {
  const rows: readonly [string, Instant, Instant, Instant, Instant][] = [
    ['both clocks agree', at(1, 1), at(2, 2), at(1, 1), at(2, 2)],
    ['both clocks agree, the other way round', at(2, 2), at(1, 1), at(1, 1), at(2, 2)],
    ['the clocks disagree', at(1, 2), at(2, 1), at(1, 1), at(2, 2)],
    ['the clocks disagree, the other way round', at(2, 1), at(1, 2), at(1, 1), at(2, 2)],
    ['only the wall clock differs', at(1, 1), at(2, 1), at(1, 1), at(2, 1)],
    ['only the steady clock differs', at(1, 2), at(1, 1), at(1, 1), at(1, 2)],
  ];

  test.each(rows)('%s', (_, a, b, earlier, theLater) => {
    expect(earlierOf(a, b)).toEqual(earlier);
    expect(laterOf(a, b)).toEqual(theLater);
  });

  test('one of the two comes back where the clocks agree: no third object is kept for a token', () => {
    const [a, b, same] = [at(1, 1), at(2, 2), at(1, 1)];
    expect(earlierOf(a, b)).toBe(a);
    expect(laterOf(b, a)).toBe(b);
    expect(earlierOf(a, same)).toBe(a);
    expect(laterOf(a, same)).toBe(a);
  });
});
