import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { MemoryTokenStore, type TokenRecord } from '../../../src/index.ts';
import { deferred, turns } from '../support.ts';

function record(expiresAt: number, refreshToken?: string): TokenRecord {
  return {
    accessToken: 'a',
    ...(refreshToken === undefined ? {} : { refreshToken }),
    scope: ['a'],
    obtainedAt: 0,
    expiresAt,
    extra: {},
  };
}

const signal = new AbortController().signal;

afterEach(() => {
  vi.useRealTimers();
});

describe('records', () => {
  test('are read, replaced and deleted synchronously', () => {
    const store = new MemoryTokenStore();
    const one = record(Number.MAX_SAFE_INTEGER);
    expect(store.get('key')).toBeUndefined();
    store.set('key', one);
    expect(store.get('key')).toBe(one);
    store.delete('key');
    expect(store.get('key')).toBeUndefined();
  });

  test.each([
    ['at its end', 1_000, undefined, false],
    ['a millisecond before', 999, undefined, true],
    ['long after, with a refresh token: the next renewal is made from it', 1e9, 'r', true],
    ['a millisecond before 90 days, with a refresh token', 90 * 86_400_000 - 1, 'r', true],
    ['after 90 days, with a refresh token that nobody used', 90 * 86_400_000, 'r', false],
  ])('are forgotten when they are dead: %s', (_, now, refreshToken, isKept) => {
    vi.useFakeTimers({ now: 0 });
    const store = new MemoryTokenStore();
    store.set('key', record(1_000, refreshToken));
    vi.setSystemTime(now);
    for (const other of ['b', 'c']) store.set(other, record(Number.MAX_SAFE_INTEGER));
    expect(store.get('key') !== undefined).toBe(isKept);
  });
});

describe('the lock', () => {
  test('once it is got, or given up, nobody listens to the signal any more', async () => {
    const store = new MemoryTokenStore();
    const controller = new AbortController();
    const listeners = () => getEventListeners(controller.signal, 'abort').length;
    await store.withLock('key', async () => expect(listeners()).toBe(0), controller.signal);
    const gate = deferred();
    const holder = store.withLock('key', () => gate.promise, signal);
    const waiting = store.withLock('key', async () => {}, controller.signal);
    expect(listeners()).toBe(1);
    controller.abort('left');
    await expect(waiting).rejects.toBe('left');
    expect(listeners()).toBe(0);
    gate.resolve();
    await holder;
  });

  test('runs tasks of one key one after the other, in the order of the calls', async () => {
    const store = new MemoryTokenStore();
    const order: string[] = [];
    const gates = [deferred(), deferred()];
    const tasks = gates.map((gate, index) =>
      store.withLock(
        'key',
        async () => {
          order.push(`begin ${index}`);
          await gate.promise;
          order.push(`end ${index}`);
          return index;
        },
        signal,
      ),
    );
    gates[1]?.resolve();
    await turns();
    expect(order).toEqual(['begin 0']);
    gates[0]?.resolve();
    expect(await Promise.all(tasks)).toEqual([0, 1]);
    expect(order).toEqual(['begin 0', 'end 0', 'begin 1', 'end 1']);
  });

  test('is one lock as long as anybody holds it: who comes during the second task waits for its end', async () => {
    const store = new MemoryTokenStore();
    const gates = [deferred(), deferred()];
    const order: string[] = [];
    const run = (index: number) =>
      store.withLock(
        'key',
        async () => {
          order.push(`begin ${index}`);
          await gates[index]?.promise;
          order.push(`end ${index}`);
        },
        signal,
      );
    const first = run(0);
    const second = run(1);
    gates[0]?.resolve();
    await first;
    await turns();
    const third = run(2);
    await turns();
    expect(order).toEqual(['begin 0', 'end 0', 'begin 1']);
    gates[1]?.resolve();
    await Promise.all([second, third]);
    expect(order).toEqual(['begin 0', 'end 0', 'begin 1', 'end 1', 'begin 2', 'end 2']);
  });

  test('of another key is another lock', async () => {
    const store = new MemoryTokenStore();
    void store.withLock('key', () => new Promise(() => {}), signal);
    expect(await store.withLock('other', async () => 1, signal)).toBe(1);
  });

  test('is free again after a task that failed, which fails with its own error', async () => {
    const store = new MemoryTokenStore();
    await expect(store.withLock('key', () => Promise.reject(new Error('failed')), signal)).rejects.toThrow(
      'failed',
    );
    expect(await store.withLock('key', async () => 1, signal)).toBe(1);
  });

  test('rejects at once with the reason of the signal while it is not got; the next one in the queue gets it', async () => {
    const store = new MemoryTokenStore();
    const gate = deferred();
    const first = store.withLock('key', () => gate.promise, signal);
    const controller = new AbortController();
    let ran = false;
    const left = store.withLock('key', async () => (ran = true), controller.signal);
    const third = store.withLock('key', async () => 3, signal);
    const reason = new Error('left');
    controller.abort(reason);
    await expect(left).rejects.toBe(reason);
    gate.resolve();
    await first;
    expect(await third).toBe(3);
    expect(ran).toBe(false);
  });

  test('is not waited for with a signal that has aborted', async () => {
    const store = new MemoryTokenStore();
    const controller = new AbortController();
    controller.abort(new Error('left'));
    let ran = false;
    const wait = store.withLock('key', async () => (ran = true), controller.signal);
    await expect(wait).rejects.toThrow('left');
    expect(ran).toBe(false);
  });
});
