import { describe, expect, test } from 'vitest';
import type { PayuAuthOptions } from '../../src/options/options.ts';
import { MemoryTokenStore } from '../../src/token/store/memory-token-store.ts';
import type { TokenRecord, TokenStore } from '../../src/token/store/token-store.ts';
import { ALL_TOKENS, CANARIES, failureOf, startCanaryWorld } from './support/canary-world.ts';
import { expectNoSecrets } from './support/no-secrets.ts';

const SET_UP = { version: 'axios', adapter: 'http', grant: 'password' } as const;
const { clientSecret, password, proxyPassword } = CANARIES;

/** As clients of databases do: the command with its arguments, in the message and as properties. */
function chatty(token: string): Error {
  const cause = new Error(`ERR SET ${token}`);
  return Object.assign(new Error(`SETEX failed: ${token}`, { cause }), {
    command: { name: 'set', args: ['key', JSON.stringify({ accessToken: token })] },
    code: token,
    errors: [new Error(token)],
  });
}

type Failing = Partial<Record<keyof TokenStore, 'throws' | 'rejects'>>;

/** A store that tells in its errors what it was given. */
function chattyStore(failing: Failing): TokenStore {
  const inner = new MemoryTokenStore();
  const seen = [ALL_TOKENS[20] as string];
  const perhaps = <T>(method: keyof TokenStore, work: () => T): T => {
    if (failing[method] === 'throws') throw chatty(seen.join());
    if (failing[method] === 'rejects') return Promise.reject(new AggregateError([chatty(seen.join())])) as T;
    return work();
  };
  const learn = (record: TokenRecord): void => {
    seen.push(record.accessToken, record.refreshToken ?? '');
  };
  return {
    get: (key) => perhaps('get', () => inner.get(key)),
    set: (key, record) => {
      learn(record);
      return perhaps('set', () => inner.set(key, record));
    },
    delete: (key) => perhaps('delete', () => inner.delete(key)),
    withLock: async (key, task, signal) => perhaps('withLock', () => inner.withLock(key, task, signal)),
  };
}

describe('a store that tells tokens in its errors', () => {
  test.each<Failing>([
    { get: 'throws' },
    { get: 'rejects' },
    { set: 'throws' },
    { set: 'rejects' },
    { delete: 'throws' },
    { delete: 'rejects' },
    { withLock: 'throws' },
    { withLock: 'rejects' },
    { get: 'rejects', set: 'rejects', delete: 'rejects', withLock: 'rejects' },
  ])('%j', async (failing) => {
    const world = await startCanaryWorld({ ...SET_UP, options: { store: chattyStore(failing) } });
    await world.client.get('/echo');
    world.sandbox.revokeAllTokens({ keep: 'refresh-tokens' });
    await world.client.get('/echo');
    await world.auth.revoke();
    expect(world.events.filter(({ type }) => type === 'store-failed')).not.toEqual([]);
    expectNoSecrets(world, []);
  });

  test('also where the lock fails with what the task failed with', async () => {
    const store = new MemoryTokenStore();
    const wrapping: TokenStore = {
      get: (key) => store.get(key),
      set: (key, record) => store.set(key, record),
      delete: (key) => store.delete(key),
      withLock: (key, task, signal) =>
        store.withLock(key, task, signal).catch((error: unknown) => {
          throw new Error(`lock: ${String(error)} ${ALL_TOKENS[0]}`, { cause: error });
        }),
    };
    const world = await startCanaryWorld({ ...SET_UP, options: { store: wrapping } });
    world.sandbox.fail(1, { kind: 'oauth-error', error: 'invalid_client' });
    expectNoSecrets(world, [await failureOf(world.client.get('/echo'))]);
  });
});

describe('a function for a secret that tells it when it fails', () => {
  const failures: Readonly<Record<string, () => string | Promise<string>>> = {
    'throws it as it is': () => {
      throw password;
    },
    'throws it in a message': () => {
      throw new Error(`"${password}" has expired`);
    },
    'rejects with it': () =>
      Promise.reject(Object.assign(new Error(password), { code: password, secret: password })),
    'rejects with it in a cause': () => Promise.reject(new Error('vault', { cause: new Error(password) })),
    'rejects with it in an object': () =>
      Promise.reject({ message: password, name: password, code: password }),
    'rejects with it among several': () => Promise.reject(new AggregateError([new Error(password)])),
    'has white space at its end': () => `${password}\n`,
    'gives an object': () => ({ password }) as never,
    'gives bytes': () => Buffer.from(password) as never,
  };
  test.each(Object.entries(failures))('and %s', async (_, secret) => {
    const world = await startCanaryWorld({
      ...SET_UP,
      options: {
        grant: {
          type: 'password',
          clientId: 'sandbox-public-client-id',
          username: 'merchant',
          password: secret,
        },
      },
    });
    const failure = await failureOf(world.client.get('/echo'));
    expect(String(failure)).toContain('grant.password');
    expectNoSecrets(world, [
      failure,
      await failureOf(world.auth.revoke().then(() => Promise.reject(new Error('')))),
    ]);
  });
});

