import { type Finding, mend, note, ok } from '../finding.ts';

/** One reply of the token endpoint, as far as time goes. */
export interface Sighting {
  /** Milliseconds since the epoch by this machine's clock. */
  readonly sentAt: number;
  readonly receivedAt: number;
  /** The reply's `Date` header. */
  readonly date: string | undefined;
}

/** A clock that NTP keeps is within a second; the rest is for proxies that hand on an older header. */
export const TOLERATED_MS = 30_000;

/**
 * How far this machine's clock is from the server's. The header has whole seconds, and was written at some moment
 * between sending and receiving: only what is off however one reads it counts.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1
 */
export function clockFinding({ sentAt, receivedAt, date }: Sighting): Finding {
  const server = parseDate(date);
  if (server === undefined) return note('clock', 'the reply has no Date header to compare it with');
  const behindAtLeastMs = server - receivedAt;
  const aheadAtLeastMs = sentAt - (server + 999);
  const offMs = Math.max(behindAtLeastMs, aheadAtLeastMs);
  if (offMs <= TOLERATED_MS) return ok('clock', "agrees with the server's");
  return mend(
    'clock',
    `this machine is ${inWords(offMs)} ${behindAtLeastMs > 0 ? 'behind' : 'ahead of'} the server`,
    'let NTP set the clock (timedatectl set-ntp true): log times, TLS and tokens shared between machines depend on it',
  );
}

/** IMF-fixdate alone: `Date.parse` takes much else. */
function parseDate(date: string | undefined): number | undefined {
  if (date === undefined || !/^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(date)) return undefined;
  const time = Date.parse(date);
  return Number.isNaN(time) ? undefined : time;
}

function inWords(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
