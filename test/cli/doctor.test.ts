import nock from 'nock';
import { afterEach, describe, expect, test } from 'vitest';
import { MOST_TOKEN_REQUESTS, Probe } from '../../src/cli/doctor/probe.ts';
import { environments, publicClientIds } from '../../src/index.ts';
import { deadOrigin, type Env, marked, run, sandboxFor, serverFor } from './support.ts';

const PAYOUTS = 'create_payout_transactions';

describe('the doctor against the sandbox names each thing in one line with its remedy', () => {
  test('all is well: exit code 0, and nothing to mend', async () => {
    const { sandbox, env } = await sandboxFor();
    const ran = await run(['doctor'], env);
    expect(ran).toMatchObject({ code: 0, err: [] });
    expect(marked(ran, 'MEND')).toEqual([]);
    expect(marked(ran, 'ok')).toEqual([
      "clock: agrees with the server's",
      'credentials: they are right: the token that came lives another 7200 s',
      `scope: ${PAYOUTS} is allowed`,
    ]);
    expect(ran.out.at(-1)).toBe('All is well.');
    expect(sandbox.stats().tokenRequests).toBe(2);
  });

  test('a wrong secret: one token request', async () => {
    const { sandbox, env } = await sandboxFor();
    const ran = await run(['doctor'], { ...env, PAYU_CLIENT_SECRET: 'not-the-secret' });
    expect(ran.code).toBe(1);
    expect(marked(ran, 'MEND')).toEqual([
      `credentials: ${new URL(sandbox.url).host} answered "invalid_client": it does not know this client id with this secret → copy PAYU_CLIENT_ID and PAYU_CLIENT_SECRET anew from PayU's dashboard, and check that they belong to PAYU_TOKEN_URL`,
    ]);
    expect(ran.out.at(-1)).toBe('1 thing to mend.');
    expect(sandbox.stats().tokenRequests).toBe(1);
  });

  test('a scope that is not allowed', async () => {
    const { sandbox, env } = await sandboxFor({ scopes: [PAYOUTS] });
    const ran = await run(['doctor'], { ...env, PAYU_SCOPE: 'read_bills' });
    expect(ran.code).toBe(1);
    expect(marked(ran, 'MEND')).toEqual([
      `scope: ${new URL(sandbox.url).host} answered "invalid_scope": this client may not ask for "read_bills" → correct PAYU_SCOPE, or ask PayU to enable what is missing`,
    ]);
    expect(sandbox.stats().tokenRequests).toBe(1);
  });

  test('one of several scopes is not allowed: each is looked at by itself', async () => {
    const { env } = await sandboxFor({ scopes: [PAYOUTS, 'read_payment_links'] });
    const ran = await run(['doctor'], { ...env, PAYU_SCOPE: `${PAYOUTS} read_bills  read_payment_links` });
    expect(ran.code).toBe(1);
    expect(marked(ran, 'ok').filter((line) => line.startsWith('scope'))).toEqual([
      `scope: ${PAYOUTS} is allowed`,
      'scope: read_payment_links is allowed',
    ]);
    expect(marked(ran, 'MEND')).toEqual([
      expect.stringMatching(/^scope: .*"read_bills" → correct PAYU_SCOPE/),
    ]);
  });

  test.each([
    ['5 scopes: 6 token requests, all looked at', 5, 6, 0],
    ['6 scopes: 6 token requests, and the last is left for another time', 6, 6, 1],
  ])('%s', async (_title, count, requests, left) => {
    const { sandbox, env } = await sandboxFor({ scopes: [PAYOUTS] });
    const scopes = Array.from({ length: count }, (_, index) => `scope_${index}`);
    const ran = await run(['doctor'], { ...env, PAYU_SCOPE: scopes.join(' ') });
    expect(sandbox.stats().tokenRequests).toBe(requests);
    expect(marked(ran, 'MEND')).toHaveLength(count - left);
    expect(marked(ran, 'note').filter((line) => line.includes('to spare PayU'))).toEqual(
      left === 0 ? [] : ['scope: not asked, to spare PayU: scope_5; run again with these in PAYU_SCOPE'],
    );
  });

  test.each([
    ['at once', 0],
    ['at the second request', 1],
  ])('a rate limit %s: nothing is sent after it, however short the wait', async (_title, before) => {
    const { sandbox, env } = await sandboxFor({ scopes: [PAYOUTS] });
    for (let index = 0; index < before; index++) sandbox.fail(1, { kind: 'latency', ms: 0 });
    sandbox.rateLimit(1, { retryAfter: 1 });
    const ran = await run(['doctor'], env);
    expect(ran.code).toBe(1);
    expect(marked(ran, 'MEND')).toEqual([
      expect.stringMatching(
        /^rate limit: PayU asked to be left alone for a while, so nothing more was sent → try again after 20\S+Z; /,
      ),
    ]);
    expect(sandbox.stats().tokenRequests).toBe(before + 1);
  });

  test('after a rate limit the allowance is used up', async () => {
    const { sandbox } = await sandboxFor();
    sandbox.rateLimit(1, { retryAfter: 0 });
    const probe = new Probe(() => Date.now());
    const settings = {
      environment: sandbox.environment,
      grant: { type: 'client_credentials', clientId: sandbox.clientId, clientSecret: sandbox.clientSecret },
      scope: PAYOUTS,
    } as const;
    expect(probe.left).toBe(MOST_TOKEN_REQUESTS);
    expect(await probe.ask(settings)).toMatchObject({ kind: 'rate-limited' });
    expect(probe.left).toBe(0);
    expect(await probe.ask(settings)).toMatchObject({ kind: 'failed' });
    expect(sandbox.stats().tokenRequests).toBe(1);
  });

  test('a rate limit among the scopes ends the looking', async () => {
    const { sandbox, env } = await sandboxFor({ scopes: [PAYOUTS] });
    sandbox.fail(2, { kind: 'latency', ms: 0 });
    sandbox.rateLimit(1, { retryAfter: 0 });
    const ran = await run(['doctor'], { ...env, PAYU_SCOPE: `${PAYOUTS} read_bills read_plans` });
    expect(marked(ran, 'MEND')).toEqual([expect.stringMatching(/^rate limit: /)]);
    expect(sandbox.stats().tokenRequests).toBe(3);
  });

  test('a dead host', async () => {
    const { env } = await sandboxFor();
    const origin = await deadOrigin();
    const ran = await run(['doctor'], { ...env, PAYU_TOKEN_URL: `${origin}/oauth/token` });
    expect(ran.code).toBe(1);
    expect(marked(ran, 'MEND')).toEqual([
      `host: ${new URL(origin).host} cannot be reached: nothing answers there (ECONNREFUSED) → check host and port, the firewall and HTTPS_PROXY`,
    ]);
  });

  test.each([
    [true, 'the server reuses tokens: each request gets the running one, with what is left of its life'],
    [false, 'the server makes a new token each time it is asked'],
  ])('whether the server reuses tokens: %s', async (reuseTokens, words) => {
    const { sandbox, env } = await sandboxFor({ reuseTokens });
    const ran = await run(['doctor'], env);
    expect(marked(ran, 'note')).toContain(`reuse: ${words}`);
    expect(ran.code).toBe(0);
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 2, reused: reuseTokens ? 1 : 0 });
  });

  test.each([
    ['a login page', { kind: 'html-200' }, /^reply: .* answered 200, but with no token in it: /],
    [
      'an outage',
      { kind: 'status', status: 502 },
      /^host: .* answered 502: it is out of order .* → try again later/,
    ],
    [
      'a redirect',
      { kind: 'redirect', location: '/login' },
      /^address: .* answered 302: .* → check PAYU_TOKEN_URL/,
    ],
    [
      'a connection that breaks',
      { kind: 'reset-after-read' },
      /^host: .*: the connection was cut .* → try again/,
    ],
    [
      'a grant that is not enabled',
      { kind: 'oauth-error', error: 'unauthorized_client' },
      /^grant: .*"client_credentials" → /,
    ],
    ['a grant that is unknown', { kind: 'oauth-error', error: 'unsupported_grant_type' }, /^grant: .* → /],
    [
      'a parameter that is missing',
      { kind: 'oauth-error', error: 'invalid_request' },
      /^grant: .* → compare the variables/,
    ],
    ['an error that nobody knows', { kind: 'oauth-error', error: 'moon_phase' }, /^address: .*"moon_phase"/],
  ] as const)('%s: one token request', async (_title, fault, line) => {
    const { sandbox, env } = await sandboxFor();
    sandbox.fail(1, fault);
    const ran = await run(['doctor'], env);
    expect(ran.code).toBe(1);
    expect(marked(ran, 'MEND')).toEqual([expect.stringMatching(line)]);
    expect(sandbox.stats().tokenRequests).toBe(1);
  });

  test('a scope that was asked for and not granted', async () => {
    const { sandbox, env } = await sandboxFor();
    sandbox.replyNext({ body: { access_token: 'abc', expires_in: 60, scope: PAYOUTS } });
    const ran = await run(['doctor'], { ...env, PAYU_SCOPE: `${PAYOUTS} read_bills` });
    expect(marked(ran, 'MEND')).toEqual([
      'scope: read_bills was asked for and not granted → correct PAYU_SCOPE, or ask PayU to enable it',
    ]);
  });

  test('a public client that sends a secret', async () => {
    const { sandbox, env } = await sandboxFor();
    const ran = await run(['doctor'], {
      ...env,
      PAYU_CLIENT_ID: sandbox.publicClientId,
      PAYU_USERNAME: sandbox.username,
      PAYU_PASSWORD: sandbox.password,
    });
    expect(marked(ran, 'MEND')).toEqual([
      expect.stringMatching(
        /^credentials: .*"invalid_client".* → unset PAYU_CLIENT_SECRET if PAYU_CLIENT_ID is a public one, which is refused with a secret; else copy both anew /,
      ),
    ]);
  });

  test('a user’s password is tried once, whatever comes back', async () => {
    const { sandbox, env } = await sandboxFor();
    const user = { ...env, PAYU_CLIENT_ID: sandbox.publicClientId, PAYU_CLIENT_SECRET: undefined };
    const well = await run(['doctor'], {
      ...user,
      PAYU_USERNAME: sandbox.username,
      PAYU_PASSWORD: sandbox.password,
    });
    expect(well.code).toBe(0);
    expect(sandbox.stats().tokenRequests).toBe(1);
    const wrong = await run(['doctor'], {
      ...user,
      PAYU_USERNAME: sandbox.username,
      PAYU_PASSWORD: 'a-guess',
    });
    expect(marked(wrong, 'MEND')).toEqual([
      expect.stringMatching(/^credentials: .*user name or password is wrong → /),
    ]);
    expect(sandbox.stats().tokenRequests).toBe(2);
  });
});

