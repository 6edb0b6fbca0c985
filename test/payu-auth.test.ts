import { describe, expect, test } from 'vitest';
import type { PayuAuth } from '../src/payu-auth.ts';
import { startHarness } from './support/harness.ts';

type Method = Exclude<keyof PayuAuth, symbol>;

describe('each method does without the auth before its dot, as a callback or taken off by name', () => {
  const calls: { readonly [M in Method]: (method: PayuAuth[M], auth: PayuAuth) => Promise<unknown> } = {
    attach: async (attach) =>
      typeof attach({ interceptors: { request: { use: () => 0, eject: () => {} } }, defaults: {} } as never),
    getToken: async (getToken) => (await getToken()).value,
    status: async (status) => status().token,
    setToken: async (setToken, auth) => {
      await setToken({ accessToken: 'given' });
      return (await auth.getToken()).value;
    },
    invalidate: async (invalidate, auth) => {
      await invalidate(await auth.getToken());
      return auth.status().token;
    },
    revoke: async (revoke, auth) => {
      await auth.getToken();
      await revoke();
      return auth.status().token;
    },
    close: async (close, auth) => {
      await close();
      return (await auth.getToken().catch((error: unknown) => error)) as Error;
    },
  };
  const outcomes: Readonly<Record<Method, unknown>> = {
    attach: 'function',
    getToken: expect.stringMatching(/^\w+$/),
    status: 'missing',
    setToken: 'given',
    invalidate: 'missing',
    revoke: 'missing',
    close: expect.objectContaining({ code: 'ERR_CLOSED' }),
  };
  test.each(Object.keys(calls) as Method[])('%s', async (name) => {
    const { auth } = await startHarness();
    const { [name]: method } = auth;
    const call = calls[name] as (method: unknown, auth: PayuAuth) => Promise<unknown>;
    expect(await call(method, auth)).toEqual(outcomes[name]);
  });
});
