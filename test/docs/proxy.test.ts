import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer, Agent as HttpsAgent } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import axios, { type AxiosRequestConfig } from 'axios';
import axios112 from 'axios-1.12';
import axios116 from 'axios-1.16';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createPayuAuth } from '../../src/index.ts';
import { cert, key } from './support/tls.ts';

const TOKEN_URL = 'https://accounts.payu.test/oauth/token';
const SECRET = 'top-secret';

/** A forward proxy, and all that it could read of what passed it. */
interface Proxy {
  readonly port: number;
  readonly tunnels: string[];
  readonly readable: string[];
}

let proxy: Proxy;
beforeEach(async () => {
  proxy = await startProxy(await startPayu());
});

describe('behind a proxy, as the README says', () => {
  const httpsAgent = new HttpsAgent({ ca: cert });

  async function callThrough(options: Pick<AxiosRequestConfig, 'proxy'>): Promise<unknown> {
    const auth = createPayuAuth({
      environment: { tokenUrl: TOKEN_URL },
      grant: { type: 'client_credentials', clientId: 'client-1', clientSecret: SECRET },
      scope: 'create_payout_transactions',
      http: { ...options, httpsAgent },
    });
    onTestFinished(() => auth.close());
    const payouts = axios.create({ baseURL: 'https://api.payu.test/payout', httpsAgent, ...options });
    auth.attach(payouts);
    return (await payouts.get('/merchant/getAccountDetail')).data;
  }

  test('the option "proxy": tokens and calls go through tunnels, and the proxy can read neither', async () => {
    const options = { proxy: { protocol: 'http', host: '127.0.0.1', port: proxy.port } };
    expect(await callThrough(options)).toEqual({ authorization: 'Bearer token-1' });
    expect(proxy.tunnels).toEqual(['accounts.payu.test:443', 'api.payu.test:443']);
    expect(proxy.readable).toEqual([]);
  });

  test('HTTPS_PROXY: the same', async () => {
    vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${proxy.port}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await callThrough({})).toEqual({ authorization: 'Bearer token-1' });
    expect(proxy.tunnels).toEqual(['accounts.payu.test:443', 'api.payu.test:443']);
    expect(proxy.readable).toEqual([]);
  });

  test.each([
    ['1.12.0', axios112],
    ['1.16.0', axios116],
  ])('axios %s itself hands requests for https to the proxy in the clear', async (version, old) => {
    expect(old.VERSION).toBe(version);
    const options = { proxy: { protocol: 'http', host: '127.0.0.1', port: proxy.port } };
    await old.post(TOKEN_URL, new URLSearchParams({ client_secret: SECRET }), options).catch(() => undefined);
    expect(proxy.tunnels).toEqual([]);
    expect(proxy.readable).toEqual([`POST ${TOKEN_URL} client_secret=${SECRET}`]);
  });
});

/** The token endpoint and an API that echoes the header, over TLS. */
async function startPayu(): Promise<number> {
  const server = createTlsServer({ cert, key }, (request, response) => {
    response.setHeader('content-type', 'application/json');
    const body =
      request.url === '/oauth/token'
        ? { access_token: 'token-1', token_type: 'Bearer', expires_in: 7200 }
        : { authorization: request.headers.authorization };
    response.end(JSON.stringify(body));
  });
  return listening(server as unknown as Server);
}

async function startProxy(payuPort: number): Promise<Proxy> {
  const tunnels: string[] = [];
  const readable: string[] = [];
  const server = createServer(async (request, response) => {
    readable.push(`${request.method} ${request.url} ${await textOf(request)}`);
    response.end('{}');
  });
  server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    tunnels.push(request.url ?? '');
    const target = connect(payuPort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.write(head);
      target.pipe(socket).pipe(target);
    });
    for (const each of [socket, target]) each.on('error', () => target.destroy());
    onTestFinished(() => void socket.destroy());
  });
  return { port: await listening(server), tunnels, readable };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}
