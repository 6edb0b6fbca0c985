import { afterAll, beforeAll, expect, test } from 'vitest';
import { SCENARIOS } from './scenarios.ts';
import { explore, scriptOf, shrink, type Walk } from './support/explore.ts';
import type { Scenario } from './support/scenario.ts';

/**
 * All orders of each scenario's events, at the depth that it gives; `EXPLORE_ORDERS=1000000 npx vitest run
 * test/explorer` walks about so many, by going deeper.
 */
const MOST_ORDERS = Number(process.env.EXPLORE_ORDERS ?? 0) / SCENARIOS.length;

const totals = { orders: 0, events: 0, cpuMs: 0 };
const { stackTraceLimit } = Error;

beforeAll(() => {
  // Thousands of errors are made, and nobody reads where.
  Error.stackTraceLimit = 0;
});

afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
  report('all scenarios', totals);
});

test.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))(
  '%s: every order keeps the promises',
  async (_, scenario) => {
    const walk = await walked(scenario, scenario.depth, Number.POSITIVE_INFINITY);
    expect(walk.isWhole).toBe(true);
    for (let depth = scenario.depth + 1, last = walk, left = MOST_ORDERS - walk.orders; left > 0; depth++) {
      const deeper = await walked(scenario, depth, left);
      // Nothing more can happen.
      if (deeper.isWhole && deeper.orders === last.orders) return;
      last = deeper;
      left -= deeper.orders;
    }
  },
  3_600_000,
);

async function walked(scenario: Scenario, depth: number, mostOrders: number): Promise<Walk> {
  const startedAt = process.cpuUsage();
  const walk = await explore({ ...scenario, depth }, mostOrders);
  const { user, system } = process.cpuUsage(startedAt);
  const figures = { orders: walk.orders, events: walk.events, cpuMs: Math.round((user + system) / 1_000) };
  report(`${scenario.name}, ${depth} events${walk.isWhole ? '' : ', not all'}`, figures);
  totals.orders += figures.orders;
  totals.events += figures.events;
  totals.cpuMs += figures.cpuMs;
  if (walk.failure !== undefined) expect.fail(scriptOf(scenario, await shrink(scenario, walk.failure)));
  return walk;
}

function report(what: string, { orders, events, cpuMs }: typeof totals): void {
  process.stdout.write(`${what}: ${orders} orders, ${events} events, ${cpuMs} ms of CPU\n`);
}
