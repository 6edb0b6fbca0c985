import axios, { type AxiosRequestConfig } from 'axios';
import { describe, expect, test } from 'vitest';
import { atOnce, fulfilled, startHarness } from '../support/harness.ts';

/** The three ways to give up a request. Each returns its part of the config, and what cancels. */
const WAYS: readonly [
  title: string,
  () => { readonly config: AxiosRequestConfig; readonly cancel: () => void },
][] = [
  [
    'its signal',
    () => {
      const controller = new AbortController();
      return { config: { signal: controller.signal }, cancel: () => controller.abort() };
    },
  ],
  [
    'its cancelToken',
    () => {
      const { token, cancel } = axios.CancelToken.source();
      return { config: { cancelToken: token }, cancel };
    },
  ],
  [
    'either of both',
    () => {
      const { token, cancel } = axios.CancelToken.source();
      return { config: { cancelToken: token, signal: new AbortController().signal }, cancel };
    },
  ],
];

describe.each(WAYS)('a request that waits for a token is given up by %s', (_title, way) => {
  test("at once, with axios' CanceledError, and leaves the others their mint", async () => {
    const { payouts, sandbox } = await startHarness();
    const hold = sandbox.hold('token');
    const { config, cancel } = way();
    const others = atOnce(3, () => payouts.get('/merchant/getAccountDetail'));
    const call = payouts.get('/merchant/getAccountDetail', config).catch((caught) => caught);
    await hold.waitFor(1);
    cancel();
    const error = await call;
    expect(axios.isCancel(error)).toBe(true);
    expect(error).toMatchObject({ code: 'ERR_CANCELED' });
    expect(sandbox.stats().apiRequests).toBe(0);
    hold.release();
    expect(fulfilled(await others)).toBe(3);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, aborted: 0 });
  });

  test('the last to leave leaves a token request that was sent: the next call uses its token', async () => {
    const { payouts, sandbox } = await startHarness();
    const hold = sandbox.hold('token');
    const { config, cancel } = way();
    const call = payouts.get('/merchant/getAccountDetail', config).catch((caught) => caught);
    await hold.waitFor(1);
    cancel();
    expect(axios.isCancel(await call)).toBe(true);
    hold.release();
    await payouts.get('/merchant/getAccountDetail');
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 1, aborted: 0 });
  });

  test('before it began: nothing is sent at all', async () => {
    const { payouts, sandbox } = await startHarness();
    const { config, cancel } = way();
    cancel();
    await expect(payouts.get('/merchant/getAccountDetail', config)).rejects.toSatisfy(axios.isCancel);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 0, apiRequests: 0 });
  });
});
