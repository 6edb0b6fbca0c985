import { type Instant, later, laterOf, msUntil } from '../time/instant.ts';
import type { TokenRecord } from './store/token-store.ts';

/** Ten years: a reply or a record that says more is not believed (B1). */
export const LONGEST_LIFE_MS: number = 10 * 365.25 * 24 * 60 * 60 * 1_000;

/** A token that was just minted is used for at least this long: on a server that rounds, the last second would cost a mint per call (B5). */
const GRACE_MS = 500;
/** The renew-ahead window is at most this share of the life (B3). */
const WINDOW_SHARE = 0.1;
/** By how much the window may be shortened, so that a fleet does not renew in step (B3). */
const WINDOW_JITTER = 0.2;
/** Renewals inside the window that brought nothing new are at least this far apart (B4). */
const SHORTEST_SPACING_MS = 1_000;

/**
 * Life in milliseconds from a reply's `expires_in` (PayU's tables also spell it `expire_in`). Numeric strings count;
 * absent, negative or malformed values mean the default life: never eternal, and never a mint per call (B1).
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.1
 */
export function lifeMs(expiresIn: unknown, expireIn: unknown, defaultLifeMs: number): number {
  const seconds = lifeSeconds(expiresIn) ?? lifeSeconds(expireIn);
  return Math.min(seconds === undefined ? defaultLifeMs : seconds * 1_000, LONGEST_LIFE_MS);
}

function lifeSeconds(value: unknown): number | undefined {
  // At least PayU's samples are numbers; other servers of the field send strings.
  const seconds = typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : value;
  return typeof seconds === 'number' && seconds >= 0 ? seconds : undefined;
}

/** When a token of this auth's own ends: counted from the moment its token request was sent, or it was given (B1). */
export function endOfOwn({ obtainedAt, expiresAt }: TokenRecord, since: Instant): Instant {
  return later(since, expiresAt - obtainedAt);
}

/**
 * When a token found in a store ends. The record's writer may have another clock: only the difference of its times
 * counts, as the most that may be left (T3).
 */
export function endOfFound({ obtainedAt, expiresAt }: TokenRecord, now: Instant): Instant {
  return later(now, Math.min(expiresAt - now.wallMs, expiresAt - obtainedAt));
}

/** How far ahead of its end a token is renewed, and the chance in it (B3). */
export interface RenewAhead {
  readonly renewAheadMs: number;
  readonly random: () => number;
}

/** When to begin renewing a token in the background (B2, B3). */
export function renewAt(end: Instant, lifeMs: number, { renewAheadMs, random }: RenewAhead): Instant {
  const windowMs = Math.min(renewAheadMs, Math.max(0, lifeMs) * WINDOW_SHARE);
  return later(end, -windowMs * (1 - WINDOW_JITTER * random()));
}

/** When to look again, after a renewal in the window that failed or brought the token we hold (B4). */
export function nextRenewAt(now: Instant, end: Instant): Instant {
  return later(now, Math.max(SHORTEST_SPACING_MS, msUntil(end, now) / 2));
}

/** Until when a token that was just minted may be used (B5). */
export function usableUntil(end: Instant, receivedAt: Instant): Instant {
  return laterOf(end, later(receivedAt, GRACE_MS));
}
