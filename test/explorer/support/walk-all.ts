import { afterAll, beforeAll, expect, test } from 'vitest';
import { explore, scriptOf, shrink, type Walk } from './explore.ts';
import type { Scenario } from './scenario.ts';

/**
 * Each scenario is walked whole at the depth that it gives, and deeper until it has so many orders:
 * `EXPLORE_ORDERS=50000 npx vitest run test/explorer` walks about a million.
 */
const FEWEST_ORDERS = Number(process.env.EXPLORE_ORDERS ?? 1);

const totals = { orders: 0, events: 0, cpuMs: 0 };

/** A test for each scenario, which walks all orders of its events. */
export function walkAll(scenarios: readonly Scenario[]): void {
  const { stackTraceLimit } = Error;

  beforeAll(() => {
    // Thousands of errors are made, and nobody reads where.
    Error.stackTraceLimit = 0;
  });

  afterAll(() => {
    Error.stackTraceLimit = stackTraceLimit;
    report(`these ${scenarios.length} scenarios`, totals);
  });

  test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s: every order keeps the promises',
    async (_, scenario) => {
      let walk = await walked(scenario, scenario.depth);
      for (let depth = scenario.depth + 1, before = 0; walk.orders < FEWEST_ORDERS; depth++) {
        // Nothing more can happen.
        if (walk.orders === before) return;
        before = walk.orders;
        walk = await walked(scenario, depth);
      }
    },
    3_600_000,
  );
}

async function walked(scenario: Scenario, depth: number): Promise<Walk> {
  const startedAt = process.cpuUsage();
  const walk = await explore({ ...scenario, depth });
  const { user, system } = process.cpuUsage(startedAt);
  const figures = { orders: walk.orders, events: walk.events, cpuMs: Math.round((user + system) / 1_000) };
  report(`${scenario.name}, ${depth} events`, figures);
  totals.orders += figures.orders;
  totals.events += figures.events;
  totals.cpuMs += figures.cpuMs;
  if (walk.failure !== undefined) expect.fail(scriptOf(scenario, await shrink(scenario, walk.failure)));
  return walk;
}

function report(what: string, { orders, events, cpuMs }: typeof totals): void {
  process.stdout.write(`${what}: ${orders} orders, ${events} events, ${cpuMs} ms of CPU\n`);
}
