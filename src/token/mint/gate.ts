import type { Clock } from '../../time/clock.ts';
import { BETWEEN_MINTS, BETWEEN_TRIES, delayAfter, jittered, rateLimitWaitMs } from '../../time/delays.ts';
import { type Instant, isOver, later, laterOf, msUntil, readClock } from '../../time/instant.ts';
import type { Failure } from '../endpoint/token-endpoint.ts';

/** Leave to send one token request. */
export interface Permit {
  /** What was sent between two failures belongs together: requests that fail side by side count as one failure. */
  readonly epoch: number;
  /** To be called when the request and what follows from it is over. */
  release(): void;
}

/** Failed token requests in a row. */
export interface Streak {
  readonly attempts: number;
  readonly since: Instant;
  /** When the next token request may go out. */
  readonly nextAt: Instant;
}

/** Why nobody may send now. */
export type Block =
  /** The server told us to wait (E3). */
  | { readonly kind: 'cool-down'; readonly since: Instant; readonly until: Instant }
  /** Between the tries of a mint (E6). */
  | { readonly kind: 'back-off'; readonly failure: Failure; readonly streak: Streak; readonly until: Instant }
  /** All tries have failed: until it ends, whatever needs a token fails at once (E6). */
  | { readonly kind: 'pause'; readonly failure: Failure; readonly streak: Streak; readonly until: Instant };

/** What the gate says to a mint that wants to send. */
export type Answer =
  | { readonly kind: 'pass'; readonly permit: Permit }
  | { readonly kind: 'blocked'; readonly block: Block }
  /** Another mint tries whether trouble is over: ask again once it knows. */
  | { readonly kind: 'ask-again'; readonly after: Promise<void> };

/** Whether the failed mint would be tried again: with callers that wait, and where trying again may help. */
export type AfterFailure = 'try-again' | 'leave-it' | 'not-helped-by-trying';

/** Failures that trying again does not help, until a pause follows. */
const MOST_UNHELPED = 2;

/**
 * What all mints of one client at one token endpoint ask before they send: it knows when the server wants to be left
 * alone, and lets one mint at a time try whether trouble is over. It answers, and waits for nothing.
 */
export class MintGate {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #tokenAttempts: number;

  #block: Block | undefined;
  /** Another one after each failure. */
  #epoch = 0;
  /** Failures in a row, side by side ones counted once. */
  #failures = 0;
  #failingSince: Instant | undefined;
  /** Of these, the last ones that trying again does not help. */
  #unhelped = 0;
  #pauses = 0;
  #limitedSince: Instant | undefined;
  /** Rate limits in a row that told no wait, or none worth the name. */
  #untold = 0;
  #wasToldZero = false;
  #probe: Promise<void> | undefined;

  constructor(clock: Clock, random: () => number, tokenAttempts: number) {
    this.#clock = clock;
    this.#random = random;
    this.#tokenAttempts = tokenAttempts;
  }

