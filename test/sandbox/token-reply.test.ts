import { describe, expect, it } from 'vitest';
import type { TokenReplyShape } from '../../src/sandbox/index.ts';
import { manualClock, passwordFields, postForm, sandboxFor } from './support.ts';

const plain = {
  access_token: expect.stringMatching(/^[0-9a-f]{64}$/),
  token_type: 'Bearer',
  expires_in: 7200,
  refresh_token: expect.stringMatching(/^[0-9a-f]{64}$/),
  scope: 'read_bills read_plans',
  created_at: 1_585_215_909,
  user_uuid: expect.any(String),
};

const { expires_in, scope, token_type, refresh_token, ...rest } = plain;

describe('the documented deviations of a token reply', () => {
  it.each<readonly [TokenReplyShape | readonly TokenReplyShape[], unknown]>([
    [[], plain],
    ['misspelt-expire-in', { ...rest, scope, token_type, refresh_token, expire_in: 7200 }],
    ['string-numbers', { ...plain, expires_in: '7200', created_at: '1585215909' }],
    ['without-expires-in', { ...rest, scope, token_type, refresh_token }],
    ['without-scope', { ...rest, expires_in, token_type, refresh_token }],
    ['other-scope-order', { ...plain, scope: 'read_plans read_bills' }],
    ['other-scope', { ...plain, scope: 'user_profile' }],
    ['without-token-type', { ...rest, expires_in, scope, refresh_token }],
    ['lower-case-bearer', { ...plain, token_type: 'bearer' }],
    ['created-at-in-ms', { ...plain, created_at: 1_585_215_909_000 }],
    ['without-refresh-token', { ...rest, expires_in, scope, token_type }],
    ['without-access-token', { status: 'success', message: 'Credentials validated successfully' }],
    [
      ['misspelt-expire-in', 'string-numbers', 'without-scope'],
      { ...rest, token_type, refresh_token, expire_in: '7200', created_at: '1585215909' },
    ],
  ])('%s', async (replyShape, expected) => {
    const sandbox = await sandboxFor({ now: manualClock().now, replyShape });
    const fields = passwordFields(sandbox, 'read_bills read_plans');
    const { status, body } = await postForm(sandbox.environment.tokenUrl, fields);
    expect(status).toBe(200);
    expect(body).toEqual(expected);
  });

  it('can be changed while the sandbox runs', async () => {
    const sandbox = await sandboxFor();
    sandbox.setReplyShape('without-scope');
    const { tokenUrl } = sandbox.environment;
    expect((await postForm(tokenUrl, passwordFields(sandbox))).body).not.toHaveProperty('scope');
    sandbox.setReplyShape([]);
    expect((await postForm(tokenUrl, passwordFields(sandbox))).body).toHaveProperty('scope');
  });

  it('token values repeat with the seed, and only then', async () => {
    const values: string[] = [];
    for (const seed of [7, 7, 8, undefined, undefined]) {
      const sandbox = await sandboxFor(seed === undefined ? {} : { seed });
      values.push(sandbox.issueToken().accessToken, sandbox.issueToken().accessToken);
    }
    expect(values.slice(0, 2)).toEqual(values.slice(2, 4));
    expect(new Set(values).size).toBe(8);
  });
});
