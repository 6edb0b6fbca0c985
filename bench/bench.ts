/**
 * Measures what the package claims about itself, against what its users would pick instead. Writes `results.md`;
 * exits with 1 where a budget is missed that is not listed in `known-misses.ts`.
 *
 *     npm run bench              about ten minutes
 *     npm run bench -- --quick   about two
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import axios from 'axios';
import { knownMisses } from './known-misses.ts';
import { bursts } from './rows/bursts.ts';
import { crowds } from './rows/crowds.ts';
import { fleet } from './rows/fleet.ts';
import { footprint } from './rows/footprint.ts';
import { hotPath } from './rows/hot-path.ts';
import { loopback } from './rows/loopback.ts';
import { memory } from './rows/memory.ts';
import { processorTime } from './rows/processor-time.ts';
import { renewal } from './rows/renewal.ts';
import { uploads } from './rows/uploads.ts';
import { races } from './scenarios.ts';
import { type Finding, markdown, type Outcome } from './support/report.ts';

const { quick = false } = parseArgs({ options: { quick: { type: 'boolean' } } }).values;

const sections: readonly (readonly [name: string, measure: () => Promise<Outcome>])[] = [
  ['processor time of one request', () => processorTime(quick ? 20 : 120)],
  ['one request, without I/O', () => hotPath(quick ? 1_000 : 5_000)],
  ['over loopback', () => loopback(quick ? 50 : 150)],
  ['10,000 at once', () => bursts(quick ? 2 : 5)],
  ['20,000 that wait', () => crowds(quick ? 1 : 3)],
  ['renewing under load', renewal],
  [
    'memory',
    () => memory(quick ? { rounds: 300, requests: 200_000 } : { rounds: 3_000, requests: 1_000_000 }),
  ],
  ['uploads', () => uploads(quick ? 1 : 5)],
  ['footprint', () => footprint(quick ? 9 : 31)],
  ['a fleet', fleet],
  ['races', races],
];

function verdict({ id, isMet }: Finding): string {
  if (isMet) return id in knownMisses ? 'met, though listed as missed' : 'met';
  return id in knownMisses ? 'missed, known' : 'MISSED';
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return String(version);
}

function report(outcomes: readonly Outcome[]): string {
  const findings = outcomes.flatMap((outcome) => outcome.findings);
  const budgets = markdown({
    head: ['what', 'budget', 'measured', 'verdict'],
    rows: findings.map((each) => [each.what, each.budget, each.measured, verdict(each)]),
  });
  const asides = outcomes.flatMap((outcome) => outcome.asides);
  const known = Object.entries(knownMisses).map(([id, reason]) => `- \`${id}\`: ${reason}.`);
  return [
    '# Results of the bench',
    `axios-payu-auth ${packageVersion()} · axios ${axios.VERSION} · Node.js ${process.versions.node}` +
      `${quick ? ' · quick run' : ''}. Written by \`npm run bench\`. Times are compared, never taken by themselves: ` +
      'the contestants of a round run one after the other, in changing order, and what counts is the median of the ' +
      'ratios within a round.',
    budgets,
    ...(known.length > 0 ? [`Known misses:\n\n${known.join('\n')}`] : []),
    ...asides.map(({ title, text, table }) => `## ${title}\n\n${text}\n\n${markdown(table)}`),
  ].join('\n\n');
}

const outcomes: Outcome[] = [];
for (const [name, measure] of sections) {
  const startedAt = performance.now();
  process.stderr.write(`${name} …`);
  outcomes.push(await measure());
  process.stderr.write(` ${((performance.now() - startedAt) / 1_000).toFixed(1)} s\n`);
}
const text = report(outcomes);
console.log(`\n${text}`);
writeFileSync(new URL('results.md', import.meta.url), `${text}\n`);
const missed = outcomes.flatMap(({ findings }) => findings).filter((each) => verdict(each) === 'MISSED');
process.exitCode = missed.length > 0 ? 1 : 0;