  /** Why nobody may send now, if so. */
  get block(): Block | undefined {
    const block = this.#block;
    return block === undefined || isOver(block.until, readClock(this.#clock)) ? undefined : block;
  }

  /** Whether a mint could go out now without waiting. */
  get isOpen(): boolean {
    return this.#block === undefined || (this.block === undefined && this.#probe === undefined);
  }

  ask(): Answer {
    const { block } = this;
    if (block !== undefined) return { kind: 'blocked', block };
    if (this.#block === undefined) return { kind: 'pass', permit: { epoch: this.#epoch, release: () => {} } };
    if (this.#probe !== undefined) return { kind: 'ask-again', after: this.#probe };
    return { kind: 'pass', permit: this.#probePermit() };
  }

  /** Whether its holder may still send: trouble may have come up, or a longer wait been told, since it passed. */
  maySend(permit: Permit): boolean {
    return this.#block === undefined || (this.#isOfNow(permit) && this.block === undefined);
  }

  /** The server answered in full: trouble, if there was any, is over. */
  answered(permit: Permit): void {
    if (!this.#isOfNow(permit)) return;
    this.#block = undefined;
    this.#failures = 0;
    this.#failingSince = undefined;
    this.#unhelped = 0;
    this.#pauses = 0;
    this.#limitedSince = undefined;
    this.#untold = 0;
    this.#wasToldZero = false;
  }

  /** Begins a cool-down. Returns how long it is, in milliseconds. */
  rateLimited(toldMs: number | undefined, permit: Permit): number {
    const isFirst = this.#isOfNow(permit);
    // Told to come back at once, we did, and were sent away again: that told nothing.
    const usableMs = isFirst && toldMs === 0 && this.#wasToldZero ? undefined : toldMs;
    if (isFirst) {
      this.#wasToldZero = toldMs === 0;
      if (usableMs === undefined) this.#untold++;
    }
    const waitMs = rateLimitWaitMs(usableMs, Math.max(1, this.#untold), this.#random);
    return this.#coolDown(waitMs, isFirst ? undefined : this.#block);
  }

  /** Joins a cool-down that a sibling was told of. */
  joinCoolDown(leftMs: number): void {
    const { block } = this;
    if (block !== undefined && msUntil(block.until, readClock(this.#clock)) >= leftMs) return;
    this.#coolDown(leftMs, undefined);
  }

  /**
   * Counts a failed token request. A back-off follows where it will be tried again; a pause once all tries have failed,
   * or where nobody waits for another one (C3). What trying again does not help may be asked by the next mint at once,
   * and is followed by a pause from the second in a row on.
   */
  failed(permit: Permit, failure: Failure, then: AfterFailure): Streak {
    const now = readClock(this.#clock);
    // Beside another's trouble it may be the only failure there was.
    if (!this.#isOfNow(permit)) return this.#streak(now);
    this.#failingSince ??= now;
    this.#epoch++;
    this.#failures++;
    this.#unhelped = then === 'not-helped-by-trying' ? this.#unhelped + 1 : 0;
    const isPause = this.#isPauseDue(then);
    if (isPause) this.#pauses++;
    const until = later(now, isPause ? delayAfter(this.#pauses, BETWEEN_MINTS) : this.#backOffMs(then));
    const streak = { attempts: this.#failures, since: this.#failingSince, nextAt: until };
    this.#block = { kind: isPause ? 'pause' : 'back-off', failure, streak, until };
    return streak;
  }

  #isPauseDue(then: AfterFailure): boolean {
    // After a pause there is a single try, so each further failure is followed by the next pause.
    if (this.#pauses > 0) return true;
    switch (then) {
      case 'try-again':
        return this.#failures >= this.#tokenAttempts;
      case 'leave-it':
        return true;
      case 'not-helped-by-trying':
        return this.#unhelped >= MOST_UNHELPED;
      default:
        throw then satisfies never;
    }
  }

  #backOffMs(then: AfterFailure): number {
    if (then === 'not-helped-by-trying') return 0;
    return jittered(delayAfter(this.#failures, BETWEEN_TRIES), this.#random);
  }

  /** Of replies that come side by side the longest wait counts. */
  #coolDown(waitMs: number, beside: Block | undefined): number {
    const now = readClock(this.#clock);
    const told = later(now, waitMs);
    const until = beside === undefined ? told : laterOf(told, beside.until);
    if (beside === undefined) this.#epoch++;
    this.#limitedSince ??= now;
    this.#block = { kind: 'cool-down', since: this.#limitedSince, until };
    return Math.ceil(msUntil(until, now));
  }

  /** Whether the permit's request was not sent before the trouble of now began: only then what it came to counts. */
  #isOfNow(permit: Permit): boolean {
    return this.#block === undefined || permit.epoch === this.#epoch;
  }

  #streak(now: Instant): Streak {
    return {
      attempts: Math.max(1, this.#failures),
      since: this.#failingSince ?? now,
      nextAt: this.#block?.until ?? now,
    };
  }

  #probePermit(): Permit {
    let release = () => {};
    const probe = new Promise<void>((resolve) => {
      release = () => {
        if (this.#probe === probe) this.#probe = undefined;
        resolve();
      };
    });
    this.#probe = probe;
    return { epoch: this.#epoch, release };
  }
}
