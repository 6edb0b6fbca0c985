import { dateAt } from '../../time/clock.ts';
import { type FormReply, postWithin, secretsIn } from '../endpoint/form-post.ts';
import { type AskedSecrets, primaryForm, refreshForm } from '../endpoint/grants.ts';
import {
  isDeadRefreshToken,
  type Refusal,
  type TokenOutcome,
  tokenOutcome,
} from '../endpoint/token-endpoint.ts';
import type { TokenRecord } from '../store/token-store.ts';
import { responseError, unavailableError } from './messages.ts';
import type { Permit } from './mint-gate.ts';
import type { MinterParts, MintJob } from './mint-job.ts';

/** Not a failure of the mint: what it needs is to pass the gate again. */
export class PassAgain extends Error {}

/** Somebody decided by hand what the token is, before this mint sent anything: it has to begin anew. */
export class Superseded extends Error {}

/** What the grants came to; whatever may pass by itself was thrown. */
export type Granted =
  | {
      readonly kind: 'token';
      readonly record: TokenRecord;
      /** The `grant_type` that brought it. */
      readonly grant: string;
      readonly durationMs: number;
    }
  /** A sibling was faster: its token was in the store. */
  | { readonly kind: 'stored'; readonly record: TokenRecord }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** The token requests of one try: refresh where there is a refresh token, else, or when it is dead, the primary grant (F2, F3). */
export class GrantExchange {
  readonly #parts: MinterParts;
  readonly #job: MintJob;
  readonly #secrets: AskedSecrets;
  readonly #permit: Permit;

  constructor(parts: MinterParts, job: MintJob, secrets: AskedSecrets, permit: Permit) {
    this.#parts = parts;
    this.#job = job;
    this.#secrets = secrets;
    this.#permit = permit;
  }

  async run(
    refreshToken: string | undefined,
    readStore: () => Promise<TokenRecord | undefined>,
  ): Promise<Granted> {
    const { grant } = this.#parts;
    if (refreshToken === undefined || this.#job.deadRefreshTokens.has(refreshToken)) return this.#primary();
    const granted = await this.#refresh(refreshToken);
    if (!this.#isDead(granted, refreshToken)) return granted;

    const inStore = await readStore();
    if (inStore !== undefined && this.#job.mayAdopt(inStore)) return { kind: 'stored', record: inStore };
    const rotated = inStore?.refreshToken;
    if (rotated !== undefined && !this.#job.deadRefreshTokens.has(rotated)) {
      const second = await this.#refresh(rotated);
      if (!this.#isDead(second, rotated)) return second;
    }
    return grant.grantType === 'refresh_token' ? granted : this.#primary();
  }

  #isDead(granted: Granted, refreshToken: string): boolean {
    const isDead = granted.kind === 'refused' && isDeadRefreshToken(granted.refusal);
    if (isDead) this.#job.deadRefreshTokens.add(refreshToken);
    return isDead;
  }

  #primary(): Promise<Granted> {
    const { grant } = this.#parts;
    const form = primaryForm(grant, this.#secrets, this.#job.scope);
    return this.#request(grant.grantType, form, this.#secrets.refresh_token);
  }

  #refresh(refreshToken: string): Promise<Granted> {
    const form = refreshForm(this.#parts.grant, this.#secrets, refreshToken, this.#job.scope);
    return this.#request('refresh_token', form, refreshToken);
  }

  async #request(grant: string, form: URLSearchParams, refreshToken: string | undefined): Promise<Granted> {
    const { clock, defaultLifeMs, gate } = this.#parts;
    // Once begun, a refresh is seen through: so it must not begin where nobody waits any more.
    this.#job.flight.signal.throwIfAborted();
    // Nor the primary grant behind a dead refresh, where somebody has decided by hand meanwhile (C5).
    if (!this.#job.isCurrent()) throw new Superseded();
    // Asked before each request: between a refresh that is dead and the primary grant, another scope may be told to wait.
    if (!gate.maySend(this.#permit)) throw new PassAgain();
    const sentAt = clock.now();
    this.#job.noteAsked('token-endpoint');
    const reply = await this.#post(grant, form);
    const outcome = tokenOutcome(reply, {
      scope: this.#job.scope,
      sentAt,
      receivedAt: clock.now(),
      defaultLifeMs,
      // Those of this form and of earlier ones: a refresh does not send the password, and a server may quote it all the same.
      secrets: [...secretsIn(form), ...Object.values(this.#secrets)],
    });
    if (outcome.kind !== 'token') this.#job.flight.endSeeThrough();
    const settled = await this.#tellGate(outcome);
    if (settled.kind === 'refused') return settled;
    const record = withRefreshToken(settled.record, grant, refreshToken);
    return { kind: 'token', record, grant, durationMs: clock.now() - sentAt };
  }

  /** A refresh is never called off: the server may have rotated the token already, and only its reply knows the new one. */
  #post(grant: string, form: URLSearchParams): Promise<FormReply> {
    const { flight } = this.#job;
    const isRefresh = grant === 'refresh_token';
    if (isRefresh) flight.seeThrough();
    return postWithin(this.#parts, this.#parts.tokenUrl, form, isRefresh ? undefined : flight.signal);
  }

  /** The gate learns of every outcome; those that may pass are thrown, for p-retry to try again. */
  async #tellGate(outcome: TokenOutcome): Promise<Extract<TokenOutcome, { kind: 'token' | 'refused' }>> {
    const { gate, clock, emit, notices, tokenUrl } = this.#parts;
    switch (outcome.kind) {
      case 'token':
      case 'refused':
        gate.answered(this.#permit);
        return outcome;
      case 'rate-limited': {
        const retryAt = gate.rateLimited(outcome.toldMs, this.#permit);
        emit({
          type: 'rate-limited',
          source: 'token-endpoint',
          delayMs: retryAt - clock.now(),
          retryAt: dateAt(retryAt),
        });
        // Before the lock is free again: the next process to get it must know.
        await notices.coolDown(retryAt);
        throw new PassAgain();
      }
      case 'fault':
        throw gate.failed(this.#permit, 'passing', (streak) =>
          unavailableError(tokenUrl, outcome.fault, streak),
        );
      case 'unusable':
        throw gate.failed(this.#permit, 'final', (streak) => responseError(tokenUrl, outcome, streak));
      default:
        throw outcome satisfies never;
    }
  }
}

/** A reply without a refresh token leaves the one in force that was used; client credentials have none (RFC 6749 §4.4.3). */
function withRefreshToken(record: TokenRecord, grant: string, used: string | undefined): TokenRecord {
  const { refreshToken = used, ...rest } = record;
  return refreshToken === undefined || grant === 'client_credentials' ? rest : { ...rest, refreshToken };
}
