// Passing faults of the token endpoint go through p-retry, which each build finds in a way of its own.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const builds = [await import('axios-payu-auth'), require('axios-payu-auth')];
const { startSandbox } = await import('axios-payu-auth/sandbox');

for (const { createPayuAuth } of builds) {
  const sandbox = await startSandbox();
  const { clientId, clientSecret, environment } = sandbox;
  const grant = { type: 'client_credentials', clientId, clientSecret };
  const auth = createPayuAuth({ environment, grant, scope: 'create_payout_transactions' });
  sandbox.fail(1, { kind: 'status', status: 502 });
  await auth.getToken();
  assert.equal(sandbox.stats().tokenRequests, 2);
  await auth.close();
  await sandbox.close();
}

// An error of one build is known to the other.
const [esm, cjs] = builds;
assert.notEqual(esm.ClosedError, cjs.ClosedError);
assert.ok(cjs.isPayuAuthError(new esm.ClosedError()) && esm.isPayuAuthError(new cjs.ClosedError()));
process.stdout.write('well\n');
