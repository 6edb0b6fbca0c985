import { expect, onTestFinished, test, vi } from 'vitest';
import { createPayuAuth } from '../../src/index.ts';
import { startPayu, startProxy } from './support/proxy.ts';

// The version that a user may have, in place of the newest one.
vi.mock('axios', () => import('axios-1.12'));

test('axios 1.12 behind a proxy: the library lets no secret go to it in the clear', async () => {
  const proxy = await startProxy(await startPayu());
  const auth = createPayuAuth({
    environment: { tokenUrl: 'https://accounts.payu.test/oauth/token' },
    grant: { type: 'client_credentials', clientId: 'client-1', clientSecret: 'top-secret' },
    scope: 'create_payout_transactions',
    tokenAttempts: 1,
    http: { proxy: { protocol: 'http', host: '127.0.0.1', port: proxy.port } },
  });
  onTestFinished(() => auth.close());

  await expect(auth.getToken()).rejects.toThrow(/would be handed to the proxy in the clear.*axios 1\.16\.1/);
  expect(proxy.readable).toEqual([]);
});
