import { BETWEEN_REFUSALS, delayAfter } from '../../time/delays.ts';

/** How a request came by its token: it took the one that was there, or had it renewed because the one before was refused. */
export type Obtained = 'as-held' | 'by-renewal';

/** What made a token come: a refusal, of this one or of another, or anything else. */
export type Arrival = 'for-the-refused' | 'as-the-refused' | 'otherwise';

/**
 * Renewals in vain, after which it is not the token that is refused, but an endpoint that refuses any: successes
 * elsewhere then say nothing about the next renewal.
 */
const MOST_IN_VAIN = 3;
/** Renewals in vain that are further apart are no row: what they had in common is over. */
const ROW_ENDS_AFTER_MS = 2 * BETWEEN_REFUSALS.maxMs;

/** When a refusal of the token that we hold is no reason to renew it: where renewing did not help before (D5). */
export class RefusalPauses {
  /** The token that we hold was minted because of a refusal. */
  #isRenewed = false;
  /** And no request has succeeded with it since. */
  #isUnproven = false;
  #pauses = 0;
  #endsAt = 0;
  #inVain = 0;
  #lastInVainAt = Number.NEGATIVE_INFINITY;
  /** The renewal that brought the token we hold was counted as one in vain. */
  #isCounted = false;

  /** A token takes the place of the one before. */
  received(arrival: Arrival, now: number): void {
    this.#isRenewed = arrival !== 'otherwise';
    this.#isUnproven = this.#isRenewed;
    this.#isCounted = false;
    if (arrival === 'as-the-refused') this.#noteInVain(now);
  }

  /** The token that we hold was refused: what to do about it. */
  refused(now: number, obtained: Obtained): 'renew' | 'pause' {
    if (this.isPaused(now)) return 'pause';
    if (!this.#isUnproven && !(this.#isRenewed && obtained === 'by-renewal')) return 'renew';
    this.#isUnproven = false;
    this.#noteInVain(now);
    this.#pause(now);
    return 'pause';
  }

  /** A request succeeded with the token that we hold: it is good, and so is renewing. */
  succeeded(now: number, obtained: Obtained): void {
    this.#isUnproven = false;
    if (obtained === 'by-renewal' || this.#isRowOver(now)) this.#inVain = 0;
    if (this.#inVain > MOST_IN_VAIN) return;
    this.#pauses = 0;
    this.#endsAt = 0;
  }

  /** Whether a success would tell anything. */
  get needsProof(): boolean {
    return this.#isUnproven || this.#pauses > 0 || this.#inVain > 0;
  }

  isPaused(now: number): boolean {
    return now < this.#endsAt;
  }

  /** A renewal did not help: a new token was refused as well, or the refused one came back. */
  #noteInVain(now: number): void {
    if (this.#isCounted) return;
    this.#isCounted = true;
    if (this.#isRowOver(now)) this.#inVain = 0;
    this.#inVain++;
    this.#lastInVainAt = now;
    if (this.#inVain > MOST_IN_VAIN) this.#pause(now);
  }

  #isRowOver(now: number): boolean {
    return now - this.#lastInVainAt > ROW_ENDS_AFTER_MS;
  }

  #pause(now: number): void {
    if (this.isPaused(now)) return;
    this.#pauses++;
    this.#endsAt = now + delayAfter(this.#pauses, BETWEEN_REFUSALS);
  }
}
