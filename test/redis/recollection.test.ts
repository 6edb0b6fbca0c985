import { describe, expect, it } from 'vitest';
import { type Memory, Recollection } from '../../src/redis/recollection.ts';
import type { TokenRecord } from '../../src/token/store/token-store.ts';
import { NOW, recordNumber } from './support/records.ts';

const DAY_MS = 86_400_000;

function memoryOf(record: TokenRecord | undefined, more: Partial<Memory> = {}): Memory {
  return { record, obtainedAt: NOW, seen: [], isPending: true, ...more };
}

function recollection(now: () => number = () => NOW): Recollection {
  return new Recollection({ now, keepMs: DAY_MS });
}

describe('the memory in front of Redis', () => {
  it('forgets dead tokens when it has grown, and keeps what can still serve', () => {
    let now = NOW;
    const memories = recollection(() => now);
    memories.keep('dead', memoryOf(recordNumber(0, { expiresAt: NOW + 5_000 })));
    memories.keep('deleted', memoryOf(undefined, { isPending: false }));
    memories.keep('deletion that Redis missed', memoryOf(undefined));
    memories.keep('deletion of a quarter ago', memoryOf(undefined, { obtainedAt: NOW + 5_000 - DAY_MS }));
    memories.keep('living', memoryOf(recordNumber(0, { expiresAt: NOW + 5_001 })));
    const refreshable = recordNumber(0, { expiresAt: NOW, refreshToken: 'r' });
    memories.keep('refreshable', memoryOf(refreshable));
    memories.keep('not refreshed for a quarter', memoryOf(refreshable, { obtainedAt: NOW + 5_000 - DAY_MS }));
    now = NOW + 5_000;
    for (let n = 0; n < 1_016; n += 1) memories.keep(`a${n}`, memoryOf(recordNumber(n)));
    expect(memories.get('dead')).toBeDefined();
    memories.keep('one more', memoryOf(recordNumber(0)));
    expect(memories.get('dead')).toBeUndefined();
    expect(memories.get('deleted')).toBeUndefined();
    expect(memories.get('deletion that Redis missed')).toBeDefined();
    expect(memories.get('deletion of a quarter ago')).toBeUndefined();
    expect(memories.get('living')).toBeDefined();
    expect(memories.get('refreshable')).toBeDefined();
    expect(memories.get('not refreshed for a quarter')).toBeUndefined();
    expect(memories.get('one more')).toBeDefined();
  });

  it('settles only what it still holds', () => {
    const memories = recollection();
    const [older, newer] = [memoryOf(recordNumber(1)), memoryOf(recordNumber(2))];
    memories.keep('a', older);
    memories.keep('a', newer);
    memories.settle('a', older);
    memories.forget('a', older);
    expect(memories.get('a')).toBe(newer);
    memories.settle('a', newer);
    expect(memories.get('a')).toEqual({ ...newer, isPending: false });
  });

  it('knows its own last values in Redis, however often it tried', () => {
    const memories = recollection();
    let memory = memoryOf(recordNumber(1), { seen: ['digest_0'] });
    memories.keep('a', memory);
    for (let n = 1; n <= 10; n += 1) memory = memories.addSeen('a', memory, `digest_${n}`);
    expect(memories.get('a')?.seen).toEqual([3, 4, 5, 6, 7, 8, 9, 10].map((n) => `digest_${n}`));
    memories.settle('a', memory);
    expect(memories.get('a')).toMatchObject({ seen: ['digest_10'], isPending: false });
  });

  it('lists what Redis has yet to hear of', () => {
    const memories = recollection();
    memories.keep('a', memoryOf(recordNumber(1)));
    memories.keep('b', memoryOf(recordNumber(1), { isPending: false }));
    memories.keep('c', memoryOf(undefined));
    expect(memories.pending()).toEqual(['a', 'c']);
  });

  it('has nothing more to remember of a deletion that Redis knows', () => {
    const memories = recollection();
    const deletion = memoryOf(undefined);
    memories.keep('a', deletion);
    memories.settle('a', deletion);
    expect(memories.get('a')).toBeUndefined();
  });
});
