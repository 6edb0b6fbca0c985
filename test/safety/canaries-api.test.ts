import { Readable } from 'node:stream';
import type { AxiosError, AxiosRequestConfig, InternalAxiosRequestConfig } from 'axios';
import { describe, expect, test } from 'vitest';
import type { Fault } from '../../src/sandbox/index.ts';
import { payment } from '../support/payments.ts';
import {
  ADAPTERS,
  AXIOS_VERSIONS,
  type CanaryWorld,
  FIRST_TOKEN,
  failureOf,
  startCanaryWorld,
} from './support/canary-world.ts';
import { expectNoSecrets } from './support/no-secrets.ts';

const FAULTS: readonly Fault[] = [
  { kind: 'reset-before-read' },
  { kind: 'reset-after-read' },
  { kind: 'reset-in-body' },
  { kind: 'status', status: 400, body: 'json' },
  { kind: 'status', status: 401, body: 'none' },
  { kind: 'status', status: 403, body: 'html' },
  { kind: 'status', status: 429, body: 'none' },
  { kind: 'status', status: 500, body: 'json' },
  { kind: 'status', status: 502, body: 'text' },
  { kind: 'oauth-error', error: 'insufficient_scope', status: 401 },
  { kind: 'oauth-error', error: 'rate_limit_exceeded', status: 400 },
  { kind: 'garbage' },
  { kind: 'redirect', location: 'http://127.0.0.1:1/', status: 307 },
  { kind: 'redirect', location: 'ftp://127.0.0.1/', status: 302 },
  { kind: 'redirect', location: 'http://[::1', status: 302 },
];

const RESPONSE_TYPES = ['json', 'arraybuffer', 'stream'] as const;

/** Calls that fail where the server is not to blame. */
const OWN_FAILURES: Readonly<Record<string, () => AxiosRequestConfig>> = {
  'a transformRequest that throws': () => ({ transformRequest: thrower('no request today') }),
  'a transformResponse that throws': () => ({ transformResponse: thrower('no response today') }),
  'a transformResponse that throws at a stream': () => ({
    transformResponse: thrower('no response today'),
    responseType: 'stream',
  }),
  'JSON that is none': () => ({
    url: '/not-json',
    responseType: 'json',
    transitional: { silentJSONParsing: false },
  }),
  'a validateStatus that takes none': () => ({ validateStatus: () => false }),
  'a gzip stream that is none': () => ({ url: '/not-gzip' }),
  'a gzip stream that is none, as a stream': () => ({ url: '/not-gzip', responseType: 'stream' }),
  // Axios 1.12 knows no such limits with fetch: there the call succeeds.
  'too large a response': () => ({ maxContentLength: 1 }),
  'too large a request': () => ({ method: 'post', data: 'x'.repeat(100), maxBodyLength: 10 }),
  'a body that breaks off': () => ({ method: 'post', data: Readable.from(breakingOff()) }),
  'no redirect allowed': () => ({ url: `/redirect?to=${NOWHERE}`, maxRedirects: 0 }),
  'a redirect to where nobody listens': () => ({ url: `/redirect?to=${NOWHERE}` }),
  'too many redirects': () => ({ url: `/redirect?to=%2Fredirect%3Fto%3D${NOWHERE}`, maxRedirects: 1 }),
  'a beforeRedirect that throws': () => ({
    url: '/redirect?to=%2Fprotected',
    beforeRedirect: thrower('not there'),
    validateStatus: () => false,
  }),
};

const NOT_GZIP = { status: 500, headers: { 'content-encoding': 'gzip' }, body: 'not gzip' };
const NOWHERE = encodeURIComponent('http://127.0.0.1:1/');

function thrower(message: string): () => never {
  return () => {
    throw new Error(message);
  };
}

function* breakingOff(): Iterable<Buffer> {
  yield Buffer.from('a');
  throw new Error('the disk is gone');
}

