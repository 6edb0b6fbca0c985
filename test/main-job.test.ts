import { describe, expect, test } from 'vitest';
import { atOnce, fulfilled, startHarness } from './support/harness.ts';

const ACCOUNT = '/merchant/getAccountDetail';

describe('the main job over a real server', () => {
  test('50 calls without a token make exactly 1 token request, and all carry that token', async () => {
    const { payouts, sandbox } = await startHarness();
    const results = await atOnce(50, () => payouts.get(ACCOUNT));
    expect(fulfilled(results)).toBe(50);
    expect(sandbox.stats().tokenRequests).toBe(1);
    const tokens = sandbox
      .requests()
      .filter(({ kind }) => kind === 'api')
      .map(({ token }) => token);
    expect(tokens).toHaveLength(50);
    expect(new Set(tokens).size).toBe(1);
  });

  test('50 calls whose token was revoked make exactly 1 more, and 100 API requests in all', async () => {
    const { payouts, sandbox } = await startHarness();
    await payouts.get(ACCOUNT);
    sandbox.revokeAllTokens();
    sandbox.resetStats();
    const results = await atOnce(50, () => payouts.get(ACCOUNT));
    expect(fulfilled(results)).toBe(50);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: 100, unauthorized: 50 });
  });

  test('a late 401 of an older token makes no token request: the replay takes the token that is held', async () => {
    const { payouts, sandbox } = await startHarness();
    await payouts.get(ACCOUNT);
    sandbox.revokeAllTokens();
    sandbox.resetStats();
    const hold = sandbox.hold('api');
    const early = payouts.get(ACCOUNT);
    const late = payouts.get(ACCOUNT);
    await hold.waitFor(2); // both were answered with a 401, which neither has seen yet
    hold.release(1);
    await hold.waitFor(3); // the replay of one of them, with the new token
    hold.release();
    await Promise.all([early, late]);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: 4, unauthorized: 2 });
  });

  test('a permanent 401 makes 2 sends and 1 mint, and reaches the caller as the error of axios', async () => {
    const { payouts, sandbox } = await startHarness();
    await payouts.get(ACCOUNT);
    sandbox.resetStats();
    sandbox.fail(2, { kind: 'status', status: 401 } as never, { on: 'api' });
    const error = await payouts.get(ACCOUNT).catch((caught) => caught);
    expect(error).toMatchObject({ isAxiosError: true, response: { status: 401 } });
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, apiRequests: 2 });
  });
});
