import type { Clock } from '../../time/clock.ts';
import { concernsClient, type Refusal } from '../endpoint/token-endpoint.ts';
import { ExpiringMap } from '../source/expiring-map.ts';

/** How long a refusal is answered from memory (E7). */
const REMEMBERED_MS = 10_000;

export interface RememberedRefusal {
  readonly refusal: Refusal;
  readonly until: number;
  /** Of the credentials that were refused: with others, PayU is asked again. */
  readonly fingerprint: string;
}

/** Answers what the token endpoint would answer again, so that a wrong secret does not hammer PayU (E7). */
export class RefusalMemory {
  readonly #clock: Clock;
  readonly #byKey: ExpiringMap<RememberedRefusal>;
  #ofClient: RememberedRefusal | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#byKey = new ExpiringMap(({ until }) => until <= clock.now());
  }

  /** Remembers the refusal: for the whole client where it concerns the client, else for this token only. */
  remember(key: string, fingerprint: string, refusal: Refusal): RememberedRefusal {
    const remembered = { refusal, fingerprint, until: this.#clock.now() + REMEMBERED_MS };
    if (concernsClient(refusal)) this.#ofClient = remembered;
    else this.#byKey.set(key, remembered);
    return remembered;
  }

  forget(key: string): void {
    this.#byKey.delete(key);
    this.#ofClient = undefined;
  }

  recall(key: string, fingerprint: string): RememberedRefusal | undefined {
    const holds = (each: RememberedRefusal | undefined): each is RememberedRefusal =>
      each !== undefined && each.fingerprint === fingerprint && each.until > this.#clock.now();
    return [this.#ofClient, this.#byKey.get(key)].find(holds);
  }
}
