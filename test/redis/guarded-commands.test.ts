import { stat } from 'node:fs/promises';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createPayuAuth } from '../../src/index.ts';
import { type RedisClient, redisTokenStore } from '../../src/redis/index.ts';
import { defer, never } from './support/fixture.ts';
import { NOW, recordNumber } from './support/records.ts';

/** A client whose commands all do the same. */
function clientThat(does: () => Promise<unknown>): RedisClient {
  return { eval: does };
}

async function whatever(outcome: unknown): Promise<void> {
  await Promise.resolve(outcome).catch(() => {});
}

describe('errors of a client', () => {
  const args = ['payu-auth:{a}', 'secret_access_token'];
  it.each<[word: string, reason: string, error: unknown]>([
    [
      'READONLY',
      'refused',
      Object.assign(new Error("READONLY You can't write"), { command: { name: 'eval', args } }),
    ],
    ['ERR', 'refused', new Error("ERR unknown command, with args beginning with: 'secret_access_token'")],
    [
      'the command EVAL',
      'refused',
      new Error("ERR unknown command 'EVAL', with args beginning with: 'secret_'"),
    ],
    [
      'the command EVAL',
      'refused',
      new Error('ERR unknown command `eval`, with args beginning with: `secret_`'),
    ],
    ['"When Redis fails"', 'refused', new Error('READONLY secret_')],
    ['log the client in', 'refused', new Error('NOAUTH Authentication required.')],
    ['another "prefix"', 'refused', new Error('WRONGTYPE Operation against a key holding secret_')],
    ['"maxmemory"', 'refused', new Error("OOM command not allowed when used memory > 'maxmemory'. secret_")],
    ...[
      'Connection in subscriber mode, only subscriber commands may be used',
      "Connection is in monitoring mode, can't process commands.",
      "ERR Can't execute 'eval': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING are allowed in this context",
      'ERR only (P)SUBSCRIBE / (P)UNSUBSCRIBE / PING / QUIT allowed in this context',
    ].map((message): [string, string, Error] => ['client.duplicate()', 'refused', new Error(message)]),
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

describe('an answer that is none of a script', () => {
  it.each([
    ['of a mock that gives no promise', undefined],
    ['of a mock', null],
    ['within MULTI', 'QUEUED'],
    ['of another kind', []],
    ['another number', 7],
  ])('%s: %o: every method but get() rejects at once, and no lock is waited for', async (_, answer) => {
    const eval_ = () => answer as unknown as Promise<unknown>;
    const store = redisTokenStore({ eval: eval_ });
    const task = vi.fn(async () => {});
    const unreadable = { code: 'ERR_REDIS_UNREADABLE', message: expect.stringContaining('mock') };
    await expect(store.withLock('a', task, never)).rejects.toMatchObject(unreadable);
    expect(task).not.toHaveBeenCalled();
    await expect(store.set('a', recordNumber(1))).rejects.toMatchObject(unreadable);
    await expect(store.delete('a')).rejects.toMatchObject(unreadable);
  });

  it.each([1, '1', 1n, Buffer.from('1')])(
    'but %o is a yes, whatever the client makes of a number',
    async (yes) => {
      const store = redisTokenStore(clientThat(async () => yes));
      await expect(store.withLock('a', async () => 'locked', never)).resolves.toBe('locked');
      await expect(store.set('a', recordNumber(1))).resolves.toBeUndefined();
    },
  );
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

describe('where timers are plain numbers, as in a test environment that plays a browser', () => {
  it('a lock is taken and given back', async () => {
    vi.stubGlobal('setInterval', () => 1);
    vi.stubGlobal('clearInterval', () => {});
    const store = redisTokenStore(clientThat(async () => 1));
    await expect(store.withLock('a', async () => 'locked', never)).resolves.toBe('locked');
    vi.unstubAllGlobals();
  });
});

describe('a mint that close() ends', () => {
  it('has given its lock back a turn later', async () => {
    const scripts: string[] = [];
    const client = {
      eval: async (script: string) => {
        scripts.push(script.includes("run('DEL', KEYS[1])\n") ? 'drop' : '?');
        return script.includes('PTTL') && !script.includes("'NX'") ? null : 1;
      },
    };
    const sent = defer();
    const auth = createPayuAuth({
      environment: { tokenUrl: 'https://accounts.example/oauth/token' },
      grant: { type: 'client_credentials', clientId: 'client-1', clientSecret: 'client-secret-1' },
      scope: 'create_payout_transactions',
      store: redisTokenStore(client),
      http: {
        adapter: () => {
          sent.resolve();
          return new Promise(() => {});
        },
      },
    });
    const closed = expect(auth.getToken()).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    await sent.promise;
    expect(scripts).not.toContain('drop');
    await auth.close();
    await new Promise(setImmediate);
    expect(scripts.at(-1)).toBe('drop');
    await closed;
  });
});

describe('a lock that may come after the client has given up', () => {
  it.each([
    ['its own limit has passed', 'Command timed out', ['take', 'drop']],
    ['the connection broke', 'Socket closed unexpectedly', ['take', 'drop']],
    ['but not one that Redis refused', 'READONLY You', ['take']],
  ])('%s: is given back', async (_, message, told) => {
    const scripts: string[] = [];
    const store = redisTokenStore({
      eval: (script: string) => {
        scripts.push(
          script.includes("'NX'") ? 'take' : script.includes("run('DEL', KEYS[1])\n") ? 'drop' : '?',
        );
        return Promise.reject(new Error(message));
      },
    });
    await expect(store.withLock('a', async () => {}, never)).rejects.toThrow();
    expect(scripts).toEqual(told);
  });
});

describe('leaves no timer behind', () => {
  afterEach(() => vi.useRealTimers());

  it.each([
    { what: 'an answer', reply: async () => 1, timers: 0 },
    { what: 'an error of Redis', reply: () => Promise.reject(new Error('READONLY You')), timers: 1 },
    { what: 'no connection', reply: () => Promise.reject(new Error('Socket closed')), timers: 1 },
    { what: 'no answer', reply: () => new Promise(() => {}), timers: 1 },
  ])('but the one that hands in what Redis missed, after $what: $timers', async ({ reply, timers }) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    // A pause is measured by the real clock, and a busy machine may stand still beyond a short one.
    const store = redisTokenStore(clientThat(reply), { outagePauseMs: 600_000 });
    const failed = whatever(store.withLock('a', async () => {}, never));
    await vi.advanceTimersByTimeAsync(1_000);
    await failed;
    expect(vi.getTimerCount()).toBe(0);
    await whatever(store.set('a', recordNumber(1)));
    await whatever(store.set('b', recordNumber(1)));
    expect(vi.getTimerCount()).toBe(timers);
  });

  it('and what Redis missed is handed in a second later', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    const command = vi.fn<() => Promise<unknown>>().mockRejectedValueOnce(new Error('READONLY You'));
    command.mockResolvedValueOnce(null).mockResolvedValue(1);
    const store = redisTokenStore(clientThat(command));
    await expect(store.set('a', recordNumber(1))).rejects.toMatchObject({ reason: 'refused' });
    await vi.advanceTimersByTimeAsync(999);
    expect(command).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    await new Promise(setImmediate); // the real one: all that is answered is carried on
    expect(command).toHaveBeenCalledTimes(3); // what a sibling has stored meanwhile is read first
    expect(vi.getTimerCount()).toBe(0);
  });

  it('but not again while that is under way: with many keys it takes longer than a second', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    const [readOnly, slow] = [() => Promise.reject(new Error('READONLY You')), defer<null>()];
    const command = vi.fn<() => Promise<unknown>>(readOnly);
    const store = redisTokenStore(clientThat(command), { timeoutMs: 600_000 });
    await whatever(store.set('a', recordNumber(1)));
    await whatever(store.set('b', recordNumber(1)));
    command.mockResolvedValueOnce(null).mockImplementationOnce(readOnly).mockReturnValueOnce(slow.promise);
    await vi.advanceTimersByTimeAsync(1_000);
    await new Promise(setImmediate);
    expect(command).toHaveBeenCalledTimes(5);
    await vi.advanceTimersByTimeAsync(10_000);
    await new Promise(setImmediate);
    expect(command).toHaveBeenCalledTimes(5);
    slow.resolve(null);
    command.mockResolvedValueOnce(1).mockResolvedValueOnce(null).mockResolvedValueOnce(1);
    await vi.advanceTimersByTimeAsync(1_000);
    await new Promise(setImmediate);
    expect(command).toHaveBeenCalledTimes(8);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a change that Redis could not take, with more than 1,024 keys', () => {
  it('is handed in once Redis is back', async () => {
    const deleted: string[] = [];
    let isOut = true;
    const store = redisTokenStore(
      {
        eval: async (script: string, { keys }: { keys: string[] }) => {
          if (isOut) throw new Error('Socket closed');
          if (script.includes("run('DEL', KEYS[1])\n  return 1")) deleted.push(String(keys[0]));
          return 1;
        },
      },
      { outagePauseMs: 0 },
    );
    await whatever(store.delete('revoked'));
    for (let n = 0; n < 3_000; n += 1) {
      await whatever(store.set(`a${n}`, recordNumber(1, { expiresAt: NOW - 1 })));
    }
    isOut = false;
    await whatever(store.get('another'));
    await vi.waitFor(() => expect(deleted).toEqual(['payu-auth:{revoked}']), { timeout: 30_000 });
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
