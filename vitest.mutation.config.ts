import { defineConfig, type ViteUserConfig } from 'vitest/config';

/**
 * What mutation testing runs for each mutant of token/, backoff/ and axios/: the tests of these folders, in one process.
 * Left out is what starts processes, where no mutant is, and what repeats one rule over hundreds of combinations or
 * thousands of calls: a mutant that only those kill counts as a survivor.
 */
const config: ViteUserConfig = defineConfig({
  test: {
    include: [
      'test/{token,backoff,axios}/**/*.test.ts',
      'test/{main-job,errors}.test.ts',
      'test/safety/untrusted-replies.test.ts',
    ],
    exclude: [
      'test/backoff/{processes,never-twice,storms}.test.ts',
      'test/axios/{replay-connections,no-warnings}.test.ts',
    ],
    isolate: false,
    // What hangs because of a mutant is to be found out soon.
    testTimeout: 2_000,
    hookTimeout: 2_000,
  },
});

export default config;
