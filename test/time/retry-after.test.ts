import { describe, expect, test } from 'vitest';
import {
  parseHttpDate,
  retryAfterBodyMs,
  retryAfterHeaderMs,
  toldWaitMs,
} from '../../src/time/retry-after.ts';

const NOW = Date.UTC(2026, 0, 1, 12, 0, 0);
/** What each form of HTTP-date below stands for. */
const NOON_SECOND = Date.UTC(2026, 0, 2, 12, 0, 0);

describe('an HTTP-date', () => {
  test.each([
    ['IMF-fixdate', 'Fri, 02 Jan 2026 12:00:00 GMT', NOON_SECOND],
    ['rfc850-date', 'Friday, 02-Jan-26 12:00:00 GMT', NOON_SECOND],
    ['asctime-date, one digit', 'Fri Jan  2 12:00:00 2026', NOON_SECOND],
    ['asctime-date, two digits', 'Mon Jan 12 12:00:00 2026', Date.UTC(2026, 0, 12, 12)],
    ['the last second of a day', 'Fri, 02 Jan 2026 23:59:59 GMT', Date.UTC(2026, 0, 2, 23, 59, 59)],
    ['the last of March', 'Tue, 31 Mar 2026 00:00:00 GMT', Date.UTC(2026, 2, 31)],
    ['the last of May', 'Sun, 31 May 2026 00:00:00 GMT', Date.UTC(2026, 4, 31)],
    ['29 February of a leap year', 'Tue, 29 Feb 2028 00:00:00 GMT', Date.UTC(2028, 1, 29)],
    ['two digits of this century', 'Saturday, 02-Jan-49 12:00:00 GMT', Date.UTC(2049, 0, 2, 12)],
    ['two digits of the last one', 'Monday, 02-Jan-50 12:00:00 GMT', Date.UTC(1950, 0, 2, 12)],
  ])('%s: %s', (_, text, expected) => {
    expect(parseHttpDate(text)).toBe(expected);
  });

  test.each([
    ['', 'nothing'],
    ['2', 'a number, which Date.parse takes for a month'],
    ['2026-01-02T12:00:00Z', 'ISO 8601'],
    ['Fri, 02 Jan 2026 12:00:00', 'no zone'],
    ['Fri, 02 Jan 2026 12:00:00 UTC', 'another name of the zone'],
    ['Fri, 02 Jan 2026 12:00:00 +0530', 'a local time'],
    ['fri, 02 jan 2026 12:00:00 gmt', 'lower case: HTTP-dates are case-sensitive'],
    ['Fri, 2 Jan 2026 12:00:00 GMT', 'one digit in an IMF-fixdate'],
    ['Fri, 30 Feb 2026 12:00:00 GMT', 'a day that does not exist'],
    ['Fri, 00 Jan 2026 12:00:00 GMT', 'day 0'],
    ['Fri, 02 Jan 2026 24:00:00 GMT', 'hour 24'],
    ['Fri, 02 Jan 2026 12:60:00 GMT', 'minute 60'],
    ['Fri, 02 Jan 2026 12:00:60 GMT', 'second 60'],
    ['Fri, 32 Jan 2026 12:00:00 GMT', 'day 32'],
    ['Fri, 02 Jan 2026 12:00:00 GMT, Sat, 03 Jan 2026 12:00:00 GMT', 'two of them'],
    ['Fre, 02 Jan 2026 12:00:00 GMT', 'a day in another language'],
    ['02 Jan 2026 12:00:00 GMT', 'no day name'],
  ])('%j is none: %s', (text) => {
    expect(parseHttpDate(text)).toBeUndefined();
  });
});

describe('the Retry-After header', () => {
  test.each([
    ['0', 0],
    ['60', 60_000],
    [' 60 ', 60_000],
    ['0060', 60_000],
    ['999999999', 999_999_999_000],
    ['1000000000', 0],
    [String(NOW / 1_000 + 60), 60_000],
    [String(NOW + 60_000), 60_000],
    [String(NOW - 1), 0],
    ['Thu, 01 Jan 2026 12:00:01 GMT', 1_000],
    ['Thursday, 01-Jan-26 12:00:01 GMT', 1_000],
    ['Thu Jan  1 12:00:01 2026', 1_000],
    ['Thu, 01 Jan 2026 12:00:00 GMT', 0],
    ['Thu, 01 Jan 2026 11:59:59 GMT', 0],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['60, 30', 60_000],
    ['30 ,60', 60_000],
    ['0, 0', 0],
    ['60, soon', 60_000],
    ['-1, 60', 60_000],
    ['Thu, 01 Jan 2026 12:00:01 GMT, Thu, 01 Jan 2026 12:01:00 GMT', 60_000],
    ['Thursday, 01-Jan-26 12:00:01 GMT, 60', 60_000],
    ['Thu Jan  1 12:00:01 2026, 60', 60_000],
  ])('%j asks for %i ms', (header, expected) => {
    expect(retryAfterHeaderMs(header, NOW)).toBe(expected);
  });

  test.each([
    undefined,
    '',
    ' ',
    '-1',
    '+1',
    '1.5',
    '0x10',
    '1e3',
    'NaN',
    'Infinity',
    '60s',
    '60; 60',
    'soon, later',
    '٦٠',
    'soon',
    '9'.repeat(400),
  ])('%j is no usable instruction', (header) => {
    expect(retryAfterHeaderMs(header, NOW)).toBeUndefined();
  });
});

