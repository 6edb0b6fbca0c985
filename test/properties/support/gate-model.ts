/** How a token request came out, told from the reply alone. */
export type TokenReply =
  | { readonly kind: 'answered' }
  | { readonly kind: 'passing' }
  | { readonly kind: 'unusable' }
  | { readonly kind: 'rate-limited'; readonly toldMs: number | undefined };

/** Both clocks: a gate is open again as soon as either says so (T1). */
export interface Moment {
  readonly steadyMs: number;
  readonly wallMs: number;
}

export function momentOf(clock: { steadyMs(): number; now(): number }): Moment {
  return { steadyMs: clock.steadyMs(), wallMs: clock.now() };
}

export function after({ steadyMs, wallMs }: Moment, delayMs: number): Moment {
  return { steadyMs: steadyMs + delayMs, wallMs: wallMs + delayMs };
}

/** How long it is from now until then. */
export function between(now: Moment, then: Moment): number {
  return Math.min(then.steadyMs - now.steadyMs, then.wallMs - now.wallMs);
}

const TRIES = 4;
/** No told wait is believed for longer at a time (E2). */
const LONGEST_TOLD_MS = 3_600_000;
/** Statuses of the 400s that pass by themselves (E6). */
const PASSING_STATUSES = [408, 421, 425, 499];
/** From here on a number is a point in time, in seconds (E2). */
const POINTS_IN_TIME_FROM = 1e9;
const KNOWN = [
  'invalid_client',
  'unauthorized_client',
  'invalid_scope',
  'unsupported_grant_type',
  'invalid_request',
  'invalid_grant',
];

