// What somebody bundles who uses every entry point; the argument says whether nock is in reach of the bundle.
import assert from 'node:assert/strict';
import axios from 'axios';
import { createPayuAuth, scopes } from 'axios-payu-auth';
import { redisTokenStore } from 'axios-payu-auth/redis';
import { startSandbox } from 'axios-payu-auth/sandbox';
import { fixtures, mockPayu } from 'axios-payu-auth/testing';
import { createClient } from 'redis';

const run = async () => {
  const sandbox = await startSandbox();
  const { clientId, clientSecret, environment } = sandbox;
  const failed = [];
  const auth = createPayuAuth({
    environment,
    grant: { type: 'client_credentials', clientId, clientSecret },
    scope: scopes.payouts.create,
    // Never connected: its lock and its commands are loaded and tried, and cost nothing but events.
    store: redisTokenStore(createClient()),
    onEvent: (event) => event.type === 'store-failed' && failed.push(event.operation),
  });
  const payouts = axios.create({ baseURL: `${sandbox.url}/payout` });
  auth.attach(payouts);
  assert.equal((await payouts.get('/merchant/getAccountDetail')).data.status, 0);
  assert.ok(failed.includes('lock'), failed.join());
  await auth.close();
  await sandbox.close();

  assert.equal(fixtures.payouts.accountDetail.body.status, 0);
  if (process.argv[2] === 'with-nock') {
    mockPayu({ environment: 'test' }).restore();
  } else {
    assert.throws(() => mockPayu({ environment: 'test' }), /needs "nock" \^14/);
  }
  process.stdout.write('well\n');
};

run();
