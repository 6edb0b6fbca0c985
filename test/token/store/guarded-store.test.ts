import { describe, expect, test } from 'vitest';
import type { PayuAuthEvent } from '../../../src/events.ts';
import { GuardedStore } from '../../../src/token/store/guarded-store.ts';
import type { TokenRecord, TokenStore } from '../../../src/token/store/token-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { deferred, StoreUnderTest, turns } from '../support.ts';

const LIMIT_MS = 10_000;
const RECORD: TokenRecord = {
  accessToken: 'access-token-1',
  refreshToken: 'refresh-token-1',
  scope: ['a'],
  obtainedAt: 1,
  expiresAt: 2,
  extra: {},
};

function guard(store: Partial<TokenStore>, secrets: readonly string[] = []) {
  const clock = new ManualClock();
  const events: PayuAuthEvent[] = [];
  const guarded = new GuardedStore(store as TokenStore, {
    clock,
    limitMs: LIMIT_MS,
    emit: (event) => events.push(event),
    secrets: () => secrets,
  });
  const failures = () =>
    events.map((event) =>
      event.type === 'store-failed' ? `${event.operation}: ${event.error.message}` : '',
    );
  return { guarded, clock, failures, events };
}

const never = () => new Promise<never>(() => {});
const signal = new AbortController().signal;

