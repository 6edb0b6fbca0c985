import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { ROOT } from './support/tarball.ts';

const entry = (name: string): readonly string[] =>
  ['cjs', 'mjs'].flatMap((format) => [
    `dist/${name}.${format}`,
    `dist/${name}.${format}.map`,
    `dist/${name}.d.${format.replace('js', 'ts')}`,
  ]);

/** What is published, no more and no less. */
const PUBLISHED: readonly string[] = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'package.json',
  // What README.md links to.
  'docs/errors.md',
  'docs/fleet-simulation.svg',
  'docs/fleet.md',
  'docs/recipes.md',
  'examples/pino.ts',
  'examples/prom-client.ts',
  ...entry('index'),
  ...entry('redis/index'),
  ...entry('sandbox/index'),
  ...entry('testing/index'),
  'dist/cli/bin.mjs',
  'dist/cli/bin.mjs.map',
  // Helpers of CommonJS, and types that entry points share.
  'dist/chunk.cjs',
  'dist/token-store.d.cts',
  'dist/token-store.d.mts',
  'dist/third-party-licences.cjs.txt',
  'dist/third-party-licences.mjs.txt',
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

  test('stays below 1.1 MB unpacked, source maps apart', () => {
    const bytes = files.filter(({ path }) => !path.endsWith('.map')).reduce((sum, { size }) => sum + size, 0);
    expect(bytes).toBeLessThan(1_100_000);
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

  const code = paths.filter((path) => /\.[cm]js$/.test(path) && path !== 'dist/chunk.cjs');
  test.each(code)('%s has a source map that holds its sources, all of them relative', (path) => {
    const file = join(ROOT, path);
    const name = /\/\/# sourceMappingURL=(\S+)\s*$/.exec(readFileSync(file, 'utf8'))?.[1] ?? 'none';
    const map = JSON.parse(readFileSync(join(dirname(file), name), 'utf8'));
    expect(map.sources.length).toBeGreaterThan(0);
    expect(map.sourcesContent).toHaveLength(map.sources.length);
    expect(map.sourcesContent.every((text: unknown) => typeof text === 'string')).toBe(true);
    expect(map.sources.filter((source: string) => !source.startsWith('../'))).toEqual([]);
  });

  test.each(['cjs', 'mjs'])('the licence of each package inside the %s bundles is with them', (format) => {
    const notices = readFileSync(join(ROOT, `dist/third-party-licences.${format}.txt`), 'utf8');
    const inside = code
      .filter((path) => path.endsWith(format))
      .flatMap((path) => JSON.parse(readFileSync(join(ROOT, `${path}.map`), 'utf8')).sources as string[])
      .flatMap((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []);
    expect(inside.length).toBeGreaterThan(0);
    for (const name of new Set(inside)) expect(notices).toMatch(new RegExp(`^${name} \\d`, 'm'));
  });

  test('brings no scripts that would run at its installation', () => {
    const names = ['preinstall', 'install', 'postinstall'];
    expect(names.filter((name) => name in manifest.scripts)).toEqual([]);
  });

  test('names no runtime dependency that its code does not load', () => {
    const esm = code
      .filter((path) => path.endsWith('.mjs'))
      .map((path) => readFileSync(join(ROOT, path), 'utf8'))
      .join();
    for (const name of Object.keys(manifest.dependencies)) expect(esm).toContain(`from "${name}"`);
  });
});
