import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Fault, SandboxStats } from '../../src/sandbox/index.ts';
import { payment } from '../support/payments.ts';
import { call, mint, mintedToken, payoutScope, sandboxFor } from './support.ts';

const options = (token: string): { method: string; token: string; json: unknown } => ({
  method: 'POST',
  token,
  json: [payment('1')],
});

/** Network failures of fetch carry the reason as their cause. */
async function causeOf(failing: Promise<unknown>): Promise<string> {
  try {
    await failing;
    return 'none';
  } catch (error) {
    const { code, name } = (error as { cause: { code?: string; name: string } }).cause;
    return code ?? name;
  }
}

describe('faults that answer', () => {
  it.each<[Fault, number, string, string]>([
    [{ kind: 'status', status: 502, body: 'html' }, 502, 'text/html', '<!DOCTYPE html>'],
    [{ kind: 'status', status: 503, body: 'text' }, 503, 'text/plain', 'upstream connect error'],
    [{ kind: 'status', status: 500 }, 500, 'application/json', '{"error":"server_error"'],
    [{ kind: 'status', status: 504, body: 'none' }, 504, '', ''],
    [{ kind: 'html-200' }, 200, 'text/html', '<!DOCTYPE html>'],
    [{ kind: 'empty-200' }, 200, '', ''],
    [{ kind: 'truncated-json' }, 200, 'application/json', '{"access_token":"'],
    [{ kind: 'oauth-error', error: 'server_error' }, 401, 'application/json', '{"error":"server_error"'],
    [{ kind: 'oauth-error', error: 'odd', status: 418 }, 418, 'application/json', '{"error":"odd"'],
    [{ kind: 'redirect', location: '/else' }, 302, '', ''],
  ])('%j: status %d, type "%s", body %s…', async (fault, status, type, start) => {
    const sandbox = await sandboxFor();
    sandbox.fail(1, fault);
    const response = await fetch(sandbox.environment.tokenUrl, { method: 'POST', redirect: 'manual' });
    // The request was empty: what is processed all the same ends in an error body.
    const expected = fault.kind === 'truncated-json' ? [401, '{"error":"invali'] : [status, start];
    const text = await response.text();
    expect([response.status, text.slice(0, expected[1]?.toString().length)]).toEqual(expected);
    expect(response.headers.get('content-type') ?? '').toContain(type);
    expect(sandbox.stats()).toMatchObject({ faults: 1, tokenRequests: 1, mints: 0 });
    expect((await mint(sandbox)).status).toBe(200);
  });

  it('truncated-json: a token that was minted, in half a body', async () => {
    const sandbox = await sandboxFor();
    sandbox.fail(1, { kind: 'truncated-json' });
    const { status, body, text } = await mint(sandbox);
    expect([status, body]).toEqual([200, undefined]);
    expect(text).toMatch(/^\{"access_token":"/);
    expect(sandbox.stats().mints).toBe(1);
  });

  it('redirect: to where it was told, with the status it was told', async () => {
    const sandbox = await sandboxFor();
    sandbox.fail(1, { kind: 'redirect', location: 'https://elsewhere.example/', status: 307 }, { on: 'api' });
    const seen = await call(sandbox, '/echo');
    expect([seen.status, seen.headers.get('location')]).toEqual([307, 'https://elsewhere.example/']);
  });

  it('latency: the proper answer', async () => {
    const sandbox = await sandboxFor();
    sandbox.fail(1, { kind: 'latency', ms: 1 });
    expect((await mint(sandbox)).status).toBe(200);
  });
});

describe('faults of the connection', () => {
  it.each<[Fault, RegExp]>([
    [{ kind: 'reset-before-read' }, /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/],
    [{ kind: 'reset-after-read' }, /^(ECONNRESET|UND_ERR_SOCKET)$/],
    [{ kind: 'reset-in-body' }, /^(ECONNRESET|UND_ERR_SOCKET)$/],
    [{ kind: 'garbage' }, /^HPE_/],
  ])('%j', async (fault, cause) => {
    const sandbox = await sandboxFor();
    sandbox.fail(1, fault);
    expect(await causeOf(mint(sandbox))).toMatch(cause);
    expect(sandbox.stats()).toMatchObject({
      faults: 1,
      tokenRequests: 1,
      tokenRequestsInFlight: 0,
      aborted: 0,
    });
    expect((await mint(sandbox)).status).toBe(200);
  });

  it('hang: no answer, until the client gives up; that is counted', async () => {
    const sandbox = await sandboxFor();
    sandbox.fail(1, { kind: 'hang' });
    const giveUp = new AbortController();
    const asked = fetch(sandbox.environment.tokenUrl, { method: 'POST', signal: giveUp.signal });
    await sandbox.until((stats) => stats.tokenRequestsInFlight === 1);
    giveUp.abort();
    await expect(asked).rejects.toThrow('aborted');
    const stats = await sandbox.until(({ aborted }) => aborted === 1);
    expect(stats.tokenRequestsInFlight).toBe(0);
  });

  it('hang-in-body: head and half the body, no end', async () => {
    const sandbox = await sandboxFor();
    sandbox.fail(1, { kind: 'hang-in-body' });
    const giveUp = new AbortController();
    const init = { method: 'POST', signal: giveUp.signal };
    const response = await fetch(sandbox.environment.tokenUrl, init);
    expect(response.status).toBe(401);
    const reader = response.body?.getReader();
    const half = new TextDecoder().decode((await reader?.read())?.value);
    expect(half).toMatch(/^\{"error":"invalid_request"/);
    expect(half.length * 2).toBeLessThanOrEqual(Number(response.headers.get('content-length')));
    const rest = reader?.read();
    giveUp.abort();
    await expect(rest).rejects.toThrow('aborted');
  });

  it('a client that leaves in the middle of its own body', async () => {
    const sandbox = await sandboxFor();
    const socket = connect(Number(new URL(sandbox.url).port), '127.0.0.1');
    socket.write('POST /oauth/token HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 10\r\n\r\nhalf');
    await sandbox.until(({ tokenRequests }) => tokenRequests === 1);
    socket.destroy();
    const stats = await sandbox.until(({ aborted }) => aborted === 1);
    expect(stats).toMatchObject({ tokenRequestsInFlight: 0, tokenRequestsByGrant: {} });
  });
});

describe('whether the money moves', () => {
  it.each<[Fault, number]>([
    [{ kind: 'latency', ms: 1 }, 1],
    [{ kind: 'reset-before-read' }, 0],
    [{ kind: 'reset-after-read' }, 1],
    [{ kind: 'reset-in-body' }, 1],
    [{ kind: 'truncated-json' }, 1],
    [{ kind: 'garbage' }, 0],
    [{ kind: 'html-200' }, 0],
    [{ kind: 'empty-200' }, 0],
    [{ kind: 'status', status: 502 }, 0],
    [{ kind: 'status', status: 502, processed: true }, 1],
    [{ kind: 'garbage', processed: true }, 1],
    [{ kind: 'html-200', processed: true }, 1],
    [{ kind: 'empty-200', processed: true }, 1],
    [{ kind: 'redirect', location: '/else', processed: true }, 1],
  ])('%j: %d payments', async (fault, payments) => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    sandbox.fail(1, fault, { on: 'api' });
    await causeOf(call(sandbox, '/payout/v2/payment', options(token)));
    expect(sandbox.stats()).toMatchObject({ payments, apiRequests: 1 });
  });

  it.each([
    [undefined, 0],
    [false, 0],
    [true, 1],
  ])('hang, processed %s: %d payments', async (processed, payments) => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    const fault: Fault = processed === undefined ? { kind: 'hang' } : { kind: 'hang', processed };
    sandbox.fail(1, fault, { on: 'api' });
    const pending = causeOf(call(sandbox, '/payout/v2/payment', options(token)));
    const arrived = (stats: SandboxStats): boolean => stats.apiRequests === 1 && stats.payments === payments;
    await sandbox.until(arrived);
    await sandbox.close();
    await pending;
    expect(sandbox.stats().payments).toBe(payments);
  });
});

describe('the plan', () => {
  const status = (code: number): Fault => ({ kind: 'status', status: code });

  it('is met in the order in which it was made, each part by its own kind of request', async () => {
    const sandbox = await sandboxFor();
    sandbox.fail(2, status(502));
    sandbox.rateLimit(1);
    sandbox.fail(1, status(504), { on: 'api' });
    sandbox.fail(1, status(503));
    const seen: number[] = [];
    for (let sent = 0; sent < 5; sent += 1) seen.push((await mint(sandbox)).status);
    expect(seen).toEqual([502, 502, 429, 503, 200]);
    expect((await call(sandbox, '/echo')).status).toBe(504);
    expect(sandbox.stats()).toMatchObject({ faults: 4, rateLimited: 1 });
  });

  it('revocation has its own', async () => {
    const sandbox = await sandboxFor();
    sandbox.fail(1, status(500), { on: 'revoke' });
    expect((await mint(sandbox)).status).toBe(200);
    expect((await fetch(sandbox.environment.revokeUrl, { method: 'POST' })).status).toBe(500);
  });

  it('may be for a path', async () => {
    const sandbox = await sandboxFor();
    sandbox.fail(1, status(500), { on: 'api', path: '/payout' });
    expect((await call(sandbox, '/echo')).status).toBe(401);
    expect((await call(sandbox, '/payout/merchant/getAccountDetail')).status).toBe(500);
    expect((await call(sandbox, '/payout/merchant/getAccountDetail')).status).toBe(401);
  });

  it('a share of requests is chosen by the seed', async () => {
    const runs: number[][] = [];
    for (const seed of [3, 3, 4]) {
      const sandbox = await sandboxFor({ seed });
      sandbox.fail({ share: 0.5 }, status(500));
      const seen: number[] = [];
      for (let sent = 0; sent < 40; sent += 1) seen.push((await mint(sandbox)).status);
      runs.push(seen);
    }
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).not.toEqual(runs[2]);
    const failed = runs[0]?.filter((code) => code === 500).length;
    expect(failed).toBeGreaterThan(10);
    expect(failed).toBeLessThan(30);
  });

  it.each([
    [0, 200],
    [1, 500],
  ])('a share of %d: always %d, until clearFaults', async (share, expected) => {
    const sandbox = await sandboxFor();
    sandbox.fail({ share }, status(500));
    for (let sent = 0; sent < 5; sent += 1) expect((await mint(sandbox)).status).toBe(expected);
    sandbox.clearFaults();
    expect((await mint(sandbox)).status).toBe(200);
  });

  it('clearFaults forgets what was not met yet; 0 requests are none', async () => {
    const sandbox = await sandboxFor();
    sandbox.fail(0, status(500));
    expect((await mint(sandbox)).status).toBe(200);
    sandbox.fail(5, status(500));
    sandbox.rateLimit(5);
    sandbox.replyNext({ body: '' });
    sandbox.clearFaults();
    expect((await mint(sandbox, payoutScope)).status).toBe(200);
  });
});

describe('replyNext', () => {
  it.each([
    ['an object as JSON', { status: 201, body: { a: 1 } }, 201, '{"a":1}', 'application/json'],
    ['text as it is', { body: 'plain', headers: { 'Content-Type': 'text/x' } }, 200, 'plain', 'text/x'],
    ['null', { body: null }, 200, 'null', 'application/json'],
    ['a JSON type of its own', { body: {}, headers: { 'Content-Type': 'a/b' } }, 200, '{}', 'a/b'],
  ])('%s', async (_title, reply, status, text, type) => {
    const sandbox = await sandboxFor();
    sandbox.replyNext(reply);
    const seen = await mint(sandbox);
    expect([seen.status, seen.text]).toEqual([status, text]);
    expect(seen.headers.get('content-type')).toContain(type);
    expect(sandbox.stats().mints).toBe(0);
  });

  it.each([
    [{ 'x-bad': 'a\nb' }, '"headers.x-bad"'],
    [{ 'bad name': 'a' }, '"headers.bad name"'],
  ])('a header that cannot be sent is refused at once', async (headers, named) => {
    const sandbox = await sandboxFor();
    expect(() => sandbox.replyNext({ body: '', headers } as never)).toThrow(named);
  });
});
