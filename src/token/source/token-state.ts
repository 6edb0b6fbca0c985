import type { AnyPayuAuthError } from '../../errors.ts';
import type { MintCause } from '../../events.ts';
import { earlierOf, type Instant, isOver, LONG_AGO, later, laterOf, msUntil } from '../../time/instant.ts';
import type { Refusal } from '../endpoint/token-endpoint.ts';
import { endOfFound, endOfOwn, nextRenewAt, type RenewAhead, renewAt, usableUntil } from '../expiry.ts';
import type { Mint } from '../mint/mint.ts';
import type { TokenRecord } from '../store/token-store.ts';
import { type HowHeld, RefusalPauses } from './refusal-pauses.ts';

/**
 * What a refused value means for the token we hold. `superseded`: it was not held any more (D2). `dropped`: it was, and has
 * to be renewed (D3). `paused`: it was, and renewing did not help before (D5).
 */
export type Standing = 'superseded' | 'dropped' | 'paused';

/** What a mint started from: once its result is there, it tells what of it still counts. */
export interface MintSnapshot {
  readonly epoch: number;
  readonly refusedValue: string | undefined;
}

/** What is known of refreshing with the refresh token that is held. */
export interface RefreshTrouble {
  /** Refresh tokens that are left aside until the primary grant was asked: nothing says that they are dead (F2). */
  readonly leftAside?: readonly string[];
  /** The word that the refresh token is dead (F3). */
  readonly dead?: Refusal;
  /** Refreshes in a row that the server answered with a 5xx, or a success without a token (F2). */
  readonly broken?: number;
  /** When a refresh was sent whose answer was lost, and maybe a new refresh token with it. */
  readonly lostAt?: number;
}

const NO_TROUBLE: RefreshTrouble = Object.freeze({});

export interface MintFailure {
  readonly at: number;
  readonly error: AnyPayuAuthError;
}

/** To a health check. */
const FAILURE_IS_NEWS_FOR_MS = 60 * 60 * 1_000;

/** How a token came. `found`: in the store; `by-hand`: by setToken(); else why it was minted. */
export type Origin = 'found' | 'by-hand' | MintCause;

/** Servers round the rest of a life to seconds. */
const ROUNDING_MS = 1_000;

/** Values that are remembered as unwanted or replaced: more than a store can show in the time that one of them lives. */
const MOST_REMEMBERED = 32;

/** What is known of one token: all questions of rules B and D are asked here, and answered nowhere else. */
export class TokenState {
  /** Scopes with spaces between: what tells one token of an auth from another. */
  readonly key: string;
  /** The mint under way, if any: everybody shares it. */
  mint: Mint | undefined;
  /** The last look into the store in a pause between renewals (D5), and when the next one may follow. */
  look: Promise<void> | undefined;
  nextLookAt: Instant = LONG_AGO;
  /** The key in the store, once the secrets were asked for it. */
  storeKey: string | undefined;
  /** The key that a mint last looked under, whatever came of it. */
  askedKey: string | undefined;
  /** The last mint that failed; it stays known when another one succeeds. */
  lastFailure: MintFailure | undefined;
  /** Until another refresh token is held. */
  refreshTrouble: RefreshTrouble = NO_TROUBLE;
  /** Changes by hand, on their way into the store. Settles when all of them are carried out; never rejects. */
  changing: Promise<void> | undefined;

  #record: TokenRecord | undefined;
  #end: Instant = LONG_AGO;
  /** Until when the record's token may be sent; long ago once it was dropped. */
  #usableUntil: Instant = LONG_AGO;
  #renewAt: Instant = LONG_AGO;
  /** The token was found in the place of a refused one, and nothing has succeeded with it. */
  #isUnprovenFind = false;
  /** Tokens of before then may be as dead as the last two, and are not taken from a store (D3). */
  #takesSince = 0;
  /** Values that are not taken from a store: they were refused, or forgotten by hand. By value, as clocks differ (H2). */
  #unwanted: Set<string> | undefined;
  /** Refresh tokens that were exchanged, refused as dead, revoked, or gave way to another one. By value, as clocks differ (T3). */
  #spent: Set<string> | undefined;
  /** Rises with each change by hand: results of earlier mints no longer count (C5). */
  #epoch = 0;
  /** All tokens were forgotten before this one was looked for: what the store holds then is forgotten as well. */
  #forgetsFirstFound = false;
  /** The first epoch of the refresh token: results of earlier ones do not count either. */
  #refreshTokenSince = 0;
  /** Made by the first refusal. */
  #refusalPauses: RefusalPauses | undefined;
  readonly #renewAhead: RenewAhead;

  constructor(key: string, renewAhead: RenewAhead) {
    this.key = key;
    this.#renewAhead = renewAhead;
  }

  get scope(): readonly string[] {
    return this.key.split(' ');
  }

  /** Dead or alive: its refresh token outlives the access token. */
  get record(): TokenRecord | undefined {
    return this.#record;
  }

