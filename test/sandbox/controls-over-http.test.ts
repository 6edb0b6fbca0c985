import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { payment } from '../support/payments.ts';
import { call, clientFields, mint, mintedToken, type Seen, sandboxFor } from './support.ts';

const control = (sandbox: Sandbox, name: string, json?: unknown): Promise<Seen> =>
  call(sandbox, `/_sandbox/${name}`, { method: 'POST', json });

describe('controls over HTTP', () => {
  it('are listed, and counted nowhere', async () => {
    const sandbox = await sandboxFor();
    const { body } = await call(sandbox, '/_sandbox');
    expect(body.routes).toEqual([
      'GET /_sandbox',
      'GET /_sandbox/stats',
      'GET /_sandbox/requests',
      'POST /_sandbox/reset',
      'POST /_sandbox/revoke-all',
      'POST /_sandbox/expire-all',
      'POST /_sandbox/token-life',
      'POST /_sandbox/reply-shape',
      'POST /_sandbox/rate-limit',
      'POST /_sandbox/fail',
      'POST /_sandbox/reply-next',
      'GET /_sandbox/payments',
      'POST /_sandbox/move-payment',
      'POST /_sandbox/payment-course',
      'POST /_sandbox/clear-faults',
    ]);
    expect(sandbox.stats()).toMatchObject({ apiRequests: 0, tokenRequests: 0 });
    expect(sandbox.requests()).toEqual([]);
  });

  it('stats: what stats() says', async () => {
    const sandbox = await sandboxFor();
    await mint(sandbox);
    expect((await call(sandbox, '/_sandbox/stats')).body).toEqual(sandbox.stats());
  });

  it('requests: without a secret', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    await call(sandbox, `/echo?access_token=${token}`, { token });
    const { text, body } = await call(sandbox, '/_sandbox/requests');
    expect(body).toMatchObject([
      { kind: 'token', method: 'POST', path: '/oauth/token', status: 200, hasToken: false },
      { kind: 'api', method: 'GET', path: '/echo', status: 200, hasToken: true },
    ]);
    for (const secret of [token, sandbox.clientSecret]) expect(text).not.toContain(secret);
    expect(body[0].bodyBytes).toBe(new URLSearchParams(clientFields(sandbox)).toString().length);
  });

  it('revoke-all and expire-all', async () => {
    const sandbox = await sandboxFor();
    for (const [name, json] of [
      ['revoke-all', undefined],
      ['revoke-all', { keep: 'refresh-tokens' }],
      ['expire-all', {}],
    ] as const) {
      const token = await mintedToken(sandbox);
      expect((await control(sandbox, name, json)).body).toEqual({ ok: true });
      expect((await call(sandbox, '/protected', { token })).status).toBe(401);
    }
  });

  it('token-life and reply-shape', async () => {
    const sandbox = await sandboxFor();
    await control(sandbox, 'token-life', { seconds: 5 });
    await control(sandbox, 'reply-shape', { shape: 'without-scope' });
    const { body } = await mint(sandbox);
    expect(body.expires_in).toBe(5);
    expect(body).not.toHaveProperty('scope');
  });

  it('rate-limit, fail, reply-next', async () => {
    const sandbox = await sandboxFor();
    await control(sandbox, 'rate-limit', { count: 1, retryAfter: 3, status: 401 });
    await control(sandbox, 'fail', { count: 1, fault: { kind: 'status', status: 502 } });
    await control(sandbox, 'reply-next', { status: 418, body: { a: 1 } });
    await control(sandbox, 'fail', { share: 1, fault: { kind: 'empty-200' } });
    await control(sandbox, 'fail', { count: 1, on: 'api', path: '/echo', fault: { kind: 'empty-200' } });
    const seen: unknown[] = [];
    for (let sent = 0; sent < 4; sent += 1) {
      const { status, body } = await mint(sandbox);
      seen.push([status, body?.retry_after ?? body?.error ?? body?.a]);
    }
    expect(seen).toEqual([
      [401, 3],
      [502, 'server_error'],
      [418, 1],
      [200, undefined],
    ]);
    expect((await call(sandbox, '/echo')).status).toBe(200);
  });

  it('payments, move-payment and payment-course', async () => {
    const sandbox = await sandboxFor();
    const token = await mintedToken(sandbox);
    const pay = (ref: string): Promise<Seen> =>
      call(sandbox, '/payout/v2/payment', { method: 'POST', token, json: [payment(ref)] });
    await pay('1');
    await control(sandbox, 'payment-course', { course: ['UNLISTED', 'SUCCESS'] });
    await pay('2');
    const move = { merchantRefId: '1', txnStatus: 'FAILED', msg: 'no such account' };
    expect((await control(sandbox, 'move-payment', move)).body).toEqual({ ok: true });
    const { body } = await call(sandbox, '/_sandbox/payments');
    expect(body).toMatchObject([
      { merchantRefId: '1', step: 'FAILED', msg: 'no such account', txnSubStatus: null },
      { merchantRefId: '2', step: 'UNLISTED' },
    ]);
    expect(JSON.parse(JSON.stringify(sandbox.payments()))).toEqual(body);
  });

  it('clear-faults keeps the counters, reset does not', async () => {
    const sandbox = await sandboxFor();
    sandbox.fail({ share: 1 }, { kind: 'empty-200' });
    await mint(sandbox);
    await control(sandbox, 'clear-faults');
    expect((await mint(sandbox)).body).toHaveProperty('access_token');
    expect(sandbox.stats().tokenRequests).toBe(2);
    sandbox.fail({ share: 1 }, { kind: 'empty-200' });
    await control(sandbox, 'reset');
    expect(sandbox.stats()).toMatchObject({ tokenRequests: 0, tokenRequestsByGrant: {} });
    expect((await mint(sandbox)).body).toHaveProperty('access_token');
  });

  it.each([
    ['rate-limit', {}, '"count" must be a whole number, at least 0'],
    ['rate-limit', { count: '1' }, '"count" must be a whole number, at least 0'],
    ['rate-limit', { count: -1 }, '"count" must be a whole number, at least 0'],
    [
      'rate-limit',
      { count: 1, retry_after: 1 },
      '"body" has an unknown property "retry_after"; known are count, on',
    ],
    [
      'rate-limit',
      { count: 1, retryAfter: true },
      '"retryAfter" must be a number of seconds, a text, or false',
    ],
    ['rate-limit', { count: 1, status: 99 }, '"status" must be a whole number, at least 200 and at most 599'],
    ['rate-limit', { count: 1, body: 'xml' }, '"body" must be one of "json", "none", "html"'],
    ['rate-limit', { count: 1, on: 'all' }, '"on" must be one of "token", "revoke", "api"'],
    ['fail', { fault: { kind: 'hang' } }, '"count" must be a whole number'],
    ['fail', { count: null, fault: { kind: 'hang' } }, '"count" must be a whole number'],
    ['fail', { count: 1 }, '"fault" must be an object'],
    ['fail', { count: 1, fault: {} }, '"fault.kind" must be one of "latency", "hang"'],
    ['fail', { count: 1, fault: { kind: 'hang', ms: 1 } }, '"fault" has an unknown property "ms"'],
    ['fail', { count: 1, fault: { kind: 'latency' } }, '"fault.ms" must be a whole number'],
    ['fail', { count: 1, fault: { kind: 'status' } }, '"fault.status" must be a whole number'],
    ['fail', { count: 1, fault: { kind: 'redirect' } }, '"fault.location" must be a non-empty string'],
    ['fail', { count: 1, fault: { kind: 'oauth-error' } }, '"fault.error" must be a non-empty string'],
    ['fail', { count: 1, fault: { kind: 'status', status: 500, body: 1 } }, '"fault.body" must be one of'],
    ['fail', { count: 1, fault: { kind: 'hang', processed: 1 } }, '"fault.processed" must be true or false'],
    ['fail', { share: 2, fault: { kind: 'hang' } }, '"share" must be from 0 to 1'],
    ['fail', { share: 1, path: '', fault: { kind: 'hang' } }, '"path" must be a non-empty string'],
    ['token-life', {}, '"seconds" must be a number of seconds, 0 or more, or null'],
    ['token-life', { seconds: -1 }, '"seconds" must be a number of seconds, 0 or more, or null'],
    ['token-life', { seconds: 1, minutes: 1 }, '"body" has an unknown property "minutes"'],
    ['reply-shape', {}, '"shape" must be given'],
    ['reply-shape', { replyShape: 'x' }, '"body" has an unknown property "replyShape"; known are shape'],
    ['fail', { cout: 1 }, '"body" has an unknown property "cout"; known are count, share, fault, on, path'],
    ['reply-shape', { shape: 'round' }, '"replyShape" must be one of "misspelt-expire-in"'],
    ['reply-next', { status: 1, body: '' }, '"status" must be a whole number'],
    ['reply-next', { body: '', header: {} }, '"body" has an unknown property "header"'],
    ['reply-next', { body: '', headers: { a: 1 } }, '"headers.a" must be a non-empty string'],
    ['reply-next', { body: '', headers: 'x' }, '"headers" must be an object'],
    ['revoke-all', { keep: 'some' }, '"keep" must be one of "refresh-tokens"'],
    ['revoke-all', { all: true }, '"body" has an unknown property "all"'],
    ['expire-all', { all: true }, '"body" has an unknown property "all"'],
    ['reset', { all: true }, '"body" has an unknown property "all"'],
    ['move-payment', {}, '"merchantRefId" must be a non-empty string'],
    ['move-payment', { merchantRefId: '1' }, '"txnStatus" must be one of "QUEUED", "IN_PROGRESS"'],
    ['move-payment', { merchantRefId: '1', txnStatus: 'UNLISTED' }, '"txnStatus" must be one of "QUEUED"'],
    [
      'move-payment',
      { merchantRefId: '1', txnStatus: 'FAILED' },
      '"merchantRefId" must be the reference of a payment that was taken',
    ],
    ['move-payment', { merchantRefId: '1', status: 'FAILED' }, '"body" has an unknown property "status"'],
    ['move-payment', { merchantRefId: '1', txnStatus: 'FAILED', msg: 1 }, '"msg" must be a non-empty string'],
    ['payment-course', {}, '"course" must be a list of non-empty strings'],
    ['payment-course', { course: [] }, '"course" must not be empty'],
    ['payment-course', { course: ['DONE'] }, '"course" must be one of "UNLISTED", "QUEUED"'],
    ['clear-faults', [], '"body" must be an object'],
  ])('%s %j: 400, %s', async (name, json, message) => {
    const sandbox = await sandboxFor();
    const { status, body } = await control(sandbox, name, json);
    expect(status).toBe(400);
    expect(body.error).toBe('invalid_control');
    expect(body.error_description).toContain(message);
    expect((await mint(sandbox)).status).toBe(200);
  });

  it('a body that is not JSON: 400; an unknown control: 404', async () => {
    const sandbox = await sandboxFor();
    const bad = await fetch(`${sandbox.url}/_sandbox/reset`, { method: 'POST', body: 'count=1' });
    expect([bad.status, await bad.json()]).toEqual([
      400,
      { error: 'invalid_control', error_description: '"body" must be JSON' },
    ]);
    for (const name of ['unknown', 'stats']) expect((await control(sandbox, name)).status).toBe(404);
  });
});