describe('a store that fails knows nothing, and costs an event', () => {
  const faults = [
    [
      'throws',
      () => {
        throw new Error('down');
      },
      'down',
    ],
    [
      'throws something else',
      () => {
        throw 'down';
      },
      'down',
    ],
    ['rejects', () => Promise.reject(new Error('down')), 'down'],
    ['rejects with nothing', () => Promise.reject(undefined), 'undefined'],
    ['does not answer', never, `The store did not answer within ${LIMIT_MS} ms.`],
  ] as const;
  const operations = [
    ['get', (store: GuardedStore) => store.get('key')],
    ['set', (store: GuardedStore) => store.set('key', RECORD)],
    ['delete', (store: GuardedStore) => store.delete('key')],
  ] as const;
  const rows = operations.flatMap(([operation, call]) =>
    faults.map(([how, fault, message]) => ({ operation, call, how, fault, message })),
  );

  test.each(rows)('$operation $how', async ({ operation, call, fault, message }) => {
    const { guarded, clock, failures } = guard({ [operation]: fault });
    const result = call(guarded);
    await turns();
    clock.advance(LIMIT_MS);
    expect(await result).toBeUndefined();
    expect(failures()).toEqual([`${operation}: ${message}`]);
    expect(clock.pending).toBe(0);
  });

  test('an answer a millisecond before the limit counts', async () => {
    const answer = deferred<TokenRecord>();
    const { guarded, clock, failures } = guard({ get: () => answer.promise });
    const result = guarded.get('key');
    clock.advance(LIMIT_MS - 1);
    answer.resolve(RECORD);
    expect(await result).toEqual(RECORD);
    expect(failures()).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('no event holds a secret, whatever the store quotes', async () => {
    const { guarded, events } = guard(
      {
        get: () => Promise.reject(new Error('GET client-secret-1')),
        set: (_key, record) =>
          Promise.reject(Object.assign(new Error(`SET ${JSON.stringify(record)}`), { record })),
      },
      ['client-secret-1'],
    );
    await guarded.get('key');
    await guarded.set('key', RECORD);
    expect(events).toHaveLength(2);
    const told = events.map((event) => {
      const { error } = event as Extract<PayuAuthEvent, { type: 'store-failed' }>;
      return `${error.message} ${error.stack} ${JSON.stringify(error)} ${Object.keys(error)}`;
    });
    for (const secret of ['client-secret-1', 'access-token-1', 'refresh-token-1', 'record']) {
      expect(told.join()).not.toContain(secret);
    }
  });
});

describe('what a store answers', () => {
  test.each([
    ['a record', RECORD],
    ['without a refresh token', { ...RECORD, refreshToken: undefined }],
    ['without an access token: only its refresh token is kept', { ...RECORD, accessToken: '' }],
  ])('is taken: %s', async (_, record) => {
    const { guarded, failures } = guard({ get: () => record as TokenRecord });
    expect(await guarded.get('key')).toEqual(record);
    expect(failures()).toEqual([]);
  });

  test('is taken without what we do not know', async () => {
    const { guarded, failures } = guard({ get: () => ({ ...RECORD, _id: 1 }) });
    expect(await guarded.get('key')).toEqual(RECORD);
    expect(failures()).toEqual([]);
  });

  const TEN_YEARS_MS = 10 * 365.25 * 86_400_000;
  test.each([
    [TEN_YEARS_MS, TEN_YEARS_MS],
    [TEN_YEARS_MS + 1, TEN_YEARS_MS],
    [Number.MAX_VALUE, TEN_YEARS_MS],
  ])('lives for ten years at most: %d ms', async (lifeMs, believedMs) => {
    const { guarded } = guard({ get: () => ({ ...RECORD, obtainedAt: 0, expiresAt: lifeMs }) });
    expect(await guarded.get('key')).toMatchObject({ expiresAt: believedMs });
  });

  test.each([[undefined], [null]])('is nothing: %s', async (nothing) => {
    const { guarded, failures } = guard({ get: () => nothing as undefined });
    expect(await guarded.get('key')).toBeNull();
    expect(failures()).toEqual([]);
  });

  test.each([
    ['a string', '{"accessToken":"a"}'],
    ['a list', [RECORD]],
    ['an empty object', {}],
    ['an access token that no header may hold', { ...RECORD, accessToken: 'a\r\nb' }],
    ['an access token that is no string', { ...RECORD, accessToken: 7 }],
    ['no access token', { ...RECORD, accessToken: undefined }],
    ['a refresh token that is no string', { ...RECORD, refreshToken: 7 }],
    ['an empty refresh token', { ...RECORD, refreshToken: '' }],
    ['a scope in a string', { ...RECORD, scope: 'a b' }],
    ['a scope that is no string', { ...RECORD, scope: [7] }],
    ['a scope that is no string among others', { ...RECORD, scope: ['a', 7] }],
    ['a time that is a string', { ...RECORD, expiresAt: '2' }],
    ['a time that is a Date', { ...RECORD, obtainedAt: new Date(1) }],
    ['NaN as its end', { ...RECORD, expiresAt: Number.NaN }],
    ['no end', { ...RECORD, expiresAt: Number.POSITIVE_INFINITY }],
    ['no extra', { ...RECORD, extra: undefined }],
  ])('is nonsense: %s', async (_, nonsense) => {
    const { guarded, failures } = guard({ get: () => nonsense as TokenRecord });
    expect(await guarded.get('key')).toBeUndefined();
    expect(failures()).toEqual(['get: The record in the store is not one that this library wrote.']);
  });
});

describe("the store's object is the store's, and ours is ours", () => {
  /** What stores do to objects: encrypt in place, add an id, use one object for all answers. */
  const spoil = (record: TokenRecord) => {
    Object.assign(record, { accessToken: 'c1pher', refreshToken: 'c1pher', expiresAt: 9, _id: 1 });
    (record.scope as string[]).push('b');
    (record.extra as Record<string, unknown>).mid = 1;
  };

  test('a record is not what the store makes of it', async () => {
    const record: TokenRecord = { ...RECORD, scope: ['a'], extra: {} };
    const { guarded, failures } = guard({ set: async (_, given) => spoil(given) });
    await guarded.set('key', record);
    expect(record).toEqual(RECORD);
    expect(failures()).toEqual([]);
  });

  test('an answer is not what the store makes of it later', async () => {
    const stored: TokenRecord = { ...RECORD, scope: ['a'], extra: {} };
    const { guarded } = guard({ get: () => stored });
    const found = await guarded.get('key');
    spoil(stored);
    expect(found).toEqual(RECORD);
  });

  test('each field counts as it was when it was looked at', async () => {
    const values = ['access-token-1', 'a\r\nb'];
    const stored = {
      ...RECORD,
      get accessToken() {
        return values.shift() ?? '';
      },
    };
    const { guarded } = guard({ get: () => stored });
    expect((await guarded.get('key'))?.accessToken).toBe('access-token-1');
  });

  test('an answer that can not be read is a failure of the store', async () => {
    const unreadable = new Proxy(RECORD, {
      get: (_, name) => {
        if (name === 'then') return undefined;
        throw new Error('no access');
      },
    });
    const { guarded, failures } = guard({ get: () => unreadable });
    expect(await guarded.get('key')).toBeUndefined();
    expect(failures()).toEqual(['get: no access']);
  });
});

describe('the order of operations on one key is that of the calls', () => {
  test('a write is not overtaken by the one after it, nor by a read', async () => {
    const store = new StoreUnderTest();
    const { guarded } = guard(store);
    const set = store.park('set');
    const first = guarded.set('key', RECORD);
    const second = guarded.set('key', { ...RECORD, accessToken: 'second' });
    const read = guarded.get('key');
    await set.arrived;
    await turns();
    expect(store.asked.map(({ operation }) => operation)).toEqual(['set']);
    set.release();
    await Promise.all([first, second]);
    expect((await read)?.accessToken).toBe('second');
  });

  test('also of the third behind the second, once the first is over', async () => {
    const store = new StoreUnderTest();
    const { guarded } = guard(store);
    const first = guarded.set('key', RECORD);
    const second = store.park('delete');
    const deletion = guarded.delete('key');
    await first;
    await second.arrived;
    const read = guarded.get('key');
    await turns();
    expect(store.asked.map(({ operation }) => operation)).toEqual(['set', 'delete']);
    second.release();
    await deletion;
    expect(await read).toBeNull();
  });

  test('its limit keeps no process alive', async () => {
    const { guarded, clock } = guard({ get: never });
    void guarded.get('key');
    expect([clock.pending, clock.keepingAlive]).toEqual([1, 0]);
  });

  test('another key does not wait', async () => {
    const store = new StoreUnderTest();
    const { guarded } = guard(store);
    const set = store.park('set');
    void guarded.set('key', RECORD);
    await set.arrived;
    expect(await guarded.get('other')).toBeNull();
  });

  test('one that hangs holds up those behind it for its limit; each of them has its own from then on', async () => {
    const answer = deferred<TokenRecord>();
    const { guarded, clock, failures } = guard({ set: never, get: () => answer.promise });
    void guarded.set('key', RECORD);
    clock.advance(1);
    const read = guarded.get('key');
    clock.advance(LIMIT_MS - 1);
    await turns();
    clock.advance(LIMIT_MS - 1);
    answer.resolve(RECORD);
    expect(await read).toEqual(RECORD);
    expect(failures()).toEqual([`set: The store did not answer within ${LIMIT_MS} ms.`]);
    expect(clock.pending).toBe(0);
  });

  test('a hundred that hang hold up nobody for longer than one, and the last of them comes to its end as well', async () => {
    const { guarded, clock, failures } = guard({ set: never, get: () => RECORD });
    const writes = Array.from({ length: 100 }, () => guarded.set('key', RECORD));
    const read = guarded.get('key');
    expect(await guarded.get('other')).toEqual(RECORD);
    clock.advance(LIMIT_MS);
    expect(await read).toEqual(RECORD);
    clock.advance(LIMIT_MS);
    await Promise.all(writes);
    expect(failures()).toHaveLength(100);
    expect(clock.pending).toBe(0);
  });

  test('once all is over, nothing of the order is remembered: a synchronous store answers without a turn', async () => {
    const { guarded, clock } = guard({ get: () => RECORD, set: async () => {} });
    await guarded.set('key', RECORD);
    let answer: TokenRecord | null | undefined;
    void guarded.get('key').then((record) => {
      answer = record;
    });
    for (let microtask = 0; microtask < 5; microtask++) await Promise.resolve();
    expect(answer).toEqual(RECORD);
    expect(clock.pending).toBe(0);
  });
});

describe('a store that has left an operation without an answer is not waited for again (C4)', () => {
  const NOT_ASKED = `The store is not asked, as it did not answer within ${LIMIT_MS} ms a moment ago.`;
  const operations = [
    ['get', (store: GuardedStore) => store.get('key')],
    ['set', (store: GuardedStore) => store.set('key', RECORD)],
    ['delete', (store: GuardedStore) => store.delete('key')],
  ] as const;

  async function hung(hanging: (store: GuardedStore) => Promise<unknown>) {
    const given = guard({ get: never, set: never, delete: never, withLock: never });
    const first = hanging(given.guarded);
    await turns();
    given.clock.advance(LIMIT_MS);
    await first;
    return { ...given, news: () => given.failures().slice(1) };
  }

  test.each(operations)(
    'after a %s: another read, and the lock, count as failed at once',
    async (_, call) => {
      const { guarded, news } = await hung(call);
      expect(await guarded.get('other')).toBeUndefined();
      expect(await guarded.withLock('other', async () => 'done', signal)).toBe('done');
      expect(news()).toEqual([`get: ${NOT_ASKED}`, `lock: ${NOT_ASKED}`]);
    },
  );

  test.each(operations.slice(1))(
    'but a %s goes out: what has changed is to be known there',
    async (_, call) => {
      const { guarded, clock, news } = await hung((store) => store.get('key'));
      const write = call(guarded);
      clock.advance(LIMIT_MS);
      await write;
      expect(news()).toMatchObject([expect.stringMatching(/: The store did not answer within/)]);
    },
  );

  test.each([
    ['as long again has passed', (clock: ManualClock) => clock.advance(LIMIT_MS), true],
    ['a millisecond less has', (clock: ManualClock) => clock.advance(LIMIT_MS - 1), false],
    [
      'the wall clock is set back',
      (clock: ManualClock) => {
        clock.stepWall(-3_600_000);
        clock.advance(LIMIT_MS);
      },
      true,
    ],
    ['the wall clock is set forward', (clock: ManualClock) => clock.stepWall(3_600_000), true],
  ] as const)('once %s it is asked again: %#', async (_, pass, isAsked) => {
    let reads = 0;
    const { guarded, clock } = guard({
      get: () => {
        reads++;
        return never();
      },
    });
    void guarded.get('key');
    clock.advance(LIMIT_MS);
    await turns();
    pass(clock);
    void guarded.get('key');
    await turns();
    expect(reads).toBe(isAsked ? 2 : 1);
  });
});

type Lock = TokenStore['withLock'];

describe('the lock: the task runs exactly once, and its result counts', () => {
  /** Its events where the task succeeds; where the task fails they are the same unless the last column says otherwise. */
  const rows: readonly [string, Lock, readonly string[], (readonly string[])?][] = [
    ['works', async (_key, task) => task(), []],
    [
      'throws before the task',
      () => {
        throw new Error('down');
      },
      ['lock: down'],
    ],
    ['rejects before the task', async () => Promise.reject(new Error('down')), ['lock: down']],
    [
      'rejects after the task',
      async (_key, task) => {
        await task();
        throw new Error('lost');
      },
      ['lock: lost'],
      [], // the task's own error came back first: it is none of the store's
    ],
    [
      'rejects while the task runs',
      async (_key, task) => {
        void task();
        throw new Error('lost');
      },
      ['lock: lost'],
    ],
    [
      'gives something else back',
      async (_key, task) => {
        await task();
        return 'nonsense' as never;
      },
      [],
    ],
    [
      'never runs the task',
      async () => undefined as never,
      ['lock: The store gave its lock back without running the task.'],
    ],
    [
      'runs the task twice',
      async (_key, task) => {
        await task();
        return task();
      },
      [],
    ],
    [
      'does not wait for the task',
      async (_key, task) => {
        void task();
        return undefined as never;
      },
      [],
    ],
    ['is never released after the task', async (_key, task) => task().then(never), []],
  ];

  test.each(rows)('of a store whose lock %s', async (_, withLock, expected) => {
    const { guarded, failures } = guard({ withLock });
    let runs = 0;
    const task = async () => {
      runs++;
      await turns();
      return 'result';
    };
    expect(await guarded.withLock('key', task, signal)).toBe('result');
    await turns();
    expect(runs).toBe(1);
    expect(failures()).toEqual(expected);
  });

  test.each(rows)(
    'of a store whose lock %s, also where the task fails',
    async (_, withLock, usual, expected = usual) => {
      const { guarded, failures } = guard({ withLock });
      let runs = 0;
      const task = async () => {
        runs++;
        await turns();
        throw new Error('mint failed');
      };
      await expect(guarded.withLock('key', task, signal)).rejects.toThrow('mint failed');
      await turns();
      expect(runs).toBe(1);
      expect(failures()).toEqual(expected);
    },
  );
});

describe('a lock that does not come', () => {
  test('ends with the signal, at once and with its reason; the task never runs, also where it comes late', async () => {
    let late: () => Promise<unknown> = never;
    const { guarded, failures } = guard({
      withLock: (_key, task) => {
        late = task;
        return never();
      },
    });
    const controller = new AbortController();
    let runs = 0;
    const wait = guarded.withLock('key', async () => runs++, controller.signal);
    const reason = new Error('nobody waits');
    controller.abort(reason);
    await expect(wait).rejects.toBe(reason);
    await expect(late()).rejects.toBe(reason);
    expect(runs).toBe(0);
    expect(failures()).toEqual([]);
  });

  test('because the signal aborts is no failure of the store', async () => {
    const controller = new AbortController();
    const { guarded, failures } = guard({
      withLock: (_key, _task, given) =>
        new Promise((_, reject) => given.addEventListener('abort', () => reject(given.reason))),
    });
    const wait = guarded.withLock('key', async () => 1, controller.signal);
    controller.abort(new Error('left'));
    await expect(wait).rejects.toThrow('left');
    await turns();
    expect(failures()).toEqual([]);
  });

  test('aborts a caller whose task is under way at once, while the task ends under the lock', async () => {
    const controller = new AbortController();
    const work = deferred<string>();
    let released = false;
    const { guarded } = guard({
      withLock: async (_key, task) => {
        const result = await task();
        released = true;
        return result;
      },
    });
    const wait = guarded.withLock('key', () => work.promise, controller.signal);
    await turns();
    controller.abort(new Error('left'));
    await expect(wait).rejects.toThrow('left');
    expect(released).toBe(false);
    work.resolve('late');
    await turns();
    expect(released).toBe(true);
  });
});
