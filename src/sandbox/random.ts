import { createHash, randomBytes } from 'node:crypto';

/** A source of numbers in [0, 1). */
export type Random = () => number;

/** A repeatable source for a seed (mulberry32), else the platform's own. */
export function randomFrom(seed: number | undefined): Random {
  if (seed === undefined) return () => Math.random();
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Token values as PayU's look: 64 hex digits; the same sequence for the same seed. */
export function tokenValuesFrom(seed: number | undefined): () => string {
  if (seed === undefined) return () => randomBytes(32).toString('hex');
  let counter = 0;
  return () => {
    counter += 1;
    return createHash('sha256').update(`${seed}:${counter}`).digest('hex');
  };
}
