import { describe, expect, test } from 'vitest';
import { ExpiringMap } from '../../../src/token/store/expiring-map.ts';

interface Entry {
  readonly until: number;
}

/** A map whose clock is a number, and which counts how often it asked whether an entry is dead. */
function countingMap() {
  const counts = { asked: 0 };
  const clock = { now: 0 };
  const map = new ExpiringMap<Entry>(({ until }) => {
    counts.asked++;
    return until <= clock.now;
  });
  return { map, counts, clock };
}

describe('100,000 keys', () => {
  test('are looked up without a look at any other: as with 1', () => {
    const { map, counts } = countingMap();
    for (let index = 0; index < 100_000; index++) map.set(`key-${index}`, { until: 1 });
    counts.asked = 0;
    let found = 0;
    for (let index = 0; index < 100_000; index++) if (map.get(`key-${index}`) !== undefined) found++;
    expect(found).toBe(100_000);
    expect(counts.asked).toBe(0);
  });

  test('cost each insertion a look at 4 others, however many there are', () => {
    const { map, counts } = countingMap();
    let most = 0;
    for (let index = 0; index < 100_000; index++) {
      counts.asked = 0;
      map.set(`key-${index}`, { until: 1 });
      most = Math.max(most, counts.asked);
    }
    expect(most).toBe(4);
  });

  test('that have died are gone after as many insertions', () => {
    const { map, clock } = countingMap();
    for (let index = 0; index < 100_000; index++) map.set(`old-${index}`, { until: 1 });
    clock.now = 1;
    for (let index = 0; index < 100_000; index++) map.set(`new-${index}`, { until: 2 });
    expect(map.size).toBe(100_000);
    expect(map.get('old-99999')).toBeUndefined();
    expect(map.get('new-0')).toBeDefined();
  });

  test('that die as fast as others are born stay few', () => {
    const { map, clock } = countingMap();
    for (let index = 0; index < 100_000; index++) {
      clock.now = index;
      map.set(`key-${index}`, { until: index + 10 });
    }
    expect(map.size).toBeLessThan(50);
  });
});

describe('an entry', () => {
  test('is alive until its time, dead at it', () => {
    const { map, clock } = countingMap();
    map.set('a', { until: 10 });
    clock.now = 9;
    map.set('b', { until: 20 });
    expect(map.get('a')).toBeDefined();
    clock.now = 10;
    for (const key of ['c', 'd']) map.set(key, { until: 20 });
    expect(map.get('a')).toBeUndefined();
  });

  test('that is replaced costs no look at others', () => {
    const { map, counts } = countingMap();
    map.set('a', { until: 1 });
    map.set('b', { until: 1 });
    counts.asked = 0;
    map.set('a', { until: 2 });
    expect(counts.asked).toBe(0);
    expect(map.get('a')).toEqual({ until: 2 });
    expect(map.size).toBe(2);
  });

  test('that is deleted while a sweep stands at it harms nobody', () => {
    const { map } = countingMap();
    for (let index = 0; index < 10; index++) map.set(`key-${index}`, { until: 1 });
    for (let index = 0; index < 10; index++) map.delete(`key-${index}`);
    expect(map.size).toBe(0);
    map.set('next', { until: 1 });
    expect([...map.entries()]).toEqual([['next', { until: 1 }]]);
    expect([...map.values()]).toEqual([{ until: 1 }]);
  });
});
