import type { PayuAuthError } from './errors.ts';

/** Why a token was minted. */
export type MintCause = 'missing' | 'expired' | 'renew-ahead' | 'refused';

/** What happened, for logs and metrics. A closed union on `type`; no event holds a secret. */
export type PayuAuthEvent =
  | {
      readonly type: 'token-minted';
      /** The `grant_type` that was sent. */
      readonly grant: string;
      /** As granted. */
      readonly scope: readonly string[];
      readonly cause: MintCause;
      readonly durationMs: number;
      readonly expiresInMs: number;
      /** The server handed out the token that was held already. */
      readonly sameToken: boolean;
    }
  | { readonly type: 'token-failed'; readonly error: PayuAuthError | Error; readonly cause: MintCause }
  | {
      readonly type: 'rate-limited';
      readonly source: 'token-endpoint' | 'api';
      readonly delayMs: number;
      readonly retryAt: Date;
    }
  | {
      readonly type: 'request-replayed';
      readonly cause: 'token-refused' | 'rate-limited';
      /** Number of the send that follows: 2 for the first replay. */
      readonly attempt: number;
      readonly method: string;
      /** Without query. */
      readonly url: string;
    }
  | {
      readonly type: 'replay-skipped';
      readonly reason:
        | 'body-not-replayable'
        | 'same-token'
        | 'insufficient-scope'
        | 'renewals-paused'
        | 'disabled'
        /** The challenge names only a scheme that a token does not answer: a proxy's, mostly (rule D1). */
        | 'other-scheme';
    }
  | {
      readonly type: 'token-withheld';
      /** `own-header`: the caller set the token's header itself, or refused it with `false` (rule A4). */
      readonly reason: 'origin' | 'insecure-http' | 'basic-auth' | 'own-header';
      readonly origin: string;
    }
  | { readonly type: 'scope-missing'; readonly missing: readonly string[] }
  | {
      readonly type: 'store-failed';
      readonly operation: 'get' | 'set' | 'delete' | 'lock';
      readonly error: Error;
    };

export type Emit = (event: PayuAuthEvent) => void;

/** A listener that throws, or whose promise rejects, changes nothing. */
export function safeEmit(onEvent: ((event: PayuAuthEvent) => unknown) | undefined): Emit {
  if (onEvent === undefined) return () => {};
  return (event) => {
    try {
      const returned = onEvent(event);
      if (returned instanceof Promise) returned.catch(() => {});
    } catch {
      // The listener's business.
    }
  };
}
