import type { Clock } from '../../time/clock.ts';
import { type Instant, isOver, later, msUntil, readClock } from '../../time/instant.ts';
import { concernsClient, type Refusal } from '../endpoint/token-endpoint.ts';
import { ExpiringMap } from '../store/expiring-map.ts';

/** How long a refusal is answered from memory (E7). */
const REMEMBERED_MS = 10_000;

/** A refusal that is known, and for how long it still counts. */
export interface KnownRefusal {
  readonly refusal: Refusal;
  readonly leftMs: number;
  /** Of the credentials that were refused: with others, PayU is asked again. */
  readonly fingerprint: string;
}

interface RememberedRefusal {
  readonly refusal: Refusal;
  readonly until: Instant;
  readonly fingerprint: string;
}

/** Answers what the token endpoint would answer again, so that a wrong secret does not hammer PayU (E7). */
export class RefusalMemory {
  readonly #clock: Clock;
  #byKey: ExpiringMap<RememberedRefusal> | undefined;
  #ofClient: RememberedRefusal | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Remembers the refusal: for the whole client where it concerns the client, else for this token only. */
  remember(key: string, fingerprint: string, refusal: Refusal): KnownRefusal {
    const remembered = { refusal, fingerprint, until: later(readClock(this.#clock), REMEMBERED_MS) };
    if (concernsClient(refusal)) this.#ofClient = remembered;
    else {
      this.#byKey ??= new ExpiringMap(({ until }) => isOver(until, readClock(this.#clock)));
      this.#byKey.set(key, remembered);
    }
    return { refusal, fingerprint, leftMs: REMEMBERED_MS };
  }

  forget(key: string): void {
    this.#byKey?.delete(key);
    this.#ofClient = undefined;
  }

  /** How long a refusal is still answered from memory, unless the secret changes; 0 where none is. Asks for no secret. */
  leftMs(key: string | undefined): number {
    const now = readClock(this.#clock);
    const known = [this.#ofClient, key === undefined ? undefined : this.#byKey?.get(key)];
    return Math.max(...known.map((each) => (each === undefined ? 0 : msUntil(each.until, now))));
  }

  recall(key: string, fingerprint: string): KnownRefusal | undefined {
    const now = readClock(this.#clock);
    for (const known of [this.#ofClient, this.#byKey?.get(key)]) {
      if (known === undefined || known.fingerprint !== fingerprint || isOver(known.until, now)) continue;
      return { refusal: known.refusal, fingerprint, leftMs: msUntil(known.until, now) };
    }
    return undefined;
  }
}
