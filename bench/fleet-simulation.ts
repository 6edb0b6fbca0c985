/**
 * A day in the life of a fleet, beyond what one machine can run: up to 1,000 processes with 1,000 calls per second
 * each. The library is the real one, with its token source, gate, flights and exchange; time, PayU, the network and
 * the shared store are models. Prints what came of it, writes a plot to `docs/`, and exits with 1 where a bound does
 * not hold.
 *
 * Of 86 billion calls only those are carried out that can come to something: a call while the token is fresh is known
 * to go out at once, so that each process sleeps until its renew-ahead window, makes two calls a second in it, one at
 * the very end of the token, and one as soon as PayU has revoked it. While a call waits, those that would have
 * arrived meanwhile wait with it; while calls fail at once, one a second stands for all.
 *
 *     npm run simulate                   all scenarios
 *     npm run simulate -- --only reuses  those with that word in their name; writes no plot
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { plot } from './simulation/plot.ts';
import { runScenario } from './simulation/run-scenario.ts';
import { type Figures, type Scenario, scenarios } from './simulation/scenarios.ts';
import { markdown, number } from './support/report.ts';

const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;

function tableRow([scenario, figures]: readonly [Scenario, Figures]): readonly string[] {
  const { hours, processes, name } = scenario;
  const broken = scenario.bounds.filter(({ holds }) => !holds(figures)).map(({ what }) => what);
  return [
    name,
    number.format(processes),
    number.format(figures.total),
    number.format(Math.round(figures.total / hours)),
    number.format(figures.busiestSecond),
    number.format(figures.waited),
    `${(figures.longestWaitMs / 1_000).toFixed(1)} s`,
    number.format(figures.replayed),
    number.format(figures.failed),
    broken.length === 0 ? 'yes' : `NO: ${broken.join(', ')}`,
  ];
}

const results: (readonly [Scenario, Figures])[] = [];
for (const scenario of scenarios) {
  if (only !== undefined && !scenario.name.includes(only)) continue;
  const startedAt = performance.now();
  process.stderr.write(`${scenario.name} …`);
  results.push([scenario, await runScenario(scenario)]);
  process.stderr.write(` ${((performance.now() - startedAt) / 1_000).toFixed(1)} s\n`);
}
const table = markdown({
  head: [
    'scenario',
    'processes',
    'token requests',
    'per hour',
    'busiest second',
    'calls that waited',
    'longest wait',
    'calls replayed',
    'calls that failed',
    'within bounds',
  ],
  rows: results.map(tableRow),
});
console.log(`\n${table}`);
if (only === undefined) {
  writeFileSync(new URL('../docs/fleet-simulation.svg', import.meta.url), plot(results));
}
const isBroken = results.some(([{ bounds }, figures]) => bounds.some(({ holds }) => !holds(figures)));
process.exitCode = isBroken ? 1 : 0;
