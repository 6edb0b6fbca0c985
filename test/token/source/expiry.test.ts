import { describe, expect, test } from 'vitest';
import { isAnotherLife, nextRenewAt, renewAt, usableUntil } from '../../../src/token/source/expiry.ts';
import { at } from '../support.ts';

describe('the renew-ahead window (B3)', () => {
  test.each([
    ['is "renewAheadMs" long', 7_200_000, 60_000, 0, 7_140_000],
    ['is shortened by the jitter', 7_200_000, 60_000, 0.5, 7_146_000],
    ['by 20 % at most', 7_200_000, 60_000, 1, 7_152_000],
    ['is 10 % of the life at most', 100_000, 60_000, 0, 90_000],
    ['is exactly 10 % where both are the same', 600_000, 60_000, 0, 540_000],
    ['is "renewAheadMs" just above that', 600_010, 60_000, 0, 540_010],
    ['is empty with 0', 7_200_000, 0, 0.5, 7_200_000],
    ['is empty for a life of 0', 0, 60_000, 0.5, 0],
  ])('%s', (_, life, renewAheadMs, random, expected) => {
    const obtainedAt = 1_000_000;
    const window = renewAt({ end: at(obtainedAt + life), lifeMs: life }, renewAheadMs, () => random);
    expect(window).toEqual(at(obtainedAt + expected));
  });
});

describe('the next renewal after one that failed or brought the same token (B4)', () => {
  test.each([
    ['half of what is left', 10_000, 5_000],
    ['1 s where that is more', 2_000, 1_000],
    ['1 s on the boundary', 1_999, 1_000],
    ['half just above it', 2_002, 1_001],
    ['1 s although the token does not live so long', 10, 1_000],
  ])('%s', (_, left, expected) => {
    expect(nextRenewAt(at(50_000), at(50_000 + left))).toEqual(at(50_000 + expected));
  });
});

describe('how long a received token may be used (B5)', () => {
  test.each([
    ['until it expires', 60_000, 0, 60_000],
    ['for 500 ms where it has expired already', 0, 0, 500],
    ['for 500 ms from its receipt, not from its request', 1_000, 900, 1_400],
    ['until it expires where that is as late', 1_400, 900, 1_400],
    ['until it expires where that is later', 1_401, 900, 1_401],
  ])('%s', (_, expiresAt, receivedAt, expected) => {
    expect(usableUntil(at(expiresAt), at(receivedAt))).toEqual(at(expected));
  });
});

describe('a server that tells the same token again gave it a new life', () => {
  test.each([
    ['not where the difference is rounding', 1_000, false],
    ['not where it is rounding to the other side', -1_000, false],
    ['where it is more', 1_001, true],
    ['where it is more to the other side: it took life away', -1_001, true],
  ])('%s', (_, difference, expected) => {
    expect(isAnotherLife(at(100_000), at(100_000 + difference))).toBe(expected);
  });
});
