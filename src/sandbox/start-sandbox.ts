import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerControl, isControl } from './control-routes.ts';
import { createControls, lifeInMs, type SandboxControls } from './controls.ts';
import { deliver } from './deliver.ts';
import { FaultPlan } from './fault-plan.ts';
import { Holds } from './hold.ts';
import type { SandboxOptions } from './options.ts';
import { PaymentLedger } from './payment-ledger.ts';
import { randomFrom, tokenValuesFrom } from './random.ts';
import { text } from './reply.ts';
import type { Sandbox } from './sandbox.ts';
import { bodyOf, serve, urlOf } from './serve.ts';
import { type Settings, settle } from './settle.ts';
import { Statistics } from './stats.ts';
import { TokenLedger } from './token-ledger.ts';
import { RequestLog } from './traffic.ts';
import type { World } from './world.ts';

/**
 * Starts an HTTP server on 127.0.0.1 that behaves as PayU's OAuth endpoints and APIs do, and counts
 * what it sees. Rejects with a `TypeError` for a wrong option, and with Node.js' error if the port
 * is taken.
 *
 * @example
 * ```ts
 * const sandbox = await startSandbox({ tokenLifeSeconds: 100 });
 * const reply = await fetch(sandbox.environment.tokenUrl, {
 *   method: 'POST',
 *   body: new URLSearchParams({
 *     grant_type: 'client_credentials',
 *     client_id: sandbox.clientId,
 *     client_secret: sandbox.clientSecret,
 *     scope: 'create_payout_transactions',
 *   }),
 * });
 * sandbox.stats().mints; // 1
 * await sandbox.close();
 * ```
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const settings = settle(options);
  const world = createWorld(settings);
  const controls = createControls(world);
  const server = createServer((req, res) => {
    listen(req, res, world, controls).catch((error: unknown) => broken(error, res));
  });
  patient(server);
  server.on('connection', (socket) => {
    world.stats.gauge('openConnections', 1);
    socket.once('close', () => world.stats.gauge('openConnections', -1));
  });
  const url = await listening(server, settings.port);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= closed(server, world);
    return closing;
  };
  const { clientId, clientSecret, username, password, publicClientId } = settings;
  return {
    ...controls,
    url,
    environment: { tokenUrl: `${url}/oauth/token`, revokeUrl: `${url}/oauth/revoke` },
    clientId,
    clientSecret,
    username,
    password,
    publicClientId,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function createWorld(settings: Settings): World {
  const { now, seed, reuseTokens, revokePrevious, refreshRotation } = settings;
  const nextValue = tokenValuesFrom(seed);
  const rules = { now, nextValue, reuseTokens, revokePrevious, refreshRotation };
  return {
    settings,
    clients: new Map(settings.clients.map((client) => [client.clientId, client])),
    ledger: new TokenLedger(rules, lifeInMs(settings.tokenLifeSeconds)),
    stats: new Statistics(),
    log: new RequestLog(settings.requestLogLimit),
    plan: new FaultPlan(randomFrom(seed)),
    holds: new Holds(),
    flights: new Set(),
    userUuid: '11e8-5a8f-05faaaa4-84a5-020d245326e4',
    payments: new PaymentLedger(now, settings.paymentCourse),
    makeReference: referencesFrom(),
    links: new Map(),
    replyShape: settings.replyShape,
  };
}

/** References of PayU's own making, each once. */
function referencesFrom(): () => string {
  let made = 0;
  return () => {
    made += 1;
    return `PAYU-REF-${made}`;
  };
}

/** No time limits: a kept connection that the server drops by itself makes a test fail now and then. */
function patient(server: Server): void {
  server.keepAliveTimeout = 0;
  server.headersTimeout = 0;
  server.requestTimeout = 0;
}

async function listen(
  req: IncomingMessage,
  res: ServerResponse,
  world: World,
  controls: SandboxControls,
): Promise<void> {
  const url = urlOf(req);
  const { pathname } = url;
  if (!isControl(pathname)) return serve(req, res, url, world);
  const body = await bodyOf(req);
  if (body === undefined) return;
  const reply = answerControl(req.method ?? 'GET', pathname, body.toString('utf8'), controls);
  deliver({ kind: 'reply', reply, delayMs: 0 }, res, Date.now, () => {});
}

/** A reply that cannot be sent. */
function broken(error: unknown, res: ServerResponse): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const reply = text(500, `sandbox: ${error instanceof Error ? error.message : 'unknown error'}`);
  deliver({ kind: 'reply', reply, delayMs: 0 }, res, Date.now, () => {});
}

function listening(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // Thousands of calls at once must not wait for the system to take their connections.
    server.listen({ port, host: '127.0.0.1', backlog: 4096 }, () => {
      server.removeListener('error', reject);
      // A TCP server that listens has an address of this kind.
      const address = server.address() as AddressInfo;
      resolve(`http://127.0.0.1:${address.port}`);
    });
  });
}

function closed(server: Server, world: World): Promise<void> {
  const reason = new Error('the sandbox was closed');
  world.holds.end(reason);
  const result = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  return result.then(() => world.stats.end(reason));
}
