/**
 * 20,000 calls that wait for the same thing: the longest time for which the event loop stands, in milliseconds, next to
 * as many bare requests that are started, and settled in the same way, at once. Over an adapter without I/O. Prints JSON.
 */
import { setTimeout } from 'node:timers/promises';
import axios, {
  type AxiosAdapter,
  AxiosError,
  type AxiosInstance,
  type AxiosResponse,
  CanceledError,
} from 'axios';
import { createPayuAuth } from 'axios-payu-auth';
import { targetWithoutIo, tokensWithoutIo, withoutIo } from '../support/target.ts';

const CALLS = 20_000;
const rounds = Number(process.argv[2]);
const { tokenUrl, clientId, clientSecret, scope, apiUrl } = targetWithoutIo;

type Config = Parameters<AxiosAdapter>[0];

/** An adapter that keeps all its calls until they are let go. */
function held(answer: AxiosAdapter): { readonly adapter: AxiosAdapter; letGo(): void } {
  let letGo = () => {};
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  return { adapter: (config) => gate.then(() => answer(config)), letGo };
}

/** Answers with this status, as axios' own adapters do. */
function refusing(status: number, body: object, headers: Record<string, string> = {}): AxiosAdapter {
  return async (config: Config) => {
    const data = JSON.stringify(body);
    const response = { data, status, statusText: '', headers, config, request: undefined } as AxiosResponse;
    if (config.validateStatus?.(status)) return response;
    throw new AxiosError(`status ${status}`, 'ERR_BAD_REQUEST', config, undefined, response);
  };
}

/** The first answer for the first `count` calls, the second one for those that follow. */
function first(count: number, before: AxiosAdapter, after: AxiosAdapter): AxiosAdapter {
  let calls = 0;
  return (config) => (calls++ < count ? before : after)(config);
}

/** The longest time between two turns of the event loop while the work goes on. */
async function longestStandstill(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let isOver = false;
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  await work();
  await new Promise(setImmediate);
  isOver = true;
  await new Promise(setImmediate);
  return longest;
}

/** Answers nothing, and rejects as axios' own adapters do once its call is aborted. */
const endless: AxiosAdapter = (config) =>
  new Promise((_resolve, reject) => {
    config.signal?.addEventListener?.('abort', () => reject(new CanceledError(undefined, config)));
  });

function abortAll(controllers: readonly AbortController[]): void {
  for (const controller of controllers) controller.abort();
}

interface Crowd {
  readonly tokens: AxiosAdapter;
  readonly api?: AxiosAdapter;
  /** A token is there before the calls. */
  readonly isWarm?: boolean;
  /** What ends the wait, once all are waiting. */
  readonly end?: (controllers: readonly AbortController[]) => void;
  readonly outcome?: 'rejected';
  /** Bare requests that settle in the same way. */
  readonly bare: Pick<Crowd, 'api' | 'end' | 'outcome'>;
}

const TOO_MANY = refusing(429, {}, { 'retry-after': '1' });
const UNAUTHORIZED = refusing(401, { error: 'invalid_client' });

const crowds: Readonly<Record<string, () => Crowd>> = {
  'one mint': () => {
    const { adapter, letGo } = held(tokensWithoutIo);
    return { tokens: adapter, end: letGo, bare: {} };
  },
  'one 429 of the API': () => ({
    tokens: tokensWithoutIo,
    api: first(CALLS, TOO_MANY, withoutIo),
    isWarm: true,
    bare: { api: TOO_MANY, outcome: 'rejected' },
  }),
  'one cool-down of the token endpoint': () => ({
    tokens: first(1, refusing(429, { retry_after: 1 }), tokensWithoutIo),
    bare: {},
  }),
  'as many aborts at once': () => ({
    tokens: held(tokensWithoutIo).adapter,
    end: abortAll,
    outcome: 'rejected',
    bare: { api: endless, end: abortAll, outcome: 'rejected' },
  }),
  'one failed mint': () => {
    const { adapter, letGo } = held(UNAUTHORIZED);
    return {
      tokens: adapter,
      end: letGo,
      outcome: 'rejected',
      bare: { api: UNAUTHORIZED, outcome: 'rejected' },
    };
  },
};

/** Long enough for all of them to have come to their wait. */
const UNTIL_ALL_WAIT_MS = 20;

async function together(
  client: AxiosInstance,
  { end = () => {}, outcome }: Pick<Crowd, 'end' | 'outcome'>,
  untilEnd: () => Promise<unknown>,
): Promise<number> {
  const controllers = Array.from({ length: CALLS }, () => new AbortController());
  return longestStandstill(async () => {
    const settled = Promise.allSettled(controllers.map(({ signal }) => client.get('/', { signal })));
    await untilEnd();
    end(controllers);
    const wrong = (await settled).find(({ status }) => status !== (outcome ?? 'fulfilled'));
    if (wrong !== undefined) throw new Error('A call did not settle as it should.', { cause: wrong });
  });
}

function bareCrowd({ bare }: Crowd): Promise<number> {
  const client = axios.create({ baseURL: apiUrl, adapter: bare.api ?? withoutIo });
  return together(client, bare, async () => {});
}

async function ownCrowd(crowd: Crowd): Promise<number> {
  const auth = createPayuAuth({
    environment: { tokenUrl },
    grant: { type: 'client_credentials', clientId, clientSecret },
    scope,
    http: { adapter: crowd.tokens },
  });
  if (crowd.isWarm) await auth.getToken();
  const client = axios.create({ baseURL: apiUrl, adapter: crowd.api ?? withoutIo });
  auth.attach(client);
  const longest = await together(client, crowd, () => setTimeout(UNTIL_ALL_WAIT_MS));
  await auth.close();
  return longest;
}

/** With the garbage of the one before out of the way: the heap of 20,000 calls is what costs most. */
async function cleanly(measure: () => Promise<number>): Promise<number> {
  globalThis.gc?.();
  return measure();
}

const times: Record<string, { bare: number; own: number }[]> = {};
for (let round = -1; round < rounds; round++) {
  for (const [name, crowd] of Object.entries(crowds)) {
    const bare = await cleanly(() => bareCrowd(crowd()));
    const own = await cleanly(() => ownCrowd(crowd()));
    if (round < 0) continue; // warms up
    times[name] ??= [];
    times[name].push({ bare, own });
  }
}
console.log(JSON.stringify(times));