describe('the doctor and the clock', () => {
  test.each([
    ['5 min ahead of', -300_000],
    ['5 min behind', 300_000],
  ])('a server whose Date header says that this machine is %s it', async (words, offsetMs) => {
    const origin = await serverFor((_request, response) => {
      response.sendDate = false;
      response.setHeader('Date', new Date(Date.now() + offsetMs).toUTCString());
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ access_token: 'abc', expires_in: 7200, scope: PAYOUTS }));
    });
    const ran = await run(['doctor'], clientAt(`${origin}/oauth/token`));
    expect(ran.code).toBe(1);
    expect(marked(ran, 'MEND')).toEqual([
      `clock: this machine is ${words} the server → let NTP set the clock (timedatectl set-ntp true): log times, TLS and tokens shared between machines depend on it`,
    ]);
  });

  test("the sandbox's clock can be set wrong, to try it", async () => {
    const { env } = await sandboxFor({ now: () => Date.now() - 300_000 });
    const ran = await run(['doctor'], env);
    expect(marked(ran, 'MEND')).toEqual([expect.stringMatching(/^clock: this machine is 5 min ahead of /)]);
  });

  test('the clock is looked at also where the credentials are refused', async () => {
    const { env } = await sandboxFor();
    const ran = await run(
      ['doctor'],
      { ...env, PAYU_CLIENT_SECRET: 'wrong-one' },
      { now: () => Date.now() + 3_600_000 },
    );
    expect(marked(ran, 'MEND')).toEqual([
      expect.stringMatching(/^clock: this machine is 60 min ahead of the server → /),
      expect.stringMatching(/^credentials: /),
    ]);
    expect(ran.out.at(-1)).toBe('2 things to mend.');
  });
});

