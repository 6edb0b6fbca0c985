import { type Channel, channel } from 'node:diagnostics_channel';
import { type DebugLogger, debuglog } from 'node:util';
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
  | {
      readonly type: 'token-failed';
      /** What those who waited were rejected with. */
      readonly error: PayuAuthError | Error;
      readonly cause: MintCause;
    }
  | {
      readonly type: 'rate-limited';
      readonly source: 'token-endpoint' | 'api';
      /** The wait, jitter included. */
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
  /** PayU granted less than was asked for. */
  | { readonly type: 'scope-missing'; readonly missing: readonly string[] }
  | {
      readonly type: 'store-failed';
      readonly operation: 'get' | 'set' | 'delete' | 'lock';
      readonly error: Error;
    };

export type Emit = (event: PayuAuthEvent) => void;

/** Written where `NODE_DEBUG` names the package. */
const debug: DebugLogger = /* @__PURE__ */ debuglog('axios-payu-auth');

/** For what watches the whole process: an APM, a test. */
const events: Channel = /* @__PURE__ */ channel('axios-payu-auth:event');

/**
 * Tells an event to the listener, to `NODE_DEBUG=axios-payu-auth` and to the diagnostics channel
 * `axios-payu-auth:event`. Whatever they do changes nothing: no event is worth a request. But a subscriber that throws is
 * an uncaught exception, as on every channel: Node.js catches it, and throws it again a turn later, by itself.
 */
export function emitter(onEvent: ((event: PayuAuthEvent) => unknown) | undefined): Emit {
  return (event) => {
    if (debug.enabled) quietly(() => debug('%s %s', event.type, inText(event)));
    if (events.hasSubscribers) quietly(() => events.publish(event));
    if (onEvent !== undefined) quietly(() => onEvent(event));
  };
}

/** Ignores what a listener throws or rejects with; its promise may be of another realm or library. */
async function quietly(tell: () => unknown): Promise<void> {
  try {
    await tell();
  } catch {
    // As said above.
  }
}

function inText({ type: _, ...told }: PayuAuthEvent): string {
  return JSON.stringify(told, (_name, value: unknown) =>
    value instanceof Error ? `${(value as { code?: unknown }).code ?? value.name}: ${value.message}` : value,
  );
}

/** Why a token was not sent, for users without a listener. */
const WARNINGS = {
  origin:
    'is not an origin that it may go to. Make it the "baseURL" of the attached instance, or list it in "origins"',
  'insecure-http': 'is asked over plain http. Use its https address',
} as const;

/** For an auth without a listener: warns of the first request of an instance that goes out without its token. */
export function warnOnce(emit: Emit): Emit {
  let hasWarned = false;
  return (event) => {
    emit(event);
    if (hasWarned || event.type !== 'token-withheld') return;
    if (event.reason !== 'origin' && event.reason !== 'insecure-http') return;
    hasWarned = true;
    const why =
      event.origin === 'null'
        ? 'its URL names no host. Give the attached instance a "baseURL"'
        : `"${event.origin}" ${WARNINGS[event.reason]}`;
    process.emitWarning(
      `A request went out without its token, as ${why}. ` +
        'This is said once per attached instance; "onEvent" tells of each request.',
      { type: 'PayuAuthWarning', code: 'PAYU_AUTH_TOKEN_WITHHELD' },
    );
  };
}
