// What a user's ES module does: a burst, revoked tokens, another scope, and the errors of this package.
import assert from 'node:assert/strict';
import axios from 'axios';
import {
  createPayuAuth,
  isPayuAuthError,
  MemoryTokenStore,
  scopes,
  TokenRefusedError,
} from 'axios-payu-auth';
import { redisTokenStore } from 'axios-payu-auth/redis';
import { startSandbox } from 'axios-payu-auth/sandbox';

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

const burst = () => Promise.all(Array.from({ length: 20 }, () => payouts.get('/merchant/getAccountDetail')));
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
