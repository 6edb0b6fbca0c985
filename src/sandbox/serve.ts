import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, answerTo } from './answer.ts';
import { deliver, reset } from './deliver.ts';
import type { Interruption } from './fault-plan.ts';
import { type LogEntry, type Received, type RequestKind, tokenOf } from './traffic.ts';
import type { Flight, World } from './world.ts';

/** One request, from its head to the last byte of its answer. */
export async function serve(
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
  world: World,
): Promise<void> {
  const entry = arrive(req, kindOf(url.pathname), world);
  const flight: Flight = {};
  const left = follow(entry, flight, res, world);
  const interruption = planned(entry.kind, url.pathname, world);
  if (interruption?.kind === 'fault' && interruption.fault.kind === 'reset-before-read') {
    left();
    reset(req);
    return;
  }
  const rawBody = await bodyOf(req);
  if (rawBody === undefined || res.destroyed) return;
  entry.rawBody = rawBody;
  const { kind, method, headers } = entry;
  const request: Received = { kind, method, url, headers, rawBody };
  hand(
    entry.kind,
    url.pathname,
    res,
    world,
    () => answerTo(request, world, flight, interruption),
    (answer) =>
      deliver(answer, res, world.settings.now, (status) => {
        entry.status = status;
        if (kind === 'api' && status === 401) world.stats.count('unauthorized');
        left();
      }),
  );
}

/** Delivers at once, or when the hold that takes the request lets it go. */
function hand(
  kind: RequestKind,
  path: string,
  res: ServerResponse,
  world: World,
  answer: () => Answer,
  deliverIt: (answer: Answer) => void,
): void {
  const hold = world.holds.find(kind, path);
  if (hold === undefined) {
    deliverIt(answer());
    return;
  }
  const ready = hold.process === 'before' ? answer() : undefined;
  const forget = hold.park(() => deliverIt(ready ?? answer()));
  res.once('close', forget);
}

function arrive(req: IncomingMessage, kind: RequestKind, world: World): LogEntry {
  world.stats.count(
    ({ token: 'tokenRequests', revoke: 'revokeRequests', api: 'apiRequests' } as const)[kind],
  );
  const entry: LogEntry = {
    kind,
    method: req.method ?? 'GET',
    path: req.url ?? '/',
    headers: req.headers,
    rawBody: Buffer.alloc(0),
    token: tokenOf(req.headers),
    status: undefined,
    at: world.settings.now(),
  };
  world.log.add(entry);
  return entry;
}

/** Keeps the request among those in flight until the result is called, or its client leaves; true the first time. */
function follow(entry: LogEntry, flight: Flight, res: ServerResponse, world: World): () => boolean {
  const gauge = ({ token: 'tokenRequestsInFlight', api: 'apiRequestsInFlight', revoke: undefined } as const)[
    entry.kind
  ];
  world.flights.add(flight);
  if (gauge !== undefined) world.stats.gauge(gauge, 1);
  const left = (): boolean => {
    const flew = world.flights.delete(flight);
    if (flew && gauge !== undefined) world.stats.gauge(gauge, -1);
    return flew;
  };
  res.once('close', () => {
    if (left()) world.stats.count('aborted');
  });
  return left;
}

function planned(kind: RequestKind, path: string, world: World): Interruption | undefined {
  const interruption = world.plan.take(kind, path);
  if (interruption?.kind === 'rate-limit') world.stats.count('rateLimited');
  if (interruption?.kind === 'fault') world.stats.count('faults');
  return interruption;
}

/** Undefined if the client left before its end. */
export async function bodyOf(req: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of req) chunks.push(chunk);
    return Buffer.concat(chunks);
  } catch {
    return undefined;
  }
}

/** A path such as `//oauth/token` stays what it is: resolved against a base it would become a host. */
export function urlOf(req: IncomingMessage): URL {
  return new URL(`http://127.0.0.1${req.url?.startsWith('/') ? req.url : '/'}`);
}

function kindOf(pathname: string): RequestKind {
  if (pathname === '/oauth/token') return 'token';
  return pathname === '/oauth/revoke' ? 'revoke' : 'api';
}
