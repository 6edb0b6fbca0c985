/**
 * Why Redis could not do what was asked:
 * - `timeout`: no answer within `timeoutMs`; `unreachable`: no connection; `paused`: one of these happened a moment
 *   ago, so that Redis was not even asked;
 * - `refused`: Redis answered with an error, such as `READONLY` or `WRONGTYPE`;
 * - `unreadable`: the value is not one that this store wrote for this key, with an encryption key it knows; or the answer
 *   is none of its scripts', as of a mock;
 * - `superseded`: a sibling has stored a newer token; `lock-lost`: the lease ran out before the task was done.
 */
export type RedisStoreFailure =
  | 'timeout'
  | 'unreachable'
  | 'paused'
  | 'refused'
  | 'unreadable'
  | 'superseded'
  | 'lock-lost';

/** The failure as a `code`: all that an auth's `store-failed` event keeps of a store's error, besides its message. */
export type RedisStoreErrorCode =
  | 'ERR_REDIS_TIMEOUT'
  | 'ERR_REDIS_UNREACHABLE'
  | 'ERR_REDIS_PAUSED'
  | 'ERR_REDIS_REFUSED'
  | 'ERR_REDIS_UNREADABLE'
  | 'ERR_REDIS_SUPERSEDED'
  | 'ERR_REDIS_LOCK_LOST';

const CODES: Readonly<Record<RedisStoreFailure, RedisStoreErrorCode>> = {
  timeout: 'ERR_REDIS_TIMEOUT',
  unreachable: 'ERR_REDIS_UNREACHABLE',
  paused: 'ERR_REDIS_PAUSED',
  refused: 'ERR_REDIS_REFUSED',
  unreadable: 'ERR_REDIS_UNREADABLE',
  superseded: 'ERR_REDIS_SUPERSEDED',
  'lock-lost': 'ERR_REDIS_LOCK_LOST',
};

/**
 * What the methods of the Redis store reject with. It has no `cause`: clients put the arguments of the failed
 * command, and so the token, on their errors.
 *
 * @example
 * createPayuAuth({
 *   environment: 'test',
 *   grant,
 *   scope: scopes.payouts.create,
 *   store: redisTokenStore(redis),
 *   onEvent: (event) => {
 *     if (event.type !== 'store-failed') return;
 *     const { code } = event.error as { code?: string };
 *     if (code !== 'ERR_REDIS_PAUSED') console.error(code, event.error.message); // the errors before it said why
 *   },
 * });
 */
export class RedisStoreError extends Error {
  readonly code: RedisStoreErrorCode;
  readonly reason: RedisStoreFailure;

  constructor(reason: RedisStoreFailure, message: string) {
    super(message);
    // Not enumerable, like the name of the language's own errors.
    Object.defineProperty(this, 'name', { value: 'RedisStoreError', configurable: true, writable: true });
    this.code = CODES[reason];
    this.reason = reason;
  }
}

/** What all scripts but the one that reads answer. A client that is mocked, or in a transaction, answers anything else. */
export function isYes(reply: unknown): boolean {
  const answer = String(reply);
  if (answer === '1' || answer === '0') return answer === '1';
  throw new RedisStoreError(
    'unreadable',
    'The client gave an answer that is none of the script’s. Is it a mock, or within MULTI?',
  );
}
