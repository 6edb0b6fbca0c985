import { Agent as HttpsAgent } from 'node:https';
import axios, { type AxiosRequestConfig } from 'axios';
import axios112 from 'axios-1.12';
import axios116 from 'axios-1.16';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createPayuAuth } from '../../src/index.ts';
import { type ForwardProxy, startPayu, startProxy } from './support/proxy.ts';
import { cert } from './support/tls.ts';

const TOKEN_URL = 'https://accounts.payu.test/oauth/token';
const SECRET = 'top-secret';

let proxy: ForwardProxy;
beforeEach(async () => {
  proxy = await startProxy(await startPayu());
});

describe('behind a proxy, as the README says', () => {
  const httpsAgent = new HttpsAgent({ ca: cert });

  async function callThrough(options: Pick<AxiosRequestConfig, 'proxy'>): Promise<unknown> {
    const auth = createPayuAuth({
      environment: { tokenUrl: TOKEN_URL },
      grant: { type: 'client_credentials', clientId: 'client-1', clientSecret: SECRET },
      scope: 'create_payout_transactions',
      http: { ...options, httpsAgent },
    });
    onTestFinished(() => auth.close());
    const payouts = axios.create({ baseURL: 'https://api.payu.test/payout', httpsAgent, ...options });
    auth.attach(payouts);
    return (await payouts.get('/merchant/getAccountDetail')).data;
  }

  test('the option "proxy": tokens and calls go through tunnels, and the proxy can read neither', async () => {
    const options = { proxy: { protocol: 'http', host: '127.0.0.1', port: proxy.port } };
    expect(await callThrough(options)).toEqual({ authorization: 'Bearer token-1' });
    expect(proxy.tunnels).toEqual(['accounts.payu.test:443', 'api.payu.test:443']);
    expect(proxy.readable).toEqual([]);
  });

  test('HTTPS_PROXY: the same', async () => {
    vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${proxy.port}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await callThrough({})).toEqual({ authorization: 'Bearer token-1' });
    expect(proxy.tunnels).toEqual(['accounts.payu.test:443', 'api.payu.test:443']);
    expect(proxy.readable).toEqual([]);
  });

  test.each([
    ['1.12.0', axios112],
    ['1.16.0', axios116],
  ])('axios %s itself hands requests for https to the proxy in the clear', async (version, old) => {
    expect(old.VERSION).toBe(version);
    const options = { proxy: { protocol: 'http', host: '127.0.0.1', port: proxy.port } };
    await old.post(TOKEN_URL, new URLSearchParams({ client_secret: SECRET }), options).catch(() => undefined);
    expect(proxy.tunnels).toEqual([]);
    expect(proxy.readable).toEqual([`POST ${TOKEN_URL} client_secret=${SECRET}`]);
  });
});
