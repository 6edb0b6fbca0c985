import type { MintCause } from '../../events.ts';
import { isExtended, nextRenewAt, renewAt, usableUntil } from '../endpoint/expiry.ts';
import type { TokenRecord } from '../store/token-store.ts';
import { Decisions } from './decisions.ts';
import type { Flight } from './flight.ts';
import { type Obtained, RefusalPauses } from './refusal-pauses.ts';

/** What the refusal of a token value means for the token we hold. */
export type Standing =
  /** Another token is held: replay with that one (D2). */
  | 'superseded'
  /** It was the token that we held, and is not any more: renew (D3). */
  | 'dropped'
  /** It is not held any more, since another request was refused with it, or it has expired: renew as well. */
  | 'gone'
  /** Renewing did not help before: leave it for now (D5). */
  | 'paused';

/** What a mint began from: tells, once its result is there, what of it still counts. */
export interface Beginning {
  readonly generation: number;
  readonly lineage: number;
  readonly drops: number;
}

/** What is known of one token: every question of sections B and D of docs/rules.md is answered here. */
export class TokenState {
  /** The renewal under way, if any: everybody shares it. */
  flight: Flight<TokenRecord> | undefined;
  /** The key in the store, once the secrets were asked for it. */
  storeKey: string | undefined;
  readonly decisions: Decisions = new Decisions();

  /** Rises when somebody decides by hand what the access token is: results of earlier mints no longer count (C5). */
  #generation = 0;
  /** The same for the refresh token. */
  #lineage = 0;
  #record: TokenRecord | undefined;
  /** Until when the record's token may be sent; 0 once it was dropped. */
  #usableUntil = 0;
  #renewAt = 0;
  /** Where the token's renew-ahead window begins: no renewal in the background is earlier. */
  #windowOpensAt = 0;
  #refusedValue: string | undefined;
  /** Forgotten by hand: not taken from a store any more, only from the token endpoint. */
  #forgottenValue: string | undefined;
  #forgottenAt = Number.NEGATIVE_INFINITY;
  /** Rises with each drop: tells a mint that began before a refusal from one that began after it (D3). */
  #drops = 0;
  readonly #refusalPauses = new RefusalPauses();

  /** The last token, dead or alive: its refresh token outlives it. */
  get record(): TokenRecord | undefined {
    return this.#record;
  }

  /** The record that was kept under this key in the store: with other secrets it is another token (B6). */
  heldUnder(storeKey: string): TokenRecord | undefined {
    return this.storeKey === undefined || this.storeKey === storeKey ? this.#record : undefined;
  }

  /** Used at once, nothing to do. The hot path asks only this. */
  isFresh(now: number): boolean {
    return now < this.#renewAt;
  }

  isUsable(now: number): boolean {
    return now < this.#usableUntil;
  }

  /** Whether this is the token that requests are sent with now: one that was refused is not, while it is renewed. */
  isInUse(value: string, now: number): boolean {
    return this.isUsable(now) && this.#record?.accessToken === value;
  }

  /** Used at once, and due for a renewal in the background. Not in the grace of a token that has expired (B5). */
  isDue(now: number): boolean {
    return this.isUsable(now) && now >= this.#renewAt && now < (this.#record?.expiresAt ?? 0);
  }

