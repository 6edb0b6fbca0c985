import type { JsonObject } from '../../json.ts';
import type { Clock } from '../../time/clock.ts';
import { LONGEST_BELIEVED_MS } from '../../time/delays.ts';
import { type Instant, isOver, later, msUntil, readClock } from '../../time/instant.ts';
import type { AskedSecrets } from '../endpoint/grants.ts';
import { concernsClient, type Refusal } from '../endpoint/token-endpoint.ts';
import { endOfFound } from '../expiry.ts';
import { fingerprint } from '../store/cache-key.ts';
import { ExpiringMap } from '../store/expiring-map.ts';
import type { GuardedStore } from '../store/guarded-store.ts';

/** How long a refusal is answered from memory (E7). */
const REMEMBERED_MS = 10_000;
/** A store may show a notice for a while after it is over, above all where its writer's clock is fast. */
const SEEN_FOR_MS = 24 * 60 * 60 * 1_000;

/** What the token endpoint said, to this process or to a sibling. */
interface Notice {
  readonly writtenAt: number;
  readonly end: Instant;
  /** None where the client is limited for a while. */
  readonly refusal?: Refusal;
  /** Of the credentials that were refused: with others, PayU is asked again. */
  readonly fingerprint?: string;
}

export interface Known {
  readonly refused?: { readonly refusal: Refusal; readonly leftMs: number } | undefined;
  readonly coolDownMs?: number | undefined;
}

/**
 * Refusals that the token endpoint would repeat are answered from memory (E7). Where processes share their store, each
 * tells the others of refusals and cool-downs, in records under keys of their own and without a token: any store can keep
 * them, and forgets them by itself.
 */
export class Notices {
  readonly #clock: Clock;
  /** In place of a token's key, where the whole client was refused. */
  readonly #clientKey: string;
  readonly #coolDownKey: string;
  /** The one that siblings share. */
  readonly #store: GuardedStore | undefined;
  /** As they were told, or first seen: read again, also after a step of the wall clock, they do not count anew (T1). */
  #known: ExpiringMap<Notice> | undefined;

  constructor(clock: Clock, clientKey: string, store?: GuardedStore) {
    this.#clock = clock;
    this.#clientKey = clientKey;
    this.#coolDownKey = `${clientKey}:cool-down`;
    this.#store = store;
  }

  /** Of this process itself, the gate knows it. */
  async coolDown(forMs: number): Promise<void> {
    if (this.#store !== undefined) await this.#tell(this.#coolDownKey, forMs, {}, this.#store);
  }

  async refused(key: string, secrets: AskedSecrets, refusal: Refusal): Promise<void> {
    const whose = concernsClient(refusal) ? this.#clientKey : key;
    // A digest of a password does not go where others could guess at it.
    const store = secrets.password === undefined ? this.#store : undefined;
    await this.#tell(refusalKey(whose), REMEMBERED_MS, { refusal, fingerprint: fingerprint(secrets) }, store);
  }

  /** What this process and its siblings know. */
  async read(key: string, secrets: AskedSecrets): Promise<Known> {
    const asked = fingerprint(secrets);
    const looks = this.#refusalKeys(key).map((each) => this.#look(each, asked));
    const [coolDown, ...refusals] = await Promise.all([this.#look(this.#coolDownKey), ...looks]);
    const counting = refusals.find((each) => this.#leftMs(each) > 0);
    return {
      refused: counting?.refusal && { refusal: counting.refusal, leftMs: this.#leftMs(counting) },
      coolDownMs: Math.min(this.#leftMs(coolDown), LONGEST_BELIEVED_MS) || undefined,
    };
  }

  /** How long a refusal is still answered from memory, unless the secret changes; 0 where none is. */
  leftMs(key: string | undefined): number {
    const keys = this.#refusalKeys(key ?? this.#clientKey);
    return Math.max(...keys.map((each) => this.#leftMs(this.#known?.get(each))));
  }

  /** Something was changed by hand: what was refused before says nothing any more. */
  async forgetRefusals(key: string): Promise<void> {
    const keys = this.#refusalKeys(key);
    for (const each of keys) this.#known?.delete(each);
    await Promise.all(keys.map((each) => this.#store?.delete(each)));
  }

  #refusalKeys(key: string): readonly string[] {
    return [this.#clientKey, key].map(refusalKey);
  }

  #leftMs(notice: Notice | undefined): number {
    return notice === undefined ? 0 : msUntil(notice.end, readClock(this.#clock));
  }

  async #tell(key: string, forMs: number, told: Partial<Notice>, store?: GuardedStore): Promise<void> {
    const now = readClock(this.#clock);
    const { wallMs } = now;
    this.#note(key, { ...told, writtenAt: wallMs, end: later(now, forMs) });
    const extra = { fingerprint: told.fingerprint, ...told.refusal };
    const record = { accessToken: '', scope: [], obtainedAt: wallMs, expiresAt: wallMs + forMs, extra };
    await store?.setSoon(key, record);
  }

  /** A sibling's word counts where nothing is known here, and where it is of the same credentials, if of any. */
  async #look(key: string, fingerprint?: string): Promise<Notice | undefined> {
    const known = () => {
      const notice = this.#known?.get(key);
      return notice?.fingerprint === fingerprint ? notice : undefined;
    };
    if (this.#leftMs(known()) > 0) return known();
    const record = await this.#store?.get(key);
    // Meanwhile it may have been told here.
    if (record == null || this.#leftMs(known()) > 0) return known();
    const { obtainedAt: writtenAt } = record;
    const told = { ...toldIn(record.extra), writtenAt, end: endOfFound(record, readClock(this.#clock)) };
    if (told.fingerprint === fingerprint && writtenAt !== known()?.writtenAt) this.#note(key, told);
    return known();
  }

  #note(key: string, notice: Notice): void {
    const shownForMs = this.#store === undefined ? 0 : SEEN_FOR_MS;
    this.#known ??= new ExpiringMap(({ end }) => isOver(later(end, shownForMs), readClock(this.#clock)));
    this.#known.set(key, notice);
  }
}

function refusalKey(whose: string): string {
  return `${whose}:refusal`;
}

/** What another version wrote, or nobody of ours, says nothing. */
function toldIn({ fingerprint, error, errorDescription, status, isJson }: JsonObject): Partial<Notice> {
  if (typeof fingerprint !== 'string' || typeof status !== 'number') return {};
  const refusal = {
    error: typeof error === 'string' ? error : undefined,
    errorDescription: typeof errorDescription === 'string' ? errorDescription : undefined,
    status,
    isJson: isJson === true,
  };
  return { fingerprint, refusal };
}
