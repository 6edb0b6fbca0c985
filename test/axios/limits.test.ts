import type { IncomingMessage } from 'node:http';
import axios, { type AxiosError, type InternalAxiosRequestConfig } from 'axios';
import { describe, expect, test } from 'vitest';
import { startHarness } from '../support/harness.ts';
import { startOrigin } from './support.ts';

/** A form whose file has nothing to say, and does not end. */
function stallingForm(): FormData {
  const form = new FormData();
  form.append('file', new File(['a'], 'a.csv'));
  Object.defineProperty(form.get('file'), 'stream', { value: () => new ReadableStream() });
  return form;
}

describe('a form that is read ahead for a replay', () => {
  /** With a token in use, a call whose form stalls, and what its adapter gets. */
  async function start() {
    const world = await startHarness({ maxWaitMs: 300 });
    await world.payouts.get('/merchant/getAccountDetail');
    const controller = new AbortController();
    const form = stallingForm();
    const sent: unknown[] = [];
    const adapter = async (config: InternalAxiosRequestConfig) => {
      sent.push(config.data);
      return { status: 200, statusText: '', headers: {}, data: '', config };
    };
    const outcome = world.payouts
      .post('/x', form, { signal: controller.signal, adapter })
      .catch((error: unknown) => error);
    return { ...world, controller, form, sent, outcome };
  }

  test('and stalls: the call is given up at once', async () => {
    const { controller, outcome, sent, clock } = await start();
    controller.abort();
    expect(axios.isCancel(await outcome)).toBe(true);
    expect([sent, clock.pending]).toEqual([[], 0]);
  });

  test('and stalls: the auth is closed, the call ends', async () => {
    const { auth, outcome, sent, clock } = await start();
    await auth.close();
    expect(await outcome).toMatchObject({ code: 'ERR_CLOSED', method: 'POST' });
    expect([sent, clock.pending]).toEqual([[], 0]);
  });

  test('and stalls: after maxWaitMs it is sent as it is, once', async () => {
    const { clock, form, outcome, sent } = await start();
    clock.advance(300);
    expect(await outcome).toMatchObject({ status: 200 });
    expect(sent).toEqual([form]);
  });
});

describe('a streamed body', () => {
  test.each([404, 403, 410])('at %i, that does not end: the call rejects at the headers', async (status) => {
    const { auth, client, clock } = await startHarness();
    const { url } = await startOrigin((_, response) => {
      response.writeHead(status, { 'content-type': 'text/html' });
      response.write('<html>');
    });
    const api = client('', { baseURL: url });
    auth.attach(api);
    const call = api.get('/', { responseType: 'stream', payuAuth: { maxWaitMs: 300 } });
    const error = (await call.catch((caught: unknown) => caught)) as AxiosError<IncomingMessage>;
    expect(error).toMatchObject({ response: { status } });
    expect(clock.pending).toBe(0);
    error.response?.data.destroy();
  });

  test.each(['http', 'fetch'] as const)(
    'that was looked into is the stream that axios gave, by %s',
    async (adapter) => {
      const { auth, client } = await startHarness({ rateLimitRetries: 0 });
      const { url } = await startOrigin((_, response) => {
        response.writeHead(429, { 'content-type': 'text/plain', 'x-a': 'b', trailer: 'x-sum' });
        response.write('body');
        response.addTrailers({ 'x-sum': '1' });
        response.end();
      });
      const api = client('', { baseURL: url, adapter, responseType: 'stream', validateStatus: () => true });
      const bare = (await api.get('/')).data;
      auth.attach(api);
      const { data } = await api.get('/');
      const read = async (stream: AsyncIterable<Uint8Array>) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of stream) chunks.push(chunk);
        return Buffer.concat(chunks).toString();
      };
      expect([await read(data), await read(bare)]).toEqual(['body', 'body']);
      for (const name of ['statusCode', 'statusMessage', 'trailers', 'httpVersion', 'complete', 'aborted']) {
        expect(data[name]).toEqual(bare[name]);
      }
      expect(data.headers?.['x-a']).toBe(bare.headers?.['x-a']);
      expect([data.req, data.socket, data.client]).toEqual([undefined, undefined, undefined]);
    },
  );
});

test('an API whose challenge is by another name than Bearer: the token is replaced once', async () => {
  const { auth, client, eventsOf, sandbox } = await startHarness();
  const { url, arrivals } = await startOrigin((arrival, response) => {
    const isFirst = arrival.headers.authorization === arrivals[0]?.headers.authorization;
    response.writeHead(isFirst ? 401 : 200, {
      'www-authenticate': 'OAuth realm="api", error="invalid_token"',
    });
    response.end();
  });
  const api = client('', { baseURL: url });
  auth.attach(api);
  await expect(api.get('/')).resolves.toMatchObject({ status: 200 });
  expect(sandbox.stats().tokenRequests).toBe(2);
  expect(eventsOf('replay-skipped')).toEqual([]);
});

test("a proxy's challenge replaces no token, and is told", async () => {
  const { auth, client, eventsOf, sandbox } = await startHarness();
  const { url } = await startOrigin((_, response) => {
    response.writeHead(401, { 'www-authenticate': 'Negotiate' }).end();
  });
  const api = client('', { baseURL: url });
  auth.attach(api);
  await expect(api.get('/')).rejects.toMatchObject({ response: { status: 401 } });
  expect(sandbox.stats().tokenRequests).toBe(1);
  expect(eventsOf('replay-skipped')).toEqual([{ type: 'replay-skipped', reason: 'other-scheme' }]);
});
