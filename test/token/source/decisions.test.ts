import { expect, test } from 'vitest';
import { Decisions } from '../../../src/token/source/decisions.ts';
import { deferred } from '../support.ts';

test('decisions are carried out one after the other, also behind one that failed', async () => {
  const decisions = new Decisions();
  const gate = deferred();
  const order: number[] = [];
  const first = decisions.carryOut(async () => {
    await gate.promise;
    order.push(1);
    throw new Error('first');
  });
  const second = decisions.carryOut(async () => order.push(2));
  expect(decisions.areUnderWay).toBe(true);
  gate.resolve();
  await expect(first).rejects.toThrow('first');
  expect(await second).toBe(2);
  await expect(decisions.carriedOut).resolves.toBeDefined();
  expect(order).toEqual([1, 2]);
  expect(decisions.areUnderWay).toBe(false);
});
