import pRetry from 'p-retry';
import { TokenUnavailableError } from '../../errors.ts';
import { kindOf } from '../../json.ts';
import { wordlessError } from '../../redact.ts';
import { withinLimit } from '../../time/time-limit.ts';
import { cancellationOf, unlessCancelled } from '../../time/wait.ts';
import { type AskedSecrets, optionOf, secretFault } from '../endpoint/grants.ts';
import { concernsClient, type Refusal } from '../endpoint/token-endpoint.ts';
import { cacheKey, fingerprint } from '../store/cache-key.ts';
import type { TokenRecord } from '../store/token-store.ts';
import { GrantExchange, type Granted, PassAgain, Superseded } from './grant-exchange.ts';
import { refusedError, secretFailedError, secretUnusableError } from './messages.ts';
import type { Permit } from './mint-gate.ts';
import type { MinterParts, MintJob } from './mint-job.ts';
import { RefusalMemory } from './refusal-memory.ts';

/** A token, and the key it lives under in the store. */
export type Minted = Exclude<Granted, { kind: 'refused' }> & { readonly storeKey: string };

/** Gets tokens: from the store where a sibling put one, else by the grant; under the store's lock, through the gate. */
export class Minter {
  readonly #parts: MinterParts;
  readonly #memory: RefusalMemory;
  readonly #underWay = new Map<Promise<unknown>, MintJob['flight']>();
  #asked: AskedSecrets = {};

  constructor(parts: MinterParts) {
    this.#parts = parts;
    this.#memory = new RefusalMemory(parts.clock);
  }

  /** The secrets that were last used, so that they can be kept out of messages. */
  get secrets(): readonly string[] {
    return Object.values(this.#asked);
  }

  async mint(job: MintJob): Promise<Minted> {
    const secrets = await this.askSecrets(job.flight.signal).catch((error: unknown) => {
      job.noteAsked('secret');
      throw error;
    });
    const storeKey = this.storeKey(secrets, job.scope);
    const stored = await this.#parts.store.get(storeKey);
    if (stored !== undefined && job.mayAdopt(stored)) return { kind: 'stored', record: stored, storeKey };
    await this.#heedNotices(storeKey, secrets);
    return pRetry(() => this.#try(job, storeKey, secrets), {
      retries: this.#parts.tokenAttempts - 1,
      // The gate does the waiting, for all mints of this client together.
      minTimeout: 0,
      shouldRetry: ({ error }) => error instanceof TokenUnavailableError && this.#parts.gate.allowsAnotherTry,
    });
  }

