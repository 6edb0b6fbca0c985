import type { AxiosInstance } from 'axios';
import { MemoryTokenStore, type TokenRecord, type TokenStore } from '../../src/index.ts';
import type { PayuAuthOptions } from '../../src/options/options.ts';
import type { Sandbox, SandboxRequest } from '../../src/sandbox/index.ts';
import type { Instant } from '../../src/time/instant.ts';
import type { Grant } from '../../src/token/endpoint/grants.ts';

export const ACCOUNT = '/merchant/getAccountDetail';

/** A call to Payouts that needs a token. */
export function callAccount(payouts: AxiosInstance, signal?: AbortSignal): Promise<unknown> {
  return payouts.get(ACCOUNT, signal === undefined ? {} : { signal });
}

/** The sandbox's user, by the sandbox's public client. */
export const PASSWORD_GRANT: Extract<Grant, { type: 'password' }> = {
  type: 'password',
  username: 'merchant@sandbox.example',
  password: 'sandbox-password',
  clientId: 'sandbox-public-client-id',
};

export function refreshGrant(refreshToken: string): Extract<Grant, { type: 'refresh_token' }> {
  return { type: 'refresh_token', refreshToken, clientId: 'sandbox-public-client-id' };
}

/** The forms that the token endpoint received, oldest first. */
export function tokenForms(sandbox: Sandbox): readonly Readonly<Record<string, string>>[] {
  return formsOf(sandbox, 'token');
}

export function formsOf(
  sandbox: Sandbox,
  kind: SandboxRequest['kind'],
): readonly Readonly<Record<string, string>>[] {
  return sandbox
    .requests()
    .filter((request) => request.kind === kind)
    .map(({ rawBody }) => Object.fromEntries(new URLSearchParams(rawBody.toString('utf8'))));
}

/** The tokens that API requests carried, oldest first. */
export function sentTokens(sandbox: Sandbox): readonly (string | undefined)[] {
  return sandbox
    .requests()
    .filter(({ kind }) => kind === 'api')
    .map(({ token }) => token);
}

/** A moment at which both clocks show the same, as far as differences go. */
export function at(timeMs: number): Instant {
  return { wallMs: timeMs, steadyMs: timeMs - 500_000 };
}

export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

export function deferred<T = void>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((onValue, onReason) => {
    resolve = onValue;
    reject = onReason;
  });
  return { promise, resolve, reject };
}

/** Lets everything run that waits for nothing but its turn. */
export function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** For what a real server and its client have yet to do: it takes turns of the event loop, not time. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await turns();
}

type Operation = 'get' | 'set' | 'delete' | 'withLock';

/** An asynchronous store whose operations can be parked, or made to fail. It remembers what it was asked. */
export class StoreUnderTest implements TokenStore {
  readonly records: Map<string, TokenRecord> = new Map();
  readonly asked: { readonly operation: Operation; readonly record?: TokenRecord }[] = [];
  /** What happens before an operation is carried out. */
  before: Partial<Record<Operation, () => Promise<void>>> = {};
  readonly #locks: MemoryTokenStore = new MemoryTokenStore();

  async get(key: string): Promise<TokenRecord | undefined> {
    await this.#ask('get');
    return this.records.get(key);
  }

  async set(key: string, record: TokenRecord): Promise<void> {
    await this.#ask('set', record);
    this.records.set(key, record);
  }

  async delete(key: string): Promise<void> {
    await this.#ask('delete');
    this.records.delete(key);
  }

  async withLock<T>(key: string, task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#ask('withLock');
    return this.#locks.withLock(key, task, signal);
  }

  /** Parks the next operation of this kind. */
  park(operation: Operation): { readonly arrived: Promise<void>; readonly release: () => void } {
    const arrival = deferred();
    const gate = deferred();
    this.before[operation] = () => {
      delete this.before[operation];
      arrival.resolve();
      return gate.promise;
    };
    return { arrived: arrival.promise, release: () => gate.resolve() };
  }

  /** From now on operations of this kind fail. */
  break(operation: Operation): void {
    this.before[operation] = () => Promise.reject(new Error('the store is broken'));
  }

  /** The one record that is kept. */
  get only(): TokenRecord | undefined {
    const [record, ...more] = this.records.values();
    if (more.length > 0) throw new Error('The store holds more than one record.');
    return record;
  }

  async #ask(operation: Operation, record?: TokenRecord): Promise<void> {
    this.asked.push(record === undefined ? { operation } : { operation, record });
    await this.before[operation]?.();
  }
}

/** Options for an auth whose token endpoint is a function: a reply for each form, without a server. */
export function endpointIn(
  answer: (form: URLSearchParams, signal: AbortSignal) => Promise<{ status: number; body: unknown }>,
): Pick<PayuAuthOptions, 'http'> {
  return {
    http: {
      adapter: async (config) => {
        const { status, body } = await answer(
          new URLSearchParams(String(config.data)),
          config.signal as AbortSignal,
        );
        return { status, statusText: '', headers: {}, config, data: JSON.stringify(body) };
      },
    },
  };
}