describe('the doctor and mix-ups of the environments', () => {
  afterEach(() => {
    const pending = nock.pendingMocks();
    nock.cleanAll();
    nock.enableNetConnect();
    expect(pending).toEqual([]);
  });

  const test1 = { PAYU_CLIENT_ID: 'id', PAYU_CLIENT_SECRET: 'a-secret', PAYU_SCOPE: PAYOUTS };
  const refusal = { error: 'invalid_client' };

  function answers(tokenUrl: string, status: number, body: object): void {
    nock.disableNetConnect();
    const { origin, pathname } = new URL(tokenUrl);
    nock(origin).post(pathname).reply(status, body);
  }

  test('credentials that this environment does not know go nowhere else unless told so', async () => {
    answers(environments.test.tokenUrl, 401, refusal);
    const ran = await run(['doctor'], test1);
    expect(ran.code).toBe(1);
    expect(marked(ran, 'note')).toContain(
      'environment: do they belong to production? To find out, run again with --ask-other-environment',
    );
  });

  test.each([
    ['test', 'production', 200, { access_token: 'abc', expires_in: 60 }],
    ['production', 'test', 200, { access_token: 'abc', expires_in: 60 }],
    ['test', 'production', 401, { error: 'invalid_scope' }],
    ['test', 'production', 401, { error: 'unauthorized_client' }],
  ] as const)('%s refuses them, and %s knows them (%i %j)', async (here, there, status, body) => {
    answers(environments[here].tokenUrl, 401, refusal);
    answers(environments[there].tokenUrl, status, body);
    const ran = await run(['doctor', '--ask-other-environment'], { ...test1, PAYU_ENVIRONMENT: here });
    expect(ran.code).toBe(1);
    expect(marked(ran, 'MEND')).toContain(
      `environment: these credentials belong to ${there} → set PAYU_ENVIRONMENT=${there}, or use the credentials of ${here}`,
    );
  });

  test('neither knows them', async () => {
    answers(environments.test.tokenUrl, 401, refusal);
    answers(environments.production.tokenUrl, 401, refusal);
    const ran = await run(['doctor', '--ask-other-environment'], test1);
    expect(marked(ran, 'note')).toContain('environment: production does not take these credentials either');
  });

  const user: Env = { PAYU_USERNAME: 'me', PAYU_PASSWORD: 'a-password', PAYU_SCOPE: PAYOUTS };
  test.each<[string, Env, RegExp]>([
    [
      'the public client id of production in test',
      { ...user, PAYU_CLIENT_ID: publicClientIds.production },
      /^client id: PAYU_CLIENT_ID is PayU's public client id of production, but test is asked → unset PAYU_CLIENT_ID/,
    ],
    [
      'the public client id of test in production, as printed with a space',
      {
        ...user,
        PAYU_ENVIRONMENT: 'production',
        PAYU_CLIENT_ID: publicClientIds.test.replace(/^.{9}/, '$& '),
      },
      /^client id: PAYU_CLIENT_ID is PayU's public client id of test, but production is asked → unset/,
    ],
    [
      'the same where the address is given',
      { ...user, PAYU_TOKEN_URL: environments.production.tokenUrl, PAYU_CLIENT_ID: publicClientIds.test },
      /^client id: PAYU_CLIENT_ID is PayU's public client id of test, but production is asked → unset/,
    ],
    [
      'the public client id with client credentials',
      { ...test1, PAYU_CLIENT_ID: publicClientIds.test },
      /^client id: .* has no secret and no client credentials → set PAYU_CLIENT_ID to the client id that PayU gave you/,
    ],
    [
      'the public client id with a secret',
      { ...user, PAYU_CLIENT_ID: publicClientIds.test, PAYU_CLIENT_SECRET: 'a-secret' },
      /^client id: .* → unset PAYU_CLIENT_SECRET/,
    ],
    [
      'a secret that was left over beside a user',
      { ...user, PAYU_CLIENT_SECRET: 'a-secret' },
      /^variables: .* the public client, which is the default, has no secret → unset PAYU_CLIENT_SECRET; /,
    ],
    [
      'plain http: only remedies that the command line has',
      { ...test1, PAYU_TOKEN_URL: 'http://a.example/t' },
      /^variables: "PAYU_TOKEN_URL" must begin with https:\/\/: [\w ,]+ → use its https address; plain http is for this machine alone$/,
    ],
  ])('%s: nothing is sent', async (_title, env, line) => {
    nock.disableNetConnect();
    const ran = await run(['doctor'], env);
    expect(ran.code).toBe(1);
    expect(marked(ran, 'MEND')).toEqual([expect.stringMatching(line)]);
  });

  test('a value that cannot be right is named by its variable, and nothing is sent', async () => {
    nock.disableNetConnect();
    const ran = await run(['doctor'], { ...test1, PAYU_CLIENT_SECRET: 'a-secret\n' });
    expect(ran.code).toBe(1);
    expect(marked(ran, 'MEND')).toEqual([
      expect.stringMatching(/^variables: "PAYU_CLIENT_SECRET" must not .*white space.* → correct it$/),
    ]);
  });
});

function clientAt(tokenUrl: string): Env {
  return {
    PAYU_TOKEN_URL: tokenUrl,
    PAYU_CLIENT_ID: 'id',
    PAYU_CLIENT_SECRET: 'a-secret',
    PAYU_SCOPE: PAYOUTS,
  };
}
