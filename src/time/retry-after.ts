import { fieldOf } from '../json.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MONTH = `(?<month>${MONTHS.join('|')})`;
const TIME = '(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})';
const SHORT_DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const LONG_DAY = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day';

/** The three forms of RFC 9110 §5.6.7. */
const HTTP_DATES = [
  new RegExp(`^${SHORT_DAY}, (?<day>\\d{2}) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^${LONG_DAY}, (?<day>\\d{2})-${MONTH}-(?<year>\\d{2}) ${TIME} GMT$`),
  new RegExp(`^${SHORT_DAY} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
];

/**
 * An HTTP-date in milliseconds since the epoch, or undefined for any other text. By grammar: `Date.parse` would take
 * `2`, local times and worse.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
 */
export function parseHttpDate(value: string, now: number): number | undefined {
  for (const form of HTTP_DATES) {
    const parts = form.exec(value)?.groups;
    if (parts === undefined) continue;
    const { year = '', month = '', day = '', hour = '', minute = '', second = '' } = parts;
    const date = new Date(0);
    date.setUTCFullYear(fullYear(year, now), MONTHS.indexOf(month), +day);
    // 30 February would become 2 March; a 60th second is a leap second.
    if (date.getUTCDate() !== +day || +hour > 23 || +minute > 59 || +second > 60) return undefined;
    return date.setUTCHours(+hour, +minute, +second);
  }
  return undefined;
}

/** Two digits stand for the latest such year that is not more than 50 years ahead (RFC 9110 §5.6.7). */
function fullYear(digits: string, now: number): number {
  if (digits.length === 4) return +digits;
  const latest = new Date(now).getUTCFullYear() + 50;
  return latest - ((latest - +digits) % 100);
}

/** A number from here on is a point in time, in seconds since the epoch: no server means a wait of 31 years. */
const POINT_IN_SECONDS = 1e9;
const POINT_IN_MS = 1e11;

/**
 * The wait that a `Retry-After` header asks for, in milliseconds. `undefined` means no usable instruction, `0` now.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAfterHeaderMs(value: string | undefined, now: number): number | undefined {
  // Two of them, of a server and the proxy before it, are one list to fetch: the longest counts.
  const each = (value?.trim() ?? '').split(/(?<=\d|GMT) *, */).map((text) => headerMs(text, now) ?? -1);
  const longest = Math.max(...each);
  return longest < 0 ? undefined : longest;
}

function headerMs(text: string, now: number): number | undefined {
  if (/^\d+$/.test(text)) return waitOf(Number(text), now);
  const date = parseHttpDate(text, now);
  return date === undefined ? undefined : Math.max(0, date - now);
}

/** The wait in the body's `retry_after`: seconds, as a number or a numeric string (PayU sends numbers). */
export function retryAfterBodyMs(value: unknown, now: number): number | undefined {
  const seconds = typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value.trim()) ? Number(value) : value;
  return typeof seconds === 'number' && seconds >= 0 ? waitOf(seconds, now) : undefined;
}

/**
 * The wait that a rate-limited reply asks for: the longer of both, undefined if neither is usable (rule E2). Points
 * in time are read against the reply's own `Date`: the server's clock is believed for differences only (rule T3).
 */
export function toldWaitMs(
  header: (name: string) => string | undefined,
  body: unknown,
  now: number,
): number | undefined {
  const repliedAt = parseHttpDate(header('date')?.trim() ?? '', now) ?? now;
  const inBody = retryAfterBodyMs(fieldOf(body, 'retry_after'), repliedAt);
  const inHeader = retryAfterHeaderMs(header('retry-after'), repliedAt);
  if (inBody === undefined || inHeader === undefined) return inBody ?? inHeader;
  return Math.max(inBody, inHeader);
}

/** A number of seconds, or a point in time. */
function waitOf(value: number, now: number): number | undefined {
  if (!Number.isFinite(value)) return undefined;
  if (value < POINT_IN_SECONDS) return value * 1_000;
  return Math.max(0, (value < POINT_IN_MS ? value * 1_000 : value) - now);
}
