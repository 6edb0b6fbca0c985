import { isPayuAuthError } from '../../errors.ts';
import type { Emit, MintCause } from '../../events.ts';
import { redact, safeErrorWithFrames } from '../../redact.ts';
import type { Clock } from '../../time/clock.ts';
import { cancellationOf, unlessCancelled } from '../../time/wait.ts';
import { missingScopes } from '../endpoint/scope.ts';
import type { Flight } from '../source/flight.ts';
import type { TokenState } from '../source/token-state.ts';
import type { TokenRecord } from '../store/token-store.ts';
import { Superseded } from './grant-exchange.ts';
import { unexpectedError } from './messages.ts';
import type { MintJob } from './mint-job.ts';
import type { Minted, Minter } from './minter.ts';

export interface RenewalParts {
  readonly minter: Minter;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  readonly renewAheadMs: number;
}

/** What is renewed, and for whom. */
export interface RenewalJob {
  readonly scope: readonly string[];
  readonly state: TokenState;
  readonly flight: Flight<TokenRecord>;
  /** The token that can be used without waiting, if there is one by now. */
  usable(): TokenRecord | undefined;
  /** When all tokens were last forgotten: what a store holds from before is not taken. */
  forgottenAt(): number;
}

/** Gets one token anew: mints until the result counts. */
export class Renewal {
  readonly #parts: RenewalParts;
  readonly #job: RenewalJob;
  readonly #deadRefreshTokens = new Set<string>();
  #attempts = 0;

  constructor(parts: RenewalParts, job: RenewalJob) {
    this.#parts = parts;
    this.#job = job;
  }

  /** Token requests that went out so far. */
  get attempts(): number {
    return this.#attempts;
  }

  async run(): Promise<TokenRecord> {
    const { state, flight } = this.#job;
    const whenTakenOff = state.begin();
    for (;;) {
      await unlessCancelled(state.decisions.carriedOut, cancellationOf(flight.signal));
      const decided = state.isCurrent(whenTakenOff) ? undefined : this.#job.usable();
      const record = decided ?? (await this.#mintOnce());
      if (record !== undefined) return record;
      // A refresh that does not count is over; what follows goes on only while somebody waits (C3).
      flight.endSeeThrough();
    }
  }

  /** Undefined where the result does not count, or not for those who wait. */
  async #mintOnce(): Promise<TokenRecord | undefined> {
    const { clock, emit } = this.#parts;
    const { state, flight } = this.#job;
    const beginning = state.begin();
    const cause = state.mintCause(clock.now());
    let wasAsked = false;
    const noteAsked: MintJob['noteAsked'] = (what) => {
      wasAsked = true;
      if (what === 'token-endpoint') this.#attempts++;
    };
    try {
      const minted = await this.#parts.minter.mint({
        scope: this.#job.scope,
        flight,
        deadRefreshTokens: this.#deadRefreshTokens,
        noteAsked,
        held: (storeKey) => state.heldUnder(storeKey),
        mayAdopt: (record) => this.#mayAdopt(record, cause),
        isCurrent: () => state.isCurrent(beginning),
        remainder: (record) => state.remainder(record, beginning),
      });
      if (flight.signal.aborted) throw flight.signal.reason;
      // Once more, as somebody may have decided by hand while it was being stored.
      if (state.remainder(minted.record, beginning) !== minted.record) return undefined;
      state.storeKey = minted.storeKey;
      // Begun before its result was refused: the answer to the refusal is one more (D3).
      if (state.broughtRefused(minted.record, beginning)) return undefined;
      return this.#receive(minted, cause);
    } catch (error) {
      if (flight.signal.aborted) throw flight.signal.reason;
      if (error instanceof Superseded) return undefined;
      const failure = isPayuAuthError(error)
        ? error
        : unexpectedError(safeErrorWithFrames(error, this.#parts.minter.secrets));
      // What was answered from memory is no news: in a pause there is one such error per request.
      if (wasAsked) emit({ type: 'token-failed', cause, error: failure });
      // What was decided by hand since wins over a failure as it does over a token (C5).
      if (!state.isCurrent(beginning)) return undefined;
      if (cause === 'renew-ahead') state.postponeRenewal(clock.now());
      throw failure;
    }
  }

  /**
   * A renewal ahead of time looks for another token than the one we hold, or for word that a sibling has asked since: a
   * server that reuses tokens would only say the same again.
   */
  #mayAdopt(record: TokenRecord, cause: MintCause): boolean {
    const { state, forgottenAt } = this.#job;
    const held = state.record;
    const isNews =
      cause !== 'renew-ahead' ||
      record.accessToken !== held?.accessToken ||
      record.obtainedAt > held.obtainedAt;
    return isNews && record.obtainedAt > forgottenAt() && state.mayAdopt(record, this.#parts.clock.now());
  }

  #secrets({ accessToken, refreshToken = '' }: TokenRecord): readonly string[] {
    return [...this.#parts.minter.secrets, accessToken, refreshToken];
  }

  #receive(minted: Minted, cause: MintCause): TokenRecord {
    const { clock, emit, random, renewAheadMs } = this.#parts;
    const { scope, state } = this.#job;
    const now = clock.now();
    const origin = minted.kind === 'stored' ? 'stored' : cause;
    const sameToken = state.receive(minted.record, now, { origin, renewAheadMs, random });
    const record = state.record as TokenRecord;
    if (minted.kind === 'stored') return record;
    emit({
      type: 'token-minted',
      grant: minted.grant,
      // A server may echo anything; for the token's owner the scope stays as it was told.
      scope: record.scope.map((each) => redact(each, this.#secrets(record))),
      cause,
      durationMs: minted.durationMs,
      expiresInMs: record.expiresAt - now,
      sameToken,
    });
    const missing = missingScopes(scope, record.scope);
    if (missing.length > 0) emit({ type: 'scope-missing', missing });
    return record;
  }
}
