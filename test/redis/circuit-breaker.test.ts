import { beforeEach, describe, expect, it } from 'vitest';
import { CircuitBreaker } from '../../src/redis/circuit-breaker.ts';

describe('the circuit breaker', () => {
  let now: number;
  let breaker: CircuitBreaker;
  beforeEach(() => {
    now = 0;
    breaker = new CircuitBreaker({ pauseMs: 5_000, now: () => now });
  });

  it('lets everybody pass while Redis answers', () => {
    expect([breaker.tryPass(), breaker.tryPass()]).toEqual([true, true]);
    expect(breaker.isPaused).toBe(false);
  });

  it.each([
    { after: 0, passes: false },
    { after: 4_999, passes: false },
    { after: 5_000, passes: true },
  ])('after an outage and $after ms: may pass: $passes', ({ after, passes }) => {
    breaker.failed();
    now += after;
    expect(breaker.isPaused).toBe(!passes);
    expect(breaker.tryPass()).toBe(passes);
  });

  it('lets one try after the pause, and the others only once it was answered', () => {
    breaker.failed();
    now = 5_000;
    expect([breaker.tryPass(), breaker.tryPass()]).toEqual([true, false]);
    breaker.answered();
    expect([breaker.tryPass(), breaker.tryPass()]).toEqual([true, true]);
  });

  it('tells once that an outage is over', () => {
    let recoveries = 0;
    breaker = new CircuitBreaker({ pauseMs: 5_000, now: () => now, onRecovered: () => recoveries++ });
    breaker.answered();
    breaker.failed();
    breaker.failed();
    expect(recoveries).toBe(0);
    // Also in the pause: an answer that came too late for its caller.
    breaker.answered();
    breaker.answered();
    expect(recoveries).toBe(1);
    expect(breaker.isPaused).toBe(false);
  });

  it('pauses anew when that try fails', () => {
    breaker.failed();
    now = 5_000;
    breaker.tryPass();
    now = 6_000;
    breaker.failed();
    now = 10_999;
    expect(breaker.tryPass()).toBe(false);
    now = 11_000;
    expect(breaker.tryPass()).toBe(true);
  });
});
