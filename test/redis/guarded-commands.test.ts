import { stat } from 'node:fs/promises';
import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { type RedisClient, redisTokenStore } from '../../src/redis/index.ts';
import { recordNumber } from './support/records.ts';

/** A client whose commands all do the same. */
function clientThat(does: () => Promise<unknown>): RedisClient {
  return { get: does, eval: does };
}

describe('errors of a client', () => {
  const args = ['payu-auth:{a}', 'secret_access_token'];
  it.each([
    [
      'READONLY',
      'refused',
      Object.assign(new Error("READONLY You can't write"), { command: { name: 'eval', args } }),
    ],
    ['ERR', 'refused', new Error("ERR unknown command, with args beginning with: 'secret_access_token'")],
    ['CLUSTERDOWN', 'refused', new Error('CLUSTERDOWN Hash slot not served')],
    ['(ECONNREFUSED)', 'unreachable', Object.assign(new Error('connect'), { code: 'ECONNREFUSED', args })],
    [
      'reached',
      'unreachable',
      Object.assign(new Error('secret_access_token'), { code: 'secret_access_token' }),
    ],
    ['reached', 'unreachable', new Error('Socket closed', { cause: args })],
    ['reached', 'unreachable', 'secret_access_token'],
    ['reached', 'unreachable', undefined],
    ['reached', 'unreachable', null],
  ])('become ours, without the arguments of the command: %s', async (word, reason, error) => {
    const store = redisTokenStore(clientThat(() => Promise.reject(error)));
    const failure: Error = await Promise.resolve(store.set('a', recordNumber(1))).then(
      () => new Error('It was stored.'),
      (rejection) => rejection,
    );
    const code = `ERR_REDIS_${reason.toUpperCase()}`;
    expect(failure).toMatchObject({ name: 'RedisStoreError', code, reason });
    expect(failure.message).toContain(word);
    expect(inspect(failure, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toContain('secret_');
  });

  it('that it throws rather than rejects with are no different', async () => {
    const store = redisTokenStore(
      clientThat(() => {
        throw new Error('The client is closed');
      }),
    );
    await expect(store.get('a')).rejects.toMatchObject({ reason: 'unreachable' });
  });
});

describe('after an error', () => {
  it.each([
    ['of the connection, Redis is left alone', new Error('Socket closed'), 1],
    ['of Redis itself, it is asked again', new Error('LOADING Redis is loading the dataset in memory'), 2],
  ])('%s', async (_, error, calls) => {
    const command = vi.fn(() => Promise.reject(error));
    const store = redisTokenStore(clientThat(command));
    await expect(store.set('a', recordNumber(1))).rejects.toThrow();
    await expect(store.set('a', recordNumber(1))).rejects.toThrow();
    expect(command).toHaveBeenCalledTimes(calls);
  });
});

describe('the time limit', () => {
  it('is not held against Redis when it was this process that stood still', async () => {
    const store = redisTokenStore(
      clientThat(() => stat('/').then(() => null)),
      { timeoutMs: 10 },
    );
    const reading = store.get('a');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    await expect(reading).resolves.toBeUndefined();
  });
});
