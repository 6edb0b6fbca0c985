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
  // Comments are for those who read the sources; the declarations keep theirs. Names and lines stay as they are.
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: false } },
  // No notes on which file a line came from: the package has a megabyte.
  inputOptions: { experimental: { attachDebugInfo: 'none' } },
  // The same names in each version: a test lists what is published.
  hash: false,
  logLevel: 'error',
  // What is bundled is listed below and anything else is an error; that CommonJS is not recommended is known.
  failOnWarn: false,
} as const;

/**
 * Axios has one copy of its types for `import` and one for `require`, and a CommonJS project may meet both: its own, and
 * that of an ESM dependency such as @nestjs/axios 12. `payuAuth` is declared for both, as each side brings the other.
 */
const outputOptions: Rolldown.OutputOptions = {
  postBanner: ({ fileName }) => {
    const other = { 'index.d.mts': 'index.d.cts', 'index.d.cts': 'index.d.mts' }[fileName];
    return other === undefined ? '' : `/// <reference path="./${other}" />`;
  },
};

/** Of the Redis store: redis-semaphore, without what it loads (see `mutexAlone`). */
const redisLock = ['redis-semaphore'];
/**
 * p-retry is ESM only: inside the CommonJS build it works under `require` on every Node, and in Jest. async-mutex is eight
 * files there, which cost `require` 2 ms.
 */
const retryAndLock = ['p-retry', 'is-network-error', 'async-mutex'];

export default defineConfig([
  {
    ...common,
    entry,
    dts: true,
    format: 'esm',
    outputOptions,
    inlineOnly: redisLock,
    plugins: [mutexAlone(), declaredOnce()],
  },
  {
    ...common,
    entry,
    dts: true,
    format: 'cjs',
    outputOptions,
    noExternal: retryAndLock,
    inlineOnly: [...retryAndLock, ...redisLock],
    plugins: [mutexAlone(), thirdPartyLicences()],
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

/**
 * Declarations that name no type of axios are the same for `import` and `require`: those of `import` lead to the others.
 * They were a twentieth of the package.
 */
function declaredOnce(): Rolldown.Plugin {
  return {
    name: 'declared-once',
    generateBundle(_, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk' || !chunk.fileName.endsWith('.d.mts')) continue;
        if (/^import .* from "axios"/m.test(chunk.code) || chunk.fileName === 'index.d.mts') continue;
        const name = chunk.fileName.split('/').at(-1)?.replace('.d.mts', '.cjs');
        chunk.code = `export * from "./${name}";\n`;
      }
    },
  };
}

/**
 * redis-semaphore is CommonJS. What it requires of Node.js would become `createRequire(import.meta.url)` in the ESM
 * build, and that breaks in users' bundles: esbuild's CommonJS output has no `import.meta.url`, and the usual banner of
 * its ESM output declares `createRequire` itself. So the mutex comes alone, `crypto` as an import, and in place of its
 * logger, which brings three packages and more of Node.js, one that is silent.
 */
function mutexAlone(): Rolldown.Plugin {
  const modules: Readonly<Record<string, string>> = {
    'redis-semaphore': `exports.Mutex = require('redis-semaphore/lib/RedisMutex.js').default;`,
    crypto: `export { createHash } from 'node:crypto';`,
    'node:crypto': `export { randomUUID } from 'node:crypto';`,
    debug: 'module.exports = () => () => {};',
  };
  // A name of its own: the modules above load what has the same one.
  const prefix = '\0mutex-alone:';
  return {
    name: 'mutex-alone',
    resolveId(specifier, importer) {
      const isOurs = specifier === 'redis-semaphore' || importer?.includes('/node_modules/redis-semaphore/');
      return isOurs && Object.hasOwn(modules, specifier) ? `${prefix}${specifier}` : null;
    },
    load(id) {
      return id.startsWith(prefix) ? (modules[id.slice(prefix.length)] ?? null) : null;
    },
    // What it would tell the logger, each on a line of its own.
    transform(code, id) {
      return id.includes('/node_modules/redis-semaphore/') ? code.replace(/^ *debug\(.*\);$/gm, '') : null;
    },
  };
}

/** Whose code is inside a bundle, its licence wants to be beside it. The CommonJS build has all that the other one has. */
function thirdPartyLicences(): Rolldown.Plugin {
  return {
    name: 'third-party-licences',
    generateBundle(_, bundle) {
      const modules = Object.values(bundle).flatMap((each) => (each.type === 'chunk' ? each.moduleIds : []));
      const folders = modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []);
      // Packages under the very same text are named above it together.
      const names = new Map<string, string>();
      for (const { name, text } of [...new Set(folders)].sort().map(licence)) {
        names.set(text, [...(names.get(text)?.split('\n') ?? []), name].join('\n'));
      }
      const notices = [...names].map(([text, named]) => `${named}\n\n${text}\n`);
      if (notices.length === 0) return;
      this.emitFile({
        type: 'asset',
        fileName: 'third-party-licences.txt',
        source: notices.join('\n'),
      });
    },
  };
}

function licence(folder: string): { readonly name: string; readonly text: string } {
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined) throw new Error(`${name} has no licence file`);
  return { name: `${name} ${version}`, text: readFileSync(join(folder, file), 'utf8').trim() };
}
