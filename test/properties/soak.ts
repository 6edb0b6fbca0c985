/**
 * Random schedules for as long as asked: `SOAK_MINUTES=30 npm run test:soak`. `SOAK_SEED` repeats a run, and so does
 * what is printed with a failure.
 */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { runSchedule } from './support/run-schedule.ts';
import { schedules } from './support/steps.ts';

const minutes = Number(process.env.SOAK_MINUTES ?? 30);
const firstSeed = Number(process.env.SOAK_SEED ?? randomInt(2 ** 31));
const RUNS_PER_BATCH = 20;
const MOST_STEPS = 120;

const totals = { schedules: 0, steps: 0, calls: 0, tokenRequests: 0, apiRequests: 0 };
const startedAt = performance.now();
const elapsedMinutes = (): number => (performance.now() - startedAt) / 60_000;

function report(line: string): void {
  process.stdout.write(`${line}\n`);
}

function figures(): string {
  const each = Object.entries(totals).map(([name, count]) => `${name} ${count}`);
  return `${elapsedMinutes().toFixed(1)} min  ${each.join('  ')}`;
}

report(`soak of ${minutes} minutes, SOAK_SEED=${firstSeed}`);
let reportAt = 1;
for (let seed = firstSeed; elapsedMinutes() < minutes; seed++) {
  const property = fc.asyncProperty(schedules(MOST_STEPS), async (schedule) => {
    const tally = await runSchedule(schedule);
    totals.schedules++;
    totals.steps += tally.steps;
    totals.calls += tally.calls;
    totals.tokenRequests += tally.tokenRequests;
    totals.apiRequests += tally.apiRequests;
  });
  const result = await fc.check(property, {
    seed,
    numRuns: RUNS_PER_BATCH,
    // Shrinking so long a schedule can take an hour, in which nobody would know that a rule was broken.
    endOnFailure: true,
    // Ends the soak in time; what was run until then counts.
    interruptAfterTimeLimit: Math.max(1, (minutes - elapsedMinutes()) * 60_000),
  });
  if (result.failed && result.counterexample !== null) {
    report(figures());
    report(`a rule was broken; to repeat: SOAK_SEED=${seed} (path ${result.counterexamplePath})`);
    report(JSON.stringify(result.counterexample[0]));
    report(String(result.errorInstance instanceof Error ? result.errorInstance.stack : result.errorInstance));
    process.exit(1);
  }
  if (elapsedMinutes() >= reportAt) {
    report(figures());
    reportAt = Math.ceil(elapsedMinutes());
  }
}
report(`${figures()}  no rule was broken; SOAK_SEED=${firstSeed}`);
