import type { RateLimitedError } from '../../errors.ts';
import type { Clock } from '../../time/clock.ts';
import {
  BETWEEN_MINTS,
  BETWEEN_TRIES,
  delayAfter,
  jittered,
  UNTOLD_RATE_LIMIT,
  withJitterOnTop,
} from '../../time/delays.ts';
import { cancellationOf, unlessCancelled } from '../../time/wait.ts';

/** A mint that wants to pass: it can be held up for as long as those who wait for it have patience. */
export interface Passenger {
  readonly signal: AbortSignal;
  readonly isAwaited: boolean;
  holdUntil(hold: { readonly until: number; readonly tooLong: () => Error }): Promise<void>;
}

/** Leave to send one token request. */
export interface Permit {
  /** Which row of failures the request belongs to: those that fail side by side count as one. */
  readonly round: object;
  /** To be called when the request and what follows from it is over. */
  release(): void;
}

/** Failures in a row, for messages. */
export interface Streak {
  readonly attempts: number;
  readonly since: number;
  readonly nextAt: number;
}

/** A cool-down, for messages. */
export interface CoolDown {
  /** When the server first asked for one, without an answer since. */
  readonly since: number;
  readonly until: number;
  readonly now: number;
}

/** Why nobody may send now, and what to tell those who can't wait for it to end. */
interface Closure {
  readonly kind:
    | 'cool-down' // the server told us to wait (E3)
    | 'back-off' // between the tries of a mint (E6)
    | 'pause'; // all tries have failed: requests fail at once (E6)
  readonly error: () => Error;
}

/** Failures of mints that are not tried again, until a pause follows. */
const MOST_FINAL_FAILURES = 2;

/**
 * What all mints of one client at one token endpoint must pass: it knows when the server wants to be left alone, and
 * lets one mint at a time try whether trouble is over.
 */
export class MintGate {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #attempts: number;
  readonly #rateLimitedError: (coolDown: CoolDown) => RateLimitedError;

  #closure: Closure | undefined;
  #opensAt = 0;
  /** What is sent between one failure and the next; each failure begins another. */
  #round: object = {};
  /** Failures in a row, side by side ones counted once. */
  #faults = 0;
  #faultsSince = 0;
  /** Of these, the last ones that were final. */
  #finals = 0;
  #pauses = 0;
  #limitedSince: number | undefined;
  /** Rate limits in a row that told no wait, or none worth the name. */
  #untold = 0;
  #zeroTold = false;
  #probe: Promise<void> | undefined;

  constructor(parts: {
    readonly clock: Clock;
    readonly random: () => number;
    readonly tokenAttempts: number;
    readonly rateLimitedError: (coolDown: CoolDown) => RateLimitedError;
  }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#attempts = parts.tokenAttempts;
    this.#rateLimitedError = parts.rateLimitedError;
  }

  /** Whether a mint could go out now without waiting. */
  get isOpen(): boolean {
    return this.#closure === undefined || (this.#clock.now() >= this.#opensAt && this.#probe === undefined);
  }

  /** Whether the next try of the same mint may follow, after the back-off. */
  get allowsAnotherTry(): boolean {
    return this.#closure?.kind !== 'pause';
  }

