import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MemoryTokenStore } from '../../src/token/store/memory-token-store.ts';
import type { TokenRecord, TokenStore } from '../../src/token/store/token-store.ts';
import {
  ADAPTERS,
  AXIOS_VERSIONS,
  type CanaryOptions,
  type CanaryWorld,
  failureOf,
  startCanaryWorld,
} from './support/canary-world.ts';

const KIB = 1024;
const LARGEST = 64 * KIB;

/** A good reply of exactly this many bytes. */
function replyOf(bytes: number): string {
  const empty = JSON.stringify({
    access_token: 'access_token_1',
    token_type: 'Bearer',
    expires_in: 3600,
    filler: '',
  });
  return empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`);
}

const UNPACKED_BYTES = 128 * KIB * KIB;
const BOMB = gzipSync(Buffer.alloc(UNPACKED_BYTES, ' '), { level: 1 });

const nested = (depth: number): string => `{"access_token":"a","x":${'['.repeat(depth)}${']'.repeat(depth)}}`;

interface Stored extends CanaryWorld {
  readonly records: TokenRecord[];
}

async function start(setup: Partial<CanaryOptions> = {}): Promise<Stored> {
  const records: TokenRecord[] = [];
  const inner = new MemoryTokenStore();
  const store: TokenStore = {
    get: (key) => inner.get(key),
    set: (key, record) => {
      records.push(record);
      inner.set(key, record);
    },
    delete: (key) => inner.delete(key),
    withLock: (key, task, signal) => inner.withLock(key, task, signal),
  };
  const { options, ...rest } = setup;
  const world = await startCanaryWorld({
    version: 'axios',
    adapter: 'http',
    ...rest,
    options: { ...options, store },
  });
  return { ...world, records };
}

async function expectRefused(world: Stored): Promise<unknown> {
  const failure = await failureOf(world.client.get('/protected'));
  expect(failure).toMatchObject({ name: 'TokenResponseError', code: 'ERR_TOKEN_RESPONSE', status: 200 });
  expect(world.records).toEqual([]);
  expect(world.sandbox.stats().apiRequests).toBe(0);
  expectUnpolluted();
  return failure;
}

function expectUnpolluted(): void {
  const names = Object.getOwnPropertyNames(Object.prototype);
  expect(names).not.toContain('polluted');
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect(({} as Record<string, unknown>).access_token).toBeUndefined();
}

describe('a 2xx that holds no usable token is refused, and nothing of it is stored', () => {
  test.each<[string, string]>([
    // One of each kind; test/token/endpoint/token-response.test.ts has them all.
    ['nothing', ''],
    ['HTML', '<!doctype html><title>Sign in</title>'],
    ['no access_token', '{"token_type":"Bearer","expires_in":7200}'],
    ["BBPS's failure at 200", '{"code":600,"status":"FAILURE","payload":{}}'],
    ['an access_token that is an object', '{"access_token":{"value":"a"}}'],
    ['an access_token with a line break', '{"access_token":"a\\r\\nX-Evil: 1"}'],
    ['another token_type', '{"access_token":"a","token_type":"mac"}'],
    ['an access_token in __proto__', '{"__proto__":{"access_token":"a","polluted":1}}'],
    ['an access_token in constructor', '{"constructor":{"prototype":{"access_token":"a","polluted":1}}}'],
    ['__proto__ besides a token', '{"access_token":"a","__proto__":{"polluted":1}}'],
  ])('%s', async (_, body) => {
    const world = await start();
    world.sandbox.replyNext({ body });
    await expectRefused(world);
  });

  test.each([20_000, 32_700])('or is %d levels deep, and does no harm', async (depth) => {
    const world = await start();
    world.sandbox.replyNext({ body: nested(depth) });
    const outcome = await world.client.get('/protected').catch((error: unknown) => error);
    const isTaken = world.records.length === 1;
    // Whether it can be read depends on the stack: either way there is an answer.
    expect(outcome).toMatchObject(isTaken ? { isAxiosError: true } : { name: 'TokenResponseError' });
  });
});

describe('what is not the token is taken with caution', () => {
  test.each<[string, string]>([
    ['constructor', '"constructor":{"prototype":{"polluted":1}}'],
    ['names of methods', '"toString":1,"hasOwnProperty":2,"toJSON":3,"then":4,"valueOf":5'],
  ])('%s pollutes nothing', async (_, member) => {
    const world = await start();
    world.sandbox.replyNext({ body: `{"access_token":"access_token_1","expires_in":3600,${member}}` });
    const { extra, value } = await world.auth.getToken();
    expect(value).toBe('access_token_1');
    expectUnpolluted();
    expect(Object.getPrototypeOf(extra)).toBe(Object.prototype);
    expect(JSON.stringify(extra)).not.toContain('__proto__');
    // As users do: neither a merge nor a copy is poisoned.
    expect((structuredClone(extra) as Record<string, unknown>).polluted).toBeUndefined();
    expect(({ ...extra } as Record<string, unknown>).polluted).toBeUndefined();
  });

  test.each<[string, string]>([
    ['expires_in', '"expires_in":{"valueOf":1}'],
    ['expires_in', '"expires_in":[7200]'],
    ['refresh_token', '"refresh_token":{"a":1}'],
    ['scope', '"scope":{"split":1}'],
    ['scope', '"scope":["a","b"]'],
    ['created_at', '"created_at":"now"'],
  ])('a wrong type of %s is as good as none: %s', async (_, member) => {
    const world = await start();
    world.sandbox.replyNext({ body: `{"access_token":"access_token_1",${member}}` });
    const token = await world.auth.getToken();
    expect(token.scope).toEqual(['create_payout_transactions']);
    expect(token.expiresAt.getTime() - token.obtainedAt.getTime()).toBe(3_600_000);
    expect(world.records[0]?.refreshToken).toBeUndefined();
  });
});

describe.each(AXIOS_VERSIONS)('on %s', (version) => {
  describe.each(ADAPTERS)('by the %s adapter', (adapter) => {
    test.each([LARGEST - 1, LARGEST])('a reply of %d bytes is read', async (bytes) => {
      const world = await start({ version, adapter });
      world.sandbox.replyNext({ body: replyOf(bytes) });
      expect((await world.auth.getToken()).value).toBe('access_token_1');
    });

    test.each([LARGEST + 1, 10 * KIB * KIB])('a reply of %d bytes is refused', async (bytes) => {
      const world = await start({ version, adapter });
      world.sandbox.replyNext({ body: replyOf(bytes) });
      expect(await expectRefused(world)).toMatchObject({ reason: 'it is larger than 64 KiB' });
    });

    test('a gzip bomb is refused before it is unpacked', async () => {
      const server = await serve((res) => {
        res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
        res.end(BOMB);
      });
      const before = process.memoryUsage().arrayBuffers;
      const world = await start({ version, adapter, options: { environment: { tokenUrl: server.url } } });
      expect(await expectRefused(world)).toMatchObject({ reason: 'it is larger than 64 KiB' });
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(UNPACKED_BYTES / 4);
    });

    test('a reply without an end is refused at the limit, and its connection is given up', async () => {
      const server = await serve((res) => {
        res.writeHead(200, { 'content-type': 'application/json' });
        const more = (): void => {
          while (!res.destroyed && res.write('x'.repeat(16 * KIB)));
        };
        res.on('drain', more);
        more();
      });
      const world = await start({ version, adapter, options: { environment: { tokenUrl: server.url } } });
      await expectRefused(world);
      await server.disconnected;
    });

    test('bytes that are no text are refused', async () => {
      const server = await serve((res) => {
        res.writeHead(200, { 'content-type': 'application/json' });
        res.end(
          Buffer.concat([Buffer.from('{"access_token":"a'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
        );
      });
      const world = await start({ version, adapter, options: { environment: { tokenUrl: server.url } } });
      await expectRefused(world);
    });
  });
});

async function serve(
  answer: (res: ServerResponse) => void,
): Promise<{ readonly url: string; readonly disconnected: Promise<void> }> {
  let disconnect = (): void => {};
  const disconnected = new Promise<void>((resolve) => {
    disconnect = resolve;
  });
  const server = createServer((req, res) => {
    res.on('close', disconnect);
    req.resume().on('end', () => answer(res));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  // A TCP server that listens has an address of this kind.
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/oauth/token`, disconnected };
}
