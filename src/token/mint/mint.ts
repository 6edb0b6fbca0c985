import pRetry from 'p-retry';
import {
  type AnyPayuAuthError,
  ClosedError,
  forCaller,
  isPayuAuthError,
  type TokenRefusedError,
  TokenUnavailableError,
} from '../../errors.ts';
import type { Emit, MintCause } from '../../events.ts';
import { redact, safeErrorWithFrames } from '../../redact.ts';
import { type Clock, dateAt } from '../../time/clock.ts';
import { type Instant, msSince, readClock } from '../../time/instant.ts';
import { unlessCancelled } from '../../time/wait.ts';
import { type FormPost, postWithin, secretsIn } from '../endpoint/form-post.ts';
import { type AskedSecrets, primaryForm, refreshForm, type WireGrant } from '../endpoint/grants.ts';
import { missingScopes } from '../endpoint/scope.ts';
import { isAnswerLost, type Refusal, type TokenOutcome, tokenOutcome } from '../endpoint/token-endpoint.ts';
import type { RenewAhead } from '../expiry.ts';
import type { MintSnapshot, TokenState } from '../source/token-state.ts';
import { cacheKey } from '../store/cache-key.ts';
import type { GuardedStore } from '../store/guarded-store.ts';
import type { TokenRecord } from '../store/token-store.ts';
import type { Block, MintGate, Permit } from './gate.ts';
import { blockedError, failureError, refusedError, unexpectedError } from './messages.ts';
import type { Notices } from './notices.ts';
import type { Secrets } from './secrets.ts';
import { type Obtained, SingleFlight } from './single-flight.ts';

/** What all mints of one auth share. */
export interface MintParts extends RenewAhead {
  readonly tokenUrl: string;
  readonly grant: WireGrant;
  readonly secrets: Secrets;
  readonly post: FormPost;
  readonly store: GuardedStore;
  readonly notices: Notices;
  readonly gate: MintGate;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly defaultLifeMs: number;
  readonly tokenTimeoutMs: number;
  readonly tokenAttempts: number;
  readonly maxWaitMs: number;
}

interface Minted extends Obtained {
  readonly kind: 'minted';
  /** The `grant_type` that brought it. */
  readonly grant: string;
  readonly sentAt: Instant;
  readonly durationMs: number;
}

/** A sibling was faster: its token was in the store. */
interface Found extends Obtained {
  readonly kind: 'found';
}

/** The refresh token is of no use any more: refused, or answered without a token once too often (F2). */
interface DeadRefresh {
  readonly kind: 'dead-refresh';
  readonly refusal: Refusal | undefined;
}

/** Trouble has come up since the gate was passed, a longer wait was told, or something was changed by hand (C5, E3). */
type HeldUp = undefined;

/** So often one is begun anew after changes by hand: `onEvent`, a store or a secret's function may make one each time. */
const MOST_MINTS = 10;
const CHANGED_TOO_OFTEN = `invalidate() or revoke() was called during each of the last ${MOST_MINTS} mints, maybe by "onEvent", the store or a function that gives a secret`;

/**
 * Gets one token: from the store where a sibling put one, else by the grant. One object per mint, to be read from top to
 * bottom: secrets, store, gate, lock, store, refresh or primary grant, store, receive.
 */
export class Mint extends SingleFlight {
  readonly #parts: MintParts;
  readonly #state: TokenState;
  /** What the mint started from. It starts anew where a change by hand wins over its result. */
  #since: MintSnapshot;
  #cause: MintCause = 'missing';
  #secrets: AskedSecrets = {};
  #storeKey = '';
  /** What runs under the lock. */
  #underWay: Promise<unknown> | undefined;
  /** Minted since then, and on its way into the store. */
  #minted: TokenRecord | undefined;
  /** Whether anything was asked since then that could fail: an answer from memory is no news. */
  #hasAsked = false;
  #hasAskedPrimary = false;
  /** Of the last try since then, while another one may follow. */
  #lastFailure: AnyPayuAuthError | undefined;

  constructor(parts: MintParts, state: TokenState) {
    super(parts.clock);
    this.#parts = parts;
    this.#state = state;
    this.#since = state.snapshot();
  }

