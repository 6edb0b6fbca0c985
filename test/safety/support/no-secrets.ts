import { expect } from 'vitest';
import { type CanaryWorld, SECRETS } from './canary-world.ts';
import { findSecrets } from './find-secrets.ts';

/** No secret in what the calls failed with, in any event, in anything printed. */
export function expectNoSecrets(world: CanaryWorld, failures: readonly unknown[]): void {
  for (const failure of failures) expect(findSecrets(failure, SECRETS)).toEqual([]);
  for (const event of world.events) expect(findSecrets(event, SECRETS)).toEqual([]);
  expect(findSecrets(world.printed, SECRETS)).toEqual([]);
}
