import { join } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { MAJORS } from './support/node-versions.ts';
import { type Project, project } from './support/project.ts';

/** Parts of axios are CommonJS, and call `require`. */
const REQUIRE =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

const bundleOf = (program: string): string => join(inject('workshop'), 'bundled', program);

describe('a bundle of esbuild, axios included', () => {
  let user: Project;
  beforeAll(async () => {
    user = await project(['axios']);
    user.add('scenario.mjs', 'scenario.cjs');
    for (const [source, format] of [
      ['scenario.mjs', 'esm'],
      ['scenario.cjs', 'cjs'],
    ] as const) {
      await build({
        entryPoints: [join(user.folder, source)],
        // Elsewhere: nothing of the project's node_modules is in reach.
        outfile: bundleOf(source),
        absWorkingDir: user.folder,
        bundle: true,
        minify: true,
        platform: 'node',
        target: 'node20.19',
        format,
        ...(format === 'esm' && { banner: { js: REQUIRE } }),
        logLevel: 'error',
      });
    }
  });

  test.each(
    MAJORS.flatMap(
      (major) =>
        [
          [major, 'scenario.mjs'],
          [major, 'scenario.cjs'],
        ] as const,
    ),
  )('runs on Node.js %i: %s', async (major, program) => {
    const path = bundleOf(program);
    expect(await user.run(inject('nodes')[major], path)).toEqual({ code: 0, stdout: 'well\n', stderr: '' });
  });
});