describe("the body's retry_after", () => {
  test.each([
    [0, 0],
    [60, 60_000],
    [1.5, 1_500],
    [1e9 - 1, 1e12 - 1_000],
    [1e9, 0],
    [NOW / 1_000 + 60, 60_000],
    [NOW + 60_000, 60_000],
    [String(NOW + 60_000), 60_000],
    [1e306, 1e306],
    ['0', 0],
    ['60', 60_000],
    [' 60 ', 60_000],
    ['1.5', 1_500],
    ['0.25', 250],
  ])('%j asks for %i ms', (value, expected) => {
    expect(retryAfterBodyMs(value, NOW)).toBe(expected);
  });

  test.each([
    undefined,
    null,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    true,
    [60],
    { seconds: 60 },
    '',
    '-1',
    '0x10',
    '1e3',
    '.5',
    'NaN',
    'Infinity',
    'Thu, 01 Jan 2026 12:00:01 GMT',
    '9'.repeat(400),
  ])('%j is no usable instruction', (value) => {
    expect(retryAfterBodyMs(value, NOW)).toBeUndefined();
  });
});

describe('both together', () => {
  const IN_A_MINUTE = 'Thu, 01 Jan 2026 12:01:00 GMT';
  test.each([
    { header: '60', body: { retry_after: 30 }, expected: 60_000, why: 'the longer: the header' },
    { header: '30', body: { retry_after: 60 }, expected: 60_000, why: 'the longer: the body' },
    { header: IN_A_MINUTE, body: { retry_after: '30' }, expected: 60_000, why: 'the longer: a date' },
    { header: '0', body: { retry_after: 1 }, expected: 1_000, why: 'a 0 beside a wait' },
    { header: '0', body: { retry_after: 0 }, expected: 0, why: 'twice at once' },
    { header: '0x10', body: { retry_after: 30 }, expected: 30_000, why: 'nonsense in the header' },
    { header: '60', body: { retry_after: -1 }, expected: 60_000, why: 'nonsense in the body' },
    { header: '60', body: undefined, expected: 60_000, why: 'no body' },
    { header: '60', body: 'Too Many Requests', expected: 60_000, why: 'a body of text' },
    { header: '60', body: [{ retry_after: 90 }], expected: 60_000, why: 'a list' },
    { header: '60', body: null, expected: 60_000, why: 'null' },
    { header: undefined, body: { retry_after: 30 }, expected: 30_000, why: 'no header' },
    { header: undefined, body: {}, expected: undefined, why: 'neither' },
    { header: '1e3', body: { retry_after: '0x10' }, expected: undefined, why: 'both nonsense' },
    { header: undefined, body: { error: { retry_after: 9 } }, expected: undefined, why: '"error" an object' },
    {
      header: undefined,
      body: Object.create({ retry_after: 9 }),
      expected: undefined,
      why: 'an inherited one (G6)',
    },
  ])('$why: $expected', ({ header, body, expected }) => {
    expect(toldWaitMs(headers({ 'retry-after': header }), body, NOW)).toBe(expected);
  });

  test.each([
    ['a date', { 'retry-after': 'Thu, 01 Jan 2026 11:00:02 GMT' }, undefined],
    ['a point in time in the header', { 'retry-after': String(NOW / 1_000 - 3_598) }, undefined],
    ['a point in time in the body', {}, { retry_after: NOW / 1_000 - 3_598 }],
    ['a duration needs no date', { 'retry-after': '2' }, undefined],
  ])("%s is read against the reply's own Date, here an hour behind ours (T3)", (_, more, body) => {
    const date = 'Thu, 01 Jan 2026 11:00:00 GMT';
    expect(toldWaitMs(headers({ date, ...more }), body, NOW)).toBe(2_000);
  });

  test('a Date that is none is passed over', () => {
    const told = { date: 'yesterday', 'retry-after': 'Thu, 01 Jan 2026 12:00:02 GMT' };
    expect(toldWaitMs(headers(told), undefined, NOW)).toBe(2_000);
  });
});

function headers(all: Readonly<Record<string, string | undefined>>): (name: string) => string | undefined {
  return (name) => all[name];
}
