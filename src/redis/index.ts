export type { EncryptionKey, RedisTokenStoreOptions } from './options.ts';
export type { IoRedisClient, NodeRedisClient, RedisClient } from './redis-client.ts';
export { RedisStoreError, type RedisStoreErrorCode, type RedisStoreFailure } from './redis-store-error.ts';
export { redisTokenStore } from './redis-token-store.ts';
