import { getEventListeners } from 'node:events';
import axios, { type AxiosInstance, type AxiosRequestConfig, CanceledError } from 'axios';
import { describe, expect, test } from 'vitest';
import { MemoryTokenStore } from '../../../src/token/store/memory-token-store.ts';
import { type Harness, READ_LINKS, startHarness } from '../../support/harness.ts';
import { ACCOUNT, thisTurn } from './support.ts';

type Options = Parameters<typeof startHarness>[0];

/** A wait that a call of an API can be in; set up, and then reached by the call. */
interface Wait {
  readonly what: string;
  readonly options?: () => NonNullable<Options>;
  readonly prepare?: (harness: Harness) => unknown;
  readonly config?: AxiosRequestConfig;
  /** Timers that stay. */
  readonly stay?: number;
  /** Timers that stay when the caller leaves: a token request that was sent is seen through (C3). */
  readonly seenThrough?: number;
  /** Resolves once the call waits. */
  readonly reached: (harness: Harness) => Promise<unknown>;
}

/** A store whose lock is never got. */
class LockedStore extends MemoryTokenStore {
  override withLock<T>(_key: string, _task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }
}

/** A store that does not answer. */
class SilentStore extends MemoryTokenStore {
  override get(): never {
    return new Promise(() => {}) as never;
  }
}

/** The deadline of every call that waits for a token, and for nothing else that has a timer. */
const PATIENCE_MS = 120_000;

const WAITS: readonly Wait[] = [
  {
    what: 'a token request under way',
    seenThrough: 1,
    prepare: ({ sandbox }) => sandbox.fail(1, { kind: 'hang' }),
    reached: ({ sandbox }) => sandbox.until(({ tokenRequestsInFlight }) => tokenRequestsInFlight === 1),
  },
  {
    what: 'a token reply that stops half way',
    seenThrough: 1,
    prepare: ({ sandbox }) => sandbox.fail(1, { kind: 'hang-in-body' }),
    reached: ({ sandbox }) => sandbox.until(({ tokenRequestsInFlight }) => tokenRequestsInFlight === 1),
  },
  {
    what: 'a cool-down of the token endpoint',
    prepare: ({ sandbox }) => sandbox.rateLimit(1, { retryAfter: 60 }),
    reached: ({ clock }) => clock.waiting(63_000, 63_000),
  },
  {
    what: 'a back-off between two tries',
    prepare: ({ sandbox }) => sandbox.fail(1, { kind: 'status', status: 502 }),
    reached: ({ clock }) => clock.waiting(150, 150),
  },
  {
    what: 'the probe of another scope',
    async prepare({ auth, clock, sandbox }) {
      sandbox.rateLimit(1, { retryAfter: 2 });
      auth.getToken({ scope: READ_LINKS }).catch(() => {});
      await clock.waiting(2_100, 2_100);
      sandbox.fail(1, { kind: 'hang' });
      clock.advance(2_100);
      await sandbox.until(({ tokenRequests }) => tokenRequests === 2);
    },
    reached: ({ clock }) => clock.waiting(PATIENCE_MS, PATIENCE_MS),
  },
  {
    what: 'the lock of the store',
    options: () => ({ store: new LockedStore() }),
    reached: ({ clock }) => clock.waiting(PATIENCE_MS, PATIENCE_MS),
  },
  {
    what: 'a store that does not answer',
    // The limit of the store's own operation, which is still under way: who comes next queues behind it.
    stay: 1,
    options: () => ({ store: new SilentStore() }),
    reached: ({ clock }) => clock.waiting(10_000, 10_000),
  },
  {
    what: 'a secret that does not come',
    options: () => ({
      grant: {
        type: 'client_credentials',
        clientId: 'any',
        clientSecret: () => new Promise<string>(() => {}),
      },
    }),
    reached: ({ clock }) => clock.waiting(PATIENCE_MS, PATIENCE_MS),
  },
  {
    what: 'a rate limit of the API',
    prepare: ({ sandbox }) => sandbox.rateLimit(1, { on: 'api', retryAfter: 60 }),
    reached: ({ clock }) => clock.waiting(63_000, 63_000),
  },
  {
    what: 'the renewal of a refused token',
    seenThrough: 1,
    async prepare({ auth, sandbox }) {
      await auth.getToken();
      sandbox.revokeAllTokens();
      sandbox.fail(1, { kind: 'hang' });
    },
    reached: ({ sandbox }) => sandbox.until(({ tokenRequestsInFlight }) => tokenRequestsInFlight === 1),
  },
  {
    what: 'the rest of a streamed 429',
    config: {
      responseType: 'stream',
      adapter: async (config) => ({
        status: 429,
        statusText: '',
        headers: {},
        config,
        data: new ReadableStream({}),
      }),
    },
    reached: ({ clock }) => clock.waiting(1_000, 1_000),
  },
  {
    what: 'the answer of the API',
    async prepare({ auth, sandbox }) {
      await auth.getToken();
      sandbox.fail(1, { kind: 'hang' }, { on: 'api' });
    },
    reached: ({ sandbox }) => sandbox.until(({ apiRequestsInFlight }) => apiRequestsInFlight === 1),
  },
];

