import { describe, expect, it } from 'vitest';
import { type Memory, Recollection } from '../../src/redis/recollection.ts';
import type { TokenRecord } from '../../src/token/store/token-store.ts';
import { NOW, recordNumber } from './support/records.ts';

function memoryOf(record: TokenRecord | undefined): Memory {
  return { record, obtainedAt: NOW, isPending: true };
}

describe('the memory in front of Redis', () => {
  it('forgets dead tokens when it has grown, and keeps what can still serve', () => {
    let now = NOW;
    const memories = new Recollection(() => now);
    memories.keep('dead', memoryOf(recordNumber(0, { expiresAt: NOW + 5_000 })));
    memories.keep('deleted', memoryOf(undefined));
    memories.keep('living', memoryOf(recordNumber(0, { expiresAt: NOW + 5_001 })));
    memories.keep('refreshable', memoryOf(recordNumber(0, { expiresAt: NOW, refreshToken: 'r' })));
    now = NOW + 5_000;
    for (let n = 0; n < 1_019; n += 1) memories.keep(`a${n}`, memoryOf(recordNumber(n)));
    expect(memories.get('dead')).toBeDefined();
    memories.keep('one more', memoryOf(recordNumber(0)));
    expect(memories.get('dead')).toBeUndefined();
    expect(memories.get('deleted')).toBeUndefined();
    expect(memories.get('living')).toBeDefined();
    expect(memories.get('refreshable')).toBeDefined();
    expect(memories.get('one more')).toBeDefined();
  });

  it('settles only what it still holds', () => {
    const memories = new Recollection(() => NOW);
    const [older, newer] = [memoryOf(recordNumber(1)), memoryOf(recordNumber(2))];
    memories.keep('a', older);
    memories.keep('a', newer);
    memories.settle('a', older);
    memories.forget('a', older);
    expect(memories.get('a')).toBe(newer);
    memories.settle('a', newer);
    expect(memories.get('a')).toEqual({ ...newer, isPending: false });
  });

  it('has nothing more to remember of a deletion that Redis knows', () => {
    const memories = new Recollection(() => NOW);
    const deletion = memoryOf(undefined);
    memories.keep('a', deletion);
    memories.settle('a', deletion);
    expect(memories.get('a')).toBeUndefined();
  });
});