/** Rules E1, E6 and E7 and the table of docs/payu.md, written a second time. */
export function classify(
  status: number,
  text: string,
  retryAfter: string | undefined,
  wallMs: number,
): TokenReply {
  const body = parsed(text);
  const error = typeof body?.error === 'string' ? body.error : undefined;
  const toldMs = told(body?.retry_after, wallMs);
  if (error === 'rate_limit_exceeded') return { kind: 'rate-limited', toldMs };
  if (error === 'server_error' || error === 'invalid_token_reuse') return { kind: 'passing' };
  if (error !== undefined && KNOWN.includes(error)) return { kind: 'answered' };
  if (status === 429 || (status === 503 && retryAfter !== undefined)) {
    return { kind: 'rate-limited', toldMs };
  }
  if (status >= 500 || PASSING_STATUSES.includes(status)) return { kind: 'passing' };
  if (status >= 300 || error !== undefined) return { kind: 'answered' };
  return typeof body?.access_token === 'string' ? { kind: 'answered' } : { kind: 'unusable' };
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function told(value: unknown, wallMs: number): number | undefined {
  if (typeof value !== 'number') return undefined;
  const waitMs = value >= POINTS_IN_TIME_FROM ? Math.max(0, value * 1_000 - wallMs) : value * 1_000;
  return Math.min(waitMs, LONGEST_TOLD_MS);
}

const LONG_AGO: Moment = { steadyMs: Number.NEGATIVE_INFINITY, wallMs: Number.NEGATIVE_INFINITY };

function later(a: Moment, b: Moment): Moment {
  return b.steadyMs > a.steadyMs ? b : a;
}

/**
 * When a client may ask the token endpoint (E3, E6), with the least waits that the rules allow. Requests that were
 * under way together fail together: they count once.
 */
export class GateModel {
  readonly #tries: number;
  /** Refreshes in a row that failed, and were no refusals. */
  #brokenRefreshes = 0;
  /** The last refresh broke the server once too often: the primary grant follows in the same mint, before any pause. */
  #isFallbackDue = false;
  #isClosed = false;
  #opensAt: Moment = LONG_AGO;
  /** Told side by side with what closed the gate: it takes effect once the auth has read it too. */
  #laterOpensAt: Moment = LONG_AGO;
  #round = 0;
  #faults = 0;
  #pauses = 0;
  #untold = 0;
  #wasToldZero = false;
  /** Requests of the present round that are under way, while the gate is closed. */
  #probes = 0;

  constructor(tries: number = TRIES) {
    this.#tries = tries;
  }

  /** No trouble: whatever waits now, waits for a reply. */
  get isOpen(): boolean {
    return !this.#isClosed;
  }

  /** Says what is wrong with a request that is sent now, and the round it belongs to. */
  sends(now: Moment, grant: string): { readonly round: number; readonly wrong: string | undefined } {
    const round = this.#round;
    if (!this.#isClosed) return { round, wrong: undefined };
    this.#probes++;
    const tooEarlyMs = between(now, this.#opensAt);
    // Where a refresh has broken the server so often, the primary grant is tried at once (F2).
    const isFallback = grant !== 'refresh_token' && this.#brokenRefreshes >= this.#tries;
    if (isFallback) {
      if (this.#isFallbackDue) this.#pauses = Math.max(0, this.#pauses - 1);
      this.#isFallbackDue = false;
      return { round, wrong: undefined };
    }
    if (tooEarlyMs > 0) return { round, wrong: `a token request ${tooEarlyMs} ms too early` };
    return { round, wrong: this.#probes > 1 ? 'two token requests at once while in trouble' : undefined };
  }

  /** Everything that was under way has come to rest: what was said has been heard. */
  rests(): void {
    this.#opensAt = later(this.#opensAt, this.#laterOpensAt);
  }

  /** A request is over, whatever became of it. */
  leaves(round: number): void {
    if (this.#isClosed && round === this.#round) this.#probes = Math.max(0, this.#probes - 1);
  }

  ends(round: number, reply: TokenReply, now: Moment, grant: string): void {
    if (grant === 'refresh_token') {
      const isBroken = reply.kind === 'passing' || reply.kind === 'unusable';
      this.#brokenRefreshes = isBroken ? this.#brokenRefreshes + 1 : 0;
      this.#isFallbackDue = this.#brokenRefreshes >= this.#tries;
    }
    this.leaves(round);
    const counts = !this.#isClosed || round === this.#round;
    if (reply.kind === 'rate-limited') this.#limited(reply.toldMs, counts, now);
    else if (!counts) return;
    else if (reply.kind === 'answered') this.#opens();
    else this.#failed(reply.kind, now);
  }

  #opens(): void {
    this.#isClosed = false;
    this.#laterOpensAt = LONG_AGO;
    this.#faults = 0;
    this.#pauses = 0;
    this.#untold = 0;
    this.#wasToldZero = false;
  }

  #failed(kind: 'passing' | 'unusable', now: Moment): void {
    this.#faults++;
    if (this.#pauses > 0 || this.#faults >= this.#tries) {
      this.#pauses++;
      this.#closesUntil(after(now, Math.min(30_000, 1_000 * 2 ** (this.#pauses - 1))));
    } else {
      const leastMs = kind === 'unusable' ? 0 : Math.min(5_000, 200 * 2 ** (this.#faults - 1)) / 2;
      this.#closesUntil(after(now, leastMs));
    }
  }

  #limited(toldMs: number | undefined, counts: boolean, now: Moment): void {
    // Side by side nobody has come back.
    const usable = counts && toldMs === 0 && this.#wasToldZero ? undefined : toldMs;
    if (!counts) {
      this.#laterOpensAt = later(this.#laterOpensAt, after(now, usable ?? 500));
      return;
    }
    this.#wasToldZero = toldMs === 0;
    if (usable === undefined) this.#untold++;
    this.#closesUntil(after(now, usable ?? Math.min(60_000, 1_000 * 2 ** (this.#untold - 1)) / 2));
  }

  #closesUntil(time: Moment): void {
    this.#isClosed = true;
    this.#opensAt = time;
    this.#laterOpensAt = LONG_AGO;
    this.#round++;
    this.#probes = 0;
  }
}
