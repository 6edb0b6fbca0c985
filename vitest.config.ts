import { defineConfig, type TestProjectInlineConfiguration, type ViteUserConfig } from 'vitest/config';

/** Folders whose files put other modules or other globals in place (nock, MSW, variables), or start processes. */
const ISOLATED: readonly string[] = [
  'test/cli/**',
  'test/docs/**',
  'test/explorer/**',
  'test/fleet/**',
  'test/living-with/**',
  'test/properties/**',
  'test/redis/**',
  'test/testing/**',
  'test/time/**',
];

/**
 * Two projects. Most files share their worker with others, as loading the modules anew for each costs more than half of
 * the time; the library remembers nothing at module scope (G4).
 */
export function projectsWithout(left: readonly string[]): TestProjectInlineConfiguration[] {
  return [
    {
      extends: true,
      test: {
        name: 'shared',
        include: ['test/**/*.test.ts'],
        exclude: [...ISOLATED, ...left],
        isolate: false,
      },
    },
    {
      extends: true,
      test: {
        name: 'isolated',
        include: ISOLATED.map((folder) => `${folder}/*.test.ts`),
        exclude: [...left],
      },
    },
  ];
}

export const limits = {
  // For what hangs, far from what anything takes: no test is timed.
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // Else one core of two would be left to the main process, which has little to do.
  maxWorkers: '100%',
} as const;

const config: ViteUserConfig = defineConfig({
  test: {
    ...limits,
    projects: projectsWithout([]),
  },
});

export default config;
