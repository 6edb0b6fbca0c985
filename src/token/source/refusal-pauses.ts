import { BETWEEN_REFUSALS, delayAfter } from '../../time/delays.ts';
import { type Instant, isOver, LONG_AGO, later } from '../../time/instant.ts';

/** How a request came by its token: it took the one that was there, or had it renewed because the one before was refused. */
export type HowHeld = 'as-held' | 'by-renewal';

/** What made a token come: a refusal, of this one or of another, or anything else. */
export type Arrival = 'for-the-refused' | 'as-the-refused' | 'otherwise';

/**
 * After so many renewals in a row that did not help, it is not the token that is refused, but one endpoint that refuses
 * any: successes elsewhere then say nothing about the next renewal.
 */
const MOST_UNHELPFUL = 3;
/** Renewals that did not help and are further apart are no streak: what they had in common is over. */
const STREAK_ENDS_AFTER_MS = 2 * BETWEEN_REFUSALS.maxMs;

/** When a refusal of the token that we hold is no reason to renew it: where renewing did not help before (D5). */
export class RefusalPauses {
  /** Whether the token that we hold was minted because of a refusal, and whether a request has succeeded with it since. */
  #renewal: 'none' | 'unproven' | 'proven' | 'unhelpful' = 'none';
  /** Renewals in a row that did not help: a new token was refused as well, or the refused one came back. */
  #unhelpful = 0;
  #lastUnhelpfulAt: Instant = LONG_AGO;
  /** In a row, since a success last ended one. */
  #pauses = 0;
  #endsAt: Instant = LONG_AGO;

  /** A token takes the place of the one before. */
  received(arrival: Arrival, now: Instant): void {
    this.#renewal = arrival === 'for-the-refused' ? 'unproven' : 'none';
    if (arrival === 'as-the-refused') this.#pause(now);
  }

  /** The token that we hold was refused: what to do about it. */
  refused(now: Instant, how: HowHeld): 'renew' | 'pause' {
    if (this.isPaused(now)) return 'pause';
    if (this.#renewal === 'none' || (this.#renewal !== 'unproven' && how === 'as-held')) return 'renew';
    if (this.#renewal !== 'unhelpful') this.#pause(now);
    return 'pause';
  }

  /** A request succeeded with the token that we hold: it is good, and so is renewing. */
  succeeded(now: Instant, how: HowHeld): void {
    if (this.#renewal === 'unproven') this.#renewal = 'proven';
    if (how === 'by-renewal' || this.#isStreakOver(now)) this.#unhelpful = 0;
    if (this.#unhelpful > MOST_UNHELPFUL) return;
    this.#pauses = 0;
    this.#endsAt = LONG_AGO;
  }

  isPaused(now: Instant): boolean {
    return !isOver(this.#endsAt, now);
  }

  /** A renewal did not help. It counts once. */
  #pause(now: Instant): void {
    this.#renewal = 'unhelpful';
    if (this.#isStreakOver(now)) this.#unhelpful = 0;
    this.#unhelpful++;
    this.#lastUnhelpfulAt = now;
    this.#endsAt = later(now, delayAfter(++this.#pauses, BETWEEN_REFUSALS));
  }

  #isStreakOver(now: Instant): boolean {
    return isOver(later(this.#lastUnhelpfulAt, STREAK_ENDS_AFTER_MS + 1), now);
  }
}
