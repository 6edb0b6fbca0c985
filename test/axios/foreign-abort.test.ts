import axios from 'axios';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createPayuAuth } from '../../src/payu-auth.ts';
import { json, startOrigin, tokensOf } from './support.ts';

/** As polyfills before Node.js 15 had it, and as some test environments still put it in place. */
class OldSignal extends EventTarget {
  aborted = false;
  onabort: ((event: Event) => void) | null = null;
}

class OldController {
  readonly signal = new OldSignal();

  abort(): void {
    if (this.signal.aborted) return;
    this.signal.aborted = true;
    const event = new Event('abort');
    this.signal.onabort?.(event);
    this.signal.dispatchEvent(event);
  }
}

const asSignal = ({ signal }: OldController): AbortSignal => signal as unknown as AbortSignal;

describe('an AbortController without "reason", "throwIfAborted" and "AbortSignal.any"', () => {
  beforeEach(() => {
    vi.stubGlobal('AbortController', OldController);
    vi.stubGlobal('AbortSignal', OldSignal);
  });
  afterEach(() => vi.unstubAllGlobals());

  async function start() {
    const held: (() => void)[] = [];
    const server = await startOrigin(({ url }, response) => {
      const token = () => json(response, 200, { access_token: 'access_token_1', expires_in: 7200 });
      if (url === '/slow/token') held.push(token);
      else if (url === '/token') token();
      else json(response, 200, { ok: true });
    });
    const tokens = (tokenUrl: string) =>
      tokensOf({ createPayuAuth }, { environment: { tokenUrl: `${server.url}${tokenUrl}` }, http: {} });
    const clientOf = (auth: ReturnType<typeof tokens>['auth']) => {
      const client = axios.create({ baseURL: server.url });
      auth.attach(client);
      return client;
    };
    return { server, held, tokens, clientOf };
  }

  test('of the whole process: a token is minted, a payment is made', async () => {
    const { server, tokens, clientOf } = await start();
    const client = clientOf(tokens('/token').auth);
    expect((await client.post('/pay', {})).status).toBe(200);
    expect(server.arrivals.at(-1)?.headers.authorization).toBe('Bearer access_token_1');
  });

  test('of one call: it ends at once, and its mint is seen through', async () => {
    const { held, tokens, clientOf } = await start();
    const { auth } = tokens('/slow/token');
    const client = clientOf(auth);
    const controller = new OldController();
    const call = client.post('/pay', {}, { signal: asSignal(controller) });
    await vi.waitUntil(() => held.length === 1, { interval: 0 });
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'ERR_CANCELED' });
    held[0]?.();
    expect((await client.post('/pay', {})).status).toBe(200);
    expect(held).toHaveLength(1);
  });

  test('of getToken: it rejects as axios does', async () => {
    const { held, tokens } = await start();
    const { auth } = tokens('/slow/token');
    const controller = new OldController();
    const got = auth.getToken({ signal: asSignal(controller) });
    await vi.waitUntil(() => held.length === 1, { interval: 0 });
    controller.abort();
    await expect(got).rejects.toMatchObject({ code: 'ERR_CANCELED' });
  });

  test('close() while a token is minted: ClosedError', async () => {
    const { held, tokens, clientOf } = await start();
    const { auth } = tokens('/slow/token');
    const call = clientOf(auth).post('/pay', {});
    const rejected = expect(call).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    await vi.waitUntil(() => held.length === 1, { interval: 0 });
    await auth.close();
    await rejected;
  });

  test('a token request that takes too long is told as such', async () => {
    const { server } = await start();
    const { auth } = tokensOf(
      { createPayuAuth },
      {
        environment: { tokenUrl: `${server.url}/slow/token` },
        http: {},
        tokenTimeoutMs: 50,
        tokenAttempts: 1,
      },
    );
    await expect(auth.getToken()).rejects.toThrow('tokenTimeoutMs');
  });
});
