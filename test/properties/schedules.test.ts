import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runSchedule } from './support/run-schedule.ts';
import { schedules } from './support/steps.ts';

/** The same schedules each time; `npm run test:soak` makes others. */
const SEED = 20_260_101;
const RUNS = 60;
const MOST_STEPS = 40;

test('random schedules keep the promises: each call settles, none is paid twice, no stampede, no leak', async () => {
  let steps = 0;
  await fc.assert(
    fc.asyncProperty(schedules(MOST_STEPS), async (schedule) => {
      steps += (await runSchedule(schedule)).steps;
    }),
    { seed: SEED, numRuns: RUNS },
  );
  expect(steps).toBeGreaterThan(RUNS);
}, 300_000);
