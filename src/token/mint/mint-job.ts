import type { Emit } from '../../events.ts';
import type { Clock } from '../../time/clock.ts';
import type { FormPost } from '../endpoint/form-post.ts';
import type { GrantRequest } from '../endpoint/grants.ts';
import type { Flight } from '../source/flight.ts';
import type { GuardedStore } from '../store/guarded-store.ts';
import type { TokenRecord } from '../store/token-store.ts';
import type { MintGate } from './mint-gate.ts';
import type { Notices } from './notices.ts';

/** One renewal of one token, as the token source wants it. */
export interface MintJob {
  readonly scope: readonly string[];
  readonly flight: Flight<TokenRecord>;
  /** Refresh tokens that were refused in the course of this job. */
  readonly deadRefreshTokens: Set<string>;
  /** What we have under this key of the store, dead or alive: for its refresh token. */
  held(storeKey: string): TokenRecord | undefined;
  mayAdopt(record: TokenRecord): boolean;
  /** Called when something is really asked: the token endpoint, or a secret that could not be had. */
  noteAsked(what: 'token-endpoint' | 'secret'): void;
  /** False once somebody decided by hand: what is sent from then on would be thrown away (C5). */
  isCurrent(): boolean;
  /** What still counts of what this job brings, now that somebody may have decided by hand what the token is (C5). */
  remainder(record: TokenRecord): TokenRecord | undefined;
}

/** What all mints of one auth share. */
export interface MinterParts {
  readonly tokenUrl: string;
  readonly grant: GrantRequest;
  readonly post: FormPost;
  readonly store: GuardedStore;
  readonly notices: Notices;
  readonly gate: MintGate;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly defaultLifeMs: number;
  readonly tokenTimeoutMs: number;
  readonly tokenAttempts: number;
}
