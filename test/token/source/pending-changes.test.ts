import { expect, test } from 'vitest';
import { PendingChanges } from '../../../src/token/source/pending-changes.ts';
import { deferred } from '../support.ts';

test('changes are carried out one after the other, also behind one that failed', async () => {
  const changes = new PendingChanges();
  const gate = deferred();
  const order: number[] = [];
  const first = changes.carryOut(async () => {
    await gate.promise;
    order.push(1);
    throw new Error('first');
  });
  const second = changes.carryOut(async () => order.push(2));
  expect(changes.isEmpty).toBe(false);
  gate.resolve();
  await expect(first).rejects.toThrow('first');
  expect(await second).toBe(2);
  await expect(changes.carriedOut).resolves.toBeDefined();
  expect(order).toEqual([1, 2]);
  expect(changes.isEmpty).toBe(true);
});
