// What a user's CommonJS module does: a burst, revoked tokens, another scope, and the errors of this package.
const assert = require('node:assert/strict');
const axios = require('axios');
const {
  createPayuAuth,
  isPayuAuthError,
  MemoryTokenStore,
  scopes,
  TokenRefusedError,
} = require('axios-payu-auth');
const { redisTokenStore } = require('axios-payu-auth/redis');
const { startSandbox } = require('axios-payu-auth/sandbox');

async function main() {
  const sandbox = await startSandbox();
  const { clientId, clientSecret, environment } = sandbox;
  const grant = { type: 'client_credentials', clientId, clientSecret };
  const auth = createPayuAuth({
    environment,
    grant,
    scope: scopes.payouts.create,
    store: new MemoryTokenStore(),
  });
  const payouts = axios.create({ baseURL: `${sandbox.url}/payout` });
  auth.attach(payouts);

  const burst = () =>
    Promise.all(Array.from({ length: 20 }, () => payouts.get('/merchant/getAccountDetail')));
  assert.equal((await burst())[0].data.status, 0);
  assert.equal(sandbox.stats().tokenRequests, 1);
  sandbox.revokeAllTokens();
  await burst();
  assert.equal(sandbox.stats().tokenRequests, 2);

  const wrong = createPayuAuth({ environment, grant: { ...grant, clientSecret: 'wrong-one' }, scope: 'a' });
  const error = await wrong.getToken().catch((caught) => caught);
  assert.ok(error instanceof TokenRefusedError && isPayuAuthError(error) && error.error === 'invalid_client');
  assert.equal(typeof redisTokenStore, 'function');

  await Promise.all([auth.close(), wrong.close()]);
  await sandbox.close();
  process.stdout.write('well\n');
}

main();
