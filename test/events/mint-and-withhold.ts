/** Run as a process of its own, as NODE_DEBUG is read when one starts. */
import { createPayuAuth, MemoryTokenStore } from '../../src/index.ts';

class FailingStore extends MemoryTokenStore {
  override set(): void {
    throw Object.assign(new Error('down, the-access-token-1'), { code: 'ESTORE' });
  }
}

const auth = createPayuAuth({
  environment: 'test',
  grant: { type: 'client_credentials', clientId: 'id', clientSecret: 'the-client-secret' },
  scope: 'read_bills',
  store: new FailingStore(),
  http: {
    adapter: async (config) => {
      const isRefused = new URLSearchParams(String(config.data)).get('scope') === 'read_plans';
      const body = isRefused
        ? { error: 'invalid_scope', error_description: 'not for the-client-secret' }
        : { access_token: 'the-access-token-1', expires_in: 60 };
      return {
        status: isRefused ? 401 : 200,
        statusText: '',
        headers: {},
        data: JSON.stringify(body),
        config,
      };
    },
  },
});
await auth.getToken();
await auth.getToken({ scope: 'read_plans' }).catch(() => {});
