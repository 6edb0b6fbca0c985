import { describe, expect, test } from 'vitest';
import { lifeMs, nextRenewAt, renewAt, usableUntil } from '../../src/token/expiry.ts';
import { at } from './support.ts';

const DEFAULT_MS = 3_600_000;
const TEN_YEARS_MS = 315_576_000_000;

describe('the life of a token from "expires_in" (B1)', () => {
  test.each([
    ['a number', 7_200, undefined, 7_200_000],
    ['a numeric string', '7200', undefined, 7_200_000],
    ['a fraction', 7_200.5, undefined, 7_200_500],
    ['a fraction in a string', '7200.5', undefined, 7_200_500],
    ['a longer fraction in a string', '7200.25', undefined, 7_200_250],
    ['0', 0, undefined, 0],
    ['"0"', '0', undefined, 0],
    ['1', 1, undefined, 1_000],
    ['just below ten years', 315_575_999, undefined, TEN_YEARS_MS - 1_000],
    ['ten years', 315_576_000, undefined, TEN_YEARS_MS],
    ['above ten years, which is clamped', 315_576_001, undefined, TEN_YEARS_MS],
    ['absurd, which is clamped', 1e15, undefined, TEN_YEARS_MS],
    ['infinite, which is clamped', Number.POSITIVE_INFINITY, undefined, TEN_YEARS_MS],
    ['so many digits that they are infinite, which is clamped', '9'.repeat(400), undefined, TEN_YEARS_MS],
    ['absent', undefined, undefined, DEFAULT_MS],
    ['null', null, undefined, DEFAULT_MS],
    ['negative', -1, undefined, DEFAULT_MS],
    ['NaN', Number.NaN, undefined, DEFAULT_MS],
    ['a negative string', '-1', undefined, DEFAULT_MS],
    ['debris behind digits', '3600abc', undefined, DEFAULT_MS],
    ['an exponent in a string', '1e3', undefined, DEFAULT_MS],
    ['hexadecimal', '0x10', undefined, DEFAULT_MS],
    ['an empty string', '', undefined, DEFAULT_MS],
    ['white space', ' 60', undefined, DEFAULT_MS],
    ['true', true, undefined, DEFAULT_MS],
    ['a list', [60], undefined, DEFAULT_MS],
    ['misspelt "expire_in"', undefined, 60, 60_000],
    ['misspelt, as a string', undefined, '60', 60_000],
    ['both, of which the right one wins', 7_200, 60, 7_200_000],
    ['both, of which the right one is 0', 0, 60, 0],
    ['both, of which the right one is malformed', 'soon', 60, 60_000],
    ['both malformed', 'soon', 'later', DEFAULT_MS],
  ])('%s', (_, expiresIn, expireIn, expected) => {
    expect(lifeMs(expiresIn, expireIn, DEFAULT_MS)).toBe(expected);
  });

  test('the default life is clamped too', () => {
    expect(lifeMs(undefined, undefined, TEN_YEARS_MS + 1)).toBe(TEN_YEARS_MS);
  });
});

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
    const window = renewAt(at(obtainedAt + life), life, { renewAheadMs, random: () => random });
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