  /** Waits until this mint may send. Rejects where waiting is of no use: in a pause, or unawaited in a cool-down. */
  async pass(mint: Passenger): Promise<Permit> {
    for (;;) {
      const closure = this.#closure;
      if (closure === undefined) return { round: this.#round, release: () => {} };
      if (this.#clock.now() < this.#opensAt) {
        if (closure.kind === 'pause' || (closure.kind === 'cool-down' && !mint.isAwaited))
          throw closure.error();
        await mint.holdUntil({ until: this.#opensAt, tooLong: closure.error });
      } else if (this.#probe !== undefined) {
        await unlessCancelled(this.#probe, cancellationOf(mint.signal));
      } else {
        return this.#probePermit();
      }
    }
  }

  /** Whether its holder may send now: trouble may have come up, or a longer wait been told, since it passed. */
  maySend(permit: Permit): boolean {
    return this.#closure === undefined || (this.honours(permit) && this.#clock.now() >= this.#opensAt);
  }

  /** Whether what the permit's request comes to counts: it was not sent before the trouble began. */
  honours(permit: Permit): boolean {
    return this.#closure === undefined || permit.round === this.#round;
  }

  /** The server answered in full: trouble, if there was any, is over. */
  answered(permit: Permit): void {
    if (!this.honours(permit)) return; // an answer to what was sent before the trouble began
    this.#closure = undefined;
    this.#faults = 0;
    this.#finals = 0;
    this.#pauses = 0;
    this.#limitedSince = undefined;
    this.#untold = 0;
    this.#zeroTold = false;
  }

  /** Begins a cool-down. Returns when it ends. */
  rateLimited(toldMs: number | undefined, permit: Permit): number {
    const isFirst = this.honours(permit);
    // Told to come back at once, we did, and were sent away again: that told nothing.
    const usableMs = isFirst && toldMs === 0 && this.#zeroTold ? undefined : toldMs;
    if (isFirst) {
      this.#round = {};
      this.#zeroTold = toldMs === 0;
      if (usableMs === undefined) this.#untold++;
    }
    const waitMs =
      usableMs === undefined
        ? jittered(delayAfter(Math.max(1, this.#untold), UNTOLD_RATE_LIMIT), this.#random)
        : withJitterOnTop(usableMs, this.#random);
    const until = this.#clock.now() + waitMs;
    // Of replies that come side by side the longest wait counts.
    this.#beginCoolDown(isFirst ? until : Math.max(until, this.#opensAt));
    return this.#opensAt;
  }

  /** Joins a cool-down that somebody else was told of. */
  coolDownUntil(time: number): void {
    if (this.#closure !== undefined && this.#opensAt >= time) return;
    this.#round = {};
    this.#beginCoolDown(time);
  }

  /**
   * Counts a failed token request: a back-off follows, or a pause once all tries have failed. `final`: the same mint
   * is not tried again; the next one may go out at once, and only a second such failure in a row is followed by a
   * pause. Returns the error for those who waited.
   */
  failed(permit: Permit, how: 'passing' | 'final', toError: (streak: Streak) => Error): Error {
    if (this.honours(permit)) {
      if (this.#faults === 0) this.#faultsSince = this.#clock.now();
      this.#round = {};
      this.#faults++;
      this.#finals = how === 'final' ? this.#finals + 1 : 0;
      const isLast = how === 'final' ? this.#finals >= MOST_FINAL_FAILURES : this.#faults >= this.#attempts;
      // After a pause there is a single try, so each further failure is followed by the next pause.
      const isPause = this.#pauses > 0 || isLast;
      if (isPause) this.#pauses++;
      this.#opensAt = this.#clock.now() + this.#delayMs(isPause ? 'pause' : how);
      const streak = this.#streak();
      this.#closure = { kind: isPause ? 'pause' : 'back-off', error: () => toError(streak) };
    }
    // Beside another's trouble it may be the only failure there was.
    if (this.#faults === 0) return toError({ attempts: 1, since: this.#clock.now(), nextAt: this.#opensAt });
    return toError(this.#streak());
  }

  #delayMs(what: 'pause' | 'passing' | 'final'): number {
    switch (what) {
      case 'pause':
        return delayAfter(this.#pauses, BETWEEN_MINTS);
      case 'passing':
        return jittered(delayAfter(this.#faults, BETWEEN_TRIES), this.#random);
      case 'final':
        return 0;
      default:
        throw what satisfies never;
    }
  }

  #beginCoolDown(until: number): void {
    this.#limitedSince ??= this.#clock.now();
    this.#opensAt = until;
    const coolDown = { since: this.#limitedSince, until };
    this.#closure = {
      kind: 'cool-down',
      error: () => this.#rateLimitedError({ ...coolDown, now: this.#clock.now() }),
    };
  }

  #streak(): Streak {
    return { attempts: this.#faults, since: this.#faultsSince, nextAt: this.#opensAt };
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
    return { round: this.#round, release };
  }
}
