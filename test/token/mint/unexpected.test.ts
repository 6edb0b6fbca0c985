import { expect, test } from 'vitest';
import type { PayuAuthEvent } from '../../../src/events.ts';
import { isPayuAuthError } from '../../../src/index.ts';
import { createPayuAuthIn } from '../../../src/payu-auth.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { endpointIn } from '../support.ts';

/** A failure that no rule knows, as of a hash function that Node.js was built without. */
function authThatBreaks(events: PayuAuthEvent[], error: unknown) {
  const broken = (): number => {
    throw error;
  };
  return createPayuAuthIn(
    { clock: new ManualClock(), random: broken },
    {
      environment: { tokenUrl: 'https://accounts.example/oauth/token' },
      grant: { type: 'client_credentials', clientId: 'client-1', clientSecret: 'the-client-secret' },
      scope: 'read_bills',
      onEvent: (event) => events.push(event),
      ...endpointIn(async () => ({ status: 200, body: { access_token: 'access-token-1', expires_in: 60 } })),
    },
  );
}

test('what nobody foresaw: each caller has an error of its own that isPayuAuthError knows, with the frames (C6)', async () => {
  const events: PayuAuthEvent[] = [];
  const auth = authThatBreaks(events, new TypeError('unsupported, says the-client-secret'));
  const calls = Array.from({ length: 3 }, () => auth.getToken().catch((caught: unknown) => caught));
  const errors = (await Promise.all(calls)) as Error[];
  expect(new Set(errors).size).toBe(3);
  for (const error of errors) {
    expect(isPayuAuthError(error) && error.code).toBe('ERR_TOKEN_UNAVAILABLE');
    expect(error.message).toContain(
      'something unexpected happened on the way to one: unsupported, says [red',
    );
    expect((error.cause as Error).stack).toContain('unexpected.test.ts');
  }
  expect(events.filter(({ type }) => type === 'token-failed')).toHaveLength(1);
  expect(JSON.stringify([errors, events])).not.toContain('the-client-secret');
});

test.each([['text'], [undefined], [Symbol('s')], [{ message: 1 }], [Object.create(null)]])(
  'what was thrown is no error: %s',
  async (thrown) => {
    const auth = authThatBreaks([], thrown);
    const error = await auth.getToken().catch((caught: unknown) => caught);
    expect(isPayuAuthError(error) && error.message).toContain('No token, as something unexpected happened');
  },
);
