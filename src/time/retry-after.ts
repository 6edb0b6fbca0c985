import { fieldOf } from '../json.ts';

const SHORT_DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const LONG_DAY = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day';
const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d';

/** The three forms of RFC 9110 §5.6.7. The first number is the day. */
const HTTP_DATE = new RegExp(
  `^(?:${SHORT_DAY}, (\\d{2}) ${MONTH} \\d{4} ${TIME} GMT|${LONG_DAY}, (\\d{2})-${MONTH}-\\d{2} ${TIME} GMT|${SHORT_DAY} ${MONTH} ([ \\d]\\d) ${TIME} \\d{4})$`,
);

/**
 * An HTTP-date in milliseconds since the epoch, or undefined for any other text. `Date.parse` alone would take `2`, local
 * times and worse.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
 */
export function parseHttpDate(value: string): number | undefined {
  const day = HTTP_DATE.exec(value)?.slice(1).find(Boolean);
  const time = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`);
  // 30 February would become 2 March.
  return new Date(time).getUTCDate() === Number(day) ? time : undefined;
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
  const date = parseHttpDate(text);
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
  const repliedAt = parseHttpDate(header('date')?.trim() ?? '') ?? now;
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
