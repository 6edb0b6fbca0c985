import { availableParallelism } from 'node:os';
import { defineConfig, type TestProjectInlineConfiguration, type ViteUserConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that put other modules or other globals in place: nock, MSW, variables, Node.js' own timers. */
const ISOLATED: readonly string[] = [
  'test/cli/{behind-a-proxy,doctor,proxy,usage}.test.ts',
  'test/docs/{comparison,proxy,proxy-with-old-axios,recipes-on-sandbox,snippets}.test.ts',
  'test/living-with/*.test.ts',
  'test/redis/guarded-commands.test.ts',
  'test/testing/*.test.ts',
  'test/time/{clock,wait}.test.ts',
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
        include: [...ISOLATED],
        exclude: [...left],
      },
    },
  ];
}

/** What takes longest, and what mostly waits, in turns: at the end it would leave cores idle. */
const FIRST: readonly string[] = [
  'explorer/one-process',
  'fleet/fleet',
  'explorer/several-processes',
  'redis/outage',
  'properties/schedules',
  'redis/cluster',
  'docs/reference',
  'fleet/clocks',
  'redis/sentinel',
];

/** Vitest's own order is by size of file where nothing was run before, as on a clean checkout. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = FIRST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return found === -1 ? FIRST.length : found;
    };
    // Files of one project stay together: only so they share their workers.
    return (await super.sort(files)).sort(
      (a, b) => b.project.name.localeCompare(a.project.name) || place(a) - place(b),
    );
  }
}

export const limits = {
  // For what hangs, far from what anything takes on a busy machine: no test is timed.
  testTimeout: 180_000,
  hookTimeout: 180_000,
  // Two more than there are cores, as some files mostly wait for other processes.
  maxWorkers: availableParallelism() + 2,
  sequence: { sequencer: LongestFirst },
} as const;

const config: ViteUserConfig = defineConfig({
  test: {
    ...limits,
    projects: projectsWithout([]),
  },
});

export default config;