  isDead(now: number): boolean {
    return (
      this.flight === undefined &&
      !this.decisions.areUnderWay &&
      !this.isUsable(now) &&
      this.#record?.refreshToken === undefined &&
      !this.#refusalPauses.isPaused(now)
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
    const { accessToken } = record;
    return (
      accessToken !== '' &&
      accessToken !== this.#refusedValue &&
      accessToken !== this.#forgottenValue &&
      record.expiresAt > now &&
      record.obtainedAt > this.#forgottenAt
    );
  }

  /** To be asked when a mint begins, and given back with its result. */
  begin(): Beginning {
    return { generation: this.#generation, lineage: this.#lineage, drops: this.#drops };
  }

  isCurrent({ generation }: Pick<Beginning, 'generation'>): boolean {
    return generation === this.#generation;
  }

  /**
   * What still counts of a mint's result: all of it; its refresh token, where only access tokens were forgotten since,
   * because it may be the only one that is left alive; or nothing (C5).
   */
  remainder(record: TokenRecord, beginning: Beginning): TokenRecord | undefined {
    if (this.isCurrent(beginning)) return record;
    if (record.refreshToken === undefined || beginning.lineage !== this.#lineage) return undefined;
    this.#record = { ...record, accessToken: '', expiresAt: 0 };
    return this.#record;
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
    const isHeld = before !== undefined && before.accessToken === record.accessToken;
    const isStillWhole = isHeld && !isExtended(before.expiresAt, record.expiresAt);
    const isSame = isHeld || record.accessToken === this.#forgottenValue;
    // A reusing server tells the rest of the same life again, rounded: what we know is more exact.
    this.#record = isStillWhole ? { ...record, expiresAt: before.expiresAt } : record;
    this.#usableUntil =
      how.origin === 'stored' ? this.#record.expiresAt : usableUntil(this.#record.expiresAt, now);
    if (isStillWhole) this.postponeRenewal(now);
    else this.#openWindowAt(renewAt(this.#record, how.renewAheadMs, how.random));
    const isRefusedOne = record.accessToken === this.#refusedValue;
    const forRefusal = isRefusedOne ? 'as-the-refused' : 'for-the-refused';
    this.#refusalPauses.received(how.origin === 'refused' ? forRefusal : 'otherwise', now);
    this.#refusedValue = undefined;
    this.#forgottenValue = undefined;
    return isSame;
  }

  /** A renewal failed, or brought what we have: the next one in the background not before a while (B2, B4). */
  postponeRenewal(now: number): void {
    if (this.#record === undefined) return;
    this.#renewFrom(Math.max(this.#windowOpensAt, nextRenewAt(now, this.#record.expiresAt)));
  }

  /** A request with this token was answered 401 (D2, D3, D5). */
  refuse(value: string, now: number, obtained: Obtained): Standing {
    if (!this.isUsable(now)) {
      if (this.#record?.accessToken !== value || this.#refusedValue !== undefined) return 'gone';
      this.#drop(value);
      return 'dropped';
    }
    if (this.#record?.accessToken !== value) return 'superseded';
    if (this.#refusalPauses.refused(now, obtained) === 'pause') return 'paused';
    this.#drop(value);
    return 'dropped';
  }

  /** Did a mint bring the very value that was refused after it began? (D3) */
  broughtRefused(record: TokenRecord, { drops }: Pick<Beginning, 'drops'>): boolean {
    return record.accessToken === this.#refusedValue && drops !== this.#drops;
  }

  /** A request with this token succeeded: it is good, and so is renewing (D5). */
  succeed(value: string, now: number, obtained: Obtained): void {
    if (this.#record?.accessToken === value) this.#refusalPauses.succeeded(now, obtained);
  }

  get needsProof(): boolean {
    return this.#refusalPauses.needsProof;
  }

  /** Forgets the access token, by hand; the refresh token stays. */
  forgetAccessToken(): void {
    this.#generation++;
    this.#drop(undefined);
    if (this.#record === undefined || this.#record.accessToken === '') return;
    this.#forgottenValue = this.#record.accessToken;
    this.#record = { ...this.#record, accessToken: '', expiresAt: 0 };
  }

  /** Forgets access and refresh token, by hand; what a store holds from before is not taken any more. */
  forgetAll(now: number): void {
    this.forgetAccessToken();
    this.#lineage++;
    this.#record = undefined;
    this.#forgottenAt = now;
  }

  /** Uses a token that was obtained elsewhere, from now on. */
  put(
    record: TokenRecord,
    now: number,
    how: { readonly renewAheadMs: number; readonly random: () => number },
  ): void {
    this.#generation++;
    this.#lineage++;
    this.#record = record;
    this.#refusedValue = undefined;
    this.#forgottenValue = undefined;
    this.#refusalPauses.received('otherwise', now);
    this.#usableUntil = record.accessToken === '' ? 0 : usableUntil(record.expiresAt, now);
    this.#openWindowAt(renewAt(record, how.renewAheadMs, how.random));
  }

  #openWindowAt(time: number): void {
    this.#windowOpensAt = time;
    this.#renewFrom(time);
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
