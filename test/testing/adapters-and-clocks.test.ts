import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type MockPayu, mockPayu } from '../../src/testing/index.ts';
import { api, bearer, clients, deferred, postForm, rejection, revokeUrl } from './support.ts';

let kit: MockPayu;
beforeEach(() => {
  kit = mockPayu({ environment: 'test' });
});
afterEach(() => {
  kit.restore();
  vi.useRealTimers();
});

const clocks = [
  { clock: 'real timers', fake: () => undefined },
  {
    clock: 'the clock faked',
    fake: () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }),
  },
  { clock: "vitest's default fake timers", fake: () => vi.useFakeTimers() },
];

const rows = clients.flatMap((client) => clocks.map((clock) => ({ ...client, ...clock })));

describe.each(rows)('$name, $clock', ({ create, fake }) => {
  test('every kind of answer arrives, and done() is content', async () => {
    fake();
    const client = create();
    kit
      .tokenRateLimited({ retryAfter: 60 })
      .tokenFault({ code: 'ECONNRESET' })
      .token()
      .unauthorized('get', '/payment-links')
      .rateLimited('post', '/v2/payment', { retryAfter: 60 })
      .api('post', '/v2/payment')
      .apiFault('post', '/v2/payment', { code: 'ECONNRESET' })
      .revoke();

    expect((await postForm(undefined, client)).data).toMatchObject({ retry_after: 60 });
    expect(await rejection(postForm(undefined, client))).toMatchObject({ code: 'ECONNRESET' });
    const token = (await postForm(undefined, client)).data.access_token;
    expect((await client.get(`${api}/payment-links`, bearer(token))).status).toBe(401);
    const pay = (): Promise<{ status: number; headers: unknown }> =>
      client.post(`${api}/payout/v2/payment`, [{ amount: 1 }], bearer(token));
    expect(await pay()).toMatchObject({ status: 429, headers: { 'retry-after': '60' } });
    expect(await pay()).toMatchObject({ status: 200 });
    expect(await rejection(pay())).toMatchObject({ code: 'ECONNRESET' });
    expect((await postForm({ client_id: 'id', token }, client, revokeUrl)).status).toBe(200);
    expect(kit.apiRequests()[1]?.body).toEqual([{ amount: 1 }]);
    kit.done();
  });

  test('a request that breaks a rule says so', async () => {
    fake();
    kit.api('get', '/x');
    const error = await rejection(create().get(`${api}/payout/x`));
    expect(`${error.message} ${String(error.cause)}`).toContain('it carries no token');
  });

  test('an unexpected request says so', async () => {
    fake();
    const error = await rejection(create().get(`${api}/payout/x`));
    expect(`${error.message} ${String(error.cause)}`).toContain(`unexpected request GET ${api}/payout/x`);
  });

  test('waitForTokenRequests(n) resolves when the client has the n-th answer', async () => {
    fake();
    const client = create();
    kit.tokenRateLimited().tokenFault({ code: 'ECONNRESET' }).token();
    const arrived: string[] = [];
    const ask = async (): Promise<void> => {
      const outcome = await postForm(undefined, client).catch((error: Error) => error);
      arrived.push(outcome instanceof Error ? 'fault' : String(outcome.status));
    };
    const first = ask();
    await kit.waitForTokenRequests(1);
    expect(arrived).toEqual(['401']);
    const second = ask();
    await kit.waitForTokenRequests(2);
    expect(arrived).toEqual(['401', 'fault']);
    const third = ask();
    await kit.waitForTokenRequests(3);
    expect(arrived).toEqual(['401', 'fault', '200']);
    await Promise.all([first, second, third]);
  });

  test('waitForApiRequests(n), also with an answer that comes later', async () => {
    fake();
    const client = create();
    const gate = deferred();
    kit.acceptToken('token-1').api('get', '/x', async () => {
      await gate.promise;
      return { body: 'late' };
    });
    let arrived: unknown;
    const request = client.get(`${api}/payout/x`, bearer('token-1')).then(({ data }) => {
      arrived = data;
    });
    const waiting = kit.waitForApiRequests(1);
    gate.resolve();
    await waiting;
    expect(arrived).toBe('late');
    expect(kit.apiRequests()[0]?.status).toBe(200);
    await request;
  });
});

/** What a rate-limited client of any kind does: wait by the clock, then ask again. */
async function patientlyAskForToken(create: (typeof clients)[number]['create']): Promise<string> {
  const client = create();
  for (;;) {
    const { data } = await postForm(undefined, client);
    if (data.access_token) return data.access_token;
    await new Promise((resolve) => setTimeout(resolve, data.retry_after * 1000));
  }
}

test.each(clients)('$name: the recipe for fake timers advances once', async ({ create }) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  kit.tokenRateLimited({ retryAfter: 60 }).tokenRateLimited({ retryAfter: 30 }).token();
  const start = Date.now();
  const token = patientlyAskForToken(create);
  await kit.waitForTokenRequests(1);
  await vi.advanceTimersByTimeAsync(59_999);
  expect(kit.tokenRequests()).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  await kit.waitForTokenRequests(2);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(await token).toBe('access_token_1');
  expect(Date.now() - start).toBe(90_000);
  kit.done();
});

test('restore() ends a wait for requests that never come', async () => {
  const waiting = rejection(kit.waitForTokenRequests(2));
  kit.token();
  await postForm();
  kit.restore();
  expect((await waiting).message).toBe(
    'mockPayu: restore() was called while a test waited for 2 token requests; 1 came',
  );
});
