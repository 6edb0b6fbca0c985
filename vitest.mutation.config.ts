import { defineConfig, type ViteUserConfig } from 'vitest/config';

/**
 * What mutation testing runs for each mutant of a folder: the tests of that folder and its neighbours, in one process.
 * Left out is what starts processes, where no mutant is, and what repeats one rule over hundreds of combinations or
 * thousands of calls: a mutant that only those kill counts as a survivor.
 */
const TESTS: Readonly<Record<string, readonly string[]>> = {
  token: ['test/{token,time}/**/*.test.ts', 'test/{main-job,errors}.test.ts'],
  time: ['test/{token,time}/**/*.test.ts', 'test/main-job.test.ts'],
  axios: [
    'test/{axios,living-with}/**/*.test.ts',
    'test/axios/api-rate-limits.test.ts',
    'test/main-job.test.ts',
  ],
};

const folder = process.env.MUTATED_FOLDER ?? '';
const include = TESTS[folder];
if (include === undefined) throw new Error(`MUTATED_FOLDER must be one of ${Object.keys(TESTS).join(', ')}.`);

const config: ViteUserConfig = defineConfig({
  test: {
    include: [...include],
    exclude: [
      'test/time/{processes,stops}.test.ts',
      'test/token/mint/storms.test.ts',
      'test/axios/never-twice.test.ts',
      'test/axios/{processes,replay-connections,no-warnings}.test.ts',
    ],
    isolate: false,
    // What hangs because of a mutant is to be found out soon.
    testTimeout: 20_000,
    // Some load a whole axios first.
    hookTimeout: 20_000,
  },
});

export default config;
