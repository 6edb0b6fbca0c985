import { BETWEEN_REFUSALS, delayAfter } from '../backoff/delays.ts';
import type { MintCause } from '../events.ts';
import { isExtended, nextRenewAt, renewAt, usableUntil } from './expiry.ts';
import type { Flight } from './flight.ts';
import type { TokenRecord } from './token-store.ts';

/** What the refusal of a token value means for the token we hold. */
export type Standing =
  /** Another token is held: replay with that one (D2). */
  | 'superseded'
  /** The refused token is not held any more: renew (D3). */
  | 'dropped'
  /** Renewing did not help before: leave it for now (D5). */
  | 'paused';

/** What is known of one token: all questions of DESIGN's sections B and D are asked here, none is answered elsewhere. */
export class TokenState {
  /** The renewal under way, if any: everybody shares it. */
  flight: Flight<TokenRecord> | undefined;
  /** The key in the store, once the secrets were asked for it. */
  storeKey: string | undefined;
  /** Rises when somebody decides by hand what the token is: results of earlier mints no longer count (C5). */
  generation = 0;

  #record: TokenRecord | undefined;
  /** Until when the record's token may be sent; 0 once it was dropped. */
  #usableUntil = 0;
  #renewAt = 0;
  #refusedValue: string | undefined;
  /** Rises with each drop: tells a mint that began before a refusal from one that began after it (D3). */
  #drops = 0;
  /** Minted because of a refusal, and no success since (D5). */
  #isUnproven = false;
  #refusalPauses = 0;
  #refusalPauseEndsAt = 0;

  /** The last token, dead or alive: its refresh token outlives it. */
  get record(): TokenRecord | undefined {
    return this.#record;
  }

  get drops(): number {
    return this.#drops;
  }

  /** Used at once, nothing to do. The hot path asks only this. */
  isFresh(now: number): boolean {
    return now < this.#renewAt;
  }

  isUsable(now: number): boolean {
    return now < this.#usableUntil;
  }

  /** Used at once, and due for a renewal in the background. Not in the grace of a token that has expired (B5). */
  isDue(now: number): boolean {
    return this.isUsable(now) && now >= this.#renewAt && now < (this.#record?.expiresAt ?? 0);
  }

  isDead(now: number): boolean {
    return (
      this.flight === undefined &&
      !this.isUsable(now) &&
      this.#record?.refreshToken === undefined &&
      now >= this.#refusalPauseEndsAt
    );
  }

  /** Why a token would be minted now. */
  mintCause(now: number): MintCause {
    if (this.#refusedValue !== undefined) return 'refused';
    if (this.isUsable(now)) return 'renew-ahead';
    return this.#record === undefined || this.#record.accessToken === '' ? 'missing' : 'expired';
  }

  /** May this record, found in the store, be used? */
  mayAdopt(record: TokenRecord, now: number): boolean {
    return record.accessToken !== '' && record.expiresAt > now && record.accessToken !== this.#refusedValue;
  }

  /** Takes a token that was just received. Returns whether it is the one that we had. */
  receive(
    record: TokenRecord,
    now: number,
    how: {
      readonly origin: 'stored' | MintCause;
      readonly renewAheadMs: number;
      readonly random: () => number;
    },
  ): boolean {
    const before = this.#record;
    const isSame = before !== undefined && before.accessToken === record.accessToken;
    const isStillWhole = isSame && !isExtended(before.expiresAt, record.expiresAt);
    // A reusing server tells the rest of the same life again, rounded: what we know is more exact.
    this.#record = isStillWhole ? { ...record, expiresAt: before.expiresAt } : record;
    this.#usableUntil =
      how.origin === 'stored' ? this.#record.expiresAt : usableUntil(this.#record.expiresAt, now);
    this.#renewFrom(
      isStillWhole
        ? nextRenewAt(now, this.#record.expiresAt)
        : renewAt(this.#record, how.renewAheadMs, how.random),
    );
    this.#isUnproven = how.origin === 'refused';
    this.#refusedValue = undefined;
    return isSame;
  }

  /** A renewal in the background failed: the next one not before a while (B2). */
  postponeRenewal(now: number): void {
    if (this.#record !== undefined) this.#renewFrom(nextRenewAt(now, this.#record.expiresAt));
  }

  /** A request with this token was answered 401 (D2, D3, D5). */
  refuse(value: string, now: number): Standing {
    if (!this.isUsable(now)) {
      if (this.#record?.accessToken === value && this.#refusedValue === undefined) this.#drop(value);
      return 'dropped';
    }
    if (this.#record?.accessToken !== value) return 'superseded';
    if (now < this.#refusalPauseEndsAt) return 'paused';
    if (this.#isUnproven) {
      this.#isUnproven = false;
      this.#refusalPauses++;
      this.#refusalPauseEndsAt = now + delayAfter(this.#refusalPauses, BETWEEN_REFUSALS);
      return 'paused';
    }
    this.#drop(value);
    return 'dropped';
  }

  /** Did a mint that saw this many drops bring the very value that was refused after it began? (D3) */
  broughtRefused(record: TokenRecord, dropsSeen: number): boolean {
    return record.accessToken === this.#refusedValue && dropsSeen !== this.#drops;
  }

  /** A request with this token succeeded: it is good, and so is renewing (D5). */
  succeed(value: string): void {
    if (this.#record?.accessToken !== value) return;
    this.#isUnproven = false;
    this.#refusalPauses = 0;
    this.#refusalPauseEndsAt = 0;
  }

  get needsProof(): boolean {
    return this.#isUnproven || this.#refusalPauses > 0;
  }

  /** Forgets the access token, by hand; the refresh token stays. */
  forgetAccessToken(): void {
    this.generation++;
    this.#drop(undefined);
    if (this.#record !== undefined) this.#record = { ...this.#record, accessToken: '', expiresAt: 0 };
  }

  forgetAll(): void {
    this.forgetAccessToken();
    this.#record = undefined;
  }

  /** Uses a token that was obtained elsewhere, from now on. */
  put(record: TokenRecord, renewAheadMs: number, random: () => number): void {
    this.generation++;
    this.#record = record;
    this.#refusedValue = undefined;
    this.#isUnproven = false;
    this.#usableUntil = record.accessToken === '' ? 0 : record.expiresAt;
    this.#renewFrom(renewAt(record, renewAheadMs, random));
  }

  /** Never later than the token may be used: the hot path asks for this time alone. */
  #renewFrom(time: number): void {
    this.#renewAt = Math.min(time, this.#usableUntil);
  }

  #drop(refusedValue: string | undefined): void {
    this.#drops++;
    this.#refusedValue = refusedValue;
    this.#usableUntil = 0;
    this.#renewAt = 0;
  }
}