  /** The record that was kept under this key in the store: with other secrets it is another token (B6). */
  heldUnder(storeKey: string): TokenRecord | undefined {
    return this.storeKey === undefined || this.storeKey === storeKey ? this.#record : undefined;
  }

  /** The hot path asks only this. */
  isFresh(now: Instant): boolean {
    return !isOver(this.#renewAt, now);
  }

  isUsable(now: Instant): boolean {
    return !isOver(this.#usableUntil, now);
  }

  /** One that was refused is not, while it is renewed. */
  isInUse(value: string, now: Instant): boolean {
    return this.isUsable(now) && this.#record?.accessToken === value;
  }

  health(now: Instant): 'fresh' | 'renewing' | 'expired' | 'missing' {
    if (this.isUsable(now)) return this.mint === undefined ? 'fresh' : 'renewing';
    return this.#record?.accessToken ? 'expired' : 'missing';
  }

  /** Used at once, and due for a renewal in the background. Not in the grace of a token that has expired (B5). */
  isDue(now: Instant): boolean {
    return this.isUsable(now) && isOver(this.#renewAt, now) && !isOver(this.#end, now);
  }

  /** Not before the certain end of a token: till then a store may show what must not be taken again (H2, T1). */
  isDead(now: Instant): boolean {
    return (
      now.wallMs >= (this.lastFailure?.at ?? Number.NEGATIVE_INFINITY) + FAILURE_IS_NEWS_FOR_MS &&
      this.mint === undefined &&
      this.changing === undefined &&
      !this.isUsable(now) &&
      now.steadyMs >= this.#end.steadyMs &&
      this.#record?.refreshToken === undefined &&
      this.#refusalPauses?.isPaused(now) !== true
    );
  }

  /** Changes by hand are carried out one after the other, and before any mint looks into the store again (C5). */
  change<T>(carryOut: () => Promise<T>): Promise<T> {
    const done = Promise.resolve(this.changing).then(carryOut);
    const changing = Promise.allSettled([done]).then(() => {
      if (this.changing === changing) this.changing = undefined;
    });
    this.changing = changing;
    return done;
  }

  mintCause(now: Instant): MintCause {
    if (this.#refusedValue !== undefined) return 'refused';
    if (this.isUsable(now)) return 'renew-ahead';
    return this.#record?.accessToken ? 'expired' : 'missing';
  }

  /**
   * May this record, found in the store, be used? The very token that we hold says nothing new, unless somebody has asked
   * the server for it since: it may be over here while the store still shows it.
   */
  mayAdopt(record: TokenRecord | null | undefined, now: Instant): record is TokenRecord {
    if (record == null) return false;
    const { accessToken, obtainedAt, refreshToken } = record;
    if (accessToken === '' || this.#unwanted?.has(accessToken)) return false;
    // The store has lost what was written after it: with this record a dead refresh token would come back.
    if (refreshToken !== undefined && this.#spent?.has(refreshToken)) return false;
    if (accessToken === this.#record?.accessToken && obtainedAt === this.#record.obtainedAt) return false;
    if (obtainedAt < this.#takesSince) return false;
    return msUntil(endOfFound(record, now), now) > 0;
  }

  /** Nothing is held, but the store may hold something: it is forgotten as soon as it is seen. */
  forgetFirstFound(): void {
    this.#forgetsFirstFound = true;
  }

  /** To be called with what the store shows: once it has answered, what comes there is newer. */
  noteFound(record: TokenRecord | null | undefined): void {
    if (!this.#forgetsFirstFound || record === undefined) return;
    this.#forgetsFirstFound = false;
    this.#noteUnwanted(record?.accessToken ?? '');
  }

  snapshot(): MintSnapshot {
    return { epoch: this.#epoch, refusedValue: this.#refusedValue };
  }

  /** Whether nobody has changed the access token by hand since then. */
  isCurrent({ epoch }: MintSnapshot): boolean {
    return epoch === this.#epoch;
  }

  /**
   * What still counts of a mint's result: all of it; its refresh token, where only access tokens were forgotten since,
   * because it may be the only one that is left alive; or nothing (C5).
   */
  whatCounts(record: TokenRecord, since: MintSnapshot): TokenRecord | undefined {
    if (this.isCurrent(since)) return record;
    if (record.refreshToken === undefined || since.epoch < this.#refreshTokenSince) return undefined;
    return { ...record, accessToken: '', expiresAt: 0 };
  }

  /** Did a mint bring the very value that was refused after it began? (D3) */
  broughtRefused({ accessToken }: TokenRecord, { refusedValue }: MintSnapshot): boolean {
    return accessToken === this.#refusedValue && accessToken !== refusedValue;
  }

  /** Takes a token that has just come, for a token request of `sentAt`. Returns whether it is the one that we had. */
  receive(record: TokenRecord, origin: Origin, now: Instant, sentAt: Instant = now): boolean {
    if (origin === 'by-hand') this.#refreshTokenSince = ++this.#epoch;
    const told = origin === 'found' ? endOfFound(record, now) : endOfOwn(record, sentAt);
    const refusedValue = this.#refusedValue;
    const isHeld = this.#record?.accessToken === record.accessToken;
    const isSame = isHeld || this.#unwanted?.has(record.accessToken) === true;
    this.hold(record);
    // A reusing server tells the rest of the same life again, rounded: it ends neither earlier nor later for that.
    this.#end = isHeld && origin !== 'by-hand' ? laterOf(this.#end, later(told, -ROUNDING_MS)) : told;
    const isExact = origin === 'found' || (isHeld && !isOver(this.#end, now));
    this.#usableUntil = isExact ? this.#end : usableUntil(this.#end, now);
    if (record.accessToken === '') this.#usableUntil = LONG_AGO;
    this.#renewFrom(renewAt(this.#end, record.expiresAt - record.obtainedAt, this.#renewAhead));
    if (isHeld) this.postponeRenewal(now);
    const forRefusal = record.accessToken === refusedValue ? 'as-the-refused' : 'for-the-refused';
    this.#refusalPauses?.received(origin === 'refused' ? forRefusal : 'otherwise', now);
    this.#isUnprovenFind = origin === 'found' && refusedValue !== undefined;
    this.#takesSince = 0;
    this.#forgetsFirstFound = false;
    this.#unwanted?.delete(record.accessToken);
    return isSame;
  }

  /** Holds a record: also of an access token that does not count any more, for its refresh token (C5). */
  hold(record: TokenRecord): void {
    this.noteSpent(this.#record?.refreshToken);
    if (record.refreshToken !== undefined) this.#spent?.delete(record.refreshToken);
    this.#record = record;
    this.refreshTrouble = NO_TROUBLE;
  }

  noteRefreshTrouble(trouble: RefreshTrouble): void {
    this.refreshTrouble = { ...this.refreshTrouble, ...trouble };
  }

  /** Another refresh token has come in its place, or has to: it is not sent again, whoever shows it. */
  noteSpent(refreshToken: string | undefined): void {
    if (refreshToken !== undefined) this.#spent = remember(refreshToken, this.#spent);
  }

  mayRefreshWith(refreshToken: string): boolean {
    return !this.#spent?.has(refreshToken) && !this.refreshTrouble.leftAside?.includes(refreshToken);
  }

  /** A renewal failed, or brought what we have: the next one in the background not before a while (B2, B4). */
  postponeRenewal(now: Instant): void {
    this.#renewFrom(laterOf(this.#renewAt, nextRenewAt(now, this.#end)));
  }

  refuse(value: string, now: Instant, how: HowHeld): Standing {
    this.#noteUnwanted(value);
    this.#refusalPauses ??= new RefusalPauses();
    if (this.#record?.accessToken !== value || this.#refusedValue !== undefined) return 'superseded';
    if (this.isUsable(now) && this.#refusalPauses.refused(now, how) === 'pause') return 'paused';
    if (this.#isUnprovenFind) this.#takesSince = now.wallMs;
    this.#drop();
    return 'dropped';
  }

  succeed(value: string, now: Instant, how: HowHeld): void {
    if (this.#record?.accessToken !== value) return;
    this.#isUnprovenFind = false;
    this.#refusalPauses?.succeeded(now, how);
  }

  /** By hand; the refresh token stays. */
  forgetAccessToken(): void {
    this.#epoch++;
    this.#drop();
    if (!this.#record?.accessToken) return;
    this.#noteUnwanted(this.#record.accessToken);
    this.#record = { ...this.#record, accessToken: '', expiresAt: 0 };
  }

  /** By hand. */
  forgetAll(): void {
    this.forgetAccessToken();
    this.#refreshTokenSince = this.#epoch;
    this.noteSpent(this.#record?.refreshToken);
    this.#record = undefined;
    this.refreshTrouble = NO_TROUBLE;
  }

  /** A token of the store that was forgotten by hand is not taken any more, whoever writes it again. */
  forgetFound(record: TokenRecord | null | undefined): void {
    const { accessToken = '', refreshToken } = record ?? {};
    if (accessToken !== this.#record?.accessToken) this.#noteUnwanted(accessToken);
    if (refreshToken !== this.#record?.refreshToken) this.noteSpent(refreshToken);
  }

  /** Never later than the token may be used: the hot path asks for this time alone. */
  #renewFrom(time: Instant): void {
    this.#renewAt = earlierOf(time, this.#usableUntil);
  }

  #drop(): void {
    this.#usableUntil = LONG_AGO;
    this.#renewAt = LONG_AGO;
  }

  /** What was dropped and is still there was refused: by hand it would be forgotten. */
  get #refusedValue(): string | undefined {
    return this.#usableUntil === LONG_AGO ? this.#record?.accessToken || undefined : undefined;
  }

  #noteUnwanted(value: string): void {
    if (value !== '') this.#unwanted = remember(value, this.#unwanted);
  }
}

/** Forgets the oldest where there are too many. */
function remember(value: string, values: Set<string> = new Set()): Set<string> {
  values.add(value);
  const [oldest] = values;
  if (values.size > MOST_REMEMBERED) values.delete(oldest as string);
  return values;
}
