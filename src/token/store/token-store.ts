/** A value, or a promise of one. */
export type MaybePromise<T> = T | Promise<T>;

/**
 * One token as it is kept: plain JSON, times in milliseconds since the epoch.
 *
 * A record without `refreshToken` may be dropped once `expiresAt` has passed. A record with one outlives its
 * access token, because the refresh token is what the next renewal is made from: keep it until it is replaced or
 * deleted.
 */
export interface TokenRecord {
  readonly accessToken: string;
  readonly refreshToken?: string;
  /** As granted; as requested where the reply was silent. */
  readonly scope: readonly string[];
  /** When the token request was sent. */
  readonly obtainedAt: number;
  readonly expiresAt: number;
  /** What else the reply held: `user_uuid`, `created_at`, … */
  readonly extra: Readonly<Record<string, unknown>>;
}

/**
 * Where tokens are kept. The default is {@link MemoryTokenStore}; a fleet shares one in Redis.
 *
 * Keys are opaque: they hold digests, never a secret. A method that throws or rejects costs a `store-failed` event,
 * not a request.
 */
export interface TokenStore {
  /**
   * True: cool-downs and refusals that one process learned of are kept in this store as well, for the others. Such
   * records have keys of their own, an empty `accessToken`, and expire by themselves. Default false.
   */
  readonly sharesNotices?: boolean;
  get(key: string): MaybePromise<TokenRecord | undefined>;
  set(key: string, record: TokenRecord): MaybePromise<void>;
  delete(key: string): MaybePromise<void>;
  /**
   * Runs the task while nobody else, in any process that shares this store, runs one for the same key. Rejects with
   * the signal's reason when the signal aborts before the lock is got; the task itself watches the signal later on.
   */
  withLock<T>(key: string, task: () => Promise<T>, signal: AbortSignal): Promise<T>;
}
