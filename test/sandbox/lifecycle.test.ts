import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type SandboxOptions, startSandbox } from '../../src/sandbox/index.ts';
import { call, manualClock, mint, mintedToken, sandboxFor } from './support.ts';

/** The controls as plain JavaScript sees them. */
type Untyped = Readonly<
  Record<'replyNext' | 'hold' | 'rateLimit' | 'fail' | 'issueToken', (...parameters: unknown[]) => unknown>
>;

describe('starting', () => {
  it('listens on loopback, on a free port', async () => {
    const sandbox = await sandboxFor();
    expect(sandbox.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(sandbox.environment).toEqual({
      tokenUrl: `${sandbox.url}/oauth/token`,
      revokeUrl: `${sandbox.url}/oauth/revoke`,
    });
  });

  it('has credentials that are obviously not real, and takes others', async () => {
    const sandbox = await sandboxFor();
    const { clientId, clientSecret, username, password, publicClientId } = sandbox;
    for (const value of [clientId, clientSecret, username, password, publicClientId]) {
      expect(value).toContain('sandbox');
    }
    const own = { clientId: 'a', clientSecret: 'b', username: 'c', password: 'd', publicClientId: 'e' };
    expect(await sandboxFor(own)).toMatchObject(own);
  });

  it('rejects if the port is taken', async () => {
    const { url } = await sandboxFor();
    await expect(startSandbox({ port: Number(new URL(url).port) })).rejects.toThrow('EADDRINUSE');
  });

  it.each<[string, unknown, string]>([
    ['port', -1, '"port" must be a whole number, at least 0 and at most 65535'],
    ['port', 65_536, '"port" must be a whole number, at least 0 and at most 65535'],
    ['clientId', '', '"clientId" must be a non-empty string'],
    ['clientSecret', 1, '"clientSecret" must be a non-empty string'],
    ['tokenLifeSeconds', -1, '"tokenLifeSeconds" must be a number of seconds, 0 or more, or null'],
    ['tokenLifeSeconds', Number.NaN, '"tokenLifeSeconds" must be a number of seconds, 0 or more, or null'],
    ['refreshRotation', 'never', '"refreshRotation" must be one of "previous", "immediate", "none"'],
    ['revokePrevious', 'some', '"revokePrevious" must be one of "same-scope", "all-scopes"'],
    ['statusStyle', 'odd', '"statusStyle" must be one of "documented", "doorkeeper-5.0"'],
    ['replyShape', 'odd', '"replyShape" must be one of "misspelt-expire-in"'],
    ['revokedTwice', 'odd', '"revokedTwice" must be one of "ok", "invalid-token"'],
    ['bbpsRefusalStatus', 500, '"bbpsRefusalStatus" must be one of 200, 401'],
    ['requestLogLimit', 0.5, '"requestLogLimit" must be a whole number, at least 0'],
    ['scopes', 'read_bills', '"scopes" must be a list of non-empty strings'],
    ['clientGrants', [''], '"clientGrants" must be a list of non-empty strings'],
    ['clientGrants', ['client_credential'], '"clientGrants" must be one of "client_credentials", "password"'],
    ['scopes', [], '"scopes" must not be empty'],
    ['scopes', ['a b'], '"scopes" must be a list of scopes, each without white space'],
    ['publicClientId', 'sandbox-client-id', '"publicClientId" must differ from "clientId"'],
    ['clients', [{ clientId: 'x' }, { clientId: 'x' }], '"clients" has "x" twice'],
    [
      'clients',
      [{ clientId: 'sandbox-client-id' }],
      '"clients" has "sandbox-client-id", which is there already, with another "clientSecret"',
    ],
    [
      'clients',
      [{ clientId: 'x', grants: ['otp'] }],
      '"clients[0].grants" must be one of "client_credentials"',
    ],
    ['clients', {}, '"clients" must be a list'],
    ['clients', [{ clientSecret: 'x' }], '"clients[0].clientId" must be a non-empty string'],
    [
      'clients',
      [{ clientId: 'x', clientSecert: 'y' }],
      '"clients[0]" has an unknown property "clientSecert"',
    ],
    ['customGrant', { grant: 'x' }, '"customGrant" has an unknown property "grant"'],
    ['merchantId', 1, '"merchantId" must be a non-empty string'],
    ['reuseTokens', 'yes', '"reuseTokens" must be one of true, false'],
    ['now', 0, '"now" must be a function'],
    ['seed', 0.5, '"seed" must be a whole number'],
    ['prot', 1, '"prot" is not an option; there are: port, clientId, '],
  ])('%s: %j is refused', async (name, value, message) => {
    const starting = startSandbox({ [name]: value } as SandboxOptions);
    await expect(starting).rejects.toThrow(TypeError);
    await expect(starting).rejects.toThrow(message);
  });

  it('an entry of "clients" may say more of the sandbox\'s own client', async () => {
    const own = {
      clientId: 'sandbox-client-id',
      clientSecret: 'sandbox-client-secret',
      scopes: ['read_bills'],
    };
    const sandbox = await sandboxFor({ clients: [own, { clientId: 'nothing-allowed', scopes: [] }] });
    expect((await mint(sandbox)).body.error).toBe('invalid_scope');
  });

  it('a grant of its own is one that a client may have', async () => {
    const sandbox = await sandboxFor({ clientGrants: ['otp'], customGrant: { grantType: 'otp' } });
    expect((await mint(sandbox)).body.error).toBe('unauthorized_client');
  });

  it.each<[string, (controls: Untyped) => unknown, string]>([
    ['replyNext()', (controls) => controls.replyNext(), '"reply" must be an object'],
    [
      'a misspelt reply',
      (controls) => controls.replyNext({ code: 500 }),
      '"reply" has an unknown property "code"',
    ],
    ['hold()', (controls) => controls.hold(), '"on" must be one of "token", "revoke", "api"'],
    [
      'a hold at no known moment',
      (controls) => controls.hold('api', '/x', { process: 'never' }),
      '"process" must be',
    ],
    [
      'a path that no request has',
      (controls) => controls.rateLimit(1, { path: 'payout' }),
      '"path" must begin with',
    ],
    [
      'no number',
      (controls) => controls.rateLimit(1, { retryAfter: Number.NaN }),
      '"retryAfter" must be a number',
    ],
    [
      'a header in two lines',
      (controls) => controls.rateLimit(1, { retryAfterHeader: '6\r\nX: y' }),
      '"retryAfterHeader" must be a header that can be sent',
    ],
    [
      'a location in two lines',
      (controls) => controls.fail(1, { kind: 'redirect', location: 'a\r\nb' }),
      '"fault.location" must be a header that can be sent',
    ],
    [
      'a token of nobody',
      (controls) => controls.issueToken({ clientId: 'nobody' }),
      '"clientId" must be one of',
    ],
    [
      'a misspelt client',
      (controls) => controls.issueToken({ clientID: 'x' }),
      'has an unknown property "clientID"',
    ],
  ])('controls refuse %s at once', async (_title, call, message) => {
    const sandbox = await sandboxFor();
    const untyped = sandbox as unknown as Untyped;
    expect(() => call(untyped)).toThrow(TypeError);
    expect(() => call(untyped)).toThrow(message);
  });

  it('until() refuses what is no condition', async () => {
    const sandbox = await sandboxFor();
    await expect(sandbox.until(undefined as never)).rejects.toThrow('"condition" must be a function');
  });

  it.each<[string, () => unknown]>([
    ['a promise of true', async () => true],
    ['a promise of false', async () => false],
  ])('until() refuses a condition that gives %s, at once and later', async (_title, condition) => {
    const sandbox = await sandboxFor();
    const rule = '"condition" must return true or false, not a promise';
    await expect(sandbox.until(condition as never)).rejects.toThrow(rule);
    const later = sandbox.until(({ mints }) => (mints === 0 ? false : (condition() as never)));
    expect((await mint(sandbox)).status).toBe(200);
    await expect(later).rejects.toThrow(rule);
  });

  it('until() rejects with what its condition throws, at once and later, and nobody else notices', async () => {
    const sandbox = await sandboxFor();
    const own = new Error('an assertion of the test');
    const failing = () => {
      throw own;
    };
    await expect(sandbox.until(failing)).rejects.toBe(own);
    const later = sandbox.until(({ mints }) => mints === 1 && failing());
    const other = sandbox.until(({ mints }) => mints === 1);
    expect((await mint(sandbox)).status).toBe(200);
    await expect(later).rejects.toBe(own);
    expect((await other).mints).toBe(1);
  });

  it.each([undefined, null, Number.NaN, -1, 1.5, '1'])('a hold refuses the number %s', async (count) => {
    const hold = (await sandboxFor()).hold('api');
    expect(() => hold.waitFor(count as never)).toThrow('"count" must be a whole number');
    expect(() => hold.waitForAborted(count as never)).toThrow('"count" must be a whole number');
    if (count !== undefined) expect(() => hold.release(count as never)).toThrow('"count" must be');
  });

  it('what is waited for after the end never comes: it rejects', async () => {
    const sandbox = await startSandbox();
    const before = sandbox.hold('api');
    // Nobody waits for these: no unhandled rejection.
    sandbox.until(() => false);
    before.waitFor(1);
    await sandbox.close();
    const closed = 'the sandbox was closed';
    await expect(sandbox.until(() => false)).rejects.toThrow(closed);
    await expect(before.waitFor(1)).rejects.toThrow(closed);
    await expect(before.waitForAborted(1)).rejects.toThrow(closed);
    await expect(sandbox.hold('api').waitFor(1)).rejects.toThrow(closed);
    expect(await sandbox.until(({ mints }) => mints === 0)).toMatchObject({ mints: 0 });
  });

  it('a wrong option or control has the code of all wrong options', async () => {
    const code = 'ERR_INVALID_OPTION';
    await expect(startSandbox({ port: -1 })).rejects.toMatchObject({ code });
    await expect(startSandbox(null as never)).rejects.toMatchObject({ code });
    const sandbox = await sandboxFor();
    await expect(sandbox.until(undefined as never)).rejects.toMatchObject({ code });
    expect(() => sandbox.setClientSecret('')).toThrow(expect.objectContaining({ code }));
  });

  it.each([[null], [8080], [[]]])('options %j are refused', async (options) => {
    const starting = startSandbox(options as unknown as SandboxOptions);
    await expect(starting).rejects.toThrow(TypeError);
    await expect(starting).rejects.toThrow('"options" must be an object');
  });
});

describe('the Date header', () => {
  it('follows the clock that was given, at the moment of the answer', async () => {
    const clock = manualClock();
    const sandbox = await sandboxFor({ now: clock.now });
    expect((await mint(sandbox)).headers.get('date')).toBe('Thu, 26 Mar 2020 09:45:09 GMT');
    const hold = sandbox.hold('token');
    const late = mint(sandbox);
    await hold.waitFor(1);
    clock.advance(60_000);
    hold.release();
    expect((await late).headers.get('date')).toBe('Thu, 26 Mar 2020 09:46:09 GMT');
    sandbox.fail(1, { kind: 'hang-in-body' });
    const abort = new AbortController();
    const { headers } = await fetch(sandbox.environment.tokenUrl, { method: 'POST', signal: abort.signal });
    expect(headers.get('date')).toBe('Thu, 26 Mar 2020 09:46:09 GMT');
    abort.abort();
  });

  it('is what replyNext says, where it says so', async () => {
    const sandbox = await sandboxFor({ now: manualClock().now });
    sandbox.replyNext({ status: 200, headers: { Date: 'Thu, 01 Jan 1970 00:00:00 GMT' }, body: '' });
    expect((await mint(sandbox)).headers.get('date')).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
  });
});

describe('counters and log', () => {
  it('two sandboxes know nothing of each other', async () => {
    const [one, other] = [await sandboxFor(), await sandboxFor()];
    const token = await mintedToken(one);
    expect((await call(other, '/protected', { token })).status).toBe(401);
    expect(one.stats().apiRequests).toBe(0);
    expect(other.stats().tokenRequests).toBe(0);
  });

  it('a request in the log: kind, method, path with query, headers, bytes, token, status, time', async () => {
    const clock = manualClock(5);
    const sandbox = await sandboxFor({ now: clock.now });
    const token = await mintedToken(sandbox);
    clock.advance(2);
    await call(sandbox, '/payout/v2/payment?x=1', {
      method: 'POST',
      token,
      json: [],
      headers: { 'X-Own': 'y' },
    });
    expect(sandbox.requests()).toMatchObject([
      { kind: 'token', method: 'POST', path: '/oauth/token', token: undefined, status: 200, at: 5 },
      {
        kind: 'api',
        method: 'POST',
        path: '/payout/v2/payment?x=1',
        headers: { 'x-own': 'y' },
        rawBody: Buffer.from('[]'),
        token,
        status: 200,
        at: 7,
      },
    ]);
  });

  it.each([
    [0, []],
    [1, ['/echo?6']],
    [3, ['/echo?4', '/echo?5', '/echo?6']],
    [100, [0, 1, 2, 3, 4, 5, 6].map((sent) => `/echo?${sent}`)],
  ])('the log keeps the newest %d', async (requestLogLimit, paths) => {
    const sandbox = await sandboxFor({ requestLogLimit });
    for (let sent = 0; sent < 7; sent += 1) await call(sandbox, `/echo?${sent}`);
    expect(sandbox.requests().map(({ path }) => path)).toEqual(paths);
  });

  it('resetStats forgets counts and log, not tokens and plans', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    sandbox.rateLimit(1);
    sandbox.resetStats();
    expect(sandbox.requests()).toEqual([]);
    expect(sandbox.stats()).toMatchObject({
      tokenRequests: 0,
      mints: 0,
      maxConcurrentTokenRequests: 0,
      tokenRequestsByGrant: {},
    });
    expect((await call(sandbox, '/protected', { token })).status).toBe(200);
    expect((await mint(sandbox)).status).toBe(429);
  });

  it('stats are plain JSON, whatever a grant is called', async () => {
    const sandbox = await sandboxFor();
    for (const grant_type of ['__proto__', 'constructor']) {
      await fetch(sandbox.environment.tokenUrl, {
        method: 'POST',
        body: new URLSearchParams({ grant_type }),
      });
    }
    const stats = sandbox.stats();
    expect(JSON.stringify(stats.tokenRequestsByGrant)).toBe('{"__proto__":1,"constructor":1}');
    expect(JSON.parse(JSON.stringify(stats))).toEqual(stats);
  });

  it('until: at once, with the change that makes it true, or never', async () => {
    const sandbox = await sandboxFor();
    expect(await sandbox.until(() => true)).toEqual(sandbox.stats());
    const minted = sandbox.until(({ mints }) => mints === 1);
    await mint(sandbox);
    expect((await minted).mints).toBe(1);
    const never = sandbox.until(() => false);
    await sandbox.close();
    await expect(never).rejects.toThrow('the sandbox was closed');
  });

  it('requests one after the other are never counted as concurrent', async () => {
    const sandbox = await sandboxFor();
    for (let sent = 0; sent < 20; sent += 1) await mint(sandbox);
    expect(sandbox.stats()).toMatchObject({ maxConcurrentTokenRequests: 1, tokenRequestsInFlight: 0 });
  });

  it('open connections', async () => {
    const sandbox = await sandboxFor();
    const socket = connect(Number(new URL(sandbox.url).port), '127.0.0.1');
    await sandbox.until(({ openConnections }) => openConnections === 1);
    socket.destroy();
    await sandbox.until(({ openConnections }) => openConnections === 0);
  });
});

