import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { ended, type Project, project } from './support/project.ts';

/** A bundle holds the same code on each Node.js: the oldest and the newest are enough. */
const ENDS = [20, 26] as const;

const WELL = { code: 0, stdout: 'well\n', stderr: '' };

/** Parts of axios are CommonJS, and call `require`: so everybody has this banner in ESM bundles. */
const USUAL_BANNER =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/** What deployment tools for functions write above their ESM bundles. */
const SERVERLESS_BANNER = [
  "import { createRequire } from 'module';",
  "import path from 'path';",
  "import { fileURLToPath } from 'url';",
  'const require = createRequire(import.meta.url);',
  'const __filename = fileURLToPath(import.meta.url);',
  'const __dirname = path.dirname(__filename);',
].join('\n');

interface Output {
  readonly source: string;
  readonly format: 'esm' | 'cjs';
  readonly banner?: string;
  readonly minify?: true;
  /** In the project, node_modules in reach; else alone, as in a function's archive. */
  readonly where: 'alone' | 'in the project';
}

const OUTPUTS: Readonly<Record<string, Output>> = {
  'ESM, minified': {
    source: 'scenario.mjs',
    format: 'esm',
    banner: USUAL_BANNER,
    minify: true,
    where: 'alone',
  },
  'CommonJS, minified': { source: 'scenario.cjs', format: 'cjs', minify: true, where: 'alone' },
  'every entry point, CommonJS from import': { source: 'every.mjs', format: 'cjs', where: 'alone' },
  'every entry point, CommonJS from import, nock beside': {
    source: 'every.mjs',
    format: 'cjs',
    where: 'in the project',
  },
  'every entry point, ESM': { source: 'every.mjs', format: 'esm', banner: USUAL_BANNER, where: 'alone' },
  'every entry point, ESM, nock beside': {
    source: 'every.mjs',
    format: 'esm',
    banner: USUAL_BANNER,
    where: 'in the project',
  },
  "every entry point, ESM, a serverless tool's banner": {
    source: 'every.mjs',
    format: 'esm',
    banner: SERVERLESS_BANNER,
    minify: true,
    where: 'alone',
  },
};

describe('a bundle of esbuild, axios and the Redis client included', () => {
  let user: Project;
  beforeAll(async () => {
    user = await project(['axios', 'nock@14', 'redis@5']);
    user.add('scenario.mjs', 'scenario.cjs', 'every.mjs');
    await Promise.all(Object.values(OUTPUTS).map(bundled));
  });

  function pathOf(output: Output): string {
    const folder = output.where === 'alone' ? join(inject('workshop'), 'bundled') : user.folder;
    const name = Object.values(OUTPUTS).indexOf(output);
    return join(folder, `bundle-${name}.${output.format === 'esm' ? 'mjs' : 'cjs'}`);
  }

  async function bundled(output: Output): Promise<void> {
    const { source, format, banner, minify = false } = output;
    await build({
      entryPoints: [join(user.folder, source)],
      outfile: pathOf(output),
      absWorkingDir: user.folder,
      bundle: true,
      minify,
      platform: 'node',
      target: 'node20.19',
      format,
      ...(banner !== undefined && { banner: { js: banner } }),
      logLevel: 'error',
    });
  }

  test.each(ENDS.flatMap((major) => Object.keys(OUTPUTS).map((title) => [major, title] as const)))(
    'runs on Node.js %i: %s',
    async (major, title) => {
      const output = OUTPUTS[title] as Output;
      const nock = output.where === 'alone' ? 'without-nock' : 'with-nock';
      const path = pathOf(output);
      // From its own folder: a CommonJS bundle of ES modules looks for nock from there.
      expect(await ended(inject('nodes')[major], [path, nock], dirname(path))).toEqual(WELL);
    },
  );
});