  /** Settles when each refresh that is under way has ended, and its result is in the store. */
  async refreshesStored(): Promise<void> {
    const refreshes = [...this.#underWay].filter(([, flight]) => flight.isSeenThrough);
    await Promise.allSettled(refreshes.map(([mint]) => mint));
  }

  storeKey(secrets: AskedSecrets, scope: readonly string[]): string {
    return cacheKey(this.#parts.tokenUrl, this.#parts.grant, secrets, scope);
  }

  /** Something was done by hand: an answer from before does not count for this token any more. */
  async forgetRefusal(storeKey: string): Promise<void> {
    this.#memory.forget(storeKey);
    await this.#parts.notices.forgetRefusal(storeKey);
  }

  /** The secrets as they are now: functions are asked each time (F1). */
  async askSecrets(signal: AbortSignal): Promise<AskedSecrets> {
    const asked: Record<string, string> = {};
    for (const [parameter, secret] of Object.entries(this.#parts.grant.secret)) {
      asked[parameter] = typeof secret === 'string' ? secret : await this.#ask(parameter, secret, signal);
    }
    this.#asked = asked;
    return asked;
  }

  async #ask(
    parameter: string,
    secret: () => string | Promise<string>,
    signal: AbortSignal,
  ): Promise<string> {
    const { clock, tokenTimeoutMs: limitMs } = this.#parts;
    const option = optionOf(parameter);
    let value: unknown;
    try {
      const asked = (async () => secret())().catch((error: unknown) => {
        throw wordlessError(error);
      });
      const answer = unlessCancelled(asked, cancellationOf(signal));
      value = await withinLimit(
        answer,
        { clock, limitMs },
        () => new Error(`no answer within ${limitMs} ms ("tokenTimeoutMs")`),
      );
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw secretFailedError(option, error as Error);
    }
    if (typeof value !== 'string') {
      throw secretUnusableError(option, `must be a string, or a promise of one; got ${kindOf(value)}`);
    }
    const fault = secretFault(value);
    if (fault !== undefined) throw secretUnusableError(option, fault);
    return value;
  }

  /** One try: as often through the gate as it takes. Waiting there is no failure, so no try is used up by it. */
  async #try(job: MintJob, storeKey: string, secrets: AskedSecrets): Promise<Minted> {
    for (;;) {
      const permit = await this.#parts.gate.pass(job.flight);
      const underLock = () => {
        const mint = this.#mintUnderLock(job, storeKey, secrets, permit);
        this.#underWay.set(mint, job.flight);
        const done = () => this.#underWay.delete(mint);
        mint.then(done, done);
        return mint;
      };
      try {
        return await this.#parts.store.withLock(storeKey, underLock, job.flight.signal);
      } catch (error) {
        if (!(error instanceof PassAgain)) throw error;
      } finally {
        permit.release();
      }
    }
  }

  async #mintUnderLock(
    job: MintJob,
    storeKey: string,
    secrets: AskedSecrets,
    permit: Permit,
  ): Promise<Minted> {
    const { store, tokenUrl } = this.#parts;
    const stored = await store.get(storeKey);
    if (stored !== undefined && job.mayAdopt(stored)) return { kind: 'stored', record: stored, storeKey };
    await this.#heedNotices(storeKey, secrets);
    if (!job.isCurrent()) throw new Superseded();

    const exchange = new GrantExchange(this.#parts, job, secrets, permit);
    const record = newer(stored, job.held(storeKey));
    const granted = await exchange.run(record?.refreshToken, () => store.get(storeKey));
    if (granted.kind === 'refused') {
      await this.#noteRefusal(storeKey, secrets, granted.refusal);
      throw refusedError(tokenUrl, granted.refusal);
    }
    const counting = granted.kind === 'token' ? job.remainder(granted.record) : undefined;
    // Stored before anyone uses it: a rotated refresh token that only we knew would be lost with us (C4).
    if (counting !== undefined) await store.set(storeKey, counting);
    return { ...granted, storeKey };
  }

  /** What is known already need not be asked: a refusal is thrown, a cool-down closes the gate (E3, E7). */
  async #heedNotices(storeKey: string, secrets: AskedSecrets): Promise<void> {
    const { notices, gate, tokenUrl } = this.#parts;
    const known = this.#memory.recall(storeKey, fingerprint(secrets));
    if (known !== undefined) throw refusedError(tokenUrl, known.refusal, known.until);
    const [coolDown, ...refusals] = await Promise.all([
      notices.readCoolDown(),
      notices.readRefusal(undefined),
      notices.readRefusal(storeKey),
    ]);
    if (coolDown !== undefined) gate.coolDownUntil(coolDown);
    const refusal = refusals.find((each) => each?.fingerprint === fingerprint(secrets));
    if (refusal !== undefined) throw refusedError(tokenUrl, refusal.refusal, refusal.until);
  }

  async #noteRefusal(storeKey: string, secrets: AskedSecrets, refusal: Refusal): Promise<void> {
    const remembered = this.#memory.remember(storeKey, fingerprint(secrets), refusal);
    // A digest of a password does not go where others could guess at it.
    if (secrets.password !== undefined) return;
    await this.#parts.notices.refusal(concernsClient(refusal) ? undefined : storeKey, remembered);
  }
}

function newer(a: TokenRecord | undefined, b: TokenRecord | undefined): TokenRecord | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.obtainedAt > a.obtainedAt ? b : a;
}
