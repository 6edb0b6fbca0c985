/** Run as a process of its own: nothing but the awaited revocation keeps it alive. */
import { createPayuAuth } from '../../../src/index.ts';

const reply = (data: unknown) => ({ status: 200, statusText: '', headers: {}, data: JSON.stringify(data) });

const auth = createPayuAuth({
  environment: 'test',
  grant: { type: 'client_credentials', clientId: 'id', clientSecret: 'secret' },
  scope: 'read_bills',
  http: {
    // Like a socket that is not held: its answer comes, but the process does not wait for it.
    adapter: (config) =>
      new Promise((resolve) => {
        setTimeout(
          () => resolve({ ...reply({ access_token: 'token', expires_in: 60 }), config }),
          100,
        ).unref();
      }),
  },
});
await auth.getToken();
await auth.revoke();
process.stdout.write('revoked\n');
