import https, { type ServerOptions } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { explain } from '../src/cli/explain.ts';
import { createPayuAuth } from '../src/index.ts';
import { cert, key } from './docs/support/tls.ts';

const SECRET = 'client-secret-of-the-tls-tests';
const HOST = 'accounts.payu.test';

type Way = readonly [title: string, server: ServerOptions | 'plain', client: https.AgentOptions];

const MTLS: ServerOptions = { requestCert: true, rejectUnauthorized: true };

/** What the other end says no to, or what is no TLS at all. */
const DISAGREE: readonly Way[] = [
  ['wants a client certificate, and gets none (TLS 1.3)', MTLS, {}],
  ['wants a client certificate, and gets none (TLS 1.2)', { ...MTLS, maxVersion: 'TLSv1.2' }, {}],
  ['speaks an older TLS alone', { maxVersion: 'TLSv1.2' }, { minVersion: 'TLSv1.3' }],
  ['speaks a newer TLS alone', { minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' }],
  ['speaks plain http, as a proxy named by https may', 'plain', {}],
];

/** What this host says no to. */
const DISTRUST: readonly Way[] = [
  ['shows a certificate of nobody known', {}, { ca: [] }],
  ['shows the certificate of another name', {}, { servername: 'other.payu.test' }],
];

function listen(options: Way[1]): Promise<number> {
  const server: Server =
    options === 'plain'
      ? createServer((socket) => {
          socket.on('error', () => {}).once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
        })
      : https.createServer({ key, cert, ...options });
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

async function failure([, server, client]: Way): Promise<{
  readonly message: string;
  readonly told: string;
}> {
  const port = await listen(server);
  const settings = {
    environment: { tokenUrl: `https://127.0.0.1:${port}/oauth/token` },
    grant: { type: 'client_credentials', clientId: 'client', clientSecret: SECRET },
    scope: 'a',
  } as const;
  const httpsAgent = new https.Agent({ ca: cert, servername: HOST, ...client });
  const auth = createPayuAuth({ ...settings, http: { httpsAgent, proxy: false }, tokenAttempts: 1 });
  const error: unknown = await auth.getToken().catch((reason) => reason);
  await auth.close();
  return { message: String(error), told: JSON.stringify(explain(error, settings, undefined)) };
}

describe('a token request that TLS ended', () => {
  test.each(DISAGREE)('the other end %s: not said to be a matter of trust', async (...way) => {
    const { message, told } = await failure(way);
    expect(message).toContain('The two ends do not agree on TLS.');
    expect(message).toContain('"http.httpsAgent"');
    expect(message).not.toContain('does not trust');
    expect(told).toContain('the two ends do not agree on TLS');
    expect(message + told).not.toContain(SECRET);
  });

  test.each(DISTRUST)('the other end %s: a matter of trust', async (...way) => {
    const { message, told } = await failure(way);
    expect(message).toContain('This host does not trust the certificate.');
    expect(told).toContain('NODE_EXTRA_CA_CERTS');
    expect(message + told).not.toContain(SECRET);
  });
});
