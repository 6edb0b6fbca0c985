import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { ROOT } from './support/tarball.ts';

const entry = (name: string): readonly string[] =>
  ['cjs', 'mjs'].flatMap((format) => [
    `dist/${name}.${format}`,
    `dist/${name}.d.${format.replace('js', 'ts')}`,
  ]);

/** What is published, no more and no less. */
const PUBLISHED: readonly string[] = [
  'LICENSE',
  'README.md',
  'package.json',
  // What README.md links to.
  'docs/comparison.md',
  'docs/differences.md',
  'docs/errors.md',
  'docs/fleet-simulation.svg',
  'docs/fleet.md',
  'docs/how-it-works.md',
  'docs/migrating.md',
  'docs/payments.md',
  'docs/recipes.md',
  'docs/reference.md',
  'examples/opentelemetry.ts',
  'examples/payment-links-client.ts',
  'examples/payouts-client.ts',
  'examples/pino.ts',
  'examples/prom-client.ts',
  ...entry('index'),
  ...entry('redis/index'),
  ...entry('sandbox/index'),
  ...entry('testing/index'),
  'dist/cli/bin.mjs',
  // Helpers of CommonJS, and what entry points share: rules of errors, JSON and time, and types.
  'dist/chunk.cjs',
  'dist/clock.cjs',
  'dist/clock.mjs',
  'dist/token-store.d.cts',
  'dist/token-store.d.mts',
  'dist/third-party-licences.txt',
];

const { files } = inject('packed');
const paths = files.map(({ path }) => path);
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** The text values of an object, at any depth. */
function texts(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}

describe('the packed package', () => {
  test('holds exactly what is listed', () => {
    expect([...paths].sort()).toEqual([...PUBLISHED].sort());
  });

  test('holds every file that package.json points to', () => {
    const { main, module, types, exports, bin, typesVersions } = manifest;
    const targets = texts([main, module, types, exports, bin, typesVersions]).map((path) =>
      path.replace('./', ''),
    );
    expect(targets.length).toBeGreaterThan(20);
    expect(targets.filter((path) => !paths.includes(path))).toEqual([]);
  });

  test('its documents link to nothing that is not in it', () => {
    const links = paths
      .filter((path) => path.endsWith('.md'))
      .flatMap((path) =>
        [...readFileSync(join(ROOT, path), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(
          ([, to = '']) => join(dirname(path), to),
        ),
      );
    expect(links.length).toBeGreaterThan(10);
    expect([...new Set(links)].filter((to) => !paths.includes(to))).toEqual([]);
  });

  test('takes 1 MB at most, unpacked', () => {
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    process.stdout.write(`size: the package unpacked: ${bytes} bytes\n`);
    expect(bytes).toBeLessThanOrEqual(1_048_576);
  });

  test('can be started: the command line has its first line, and its right to run', () => {
    const text = readFileSync(join(ROOT, manifest.bin['axios-payu-auth']), 'utf8');
    expect(text.split('\n')[0]).toBe('#!/usr/bin/env node');
    expect((files.find(({ path }) => path === 'dist/cli/bin.mjs')?.mode ?? 0) & 0o111).toBe(0o111);
  });

  test('the command line uses the package, and holds no copy of it', () => {
    const text = readFileSync(join(ROOT, 'dist/cli/bin.mjs'), 'utf8');
    expect(text).toContain('from "../index.mjs"');
    expect(text).toContain('from "../sandbox/index.mjs"');
    expect(text).not.toContain('class TokenSource');
  });

  const code = paths.filter((path) => /\.[cm]js$/.test(path));
  test.each(paths.filter((path) => /\.[cm][jt]s$/.test(path)))(
    '%s names no source map: none is shipped',
    (path) => {
      expect(readFileSync(join(ROOT, path), 'utf8')).not.toContain('sourceMappingURL');
    },
  );

  test.each(code.filter((path) => path.endsWith('.mjs') && !path.includes('/cli/')))(
    '%s can be put into any bundle: it asks for no module by a name that banners declare',
    (path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      // esbuild's usual banners for ESM, and what serverless tools add to them.
      const declared = ['createRequire', 'require', 'path', 'fileURLToPath', '__filename', '__dirname'];
      const imported = [...text.matchAll(/^import ([^'"]+) from/gm)].flatMap(
        ([, clause = '']) => clause.replaceAll(/\w+ as /g, '').match(/\w+/g) ?? [],
      );
      // What entry points share may import nothing.
      if (path.endsWith('index.mjs')) expect(imported.length).toBeGreaterThan(0);
      expect(imported.filter((name) => declared.includes(name))).toEqual([]);
    },
  );

  // The build fails where it would bundle another one.
  test('the licence of each package inside the bundles is with them', () => {
    const notices = readFileSync(join(ROOT, 'dist/third-party-licences.txt'), 'utf8');
    const inside = [...notices.matchAll(/^([\w@/-]+) \d+\.\d+\.\d+$/gm)].map(([, name]) => name);
    expect(inside).toEqual(['async-mutex', 'is-network-error', 'p-retry', 'redis-semaphore']);
    // is-network-error and p-retry are one author's, under one text.
    expect(notices.match(/permission is hereby granted/gi)).toHaveLength(3);
  });

  test('brings no scripts that would run at its installation', () => {
    // npm 11 warns of `prepare` where the tarball is installed from a file: in a clone, `postprepare` builds.
    const names = ['preinstall', 'install', 'postinstall', 'prepare'];
    expect(names.filter((name) => name in manifest.scripts)).toEqual([]);
  });

  test('refuses no installation for what a project has for something else', () => {
    const { axios, ...optional } = manifest.peerDependencies;
    expect(Object.keys(manifest.peerDependenciesMeta).sort()).toEqual(Object.keys(optional).sort());
    // Which version serves is looked at where it is used, and told in words there.
    expect([...new Set(Object.values(optional))]).toEqual(['*']);
  });

  test('says of each dependency that brings scripts whether they may run: npm 11 warns of all others', () => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
    const withScripts = Object.keys(packages).filter((path) => packages[path].hasInstallScript);
    const names = withScripts.map((path) => path.replace(/^.*node_modules\//, ''));
    expect(names.filter((name) => !(name in manifest.allowScripts) && name !== 'fsevents')).toEqual([]);
  });

  test('names no runtime dependency that its code does not load', () => {
    const esm = code
      .filter((path) => path.endsWith('.mjs'))
      .map((path) => readFileSync(join(ROOT, path), 'utf8'))
      .join();
    for (const name of Object.keys(manifest.dependencies)) expect(esm).toContain(`from "${name}"`);
  });
});
