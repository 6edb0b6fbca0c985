import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Rolldown } from 'tsdown';

const entry = {
  index: 'src/index.ts',
  'sandbox/index': 'src/sandbox/index.ts',
  'testing/index': 'src/testing/index.ts',
  'redis/index': 'src/redis/index.ts',
};
const common = {
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  // The same names in each version: a test lists what is published.
  hash: false,
  logLevel: 'error',
  // What is bundled is listed below and anything else is an error; that CommonJS is not recommended is known.
  failOnWarn: false,
} as const;

/** Of the Redis store: redis-semaphore, and what it loads. */
const redisLock = ['redis-semaphore', 'debug', 'ms', 'supports-color', 'has-flag'];
/** p-retry is ESM only: inside the CommonJS build it works under `require` on every Node, and in Jest. */
const retry = ['p-retry', 'is-network-error'];

export default defineConfig([
  { ...common, entry, dts: true, format: 'esm', inlineOnly: redisLock, plugins: [thirdPartyLicences()] },
  {
    ...common,
    entry,
    dts: true,
    format: 'cjs',
    noExternal: retry,
    inlineOnly: [...retry, ...redisLock],
    plugins: [thirdPartyLicences()],
  },
  {
    ...common,
    entry: { 'cli/bin': 'src/cli/bin.ts' },
    dts: false,
    format: 'esm',
    inlineOnly: [],
    plugins: [entryPointsBeside()],
  },
]);

/** The command line uses the package as it is built, and no copy of it. */
function entryPointsBeside(): Rolldown.Plugin {
  const sources = new Map(
    Object.entries(entry).map(([name, source]) => [join(import.meta.dirname, source), name]),
  );
  return {
    name: 'entry-points-beside',
    resolveId(specifier, importer) {
      if (importer === undefined || !specifier.startsWith('.')) return null;
      const name = sources.get(join(importer, '..', specifier));
      return name === undefined ? null : { id: `../${name}.mjs`, external: 'relative' };
    },
  };
}

/** Whose code is inside a bundle, its licence wants to be beside it. */
function thirdPartyLicences(): Rolldown.Plugin {
  return {
    name: 'third-party-licences',
    generateBundle({ format }, bundle) {
      const modules = Object.values(bundle).flatMap((each) => (each.type === 'chunk' ? each.moduleIds : []));
      const folders = modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []);
      const notices = [...new Set(folders)].sort().map(notice);
      if (notices.length === 0) return;
      this.emitFile({
        type: 'asset',
        fileName: `third-party-licences.${format === 'cjs' ? 'cjs' : 'mjs'}.txt`,
        source: notices.join('\n'),
      });
    },
  };
}

function notice(folder: string): string {
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined) throw new Error(`${name} has no licence file`);
  return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
}
