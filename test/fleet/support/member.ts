/** One process of a fleet: does what its parent says over IPC, and ends with it. */
import axios, { type AxiosInstance } from 'axios';
import { Redis } from 'ioredis';
import { createPayuAuth, type PayuAuth } from '../../../src/index.ts';
import { redisTokenStore } from '../../../src/redis/index.ts';
import { untilReady } from '../../redis/support/clients.ts';
import type { Answer, CallsReport, Command, MemberOptions, Order } from './protocol.ts';

interface Opened {
  readonly auth: PayuAuth;
  readonly client: AxiosInstance;
  readonly redis: Redis;
  readonly events: Map<string, number>;
}

let opened: Opened | undefined;

/** The wall clock of this process: the library looks `Date.now` up at each call. */
const machineNow = Date.now;
let clockAheadMs = 0;
Date.now = () => machineNow() + clockAheadMs;

function current(): Opened {
  if (opened === undefined) throw new Error('The member was not opened.');
  return opened;
}

async function open({
  environment,
  apiUrl,
  grant,
  scope,
  redis: options,
  clockAheadMs: aheadMs = 0,
  ...waits
}: MemberOptions): Promise<Opened> {
  clockAheadMs = aheadMs;
  const { url, ...storeOptions } = options;
  // Comes back soon after an outage, however long that was.
  const redis = new Redis(url, { retryStrategy: () => 20 }).on('error', () => {});
  await untilReady(redis);
  const events = new Map<string, number>();
  const auth = createPayuAuth({
    environment,
    grant,
    scope,
    ...waits,
    store: redisTokenStore(redis, storeOptions),
    onEvent: ({ type }) => count(events, type),
  });
  const client = axios.create({ baseURL: apiUrl });
  auth.attach(client);
  return { auth, client, redis, events };
}

async function close({ auth, redis }: Opened): Promise<void> {
  await auth.close();
  redis.disconnect();
}

async function call(calls: number, concurrency: number, started: () => void): Promise<CallsReport> {
  const { client, events } = current();
  const failures = new Map<string, number>();
  let fulfilled = 0;
  let left = calls;
  const worker = async () => {
    while (left > 0) {
      left--;
      try {
        await client.get('/merchant/getAccountDetail');
        fulfilled++;
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        count(failures, `${code}: ${message}`);
      }
    }
  };
  const workers = Array.from({ length: Math.min(calls, concurrency) }, worker);
  started();
  await Promise.all(workers);
  const report = {
    fulfilled,
    failures: Object.fromEntries(failures),
    events: Object.fromEntries(events),
  };
  events.clear();
  return report;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

async function obey(id: number, command: Command): Promise<CallsReport | undefined> {
  switch (command.type) {
    case 'open':
      if (opened !== undefined) await close(opened);
      opened = await open(command.options);
      return undefined;
    case 'call':
      return call(command.calls, command.concurrency, () => say({ type: 'started', id }));
    case 'invalidate':
      await current().auth.invalidate();
      return undefined;
    case 'step-clock':
      clockAheadMs += command.byMs;
      return undefined;
    case 'redis-ready':
      await untilReady(current().redis);
      return undefined;
    default:
      throw command satisfies never;
  }
}

function say(answer: Answer): void {
  process.send?.(answer);
}

process.on('message', ({ id, command }: Order) => {
  obey(id, command).then(
    (report) => say(report === undefined ? { type: 'done', id } : { type: 'done', id, report }),
    (error: unknown) => say({ type: 'broken', id, message: String(error) }),
  );
});
process.once('disconnect', () => process.exit());
say({ type: 'ready' });