describe('a wrong option with a secret in it', () => {
  // Wrong on purpose: what a person in a hurry writes.
  const wrong: Readonly<Record<string, object>> = {
    'a secret in place of the grant': { grant: clientSecret },
    'a secret as the type of grant': { grant: { type: clientSecret } },
    'a secret with a line break': {
      grant: { type: 'client_credentials', clientId: 'a', clientSecret: `${clientSecret}\n` },
    },
    'a secret in a list': {
      grant: { type: 'client_credentials', clientId: 'a', clientSecret: [clientSecret] },
    },
    'a secret that is an option of its own': {
      grant: { type: 'client_credentials', clientId: 'a', clientSecret, secret: clientSecret },
    },
    'a secret under a reserved parameter': {
      grant: { type: 'custom', grantType: 'x', parameters: { client_secret: clientSecret } },
    },
    'a parameter that is no text': {
      grant: { type: 'custom', grantType: 'x', parameters: { otp: { clientSecret } } },
    },
    'a secret in the token URL': {
      environment: { tokenUrl: `https://u:${proxyPassword}@accounts.example/oauth/token` },
    },
    'a secret in place of the environment': { environment: clientSecret },
    'a secret as an origin': { origins: [`https://u:${proxyPassword}@api.example`] },
    'a secret as a limit': { maxWaitMs: clientSecret },
    'a secret as a scope': { scope: [{ clientSecret }] },
    'a secret in the header': { header: { name: `X ${clientSecret}` } },
    'a secret in the store': { store: { clientSecret } },
    'a secret in http': { http: { headers: { clientSecret } } },
  };
  test.each(Object.entries(wrong))('%s', async (_, options) => {
    const world = await startCanaryWorld(SET_UP);
    const failure = await failureOf(
      Promise.resolve().then(() => world.createAuth(options as Partial<PayuAuthOptions>)),
    );
    expect(failure).toMatchObject({ code: 'ERR_INVALID_OPTION' });
    expectNoSecrets(world, [failure]);
  });

  test.each<[string, () => { accessToken: string; refreshToken?: string }]>([
    ['a token with a line break', () => ({ accessToken: `${ALL_TOKENS[0]}\n` })],
    ['a refresh token with a blank', () => ({ accessToken: '', refreshToken: ` ${ALL_TOKENS[1]}` })],
    ['an option that is none', () => ({ accessToken: 'a', x: ALL_TOKENS[2] }) as never],
    ['a life that is none', () => ({ accessToken: 'a', expiresInSeconds: ALL_TOKENS[2] }) as never],
  ])('setToken with %s', async (_, token) => {
    const world = await startCanaryWorld(SET_UP);
    const failure = await failureOf(world.auth.setToken(token()));
    expect(failure).toMatchObject({ code: 'ERR_INVALID_OPTION' });
    expectNoSecrets(world, [failure]);
  });
});

describe('around the token requests', () => {
  const proxy = { host: '127.0.0.1', port: 1, auth: { username: 'proxy', password: proxyPassword } };

  test('a proxy that can not be reached keeps its password', async () => {
    const world = await startCanaryWorld({ ...SET_UP, options: { http: { adapter: 'http', proxy } } });
    expectNoSecrets(world, [await failureOf(world.client.get('/echo'))]);
  });

  test('a proxy that is refused, as fetch would pass it by, keeps its password', async () => {
    const world = await startCanaryWorld(SET_UP);
    const refused = startCanaryWorld({ ...SET_UP, options: { http: { adapter: 'fetch', proxy } } });
    expectNoSecrets(world, [await failureOf(refused)]);
  });

  test('a transport of the user that tells what it sent is not quoted', async () => {
    const world = await startCanaryWorld({
      ...SET_UP,
      options: {
        http: {
          adapter: async (config) => {
            throw Object.assign(new Error(`could not send ${String(config.data)}`), {
              config,
              sent: config.data,
            });
          },
        },
      },
    });
    expectNoSecrets(world, [await failureOf(world.client.get('/echo'))]);
  });

  test.each<[string, Parameters<typeof failRevocation>[0]]>([
    ['refused', { kind: 'oauth-error', error: 'invalid_client' }],
    ['broken', { kind: 'status', status: 500 }],
    ['reset', { kind: 'reset-after-read' }],
    ['a redirect', { kind: 'redirect', location: 'http://127.0.0.1:1/' }],
  ])('a revocation that fails shows no token: %s', async (_, fault) => {
    await failRevocation(fault);
  });

  test('a revocation endpoint that echoes what it got shows no secret', async () => {
    const world = await startCanaryWorld(SET_UP);
    await world.client.get('/echo');
    const echoed = `${ALL_TOKENS[0]} ${ALL_TOKENS[1]} ${password}`;
    for (let i = 0; i < 2; i++) {
      world.sandbox.replyNext(
        { status: 403, body: { error: echoed, error_description: echoed } },
        { on: 'revoke' },
      );
    }
    expectNoSecrets(world, [await failureOf(world.auth.revoke())]);
  });

  test('a token prints its life and not its value', async () => {
    const world = await startCanaryWorld(SET_UP);
    const token = await world.auth.getToken();
    expect(token.value).toBe(ALL_TOKENS[0]);
    expectNoSecrets(world, [token, { token }, [token]]);
  });

  test('an auth and an attached instance print no secret', async () => {
    const world = await startCanaryWorld(SET_UP);
    await world.client.get('/echo');
    expectNoSecrets(world, [world.auth, world.client.interceptors, world.client.defaults]);
  });
});

async function failRevocation(
  fault: Parameters<Awaited<ReturnType<typeof startCanaryWorld>>['sandbox']['fail']>[1],
): Promise<void> {
  const world = await startCanaryWorld(SET_UP);
  await world.client.get('/echo');
  world.sandbox.fail(2, fault, { on: 'revoke' });
  expectNoSecrets(world, [await failureOf(world.auth.revoke())]);
}
