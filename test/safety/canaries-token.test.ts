import { describe, expect, test } from 'vitest';
import { isPayuAuthError } from '../../src/errors.ts';
import type { Fault, RateLimitOptions, RawReply } from '../../src/sandbox/index.ts';
import {
  ADAPTERS,
  ALL_TOKENS,
  AXIOS_VERSIONS,
  CANARIES,
  type CanaryWorld,
  failureOf,
  passingTime,
  startCanaryWorld,
} from './support/canary-world.ts';
import { expectNoSecrets } from './support/no-secrets.ts';

/** What a server may say that saw a secret: in each of its spellings. */
function echo(secret: string): string {
  return `${secret} ${encodeURIComponent(secret)} ${new URLSearchParams({ secret })} ${JSON.stringify(secret)}`;
}

type GrantType = 'client_credentials' | 'password';

/** All that an auth with this grant has ever sent or been given. */
function echoOf(grant: GrantType): string {
  const own = grant === 'password' ? CANARIES.password : CANARIES.clientSecret;
  return [own, ...ALL_TOKENS.slice(0, 3)].map(echo).join('; ');
}

const FAULTS: readonly Fault[] = [
  { kind: 'hang' },
  { kind: 'reset-before-read' },
  { kind: 'reset-after-read' },
  { kind: 'reset-in-body' },
  { kind: 'hang-in-body' },
  { kind: 'status', status: 500, body: 'json' },
  { kind: 'status', status: 502, body: 'text' },
  { kind: 'status', status: 503, body: 'html' },
  { kind: 'status', status: 401, body: 'none' },
  { kind: 'status', status: 404, body: 'html' },
  { kind: 'oauth-error', error: 'invalid_client' },
  { kind: 'oauth-error', error: 'unauthorized_client' },
  { kind: 'oauth-error', error: 'invalid_scope' },
  { kind: 'oauth-error', error: 'server_error' },
  { kind: 'oauth-error', error: 'invalid_token_reuse' },
  { kind: 'oauth-error', error: 'something_new' },
  { kind: 'html-200' },
  { kind: 'empty-200' },
  { kind: 'truncated-json' },
  { kind: 'garbage' },
  {
    kind: 'redirect',
    location: `http://127.0.0.1:1/?${new URLSearchParams({ secret: CANARIES.clientSecret })}`,
  },
];

const LIMITS: readonly RateLimitOptions[] = [
  { retryAfter: 60 },
  { retryAfter: false, retryAfterHeader: '3600' },
  { body: 'html' },
];

const HTML = { 'content-type': 'text/html' };

const ECHOES: Readonly<Record<string, (echoed: string) => RawReply>> = {
  'in error_description': (echoed) => refusal({ error: 'invalid_client', error_description: echoed }),
  'in error_description, at its cut': (echoed) =>
    refusal({ error: 'invalid_scope', error_description: `${'x y '.repeat(73)}${echoed}` }),
  'in error': (echoed) => refusal({ error: echoed }),
  'in error of a 503': (echoed) => ({ status: 503, body: { error: echoed, error_description: echoed } }),
  'in a rate limit': (echoed) => ({
    status: 429,
    body: { error: 'rate_limit_exceeded', error_description: echoed, retry_after: echoed },
  }),
  'in an error that is an object': (echoed) =>
    refusal({ error: { reason: echoed }, error_description: echoed, [echoed]: 1 }),
  'in HTML at 200': (echoed) => ({ status: 200, headers: HTML, body: `<html>${echoed}</html>` }),
  'in HTML at 403': (echoed) => ({ status: 403, headers: HTML, body: `<html>${echoed}</html>` }),
  'in HTML at 500': (echoed) => ({ status: 500, headers: HTML, body: `<html>${echoed}</html>` }),
  'in token_type': (echoed) => ({ status: 200, body: { access_token: ALL_TOKENS[5], token_type: echoed } }),
  'in an access_token that is none': (echoed) => ({ status: 200, body: { access_token: echoed } }),
  'in a redirect': (echoed) => ({
    status: 302,
    headers: { location: `/?${new URLSearchParams({ echoed })}` },
    body: '',
  }),
};

function refusal(body: Readonly<Record<string, unknown>>): RawReply {
  return { status: 401, body };
}

/** A token request that fails: for the first token, or, with a password, for the refresh of one that has expired. */
async function failing(world: CanaryWorld, plan: () => void, maxWaitMs: number): Promise<unknown[]> {
  const { client, sandbox, clock } = world;
  const isRefresh = world.sandbox.stats().tokenRequests > 0;
  const before = sandbox.stats().tokenRequests;
  plan();
  if (isRefresh) clock.advance(7_200_001);
  const isStuck = (): boolean => maxWaitMs > 0 && sandbox.stats().tokenRequests > before;
  const first = await passingTime(
    world,
    failureOf(client.get('/echo', { payuAuth: { maxWaitMs } })),
    isStuck,
  );
  // Whoever comes next gets the same from memory, or is told to come later.
  const second = await failureOf(client.get('/echo', { payuAuth: { maxWaitMs: 0 } }));
  return [first, second];
}

describe.each(AXIOS_VERSIONS)('on %s', (version) => {
  describe.each(ADAPTERS)('with the token request by the %s adapter', (adapter) => {
    describe.each<GrantType>(['client_credentials', 'password'])('and the %s grant', (grant) => {
      async function start(): Promise<CanaryWorld> {
        const world = await startCanaryWorld({ version, adapter, grant });
        if (grant === 'password') await world.client.get('/echo');
        return world;
      }

      test.each(FAULTS.map((fault) => [JSON.stringify(fault), fault] as const))(
        '%s shows no secret',
        async (_, fault) => {
          const world = await start();
          const failures = await failing(world, () => world.sandbox.fail(4, fault), 30_000);
          expect(failures.every(isPayuAuthError)).toBe(true);
          expectNoSecrets(world, failures);
        },
      );

      test.each(LIMITS.map((limit) => [JSON.stringify(limit), limit] as const))(
        'a rate limit %s shows no secret',
        async (_, limit) => {
          const world = await start();
          const failures = await failing(world, () => world.sandbox.rateLimit(4, limit), 0);
          expect(failures.every(isPayuAuthError)).toBe(true);
          expectNoSecrets(world, failures);
        },
      );

      test.each(Object.entries(ECHOES))(
        'a server that echoes secrets %s shows none',
        async (title, reply) => {
          const world = await start();
          const failures = await failing(
            world,
            () => {
              for (let i = 0; i < 4; i++) world.sandbox.replyNext(reply(echoOf(grant)));
            },
            title === 'in a rate limit' ? 0 : 30_000,
          );
          expect(failures.every(isPayuAuthError)).toBe(true);
          expectNoSecrets(world, failures);
        },
      );
    });
  });
});
