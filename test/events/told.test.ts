import { execFile } from 'node:child_process';
import diagnosticsChannel from 'node:diagnostics_channel';
import { fileURLToPath } from 'node:url';
import { inspect, promisify } from 'node:util';
import { runInNewContext } from 'node:vm';
import axios from 'axios';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { PayuAuthEvent } from '../../src/events.ts';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { startHarness } from '../support/harness.ts';

const CHANNEL = 'axios-payu-auth:event';
const ACCOUNT = '/merchant/getAccountDetail';

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What the process would have died of. */
function fatalities(): readonly unknown[] {
  const found: unknown[] = [];
  const note = (error: unknown) => found.push(error);
  for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
    const others = process.listeners(event as 'uncaughtException');
    process.removeAllListeners(event);
    process.on(event as 'uncaughtException', note);
    onTestFinished(() => {
      process.removeAllListeners(event);
      for (const each of others) process.on(event as 'uncaughtException', each);
    });
  }
  return found;
}

/** A promise of another library, as small as it gets: one that nobody handles is reported a turn later. */
class StrangePromise {
  isHandled = false;

  constructor() {
    setImmediate(() => {
      if (!this.isHandled) void Promise.reject(new Error('unhandled by a strange promise'));
    });
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a thenable
  then(_resolve: unknown, reject: (reason: unknown) => void): void {
    this.isHandled = true;
    reject(new Error('strange'));
  }
}

const fail = () => {
  throw new Error('of the listener');
};

/** What a listener does → the listener. */
const LISTENERS: Readonly<Record<string, () => unknown>> = {
  throws: fail,
  'throws undefined': () => {
    throw undefined;
  },
  'is async and rejects': async () => fail(),
  'rejects later': () => turn().then(fail),
  'rejects with a promise of another realm': () => runInNewContext('Promise.reject(new Error("realm"))'),
  "rejects with another library's promise": () => new StrangePromise(),
  'returns a subclass of Promise that rejects': () =>
    class Own extends Promise<never> {}.reject(new Error('subclass')),
  'returns a thenable whose then throws': () => Object.defineProperty({}, 'then', { value: fail }),
  'returns a thenable whose then is a getter that throws': () =>
    Object.defineProperty({}, 'then', { get: fail }),
  'returns a function with a then that rejects': () =>
    Object.assign(() => {}, {
      // biome-ignore lint/suspicious/noThenProperty: it is a thenable
      then: (_: unknown, reject: (reason: unknown) => void) => reject(new Error('function')),
    }),
  'returns a thenable that never settles': () => Object.defineProperty({}, 'then', { value: () => {} }),
  'returns a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  'returns a rejected promise whose own then throws': () =>
    Object.defineProperty(Promise.reject(new Error('own then')), 'then', { value: fail }),
};

describe('a listener changes nothing (C2)', () => {
  test.each(Object.entries(LISTENERS))('that %s', async (_, listener) => {
    const fatal = fatalities();
    let heard = 0;
    const onEvent = () => {
      heard++;
      return listener() as undefined;
    };
    const { payouts, sandbox } = await startHarness({ onEvent });
    await payouts.get(ACCOUNT);
    sandbox.revokeAllTokens();
    await payouts.get(ACCOUNT);
    for (let turns = 0; turns < 5; turns++) await turn();
    expect(heard).toBe(3);
    expect(fatal).toEqual([]);
  });
});

/** As a scrubber of secrets may, which knows no copies: each text, date and list is another one then. */
function rewrite(value: object): void {
  for (const name of Reflect.ownKeys(value)) {
    const held: unknown = Reflect.get(value, name);
    if (held instanceof Date) held.setTime(0);
    else if (Array.isArray(held)) held.length = 0;
    else if (typeof held === 'object' && held !== null && name !== 'cause') rewrite(held);
    else Reflect.set(value, name, 'rewritten');
  }
}

describe('a listener that rewrites what it hears changes nothing for those who call (C2, C6)', () => {
  test.each<[code: string, (sandbox: Sandbox) => void]>([
    ['ERR_TOKEN_REFUSED', (sandbox) => sandbox.setClientSecret('another')],
    ['ERR_RATE_LIMITED', (sandbox) => sandbox.rateLimit(1, { on: 'token', retryAfter: 60 })],
    ['ERR_TOKEN_UNAVAILABLE', (sandbox) => sandbox.fail(1, { kind: 'status', status: 503 }, { on: 'token' })],
    ['ERR_TOKEN_RESPONSE', (sandbox) => sandbox.fail(1, { kind: 'html-200' }, { on: 'token' })],
  ])('%s', async (code, trouble) => {
    const seen = [];
    for (const onEvent of [undefined, rewrite]) {
      const { createAuth, sandbox } = await startHarness();
      const auth = createAuth({ maxWaitMs: 1_000, tokenAttempts: 1, onEvent: onEvent as never });
      trouble(sandbox);
      const errors = await Promise.all([1, 2].map(() => auth.getToken().catch((error: Error) => error)));
      const told = [...errors.map((error) => [String(error), { ...error }]), auth.status().lastFailure];
      seen.push(inspect(told, { depth: 5 }).replaceAll(new URL(sandbox.url).port, 'PORT'));
    }
    expect(seen[1]).toBe(seen[0]);
    expect(seen[0]).toContain(code);
  });
});

describe('the diagnostics channel', () => {
  function subscribe(listener: (event: unknown) => void): void {
    diagnosticsChannel.subscribe(CHANNEL, listener);
    onTestFinished(() => void diagnosticsChannel.unsubscribe(CHANNEL, listener));
  }

  test('hears each event that the listener hears, as it is', async () => {
    const heard: unknown[] = [];
    subscribe((event) => heard.push(event));
    const { payouts, sandbox, events } = await startHarness();
    await payouts.get(ACCOUNT);
    sandbox.revokeAllTokens();
    await payouts.get(ACCOUNT);
    expect(events.map(({ type }) => type)).toEqual(['token-minted', 'token-minted', 'request-replayed']);
    expect(heard).toEqual(events);
  });

  test('hears an auth without a listener, made before anybody subscribed', async () => {
    const { createAuth } = await startHarness();
    const auth = createAuth({ onEvent: undefined as never });
    const heard: PayuAuthEvent['type'][] = [];
    subscribe((event) => heard.push((event as PayuAuthEvent).type));
    await auth.getToken();
    expect(heard).toEqual(['token-minted']);
  });

  test('a subscriber that throws: Node.js makes it an uncaught exception, and no call fails', async () => {
    const fatal = fatalities();
    subscribe(fail);
    const { payouts } = await startHarness();
    await payouts.get(ACCOUNT);
    await turn();
    expect(fatal).toEqual([new Error('of the listener')]);
  });

  test('a listener comes last, so that what it causes is told after its cause', async () => {
    const heard: string[] = [];
    subscribe((event) => heard.push((event as PayuAuthEvent).type));
    const { createAuth } = await startHarness();
    const other = createAuth({ scope: 'read_plans', onEvent: undefined as never });
    let minting: Promise<unknown> | undefined;
    const auth = createAuth({
      onEvent: () => {
        heard.push('the listener');
        minting ??= other.getToken();
      },
    });
    await auth.getToken();
    await minting;
    expect(heard).toEqual(['token-minted', 'the listener', 'token-minted']);
  });
});

test('NODE_DEBUG=axios-payu-auth writes a line for each event, without a secret; without it, nothing', async () => {
  const script = fileURLToPath(new URL('./mint-and-withhold.ts', import.meta.url));
  const run = (env: Readonly<Record<string, string>>) =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', script], { env: { ...process.env, ...env } });
  const { stderr } = await run({ NODE_DEBUG: 'axios-payu-auth' });
  const lines = stderr.trim().split('\n');
  expect(lines.map((line) => line.replace(/^AXIOS-PAYU-AUTH \d+: /, '')).sort()).toEqual([
    expect.stringMatching(
      /^store-failed \{"operation":"set","error":"ESTORE: down, \[redacted\] \(ESTORE\)"\}$/,
    ),
    expect.stringMatching(
      /^token-failed \{"cause":"missing","error":"ERR_TOKEN_REFUSED: The token endpoint /,
    ),
    expect.stringMatching(
      /^token-minted \{"grant":"client_credentials","scope":\["read_bills"\],"cause":"missing",/,
    ),
  ]);
  expect(stderr).not.toMatch(/the-client-secret|the-access-token/);
  expect((await run({ NODE_DEBUG: '' })).stderr).toBe('');
});

describe('an auth without a listener warns once per attached instance where it withholds the token', () => {
  function warnings(): readonly (Error & { code?: string })[] {
    const found: Error[] = [];
    const note = (warning: Error) => found.push(warning);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    return found;
  }

  const elsewhere = { adapter: async (config: never) => ({ ...ANSWER, config }) } as never;
  const ANSWER = { data: '', status: 200, statusText: 'OK', headers: {} };

  test('an origin that is not allowed, plain http: it names the origin', async () => {
    const found = warnings();
    const { createAuth, client } = await startHarness();
    const auth = createAuth({ onEvent: undefined as never });
    const instances = [client(), client()];
    for (const each of instances) auth.attach(each, { origins: ['http://api.example'] });
    for (const url of ['https://elsewhere.example/a?b', 'https://other.example/', 'http://api.example/']) {
      await instances[0]?.get(url, elsewhere);
    }
    await instances[1]?.get('http://api.example/', elsewhere);
    await turn();
    expect(found.map(({ name, code, message }) => [name, code, message])).toEqual([
      [
        'PayuAuthWarning',
        'PAYU_AUTH_TOKEN_WITHHELD',
        'A request went out without its token, as "https://elsewhere.example" is not an origin that it may go to. Make it the "baseURL" of the attached instance, or list it in "origins". This is said once per attached instance; "onEvent" tells of each request.',
      ],
      [
        'PayuAuthWarning',
        'PAYU_AUTH_TOKEN_WITHHELD',
        'A request went out without its token, as "http://api.example" is asked over plain http. Use its https address. This is said once per attached instance; "onEvent" tells of each request.',
      ],
    ]);
  });

  test.each(['/a?b', 'http://[', ''])('%j, which names no host: it asks for a base URL', async (url) => {
    const found = warnings();
    const { createAuth } = await startHarness();
    const instance = axios.create();
    createAuth({ onEvent: undefined as never }).attach(instance);
    await instance.get(url, elsewhere);
    await turn();
    expect(found.map(({ message }) => message)).toEqual([
      'A request went out without its token, as its URL names no host. Give the attached instance a "baseURL". This is said once per attached instance; "onEvent" tells of each request.',
    ]);
  });

  test.each([
    ['a listener that hears of it', {}, {}],
    ['basic auth', { onEvent: undefined }, { auth: { username: 'u', password: 'p' } }],
    ["the caller's own header", { onEvent: undefined }, { headers: { Authorization: 'own' } }],
    ['a request that wants no token', { onEvent: undefined }, { payuAuth: false }],
  ])('not for %s', async (_, options, config) => {
    const found = warnings();
    const { createAuth, client, sandbox } = await startHarness();
    const instance = client();
    createAuth(options as never).attach(instance);
    const url = 'onEvent' in options ? sandbox.url : 'https://elsewhere.example';
    await instance.get(url, { ...(elsewhere as object), ...(config as object) });
    await turn();
    expect(found).toEqual([]);
  });
});
