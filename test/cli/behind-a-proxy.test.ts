import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { deadOrigin, type Env, marked, type Ran, run, serverFor } from './support.ts';

const HOST = 'uat-accounts.payu.in';
const client: Env = { PAYU_CLIENT_ID: 'id', PAYU_CLIENT_SECRET: 'a-secret', PAYU_SCOPE: 'a' };

/** Nothing of it reaches PayU: each of these proxies keeps what it gets. */
async function runBehind(command: string, proxy: string, more: Env = {}): Promise<Ran> {
  const env = { ...client, HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NO_PROXY: '', ...more };
  // The requests are axios' business, which reads the real ones.
  for (const name of ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY']) {
    vi.stubEnv(name, env[name as keyof typeof env]);
    vi.stubEnv(name.toLowerCase(), undefined);
  }
  return run([command], env);
}
afterEach(() => vi.unstubAllEnvs());

/** Refuses each tunnel, as a proxy does that wants credentials. */
async function refusingProxy(head: string): Promise<string> {
  const server = createServer();
  server.on('connect', (_request, socket: Socket) =>
    socket.end(`HTTP/1.1 ${head}\r\nContent-Length: 0\r\n\r\n`),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://me:canary-proxy-pass@127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function mended({ out, err }: Ran): readonly string[] {
  return marked({ code: 1, err: [], out: [...out, ...err] }, 'MEND');
}

describe.each(['doctor', 'token'])('%s behind a proxy', (command) => {
  test('that is dead: it is the proxy that does not answer, and not PayU', async () => {
    const proxy = await deadOrigin();
    const ran = await runBehind(command, proxy);
    expect(mended(ran)).toEqual([
      `proxy: HTTPS_PROXY=${proxy} does not answer (ECONNREFUSED), so ${HOST} (PayU test) was not reached → check the address of the proxy and whether it runs; where PayU is reached without it, unset HTTPS_PROXY or name the host in NO_PROXY`,
    ]);
  });

  test('whose name nobody knows', async () => {
    const ran = await runBehind(command, 'http://proxy.invalid:3128');
    expect(mended(ran)).toEqual([
      expect.stringMatching(
        /^proxy: HTTPS_PROXY=http:\/\/proxy\.invalid:3128 cannot be found \((ENOTFOUND|EAI_AGAIN)\), /,
      ),
    ]);
  });

  test('that wants credentials: the variable is named, no value of it', async () => {
    const proxy = await refusingProxy('407 Proxy Authentication Required');
    const ran = await runBehind(command, proxy);
    expect(mended(ran)).toEqual([
      `proxy: HTTPS_PROXY=${proxy.replace(/me:.*@/, '')} wants credentials, or other ones (407), so ${HOST} (PayU test) was not reached → write them into the variable: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT`,
    ]);
    expect(JSON.stringify(ran)).not.toContain('canary');
  });

  test('that lets nobody to this host', async () => {
    const ran = await runBehind(command, await refusingProxy('403 Forbidden'));
    expect(mended(ran)).toEqual([
      `firewall: ${HOST} (PayU test) answered 403, and nothing that a token endpoint says → a firewall or a list of allowed addresses, in between or at PayU, may keep this machine out: have its address allowed`,
    ]);
  });

  test('that a plain request to this machine does not take: what is wrong is not its doing', async () => {
    const proxy = await serverFor((_request, response) => response.writeHead(407).end());
    const ran = await runBehind(command, proxy, { PAYU_TOKEN_URL: 'http://127.0.0.1:9/oauth/token' });
    expect(mended(ran)).toEqual([
      expect.stringMatching(
        /^host: 127\.0\.0\.1:9 cannot be reached: nothing answers there \(ECONNREFUSED\) → /,
      ),
    ]);
  });

  test('from which the host is exempt: what is wrong is not its doing', async () => {
    const origin = await deadOrigin();
    const more = { PAYU_TOKEN_URL: `${origin}/oauth/token`, NO_PROXY: '127.0.0.1' };
    const ran = await runBehind(command, 'http://127.0.0.1:9', more);
    expect(mended(ran)).toEqual([
      expect.stringMatching(
        /^host: 127\.0\.0\.1:\d+ cannot be reached: nothing answers there \(ECONNREFUSED\) → /,
      ),
    ]);
  });

  test('a 407 where no proxy is set: one in between', async () => {
    const origin = await serverFor((_request, response) => response.writeHead(407).end());
    const ran = await runBehind(command, '', { PAYU_TOKEN_URL: `${origin}/oauth/token` });
    expect(mended(ran)).toEqual([
      expect.stringMatching(/^proxy: a proxy in between wants credentials, or other ones \(407\), so /),
    ]);
  });
});
