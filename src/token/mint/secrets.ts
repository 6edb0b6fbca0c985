import { kindOf } from '../../json.ts';
import { safeError, wordlessError } from '../../redact.ts';
import type { Clock } from '../../time/clock.ts';
import { type Instant, isOver, later, readClock } from '../../time/instant.ts';
import { type Cancellation, withinLimit } from '../../time/wait.ts';
import { type AskedSecrets, optionOf, secretFault, type WireGrant } from '../endpoint/grants.ts';
import { secretError } from './messages.ts';

/** The grant's secrets: functions are asked at each mint (F1). */
export class Secrets {
  readonly #grant: WireGrant;
  readonly #clock: Clock;
  readonly #limitMs: number;
  #lastAsked: AskedSecrets | undefined;
  /** Answers that a mint was too impatient for: the next one takes them, or it would wait in vain as well (C3). */
  #untaken: Map<string, { readonly answer: Promise<unknown>; readonly until: Instant }> | undefined;

  constructor(grant: WireGrant, clock: Clock, limitMs: number) {
    this.#grant = grant;
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  /** Those that were used last, so that they can be kept out of messages. */
  get lastAsked(): readonly string[] {
    return Object.values(this.#lastAsked ?? {});
  }

  /** Rejects with the reason when cancelled. */
  async ask(cancellation: Cancellation): Promise<AskedSecrets> {
    // It inherits nothing: a polluted `Object.prototype` gives no secret (G6).
    const asked: Record<string, string> = Object.create(null);
    for (const [parameter, secret] of Object.entries(this.#grant.secret)) {
      asked[parameter] =
        typeof secret === 'string' ? secret : await this.#askOne(parameter, secret, cancellation);
    }
    this.#lastAsked = asked;
    return asked;
  }

  async #askOne(parameter: string, secret: () => unknown, cancellation: Cancellation): Promise<string> {
    const option = optionOf(this.#grant, parameter);
    const limitMs = this.#limitMs;
    const ask = () =>
      (async () => secret())().catch((error: unknown) => {
        throw wordlessError(error);
      });
    const now = readClock(this.#clock);
    const untaken = this.#untaken?.get(parameter);
    this.#untaken?.delete(parameter);
    const asked =
      untaken === undefined || isOver(untaken.until, now)
        ? { answer: ask(), until: later(now, limitMs) }
        : { answer: untaken.answer.catch(ask), until: untaken.until };
    const late = () => safeError(`no answer within ${limitMs} ms ("tokenTimeoutMs")`, []);
    let value: unknown;
    try {
      value = await withinLimit(asked.answer, { clock: this.#clock, limitMs, cancellation }, late);
    } catch (error) {
      const cancelled = cancellation.reason();
      if (cancelled !== undefined) {
        this.#untaken = (this.#untaken ?? new Map()).set(parameter, asked);
        throw cancelled;
      }
      throw secretError(option, `failed: ${(error as Error).message}`, error as Error);
    }
    const fault =
      typeof value === 'string'
        ? secretFault(value)
        : `must be a string, or a promise of one; got ${kindOf(value)}`;
    if (fault !== undefined) throw secretError(option, `gave no usable secret: it ${fault}`);
    return value as string;
  }
}
