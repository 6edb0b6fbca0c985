import { expect, onTestFinished, test } from 'vitest';
import { createPayuAuthIn } from '../../../src/payu-auth.ts';
import { middling, PAYOUTS_SCOPE } from '../../support/harness.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { endpointIn } from '../support.ts';

/** A gateway in front of the accounts server takes its key in the query. */
const GATEWAY = 'https://gateway.example/oauth';
const KEY = 'key_of_the_gateway';
const QUOTED = `Nobody knows the client at /oauth/token?key=${KEY}`;

test.each([
  ['a refusal', 401, { error: 'invalid_client' }],
  ['a refusal that quotes where it was asked', 401, { error: 'invalid_client', error_description: QUOTED }],
  ["a proxy's refusal", 407, ''],
  ['a rate limit', 429, { error: 'rate_limit_exceeded', retry_after: 60 }],
  ['a fault', 503, ''],
  ['a success without a token', 200, {}],
])('%s names the endpoint without its query (G2)', async (_, status, body) => {
  const auth = createPayuAuthIn(
    { clock: new ManualClock(), random: middling },
    {
      environment: { tokenUrl: `${GATEWAY}/token?key=${KEY}`, revokeUrl: `${GATEWAY}/revoke?key=${KEY}` },
      grant: { type: 'client_credentials', clientId: 'client', clientSecret: 'secret' },
      scope: PAYOUTS_SCOPE,
      tokenAttempts: 1,
      ...endpointIn(async () => ({ status, body })),
    },
  );
  onTestFinished(() => auth.close());
  const minted: unknown = await auth.getToken({ maxWaitMs: 1_000 }).catch((error: unknown) => error);
  await auth.setToken({ accessToken: 'token' });
  const revoked: unknown = await auth.revoke().catch((error: unknown) => error);
  expect(String(minted)).toContain(`"${GATEWAY}/token"`);
  if (status !== 200) expect(String(revoked)).toContain(`"${GATEWAY}/revoke"`);
  expect(`${String(minted)} ${String(revoked)}`).not.toContain(KEY);
});
