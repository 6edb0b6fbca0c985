import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createPayuAuth } from '../../src/index.ts';
import { systemClock } from '../../src/time/clock.ts';

const LONGEST_TIMER_MS = 2 ** 31 - 1;
const reply = { status: 200, statusText: 'OK', data: '{"access_token":"access_token_1"}', headers: {} };

describe('the system clock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  test('looks Date up at each call, so that users may fake it', () => {
    expect(systemClock.now()).toBe(Date.UTC(2026, 0, 1));
    vi.advanceTimersByTime(5);
    expect(systemClock.now()).toBe(Date.UTC(2026, 0, 1) + 5);
  });

  test.each([-1, 0])('a timer of %d ms fires in a turn of its own', (delayMs) => {
    const callback = vi.fn<() => void>();
    systemClock.timer(delayMs, callback, 'ref');
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(0);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test.each([1, 1_000, LONGEST_TIMER_MS])('a timer of %d ms fires once, then and not before', (delayMs) => {
    const callback = vi.fn<() => void>();
    systemClock.timer(delayMs, callback, 'ref');
    vi.advanceTimersByTime(delayMs - 1);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('no timer is longer than setTimeout can hold (B1)', () => {
    const callback = vi.fn<() => void>();
    systemClock.timer(10 * 365 * 24 * 60 * 60 * 1_000, callback, 'ref');
    vi.advanceTimersByTime(LONGEST_TIMER_MS - 1);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  const standIns: readonly [what: string, performance: object | undefined][] = [
    ['is missing', undefined],
    ['knows no time', { mark() {}, measure() {} }],
    ['tells no time, as an automatic mock', { now() {} }],
    ['tells no number', { now: () => Number.NaN }],
  ];

  test.each(standIns)('goes on where a test environment’s `performance` %s', (_, performance) => {
    vi.useRealTimers();
    const before = systemClock.steadyMs();
    vi.stubGlobal('performance', performance);
    const between = systemClock.steadyMs();
    vi.unstubAllGlobals();
    const after = systemClock.steadyMs();
    expect([before, between, after]).toEqual([before, between, after].sort((a, b) => a - b));
    expect(after - before).toBeLessThan(60_000);
  });

  test.each(standIns)('and a token comes, where it %s', async (_, performance) => {
    vi.useRealTimers();
    const auth = createPayuAuth({
      environment: { tokenUrl: 'https://accounts.example/oauth/token' },
      grant: { type: 'client_credentials', clientId: 'client-1', clientSecret: 'client-secret-1' },
      scope: 'create_payout_transactions',
      http: { adapter: async (config) => ({ ...reply, config }) },
    });
    onTestFinished(() => auth.close());
    vi.stubGlobal('performance', performance);
    await expect(auth.getToken().finally(() => vi.unstubAllGlobals())).resolves.toBeDefined();
  });

  test('works where timers are plain numbers, as in a test environment that plays a browser', () => {
    vi.stubGlobal('setTimeout', () => 1);
    expect(() => systemClock.timer(1, () => {}, 'unref')).not.toThrow();
    vi.unstubAllGlobals();
  });

  test.each([0, 999])('cancelled after %d ms, it never fires and leaves nothing', (afterMs) => {
    const callback = vi.fn<() => void>();
    const cancel = systemClock.timer(1_000, callback, 'ref');
    vi.advanceTimersByTime(afterMs);
    cancel();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(1_000);
    expect(callback).not.toHaveBeenCalled();
  });
});

describe('a timer keeps the process alive only if it is awaited', () => {
  test.each([
    ['ref', true],
    ['unref', false],
  ] as const)('%s: %s', (awaited, expected) => {
    vi.useFakeTimers();
    const setTimeout = vi.spyOn(globalThis, 'setTimeout');
    systemClock.timer(1_000, () => {}, awaited);
    const [timer] = setTimeout.mock.results;
    expect(timer?.value.hasRef()).toBe(expected);
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
});
