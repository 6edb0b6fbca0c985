import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inspect } from 'node:util';
import axiosRetry, { isSafeRequestError } from 'axios-retry';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { startSandbox } from '../../src/sandbox/index.ts';
import { atOnce, fulfilled, startHarness } from '../support/harness.ts';
import { payment } from '../support/payments.ts';
import { type Arena, contenders, enter } from './support/contenders.ts';

/** One row of the table: what it is about, and what each contender came to. */
interface Row {
  readonly title: string;
  readonly measure: (arena: Arena) => Promise<string | number>;
}

const CALLS = 50;
const call = ({ client }: Arena, path = '/protected') => client.get(path);

const rows: readonly Row[] = [
  {
    title: '50 calls, no token yet: token requests, API requests, calls that succeed',
    async measure(arena) {
      const { sandbox, seenRefusals } = arena;
      const isMintedBefore = sandbox.stats().mints > 0;
      const hold = sandbox.hold('token');
      const results = atOnce(CALLS, () => call(arena));
      if (!isMintedBefore) {
        await hold.waitFor(1);
        // Either nothing has gone to the API, or all of it is back.
        await until(
          () => [0, CALLS].includes(seenRefusals()) && seenRefusals() === sandbox.stats().apiRequests,
        );
      }
      hold.release();
      const succeeded = fulfilled(await results);
      return `${sandbox.stats().tokenRequests}, ${sandbox.stats().apiRequests}, ${succeeded}`;
    },
  },
  {
    title: '50 calls answered with 401 (tokens revoked): token requests, calls that succeed',
    async measure(arena) {
      const { sandbox, seenRefusals } = arena;
      await call(arena);
      const before = { refusals: seenRefusals(), requests: sandbox.stats().tokenRequests };
      const api = sandbox.hold('api', undefined, { process: 'after' });
      const token = sandbox.hold('token');
      const results = atOnce(CALLS, () => call(arena));
      await api.waitFor(CALLS);
      sandbox.revokeAllTokens();
      api.release();
      // The best case for all: no renewal is over before the last 401 has arrived.
      await until(() => seenRefusals() - before.refusals >= CALLS);
      token.release();
      const succeeded = fulfilled(await results);
      return `${sandbox.stats().tokenRequests - before.requests}, ${succeeded}`;
    },
  },
  {
    title: 'a 401 for an old token that arrives after its renewal: further token requests',
    async measure(arena) {
      const { sandbox } = arena;
      await call(arena);
      const late = sandbox.hold('api', '/echo', { process: 'after' });
      const slow = call(arena, '/echo').then(
        () => 'succeeds',
        () => 'fails',
      );
      await late.waitFor(1);
      sandbox.revokeAllTokens();
      await call(arena).catch(() => undefined);
      sandbox.resetStats();
      late.release();
      const fate = await slow;
      return fate === 'succeeds' ? sandbox.stats().tokenRequests : 'the call fails';
    },
  },
  {
    title: '10 calls to an API that answers 401 whatever the token: token requests, sends',
    async measure(arena) {
      const { sandbox } = arena;
      await call(arena);
      sandbox.resetStats();
      sandbox.fail({ share: 1 }, { kind: 'status', status: 401 }, { on: 'api' });
      for (let index = 0; index < 10; index++) await expect(call(arena)).rejects.toThrow('401');
      return `${sandbox.stats().tokenRequests}, ${sandbox.stats().apiRequests}`;
    },
  },
  {
    title: '10 calls while the token endpoint says `"retry_after": 60`: token requests',
    async measure(arena) {
      const { sandbox, loseToken } = arena;
      await call(arena);
      loseToken();
      sandbox.resetStats();
      sandbox.rateLimit(100, { on: 'token', retryAfter: 60 });
      for (let index = 0; index < 10; index++) await expect(call(arena)).rejects.toThrow();
      return sandbox.stats().tokenRequests;
    },
  },
  {
    title: 'unhandled rejections in these 10 calls (one is enough to end a Node.js process)',
    async measure(arena) {
      const { sandbox, loseToken } = arena;
      await call(arena);
      loseToken();
      sandbox.rateLimit(100, { on: 'token', retryAfter: 60 });
      const before = strays;
      for (let index = 0; index < 10; index++) await expect(call(arena)).rejects.toThrow();
      await nextTurn();
      return strays - before;
    },
  },
  {
    title: 'client secret in the error of a call that got no token',
    async measure(arena) {
      const { sandbox, loseToken } = arena;
      await call(arena);
      loseToken();
      sandbox.setClientSecret('another');
      return yesOrNo(whole(await rejection(call(arena))).includes(sandbox.clientSecret));
    },
  },
  {
    title: 'bearer token in the error of a call that failed with 503',
    async measure(arena) {
      const { sandbox } = arena;
      await call(arena);
      const token = sandbox.requests().at(-1)?.token as string;
      sandbox.fail(1, { kind: 'status', status: 503 }, { on: 'api' });
      return yesOrNo(whole(await rejection(call(arena))).includes(token));
    },
  },
  {
    title: 'bearer token sent to another host (an absolute URL)',
    async measure(arena) {
      await using stranger = await startSandbox();
      await call(arena);
      await call(arena, `${stranger.url}/redirect?to=%2F`).catch(() => undefined);
      expect(stranger.requests().length).toBeGreaterThan(0);
      const tokens = arena.sandbox.requests().map(({ token }) => token ?? 'none');
      return yesOrNo(stranger.requests().some(({ token }) => token !== undefined && tokens.includes(token)));
    },
  },
  {
    title: 'runs of your own request interceptor in a call that is cured of a 401',
    async measure(arena) {
      const { client, sandbox } = arena;
      let runs = 0;
      client.interceptors.request.use((request) => {
        runs++;
        return request;
      });
      await call(arena);
      sandbox.revokeAllTokens();
      runs = 0;
      return call(arena).then(
        () => runs,
        () => 'the call fails',
      );
    },
  },
];

