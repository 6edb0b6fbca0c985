import { describe, expect, test } from 'vitest';
import {
  BETWEEN_MINTS,
  BETWEEN_REFUSALS,
  BETWEEN_TRIES,
  delayAfter,
  jittered,
  rateLimitWaitMs,
} from '../../src/time/delays.ts';

describe('a delay doubles with each failure in a row, up to its limit', () => {
  test.each([
    ['between the tries of a mint', BETWEEN_TRIES, [200, 400, 800, 1_600, 3_200, 5_000, 5_000]],
    ['between mints', BETWEEN_MINTS, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]],
    ['between refusals', BETWEEN_REFUSALS, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]],
  ])('%s', (_, backOff, expected) => {
    expect(expected.map((_delay, index) => delayAfter(index + 1, backOff))).toEqual(expected);
  });

  test('after rate limits that tell no wait', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 8].map((untold) => rateLimitWaitMs(undefined, untold, () => 1));
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    expect(rateLimitWaitMs(undefined, 1, () => 0)).toBe(500);
  });

  test.each([31, 32, 1_000, 1e9])('after %d failures it is the limit', (failures) => {
    expect(delayAfter(failures, BETWEEN_MINTS)).toBe(30_000);
  });
});

describe('jitter', () => {
  test.each([
    [0, 500],
    [0.5, 750],
    [1, 1_000],
  ])('of a back-off keeps half and spreads the rest: at %d %d of 1000', (random, expected) => {
    expect(jittered(1_000, () => random)).toBe(expected);
  });

  test.each([
    [0, 1_000],
    [0.5, 1_050],
    [1, 1_100],
  ])('of a told wait goes on top and never cuts it short: at %d %d of 1000', (random, expected) => {
    expect(rateLimitWaitMs(1_000, 1, () => random)).toBe(expected);
  });

  test('of a wait of 0 is none', () => {
    expect(rateLimitWaitMs(0, 1, () => 1)).toBe(0);
  });
});
