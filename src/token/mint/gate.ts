import type { Clock } from '../../time/clock.ts';
import { BETWEEN_MINTS, BETWEEN_TRIES, delayAfter, jittered, rateLimitWaitMs } from '../../time/delays.ts';
import { type Instant, isOver, later, laterOf, msUntil, readClock } from '../../time/instant.ts';
import type { Failure } from '../endpoint/token-endpoint.ts';

/** Leave to send one token request. */
export interface Permit {
  /** What was sent between two failures belongs together: requests that fail side by side count as one failure. */
  readonly epoch: number;
  /** To be called when the request and what follows from it is over. */
  readonly release: () => void;
}

/** Token requests that failed in a row, the last one, and when the next may go out. */
export interface Streak {
  readonly failure: Failure;
  readonly attempts: number;
  readonly since: Instant;
  readonly until: Instant;
}

/** Why nobody may send now. */
export type Block =
  /** The server told us to wait (E3). */
  | { readonly kind: 'cool-down'; readonly since: Instant; readonly until: Instant }
  /** Between the tries of a mint, or after all of them: in a pause, whatever needs a token fails at once (E6). */
  | ({ readonly kind: 'back-off' | 'pause' } & Streak);

/** What the gate says to a mint that wants to send. */
export type Answer =
  | { readonly kind: 'pass'; readonly permit: Permit }
  | { readonly kind: 'blocked'; readonly block: Block }
  /** Another mint tries whether trouble is over: ask again once it knows. */
  | { readonly kind: 'ask-again'; readonly after: Promise<void> };

/** What has gone wrong since the server last answered in full. */
interface Trouble {
  readonly block?: Block;
  /** In a row, side by side ones counted once. */
  readonly failures: number;
  readonly failingSince?: Instant;
  readonly pauses: number;
  /** Rate limits in a row that told no wait, or none worth the name. */
  readonly untold: number;
  readonly wasToldZero: boolean;
}

const NO_TROUBLE: Trouble = { failures: 0, pauses: 0, untold: 0, wasToldZero: false };

/**
 * What all mints of one client at one token endpoint ask before they send: it knows when the server wants to be left
 * alone, and lets one mint at a time try whether trouble is over. It answers, and waits for nothing.
 */
export class MintGate {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #tokenAttempts: number;

  #trouble = NO_TROUBLE;
  /** Another one after each failure. */
  #epoch = 0;
  #probe: Promise<void> | undefined;

  constructor(clock: Clock, random: () => number, tokenAttempts: number) {
    this.#clock = clock;
    this.#random = random;
    this.#tokenAttempts = tokenAttempts;
  }

  get block(): Block | undefined {
    const { block } = this.#trouble;
    return block === undefined || isOver(block.until, readClock(this.#clock)) ? undefined : block;
  }

  ask(): Answer {
    const { block } = this;
    if (block !== undefined) return { kind: 'blocked', block };
    if (this.#trouble === NO_TROUBLE)
      return { kind: 'pass', permit: { epoch: this.#epoch, release: () => {} } };
    if (this.#probe !== undefined) return { kind: 'ask-again', after: this.#probe };
    return { kind: 'pass', permit: this.#probePermit() };
  }

  /** Whether its holder may still send: trouble may have come up, or a longer wait been told, since it passed. */
  maySend(permit: Permit): boolean {
    return this.#isOfNow(permit) && this.block === undefined;
  }

  /** The server answered in full: trouble, if there was any, is over. */
  answered(permit: Permit): void {
    if (this.#isOfNow(permit)) this.#trouble = NO_TROUBLE;
  }

  /** Begins a cool-down. Returns how long it is, in milliseconds. */
  rateLimited(toldMs: number | undefined, permit: Permit): number {
    const { untold, wasToldZero, block } = this.#trouble;
    if (!this.#isOfNow(permit)) {
      return this.#coolDown(rateLimitWaitMs(toldMs, Math.max(1, untold), this.#random), block);
    }
    // Told to come back at once, we did, and were sent away again: that told nothing.
    const usableMs = toldMs === 0 && wasToldZero ? undefined : toldMs;
    const untoldNow = usableMs === undefined ? untold + 1 : untold;
    this.#trouble = { ...this.#trouble, untold: untoldNow, wasToldZero: toldMs === 0 };
    return this.#coolDown(rateLimitWaitMs(usableMs, untoldNow, this.#random));
  }

  /** Joins a cool-down that a sibling was told of. */
  joinCoolDown(leftMs: number): void {
    const { block } = this;
    if (block !== undefined && msUntil(block.until, readClock(this.#clock)) >= leftMs) return;
    this.#coolDown(leftMs);
  }

  /**
   * Counts a failed token request. A back-off follows where it will be tried again; a pause once all tries have failed,
   * or where nobody waits for another one (C3). After a reply without a usable token the next mint may ask at once.
   */
  failed(permit: Permit, failure: Failure, then: 'try-again' | 'leave-it'): Streak {
    const now = readClock(this.#clock);
    const { block, failures, failingSince: since = now, pauses } = this.#trouble;
    // Beside another's trouble it may be the only failure there was.
    if (block !== undefined && !this.#isOfNow(permit)) {
      return { failure, attempts: Math.max(1, failures), since, until: block.until };
    }
    const attempts = failures + 1;
    // After a pause there is a single try, so each further failure is followed by the next pause.
    const isPause = pauses > 0 || then === 'leave-it' || attempts >= this.#tokenAttempts;
    const backOffMs = () =>
      failure.kind === 'unusable' ? 0 : jittered(delayAfter(attempts, BETWEEN_TRIES), this.#random);
    const until = later(now, isPause ? delayAfter(pauses + 1, BETWEEN_MINTS) : backOffMs());
    const streak = { kind: isPause ? 'pause' : 'back-off', failure, attempts, since, until } as const;
    this.#epoch++;
    this.#trouble = {
      ...this.#trouble,
      block: streak,
      failures: attempts,
      failingSince: since,
      pauses: isPause ? pauses + 1 : pauses,
    };
    return streak;
  }

  /** Of replies that come side by side the longest wait counts. */
  #coolDown(waitMs: number, beside?: Block): number {
    const now = readClock(this.#clock);
    const told = later(now, waitMs);
    const until = beside === undefined ? told : laterOf(told, beside.until);
    if (beside === undefined) this.#epoch++;
    this.#trouble = { ...this.#trouble, block: { kind: 'cool-down', since: now, until } };
    return Math.ceil(msUntil(until, now));
  }

  /** Whether the permit's request was not sent before the trouble of now began: only then what it came to counts. */
  #isOfNow(permit: Permit): boolean {
    return this.#trouble === NO_TROUBLE || permit.epoch === this.#epoch;
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