  /** Begins. Callers may join until it ends; nobody may join a mint that is being aborted. */
  start(): this {
    const state = this.#state;
    state.mint = this;
    const leave = () => {
      if (state.mint === this) state.mint = undefined;
    };
    this.signal.addEventListener('abort', leave, { once: true });
    this.run(this.#mint().finally(leave));
    return this;
  }

  async #mint(): Promise<Obtained> {
    try {
      for (let mints = 0; mints < MOST_MINTS; mints++) {
        await unlessCancelled(Promise.resolve(this.#state.changing), this.aborted);
        const obtained = await this.#mintOnce();
        if (obtained !== undefined) return obtained;
        // After revoke(), invalidate() and setToken() nothing is minted for nobody, and nobody joins such a mint (C5).
        if (!this.isAwaited) this.abort(new Error('Changed by hand, and nobody waits.'));
        this.#throwIfAborted();
      }
      throw this.#noteFailure(new Error(CHANGED_TOO_OFTEN), 'known');
    } catch (error) {
      // The refresh tokens are kept, and tried first by the next mint (F2).
      if (this.#hasAskedPrimary || this.#isRefreshPrimary) this.#state.noteRefreshTrouble({ leftAside: [] });
      const { aborted, reason } = this.signal;
      if (!aborted) throw error;
      // Abandoned by its callers: the last try that failed is told all the same, or that there was none in time (B2, C3).
      const failure = this.#lastFailure ?? reason;
      if (isPayuAuthError(failure) && !(reason instanceof ClosedError)) this.#noteFailure(failure, 'told');
      throw reason;
    }
  }

  /** Settles when a refresh that was sent has been answered, and its token is in the store (C3). */
  get refreshStored(): Promise<unknown> | undefined {
    return this.sending === 'refresh_token' ? this.#underWay : undefined;
  }

  /** Until it is stored, the token may be forgotten by hand, or refused. */
  protected override get arrived(): Obtained | undefined {
    const record = this.#minted;
    const counts =
      record !== undefined &&
      this.#state.isCurrent(this.#since) &&
      !this.#state.broughtRefused(record, this.#since);
    return counts ? { kind: 'minted', record } : undefined;
  }

  /** Undefined where the result does not count, or not for those who wait. */
  async #mintOnce(): Promise<Obtained | undefined> {
    this.#since = this.#state.snapshot();
    this.#cause = this.#state.mintCause(this.#now());
    this.#minted = undefined;
    this.#hasAsked = false;
    this.#lastFailure = undefined;
    try {
      const result = await unlessCancelled(this.#obtain(), this.aborted);
      if (result === undefined || !this.#stillCounts(result.record)) return undefined;
      this.#state.storeKey = this.#storeKey;
      // Sent before its token was refused: the answer to the refusal is one more (D3).
      if (this.#state.broughtRefused(result.record, this.#since)) return undefined;
      return this.#receive(result);
    } catch (error) {
      if (this.signal.aborted) throw error;
      const failure = this.#noteFailure(error, this.#hasAsked ? 'told' : 'known');
      // A change by hand wins over a failure as it does over a token (C5).
      if (!this.#state.isCurrent(this.#since)) return undefined;
      throw failure;
    }
  }

  #noteFailure(error: unknown, news: 'told' | 'known'): AnyPayuAuthError {
    const { clock, emit, secrets } = this.#parts;
    const failure = isPayuAuthError(error)
      ? error
      : unexpectedError(safeErrorWithFrames(error, secrets.lastAsked));
    this.#lastFailure = undefined;
    this.#state.lastFailure = { at: clock.now(), error: failure };
    if (news === 'told') emit({ type: 'token-failed', cause: this.#cause, error: forCaller(failure) });
    if (this.#cause === 'renew-ahead') this.#state.postponeRenewal(this.#now());
    return failure;
  }

  /** Secrets, store, then as many tries as it takes. Undefined where a change by hand has come in between. */
  async #obtain(): Promise<Minted | Found | undefined> {
    await this.#askSecrets();
    const { found } = await this.#lookAround();
    if (found !== undefined) return found;
    // p-retry asks `performance`, and a test environment may have put something in its place that knows no time.
    if (typeof globalThis.performance?.now !== 'function') return this.#try();
    return pRetry(() => this.#try(), {
      retries: this.#parts.tokenAttempts - 1,
      // The gate says when, for all mints of this client together.
      minTimeout: 0,
      shouldRetry: ({ error }) =>
        error instanceof TokenUnavailableError && this.isAwaited && this.#parts.gate.block?.kind !== 'pause',
    });
  }

  async #look(): Promise<TokenRecord | undefined> {
    const record = await this.#parts.store.get(this.#storeKey);
    this.#state.noteFound(record);
    return record ?? undefined;
  }

  async #askSecrets(): Promise<void> {
    try {
      this.#secrets = await this.#parts.secrets.ask(this.aborted);
    } catch (error) {
      this.#hasAsked = true;
      throw error;
    }
    this.#storeKey = cacheKey(this.#parts.tokenUrl, this.#parts.grant, this.#secrets, this.#state.scope);
    this.#state.askedKey = this.#storeKey;
  }

  /** A sibling's token, or what need not be asked: a refusal is thrown, a cool-down closes the gate (E3, E7). One wait (C4). */
  async #lookAround(): Promise<{ readonly found?: Found; readonly stored?: TokenRecord | undefined }> {
    const { notices, gate } = this.#parts;
    const reading = notices.read(this.#storeKey, this.#secrets);
    const stored = await this.#look();
    if (this.#state.mayAdopt(stored, this.#now())) return { found: { kind: 'found', record: stored } };
    const { refused, coolDownMs } = await reading;
    if (coolDownMs !== undefined) gate.joinCoolDown(coolDownMs);
    if (refused !== undefined) throw this.#refusedError(refused.refusal, refused.leftMs);
    return { stored };
  }

  #refusedError(refusal: Refusal, knownForMs?: number): TokenRefusedError {
    const { lostAt, dead } = this.#state.refreshTrouble;
    const isForGood = this.#isRefreshPrimary && refusal === dead;
    return refusedError(this.#parts.tokenUrl, refusal, { knownForMs, lostRefreshAt: lostAt, isForGood });
  }

  /** As often through the gate as it takes: waiting there is no failure, so no try is used up by it. */
  async #try(): Promise<Minted | Found | undefined> {
    const { gate, store } = this.#parts;
    do {
      // What was sent before has been answered: without callers the mint ends here (C3).
      this.stopSending();
      this.#throwIfAborted();
      const answer = gate.ask();
      if (answer.kind === 'ask-again') await answer.after;
      else if (answer.kind === 'blocked') await this.#waitOut(answer.block);
      else {
        const { permit } = answer;
        const task = () => {
          const running = this.#underLock(permit);
          this.#underWay = running;
          return running;
        };
        const result = await store.withLock(this.#storeKey, task, this.signal).finally(permit.release);
        if (result !== undefined) return result;
      }
    } while (this.#state.isCurrent(this.#since));
    return undefined;
  }

  /** Not by the signal's own method: polyfills have none. */
  #throwIfAborted(): void {
    const { aborted, reason } = this.signal;
    if (aborted) throw reason;
  }

  /** Throws in a pause, and in a cool-down that nobody waits out. */
  async #waitOut(block: Block): Promise<void> {
    const { tokenUrl, clock } = this.#parts;
    const tooLong = () => blockedError(tokenUrl, block, readClock(clock));
    if (block.kind === 'pause' || (block.kind === 'cool-down' && !this.isAwaited)) throw tooLong();
    await this.holdUntil({ until: block.until, tooLong });
    // Meanwhile a secret may have been rotated, and one for a single use was sent. What it was serves if it can't be had.
    await this.#askSecrets().catch(() => {});
  }

  /** Whoever gets the lock looks into the store again: a sibling may have minted meanwhile (C1). */
  async #underLock(permit: Permit): Promise<Minted | Found | HeldUp> {
    const { found, stored } = await this.#lookAround();
    if (found !== undefined) return found;
    const result = await this.#refreshOrPrimary(stored, permit);
    if (result?.kind === 'minted') await this.#keep(result.record);
    return result;
  }

  /** Refresh where there is a refresh token; the primary grant where there is none, or where it is dead (F2, F3). */
  async #refreshOrPrimary(stored: TokenRecord | undefined, permit: Permit): Promise<Minted | Found | HeldUp> {
    const state = this.#state;
    let refusal: Refusal | undefined;
    let found = stored;
    for (;;) {
      // The store's first: no clock tells which is younger, and a sibling's may be another (T3).
      const known = [found, state.heldUnder(this.#storeKey)].flatMap((record) => record?.refreshToken ?? []);
      const refreshToken = known.find((each) => state.mayRefreshWith(each));
      // They came for the option's own, so there is nothing to fall back to (F3).
      if (refreshToken === undefined && this.#isRefreshPrimary) {
        if (refusal !== undefined) return this.#refused(refusal);
        const { dead } = state.refreshTrouble;
        if (known.length > 0 && dead !== undefined) throw this.#refusedError(dead);
      }
      const result = await this.#request(permit, refreshToken);
      if (result?.kind !== 'dead-refresh') return result;
      refusal ??= result.refusal;
      // A sibling may have rotated it.
      found = await this.#look();
      if (this.#state.mayAdopt(found, this.#now())) return { kind: 'found', record: found };
      // The next mint goes on from here, with the primary grant: nothing further is sent for nobody (C3).
      if (this.isDeserted) {
        if (refusal !== undefined) this.#lastFailure = this.#refusedError(refusal);
        return undefined;
      }
    }
  }

  async #refused(refusal: Refusal): Promise<never> {
    await this.#parts.notices.refused(this.#storeKey, this.#secrets, refusal);
    throw this.#refusedError(refusal);
  }

  /** Only one word says that the refresh token is dead for good (RFC 6749 §5.2); others may be about the client. */
  #noteDead(refreshToken: string, refusal: Refusal | undefined): DeadRefresh {
    const state = this.#state;
    if (refusal?.error === 'invalid_grant') {
      state.noteSpent(refreshToken);
      state.noteRefreshTrouble({ dead: refusal });
    } else {
      state.noteRefreshTrouble({ leftAside: [...(state.refreshTrouble.leftAside ?? []), refreshToken] });
    }
    return { kind: 'dead-refresh', refusal };
  }

  get #isRefreshPrimary(): boolean {
    return this.#parts.grant.grantType === 'refresh_token';
  }

  /** A refresh with this token, or the primary grant. What p-retry may try again is thrown. */
  async #request(permit: Permit, refreshToken: string | undefined): Promise<Minted | DeadRefresh | HeldUp> {
    const { clock, emit, gate, grant, notices, tokenUrl, defaultLifeMs } = this.#parts;
    const { scope } = this.#state;
    const isPrimary = refreshToken === undefined;
    this.#throwIfAborted();
    // Asked before each request: a change by hand, or another scope's trouble, may have come in between (C5, E3).
    if (!this.#state.isCurrent(this.#since) || !gate.maySend(permit)) return undefined;
    const form = isPrimary
      ? primaryForm(grant, this.#secrets, scope)
      : refreshForm(grant, this.#secrets, refreshToken);
    const grantType = isPrimary ? grant.grantType : 'refresh_token';
    const sentAt = readClock(clock);
    this.#hasAsked = true;
    if (isPrimary) this.#hasAskedPrimary = true;
    this.startSending(grantType);
    // Only close() aborts one, but no refresh: a server that rotates may have killed the old refresh token, and only the
    // reply knows the new one (C3).
    const cancellation = grantType === 'refresh_token' ? undefined : this.aborted;
    const reply = await postWithin(this.#parts, tokenUrl, form, cancellation);
    const outcome = tokenOutcome(reply, {
      scope,
      sentAt: sentAt.wallMs,
      receivedAt: clock.now(),
      defaultLifeMs,
      // Those of this form and of the grant: a refresh does not send the password, and a server may quote it all the same.
      secrets: [...secretsIn(form, tokenUrl), ...Object.values(this.#secrets)],
    });
    if (grantType === 'refresh_token' && isAnswerLost(outcome)) {
      this.#state.noteRefreshTrouble({ lostAt: sentAt.wallMs });
    }
    const isBroken = !isPrimary && this.#isRefreshBroken(outcome);
    switch (outcome.kind) {
      case 'token': {
        gate.answered(permit);
        const used = refreshToken ?? this.#secrets.refresh_token;
        const record = withRefreshToken(outcome.record, grantType, used);
        if (record.refreshToken !== used) this.#state.noteSpent(used);
        const durationMs = Math.round(msSince(sentAt, this.#now()));
        return { kind: 'minted', record, grant: grantType, sentAt, durationMs };
      }
      case 'refused':
        gate.answered(permit);
        // Any refusal in JSON, whatever its words, is about the refresh token; a firewall's page is not (F2).
        if (!isPrimary && outcome.refusal.isJson) return this.#noteDead(refreshToken, outcome.refusal);
        return this.#refused(outcome.refusal);
      case 'rate-limited': {
        const delayMs = gate.rateLimited(outcome.toldMs, permit);
        const retryAt = dateAt(clock.now() + delayMs);
        emit({ type: 'rate-limited', source: 'token-endpoint', delayMs, retryAt });
        // Before the lock is free again: the next process to get it must know.
        await notices.coolDown(delayMs);
        // Not only at the gate: after a change by hand the mint does not come there again (C3).
        this.stopSending();
        return undefined;
      }
      case 'fault':
      case 'unusable':
        if (isBroken) {
          const alone = { failure: outcome, attempts: 1, since: sentAt, until: sentAt };
          this.#lastFailure = failureError(tokenUrl, alone);
          return this.#noteDead(refreshToken, undefined);
        }
        this.#lastFailure = failureError(
          tokenUrl,
          gate.failed(permit, outcome, this.isDeserted ? 'leave-it' : 'try-again'),
        );
        throw this.#lastFailure;
      default:
        throw outcome satisfies never;
    }
  }

  /** So that one broken record cannot lock the client out, the primary grant is then tried once (F2). */
  #isRefreshBroken(outcome: TokenOutcome): boolean {
    // A lost answer says nothing of the refresh token.
    if (outcome.kind === 'fault' && (outcome.status ?? 0) < 500) return false;
    const before = this.#state.refreshTrouble.broken ?? 0;
    const broken = outcome.kind === 'fault' || outcome.kind === 'unusable' ? before + 1 : 0;
    const isBroken = !this.#isRefreshPrimary && broken >= this.#parts.tokenAttempts;
    if (broken !== before) this.#state.noteRefreshTrouble({ broken: isBroken ? 0 : broken });
    return isBroken;
  }

  /** Stored before anyone uses it: a rotated refresh token that only we knew would be lost with us (C4). */
  async #keep(record: TokenRecord): Promise<void> {
    const counting = this.#state.whatCounts(record, this.#since);
    if (counting === undefined) return;
    if (counting === record) this.#minted = counting;
    await this.#parts.store.setSoon(this.#storeKey, counting);
  }

  /** Asked once more after the write: somebody may have changed the token by hand meanwhile (C5). */
  #stillCounts(record: TokenRecord): boolean {
    const counting = this.#state.whatCounts(record, this.#since);
    if (counting === record) return true;
    if (counting !== undefined) this.#state.hold(counting);
    // It may be in the store by now.
    this.#state.forgetFound(record);
    return false;
  }

  #receive(token: Minted | Found): Obtained {
    const now = this.#now();
    const { record, kind } = token;
    if (kind === 'found') this.#state.receive(record, kind, now);
    else {
      const sameToken = this.#state.receive(record, this.#cause, now, token.sentAt);
      const secrets = [...Object.values(this.#secrets), record.accessToken, record.refreshToken ?? ''];
      this.#parts.emit({
        type: 'token-minted',
        grant: token.grant,
        // A server may echo anything; for the token's owner the scope stays as it was told.
        scope: record.scope.map((each) => redact(each, secrets)),
        cause: this.#cause,
        durationMs: token.durationMs,
        expiresInMs: Math.round(record.expiresAt - now.wallMs),
        sameToken,
      });
      const missing = missingScopes(this.#state.scope, record.scope);
      if (missing.length > 0) this.#parts.emit({ type: 'scope-missing', missing });
    }
    return { kind, record };
  }

  #now(): Instant {
    return readClock(this.#parts.clock);
  }
}

/** A reply without a refresh token leaves the used one in force; client credentials have none (RFC 6749 §4.4.3). */
function withRefreshToken(record: TokenRecord, grantType: string, used: string | undefined): TokenRecord {
  const { refreshToken = used, ...rest } = record;
  return refreshToken === undefined || grantType === 'client_credentials' ? rest : { ...rest, refreshToken };
}
