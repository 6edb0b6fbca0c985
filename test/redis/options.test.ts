import { createRequire } from 'node:module';
import { inspect } from 'node:util';
import { createClient as createClient6 } from 'redis';
import { createClient as createClient4 } from 'redis-4';
import { createClient as createClient5 } from 'redis-5';
import { describe, expect, it } from 'vitest';
import { type RedisClient, redisTokenStore } from '../../src/redis/index.ts';

/** Has no types of its own. */
const { createClient: createClient3 } = createRequire(import.meta.url)('redis-3');

const client: RedisClient = { eval: async () => 1 };
const key = Buffer.alloc(32, 7);

describe('redisTokenStore refuses wrong options at construction', () => {
  it.each([
    ['"prefix"', { prefix: 7 }],
    ['"prefix"', { prefix: 'x{}:' }],
    ['"timeoutMs"', { timeoutMs: 0 }],
    ['"timeoutMs"', { timeoutMs: Number.NaN }],
    ['"timeoutMs"', { timeoutMs: 2 ** 31 }],
    ['"leaseMs"', { leaseMs: 99 }],
    ['"leaseMs"', { leaseMs: 100.5 }],
    ['"outagePauseMs"', { outagePauseMs: -1 }],
    ['"refreshTokenTtlMs"', { refreshTokenTtlMs: '90 days' }],
    ['"encryptionKey"', { encryptionKey: '' }],
    // An environment variable that is not set must not turn encryption off.
    ['"encryptionKey"', { encryptionKey: undefined }],
    ['"encryptionKey"', { encryptionKey: [] }],
    ['"encryptionKey"', { encryptionKey: null }],
    ['"encryptionKey"', { encryptionKey: Buffer.alloc(31) }],
    ['"encryptionKey"', { encryptionKey: [key, key.toString('hex').slice(1)] }],
    ['"acceptPlain"', { acceptPlain: 'yes', encryptionKey: key }],
    ['"acceptPlain"', { acceptPlain: true }],
    ['"acceptPlain"', { acceptPlain: true, decryptionKey: key }],
    ['"decryptionKey"', { decryptionKey: undefined }],
    ['"decryptionKey"', { decryptionKey: [key, ''] }],
    ['"decryptionKey"', { decryptionKey: key, encryptionKey: key }],
    ['"encryptionKey"', { encryptionKey: `${key.toString('base64').slice(0, -2)} =` }],
  ])('%s: %o', (name, options) => {
    const construct = () => redisTokenStore(client, options as object);
    expect(construct).toThrow(TypeError);
    expect(construct).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
    expect(construct).toThrow(name);
  });

  it.each([
    // Who misspells this one believes that the tokens are encrypted.
    [{ encryptionkey: key }, 'encryptionkey'],
    [{ prefix: 'a:', ttl: 1 }, 'ttl'],
  ])('a name that nobody reads: %o', (options, name) => {
    const construct = () => redisTokenStore(client, options as object);
    expect(construct).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
    expect(construct).toThrow(
      `"${name}" is not an option; there are: prefix, encryptionKey, acceptPlain, decryptionKey, `,
    );
  });

  it.each([[null], ['x'], [[key]], [key]])('options %o', (options) => {
    expect(() => redisTokenStore(client, options as unknown as object)).toThrow(
      '"options" must be an object',
    );
  });

  it.each([
    [undefined],
    [null],
    ['redis://localhost'],
    [{ get: async () => null }],
    [{ eval: () => {}, createScript: () => {} }],
  ])('client %o', (wrong) => {
    const construct = () => redisTokenStore(wrong as unknown as RedisClient);
    expect(construct).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
    expect(construct).toThrow('"client" must be');
  });

  it.each<[string, () => object, string]>([
    ['redis 3', () => createClient3({ no_ready_check: true, retry_strategy: () => undefined }), '4, 5 or 6'],
    ['redis 4 with legacyMode', () => createClient4({ legacyMode: true }), '"v4"'],
    ['the legacy() of redis 5', () => createClient5().legacy(), 'Pass the client itself'],
    ['the legacy() of redis 6', () => createClient6().legacy(), 'Pass the client itself'],
  ])('a client that takes callbacks, and says which to pass: %s', (_, create, words) => {
    const callbacks = create();
    const construct = () => redisTokenStore(callbacks as RedisClient);
    expect(construct).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
    expect(construct).toThrow(words);
    // Only redis 3 connects by itself.
    if ('end' in callbacks && typeof callbacks.end === 'function') callbacks.end(false);
  });

  it('does not print a wrong key', () => {
    const secret = 'aGVsbG8gaGVsbG8gaGVsbG8';
    expect(() => redisTokenStore(client, { encryptionKey: secret })).not.toThrow(secret);
  });
});

describe('redisTokenStore accepts', () => {
  it.each([
    ['nothing', {}],
    [
      'the least of everything',
      { prefix: '', timeoutMs: 1, leaseMs: 100, outagePauseMs: 0, refreshTokenTtlMs: 1 },
    ],
    ['a Buffer', { encryptionKey: key }],
    ['a Uint8Array', { encryptionKey: new Uint8Array(32) }],
    ['hex', { encryptionKey: key.toString('hex').toUpperCase() }],
    ['base64', { encryptionKey: Buffer.alloc(32, 255).toString('base64') }],
    ['base64url', { encryptionKey: Buffer.alloc(32, 255).toString('base64url') }],
    ['a list', { encryptionKey: [key, key.toString('hex')] }],
    ['plain values beside a key', { encryptionKey: key, acceptPlain: true }],
    ['a word for the default', { acceptPlain: false }],
    ['keys to read with', { decryptionKey: [key, key.toString('hex')] }],
  ])('%s', (_, options) => {
    expect(redisTokenStore(client, options)).toBeDefined();
  });

  it('what node-redis 4 offers beside "legacyMode"', () => {
    expect(redisTokenStore(createClient4({ legacyMode: true }).v4 as RedisClient)).toBeDefined();
  });

  it('and does not show its keys when logged', () => {
    const store = redisTokenStore(client, { encryptionKey: key });
    expect(inspect(store, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toMatch(/07 07|Buffer/);
  });
});
