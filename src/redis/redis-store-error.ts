/**
 * Why Redis could not do what was asked:
 * - `timeout`: no answer within `timeoutMs`; `unreachable`: no connection; `paused`: one of these happened a moment
 *   ago, so that Redis was not even asked;
 * - `refused`: Redis answered with an error, such as `READONLY` or `WRONGTYPE`;
 * - `unreadable`: the value is not one that this store wrote with a key it knows;
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

/**
 * What the methods of the Redis store reject with. It has no `cause`: clients put the arguments of the failed
 * command, and so the token, on their errors.
 */
export class RedisStoreError extends Error {
  readonly code = 'ERR_REDIS_STORE';
  readonly reason: RedisStoreFailure;

  constructor(reason: RedisStoreFailure, message: string) {
    super(message);
    // Not enumerable, like the name of the language's own errors.
    Object.defineProperty(this, 'name', { value: 'RedisStoreError', configurable: true, writable: true });
    this.reason = reason;
  }
}
