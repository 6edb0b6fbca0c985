import type { JsonObject } from '../../json.ts';
import type { Clock } from '../../time/clock.ts';
import { LONGEST_BELIEVED_MS } from '../../time/delays.ts';
import { type Instant, isOver, LONG_AGO, later, msUntil, readClock } from '../../time/instant.ts';
import type { AskedSecrets } from '../endpoint/grants.ts';
import { concernsClient, type Refusal } from '../endpoint/token-endpoint.ts';
import { endOfFound } from '../expiry.ts';
import { fingerprint } from '../store/cache-key.ts';
import { ExpiringMap } from '../store/expiring-map.ts';
import type { GuardedStore } from '../store/guarded-store.ts';
import type { TokenRecord } from '../store/token-store.ts';

/** How long a refusal is answered from memory (E7). */
const REMEMBERED_MS = 10_000;
/** A store may show a notice for a while after it is over, above all where its writer's clock is fast. */
const SEEN_FOR_MS = 24 * 60 * 60 * 1_000;
/** In place of a token's key: the whole client was refused. */
const CLIENT = '';

interface RememberedRefusal {
  readonly refusal: Refusal;
  readonly end: Instant;
  /** Of the credentials that were refused: with others, PayU is asked again. */
  readonly fingerprint: string;
}

type Topic = 'cool-down' | 'refusal';

interface Notice {
  readonly end: Instant;
  readonly extra: JsonObject;
}

export interface Known {
  readonly refused?: { readonly refusal: Refusal; readonly leftMs: number };
  readonly coolDownMs?: number | undefined;
}

/**
 * Refusals that the token endpoint would repeat are answered from memory (E7). Where processes share their store, each
 * tells the others of refusals and cool-downs, in records under keys of their own and without a token: any store can keep
 * them, and forgets them by itself.
 */
export class Notices {
  readonly #clock: Clock;
  readonly #shared: { readonly store: GuardedStore; readonly clientKey: string } | undefined;
  /** Of this process, by token. */
  #refusals: ExpiringMap<RememberedRefusal> | undefined;
  /** Notices as they were told, or first seen: read again, also after a step of the wall clock, they do not count anew (T1). */
  #seen: ExpiringMap<{ readonly writtenAt: number; readonly end: Instant }> | undefined;

  constructor(clock: Clock, shared?: { readonly store: GuardedStore; readonly clientKey: string }) {
    this.#clock = clock;
    this.#shared = shared;
  }

  async coolDown(leftMs: number): Promise<void> {
    await this.#write(CLIENT, 'cool-down', leftMs, {});
  }

  async refused(key: string, secrets: AskedSecrets, refusal: Refusal): Promise<void> {
    const whose = concernsClient(refusal) ? CLIENT : key;
    const remembered = { fingerprint: fingerprint(secrets), refusal, end: later(this.#now(), REMEMBERED_MS) };
    this.#refusals ??= new ExpiringMap(({ end }) => isOver(end, this.#now()));
    this.#refusals.set(whose, remembered);
    // A digest of a password does not go where others could guess at it.
    if (secrets.password !== undefined) return;
    await this.#write(whose, 'refusal', REMEMBERED_MS, { fingerprint: remembered.fingerprint, ...refusal });
  }

  /** What this process knows; where it knows nothing, what its siblings do. */
  async read(key: string, secrets: AskedSecrets): Promise<Known> {
    const asked = fingerprint(secrets);
    const counting = (known: RememberedRefusal | undefined) =>
      known?.fingerprint === asked && !isOver(known.end, this.#now());
    const toKnown = ({ refusal, end }: RememberedRefusal) => ({ refusal, leftMs: msUntil(end, this.#now()) });
    const own = [CLIENT, key].map((whose) => this.#refusals?.get(whose)).find(counting);
    if (own !== undefined) return { refused: toKnown(own) };
    const [coolDown, ...told] = await Promise.all([
      this.#read(CLIENT, 'cool-down'),
      this.#read(CLIENT, 'refusal'),
      this.#read(key, 'refusal'),
    ]);
    const siblings = told.map(refusalIn).find(counting);
    return {
      ...(siblings === undefined ? {} : { refused: toKnown(siblings) }),
      coolDownMs: coolDown && Math.min(msUntil(coolDown.end, this.#now()), LONGEST_BELIEVED_MS),
    };
  }

  /** How long this process still answers a refusal from memory, unless the secret changes; 0 where it does not. */
  leftMs(key: string | undefined): number {
    const ends = [CLIENT, key ?? CLIENT].map((whose) => this.#refusals?.get(whose)?.end ?? LONG_AGO);
    return Math.max(...ends.map((end) => msUntil(end, this.#now())));
  }

  /** Something was changed by hand: what was refused before says nothing any more. */
  async forgetRefusals(key: string): Promise<void> {
    const forget = (whose: string) => {
      this.#refusals?.delete(whose);
      return this.#shared?.store.delete(this.#keyOf(whose, 'refusal'));
    };
    await Promise.all([key, CLIENT].map(forget));
  }

  #keyOf(whose: string, topic: Topic): string {
    return `${whose === CLIENT ? this.#shared?.clientKey : whose}:${topic}`;
  }

  async #write(whose: string, topic: Topic, leftMs: number, extra: JsonObject): Promise<void> {
    if (this.#shared === undefined) return;
    const now = this.#now();
    const key = this.#keyOf(whose, topic);
    const record = {
      accessToken: '',
      scope: [],
      obtainedAt: now.wallMs,
      expiresAt: now.wallMs + leftMs,
      extra,
    };
    this.#noteSeen(key, record, later(now, leftMs));
    await this.#shared.store.setSoon(key, record);
  }

  async #read(whose: string, topic: Topic): Promise<Notice | undefined> {
    const key = this.#keyOf(whose, topic);
    const record = await this.#shared?.store.get(key);
    if (record === undefined) return undefined;
    const now = this.#now();
    const seen = this.#seen?.get(key);
    const end = seen?.writtenAt === record.obtainedAt ? seen.end : endOfFound(record, now);
    this.#noteSeen(key, record, end);
    return isOver(end, now) ? undefined : { end, extra: record.extra };
  }

  #noteSeen(key: string, { obtainedAt }: TokenRecord, end: Instant): void {
    this.#seen ??= new ExpiringMap((seen) => isOver(later(seen.end, SEEN_FOR_MS), this.#now()));
    this.#seen.set(key, { writtenAt: obtainedAt, end });
  }

  #now(): Instant {
    return readClock(this.#clock);
  }
}

/** What another version wrote, or nobody of ours, says nothing. */
function refusalIn(notice: Notice | undefined): RememberedRefusal | undefined {
  if (notice === undefined) return undefined;
  const { fingerprint, error, errorDescription, status, isJson } = notice.extra;
  if (typeof fingerprint !== 'string' || typeof status !== 'number') return undefined;
  const refusal = {
    error: typeof error === 'string' ? error : undefined,
    errorDescription: typeof errorDescription === 'string' ? errorDescription : undefined,
    status,
    isJson: isJson === true,
  };
  return { fingerprint, refusal, end: notice.end };
}
