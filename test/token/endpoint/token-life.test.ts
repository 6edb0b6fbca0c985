import { describe, expect, test } from 'vitest';
import { lifeMs } from '../../../src/token/endpoint/token-life.ts';

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
