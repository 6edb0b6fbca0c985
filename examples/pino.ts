/**
 * Events to logs, with pino. Copy it, and pass the result as `onEvent`:
 *
 *     createPayuAuth({ …, onEvent: logPayuAuth(logger, 'merchant-101') })
 *
 * No event prints a secret or a token, so nothing has to be redacted.
 */
import type { PayuAuthEvent } from 'axios-payu-auth';
import type { Logger } from 'pino';

/** The merchant's name stands in each line. */
export function logPayuAuth(parent: Logger, merchant: string): (event: PayuAuthEvent) => void {
  const logger = parent.child({ component: 'payu-auth', merchant });
  return ({ type, ...fields }) => {
    // pino writes an error with its message, stack and cause where it stands under "err".
    const { error, ...others } = fields as typeof fields & { readonly error?: Error };
    logger[LEVELS[type]]({ event: type, ...others, ...(error && { err: error }) }, MESSAGES[type]);
  };
}

/** Who is to look at it: `error` and `warn` somebody, `info` nobody in particular, `debug` whoever searches. */
const LEVELS: Readonly<Record<PayuAuthEvent['type'], 'error' | 'warn' | 'info' | 'debug'>> = {
  'token-minted': 'info',
  'token-failed': 'error',
  'rate-limited': 'warn',
  'request-replayed': 'info',
  'replay-skipped': 'warn',
  'token-withheld': 'warn',
  'scope-missing': 'warn',
  'store-failed': 'warn',
};

const MESSAGES: Readonly<Record<PayuAuthEvent['type'], string>> = {
  'token-minted': 'got a token from PayU',
  'token-failed': 'got no token from PayU',
  'rate-limited': 'PayU asked to wait',
  'request-replayed': 'sending a request to PayU again',
  'replay-skipped': 'not sending a refused request again',
  'token-withheld': 'sending a request without token',
  'scope-missing': 'PayU granted less than the scope asked for',
  'store-failed': 'the token store failed, going on without it',
};