/** How a caller may leave, and whether it is still listened to. */
const WAYS = [
  {
    way: 'signal',
    begin(client: AxiosInstance, config: AxiosRequestConfig) {
      const controller = new AbortController();
      const call = client.get(ACCOUNT, { ...config, signal: controller.signal });
      const listeners = () => getEventListeners(controller.signal, 'abort').length;
      return { call, leave: () => controller.abort(), listeners };
    },
  },
  {
    way: 'cancelToken',
    begin(client: AxiosInstance, config: AxiosRequestConfig) {
      const { token, cancel } = axios.CancelToken.source();
      const call = client.get(ACCOUNT, { ...config, cancelToken: token });
      // Axios' own list; it is null once the token was cancelled.
      const listeners = () => (token as unknown as { _listeners: unknown[] | null })._listeners?.length ?? 0;
      return { call, leave: () => cancel(), listeners };
    },
  },
] as const;

describe.each(WAYS)('an abort by $way', ({ begin }) => {
  test.each(WAITS)('in $what rejects in the same turn, and leaves no timer and no listener', async (wait) => {
    const harness = await startHarness(wait.options?.() ?? {});
    await wait.prepare?.(harness);
    const before = harness.clock.pending;
    const { call, leave, listeners } = begin(harness.payouts, wait.config ?? {});
    await wait.reached(harness);
    expect(await thisTurn(call)).toBe('pending');
    leave();
    const outcome = await thisTurn(call);
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_CANCELED' } });
    expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(CanceledError);
    expect([harness.clock.pending - before, listeners()]).toEqual([wait.seenThrough ?? wait.stay ?? 0, 0]);
  });
});

describe('close() in any wait', () => {
  test.each(WAITS.filter(({ what }) => !what.startsWith('the answer') && !what.startsWith('the rest')))(
    'in $what rejects in the same turn with ClosedError, and leaves no timer',
    async (wait) => {
      const harness = await startHarness(wait.options?.() ?? {});
      await wait.prepare?.(harness);
      const call = harness.payouts.get(ACCOUNT, wait.config ?? {});
      await wait.reached(harness);
      expect(await thisTurn(call)).toBe('pending');
      void harness.auth.close();
      expect(await thisTurn(call)).toMatchObject({ status: 'rejected', reason: { code: 'ERR_CLOSED' } });
      expect(harness.clock.pending).toBe(wait.stay ?? 0);
    },
  );

  test('each caller gets an error of its own', async () => {
    const { payouts, auth, clock, sandbox } = await startHarness();
    sandbox.rateLimit(2, { on: 'api', retryAfter: 60 });
    const calls = Promise.allSettled([payouts.get(ACCOUNT), payouts.get(ACCOUNT)]);
    await sandbox.until(({ rateLimited }) => rateLimited === 2);
    await clock.waiting(63_000, 63_000);
    while (clock.pending < 2) await new Promise(setImmediate);
    await auth.close();
    const [a, b] = (await calls) as PromiseRejectedResult[];
    expect(a?.reason).toMatchObject({ code: 'ERR_CLOSED' });
    expect(a?.reason).not.toBe(b?.reason);
  });
});