describe('closing', () => {
  it('drops what is open: parked, hung, delayed', async () => {
    const sandbox = await startSandbox();
    sandbox.hold('token', '/oauth/token');
    sandbox.fail(1, { kind: 'hang' }, { on: 'api' });
    sandbox.fail(1, { kind: 'latency', ms: 2 ** 31 - 1 }, { on: 'api' });
    const calls = [mint(sandbox), call(sandbox, '/echo'), call(sandbox, '/echo')];
    const pending = calls.map((one) => one.catch(() => 'dropped'));
    await sandbox.until(({ faults, mints }) => faults === 2 && mints === 1);
    await sandbox.close();
    expect(await Promise.all(pending)).toEqual(['dropped', 'dropped', 'dropped']);
    expect(sandbox.stats().openConnections).toBe(0);
    await expect(mint(sandbox)).rejects.toThrow();
  });

  it('leaves no handle: a process ends by itself after it', async () => {
    const script = fileURLToPath(new URL('close-and-end.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script]);
    expect(stdout).toBe('closed\n');
  });

  it('is idempotent, and what await using does', async () => {
    const sandbox = await startSandbox();
    await Promise.all([sandbox.close(), sandbox.close(), sandbox[Symbol.asyncDispose]()]);
    await sandbox.close();
  });
});