// Time stands still, so that no expiry, cool-down or pause ends by itself.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  return () => vi.useRealTimers();
});

/** Unhandled rejections, counted here in place of the test runner, which would fail on them. */
let strays = 0;
const count = () => {
  strays++;
};
beforeEach(() => {
  const runners = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', count);
  return async () => {
    await nextTurn();
    process.off('unhandledRejection', count);
    for (const each of runners) process.on('unhandledRejection', each);
  };
});

describe('what docs/comparison.md says of others, each configured as its own README says', () => {
  const page = readFileSync(new URL('../../docs/comparison.md', import.meta.url), 'utf8');

  test.each(rows)('$title', async ({ title, measure }) => {
    const results: (string | number)[] = [];
    for (const contender of contenders) results.push(await measure(await enter(contender)));
    expect(page.split('\n')).toContain(`| ${[title, ...results].join(' | ')} |`);
  });

  test('axios-auth-refresh with "deduplicateRefresh: false", as the note below the table says', async () => {
    const variant = contenders.find(({ name }) => name === 'axios-auth-refresh');
    const storm = rows[1];
    if (variant === undefined || storm === undefined) return expect.unreachable();
    const result = await storm.measure(await enter(variant, { deduplicateRefresh: false }));
    expect(page).toContain(`with \`deduplicateRefresh: false\` the second row reads ${result}`);
  });

  test('the table holds these rows and no others, below these names', () => {
    const table = /\| \| (?<names>.*) \|\n\|[-| ]+\|\n(?<rows>(?:\|.*\n)+)/.exec(page)?.groups;
    expect(table?.names?.split(' | ').map((name) => name.replace(/\[([^\]]+)\]\([^)]*\)/, '$1'))).toEqual(
      contenders.map(({ name }) => name),
    );
    const titles = table?.rows
      ?.trim()
      .split('\n')
      .map((row) => row.split(' | ')[0]?.slice(2));
    expect(titles).toEqual(rows.map(({ title }) => title));
  });
});

describe('what the documents say of axios-retry and payments', () => {
  test.each([
    {
      title: 'with its defaults, it pays twice what has no merchantRefId',
      options: undefined,
      paid: { payments: 2, duplicatePayments: 0 },
    },
    {
      title: 'with the recipe, it does not',
      options: { retryCondition: isSafeRequestError },
      paid: { payments: 1, duplicatePayments: 0 },
    },
  ])('$title', async ({ options, paid }) => {
    const { auth, client, sandbox } = await startHarness();
    const payouts = client('/payout');
    auth.attach(payouts);
    axiosRetry(payouts, options);
    sandbox.fail(1, { kind: 'reset-after-read' }, { on: 'api' });
    const { merchantRefId: _, ...withoutReference } = payment('1');
    await payouts.post('/v2/payment', [withoutReference]).catch(() => undefined);
    expect(sandbox.stats()).toMatchObject(paid);
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn();
}

function yesOrNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.unreachable('the call should have failed'),
    (error: unknown) => error,
  );
}

/** All that a logger could get at. */
function whole(error: unknown): string {
  return `${inspect(error, { depth: Number.POSITIVE_INFINITY })} ${JSON.stringify(error)}`;
}
