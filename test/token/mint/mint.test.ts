import { describe, expect, test } from 'vitest';
import { startHarness } from '../../support/harness.ts';

const ACCOUNT = '/merchant/getAccountDetail';

describe('the tries of one mint', () => {
  test.each([1, 4])('with "tokenAttempts": %i a rate limit uses up none of them', async (tokenAttempts) => {
    const { payouts, sandbox, clock } = await startHarness({ tokenAttempts });
    sandbox.rateLimit(3, { retryAfter: 2 });
    const call = payouts.get(ACCOUNT);
    for (let limited = 0; limited < 3; limited++) {
      await clock.waiting(2_000, 2_200);
      clock.advance(2_200);
    }
    expect((await call).status).toBe(200);
    expect(sandbox.stats().tokenRequests).toBe(4);
  });

  test('a rate limit after the last but one try leaves the last one', async () => {
    const { payouts, sandbox, clock } = await startHarness({ tokenAttempts: 2 });
    sandbox.fail(1, { kind: 'status', status: 502 });
    sandbox.rateLimit(1, { retryAfter: 2 });
    const call = payouts.get(ACCOUNT);
    await clock.waiting(100, 200); // the back-off
    clock.advance(200);
    await clock.waiting(2_000, 2_200);
    clock.advance(2_200);
    expect((await call).status).toBe(200);
    expect(sandbox.stats().tokenRequests).toBe(3);
  });
});
