import { describe, expect, test } from 'vitest';
import type { Fault } from '../../src/sandbox/index.ts';
import { deadOrigin, type Env, run, sandboxFor } from './support.ts';

/** Marked values: whatever of them turns up anywhere is a leak. */
const SECRET = 'canary-secret-aQ+9/%&:@é';
const PASSWORD = 'canary-password-zX=7';
const PROXY = 'http://user:canary-proxy-pass@127.0.0.1:9';

const faults: readonly (Fault | 'none' | 'dead host' | 'echo')[] = [
  'none',
  'dead host',
  'echo',
  { kind: 'reset-before-read' },
  { kind: 'reset-after-read' },
  { kind: 'reset-in-body' },
  { kind: 'status', status: 502, body: 'html' },
  { kind: 'html-200' },
  { kind: 'empty-200' },
  { kind: 'truncated-json' },
  { kind: 'garbage' },
  { kind: 'redirect', location: `/login?secret=${encodeURIComponent(SECRET)}` },
  { kind: 'oauth-error', error: 'invalid_client' },
  { kind: 'oauth-error', error: 'invalid_scope' },
  { kind: 'oauth-error', error: 'invalid_grant' },
  { kind: 'oauth-error', error: 'moon_phase' },
];

const named = faults.map(
  (fault) => [typeof fault === 'string' ? fault : JSON.stringify(fault), fault] as const,
);

describe.each(['doctor', 'token'])('%s prints no secret', (command) => {
  test.each(named)('after %s', async (_title, fault) => {
    const { sandbox, env } = await sandboxFor({ clientSecret: SECRET, password: PASSWORD });
    const users: readonly Env[] = [
      { ...env, HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY },
      {
        ...env,
        PAYU_CLIENT_ID: sandbox.publicClientId,
        PAYU_CLIENT_SECRET: '',
        PAYU_USERNAME: sandbox.username,
        PAYU_PASSWORD: PASSWORD,
      },
    ];
    for (const each of users) {
      if (fault === 'echo') {
        const secret = each.PAYU_PASSWORD ?? SECRET;
        const words = `no ${secret} ${encodeURIComponent(secret)} ${JSON.stringify(secret)}`;
        sandbox.replyNext({ status: 401, body: { error: words, error_description: words } });
      } else if (typeof fault !== 'string') sandbox.fail({ share: 1 }, fault);
      const address = fault === 'dead host' ? { PAYU_TOKEN_URL: `${await deadOrigin()}/?k=1` } : {};
      const ran = await run([command], { ...each, ...address });
      expect(ran.code).toBe(fault === 'none' ? 0 : 1);
      const printed = [...ran.out, ...ran.err].join('\n');
      expect(printed).not.toMatch(/canary|aQ\+9|zX=7/);
    }
  });

  test('nor the access token, nor the refresh token', async () => {
    const { sandbox, env } = await sandboxFor();
    const body = { access_token: 'canary-access', refresh_token: 'canary-refresh', expires_in: 60 };
    for (let count = 0; count < 2; count++) sandbox.replyNext({ body });
    const { code, out, err } = await run([command], env);
    expect(code).toBe(0);
    expect([...out, ...err].join('\n')).not.toContain('canary');
  });
});
