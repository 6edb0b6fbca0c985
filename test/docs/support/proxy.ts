import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { cert, key } from './tls.ts';

/** A forward proxy, and all that it could read of what passed it. */
export interface ForwardProxy {
  readonly port: number;
  readonly tunnels: string[];
  readonly readable: string[];
}

/** The token endpoint and an API that echoes the header, over TLS. */
export async function startPayu(): Promise<number> {
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

export async function startProxy(payuPort: number): Promise<ForwardProxy> {
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