describe.each(AXIOS_VERSIONS)('on %s', (version) => {
  describe.each(ADAPTERS)('by the %s adapter', (adapter) => {
    /** With one token in use, and the request for the next one under way or answered. */
    async function start(options = {}): Promise<CanaryWorld> {
      const world = await startCanaryWorld({ version, adapter, options });
      await world.client.get('/echo');
      expect(world.sandbox.requests().at(-1)?.token).toBe(FIRST_TOKEN);
      return world;
    }

    describe.each(RESPONSE_TYPES)('with a response as %s', (responseType) => {
      test.each(FAULTS.map((fault) => [JSON.stringify(fault), fault] as const))(
        '%s shows no token',
        async (_, fault) => {
          const world = await start({ rateLimitRetries: 0 });
          world.sandbox.fail(4, fault, { on: 'api' });
          const call = world.client.post('/payout/v2/payment', [payment('1')], {
            responseType,
          });
          // A response that breaks off is the stream's failure, not the call's.
          const isCallers = fault.kind === 'reset-in-body' && responseType === 'stream';
          const failure = isCallers
            ? await failureOf(call.then(({ data }) => drained(data)))
            : await failureOf(call);
          expectNoSecrets(world, [failure]);
        },
      );

      test('a permanent 401 shows neither the old token nor the new one', async () => {
        const world = await start();
        world.sandbox.fail(2, { kind: 'status', status: 401 }, { on: 'api' });
        const failure = await failureOf(world.client.get('/echo', { responseType }));
        expect(world.sandbox.stats()).toMatchObject({ tokenRequests: 2, apiRequests: 3 });
        expectNoSecrets(world, [failure]);
      });

      test('a 500 after a replay shows neither', async () => {
        const world = await start();
        world.sandbox.fail(1, { kind: 'status', status: 401 }, { on: 'api' });
        world.sandbox.fail(1, { kind: 'status', status: 500, body: 'html' }, { on: 'api' });
        const failure = await failureOf(world.client.post('/echo', 'text', { responseType }));
        expect(failure).toMatchObject({ response: { status: 500 } });
        expectNoSecrets(world, [failure, (failure as AxiosError).toJSON()]);
      });
    });

    test.each(Object.entries(OWN_FAILURES))('%s shows no token', async (_, configOf) => {
      const world = await start();
      const config = { url: '/protected', ...configOf() };
      if (config.url === '/not-json') world.sandbox.replyNext({ body: '{"a":' }, { on: 'api' });
      if (config.url === '/not-gzip') world.sandbox.replyNext(NOT_GZIP, { on: 'api' });
      const outcome = await world.client.request(config).catch((error: unknown) => error);
      expectNoSecrets(world, [outcome]);
      expect((outcome as AxiosError).config?.headers.Authorization).toBeUndefined();
    });

    test('an abort on the way shows no token', async () => {
      const world = await start();
      const hold = world.sandbox.hold('api');
      const controller = new AbortController();
      const call = failureOf(world.client.get('/echo', { signal: controller.signal }));
      await hold.waitFor(1);
      controller.abort();
      expectNoSecrets(world, [await call]);
    });

    test('an abort while the token is renewed shows neither', async () => {
      const world = await start();
      world.sandbox.revokeAllTokens();
      const hold = world.sandbox.hold('token');
      const controller = new AbortController();
      const call = failureOf(world.client.get('/echo', { signal: controller.signal }));
      await hold.waitFor(1);
      controller.abort();
      const failure = await call;
      expect(world.axios.isCancel(failure)).toBe(true);
      expectNoSecrets(world, [failure]);
    });

    test('an abort that axios notices after the response shows no token', async () => {
      const controller = new AbortController();
      const world = await start({
        isTokenRefused: () => {
          controller.abort();
          return false;
        },
      });
      const failure = await failureOf(world.client.get('/echo', { signal: controller.signal }));
      expect(world.axios.isCancel(failure)).toBe(true);
      expect((failure as AxiosError).config).toBeDefined();
      expectNoSecrets(world, [failure]);
    });

    test('a timeout shows no token', async () => {
      const world = await start();
      world.sandbox.fail(1, { kind: 'hang' }, { on: 'api' });
      const failure = await failureOf(world.client.get('/echo', { timeout: 5 }));
      expect(failure).toMatchObject({ isAxiosError: true });
      expectNoSecrets(world, [failure]);
    });

    test('a refused connection shows no token', async () => {
      const world = await start();
      const nowhere = world.clientFor({ baseURL: 'http://127.0.0.1:1' });
      expectNoSecrets(world, [await failureOf(nowhere.get('/echo'))]);
    });

    test('a renewal that fails after a 401 shows neither the old token nor the secret', async () => {
      const world = await start();
      world.sandbox.revokeAllTokens();
      world.sandbox.fail(1, { kind: 'oauth-error', error: 'invalid_client' });
      const failure = await failureOf(world.client.get('/echo'));
      expect(failure).toMatchObject({ code: 'ERR_TOKEN_REFUSED' });
      expectNoSecrets(world, [failure]);
    });

    test('listeners and rules that throw show nothing and change nothing', async () => {
      const throwing = (): never => {
        throw new Error('a listener at fault');
      };
      const world = await start({ onEvent: throwing, isTokenRefused: throwing });
      world.sandbox.revokeAllTokens();
      await expect(world.client.get('/echo')).resolves.toMatchObject({ status: 200 });
      world.sandbox.fail(1, { kind: 'status', status: 500 }, { on: 'api' });
      expectNoSecrets(world, [await failureOf(world.client.get('/echo'))]);
    });

    test('a closed auth shows nothing', async () => {
      const world = await start();
      await world.auth.close();
      const failure = await failureOf(world.client.get('/echo'));
      expect(failure).toMatchObject({ code: 'ERR_CLOSED' });
      expectNoSecrets(world, [failure]);
    });
  });

  test('an adapter of the user that puts what was sent into its error is cleaned up after', async () => {
    const world = await startCanaryWorld({ version, adapter: 'http' });
    const chatty = async (config: InternalAxiosRequestConfig): Promise<never> => {
      const cause = Object.assign(new Error(`sent ${JSON.stringify(config.headers)}`), { config });
      throw Object.assign(
        new Error(`could not send ${String(config.headers.get('Authorization'))}`, { cause }),
        {
          config,
          request: { headers: config.headers },
        },
      );
    };
    const failure = await failureOf(world.client.get('/echo', { adapter: chatty }));
    expect(failure).toMatchObject({ message: 'could not send Bearer [redacted]' });
    expectNoSecrets(world, [failure]);
  });
});

async function drained(data: unknown): Promise<void> {
  for await (const _ of data as AsyncIterable<unknown>);
}
