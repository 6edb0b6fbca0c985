import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type RedisClient, redisTokenStore } from '../../src/redis/index.ts';

const client: RedisClient = { get: async () => null, eval: async () => 1 };
const key = Buffer.alloc(32, 7);

describe('redisTokenStore refuses wrong options at construction', () => {
  it.each([
    ['"prefix"', { prefix: 7 }],
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
    expect(construct).toThrow(`"${name}" is not an option; there are: prefix, encryptionKey, timeoutMs, `);
  });

  it.each([[null], ['x'], [[key]], [key]])('options %o', (options) => {
    expect(() => redisTokenStore(client, options as unknown as object)).toThrow(
      '"options" must be an object',
    );
  });

  it.each([[undefined], [null], ['redis://localhost'], [{ get: async () => null }]])('client %o', (wrong) => {
    const construct = () => redisTokenStore(wrong as unknown as RedisClient);
    expect(construct).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
    expect(construct).toThrow('"client" must be');
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
  ])('%s', (_, options) => {
    expect(redisTokenStore(client, options)).toBeDefined();
  });

  it('and does not show its keys when logged', () => {
    const store = redisTokenStore(client, { encryptionKey: key });
    expect(inspect(store, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toMatch(/07 07|Buffer/);
  });
});
