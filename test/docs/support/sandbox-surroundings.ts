/** What the hidden parts of a snippet use where a sandbox stands for PayU: what they mock is there already. */
import type { MockPayu, MockPayuOptions } from '../../../src/testing/index.ts';

export { expect, printed, redisServer } from './surroundings.ts';

/** Takes whatever is declared, and does nothing. */
export function payu(_options: Partial<MockPayuOptions> = {}): MockPayu {
  const nothing: MockPayu = new Proxy({} as MockPayu, { get: () => () => nothing });
  return nothing;
}
