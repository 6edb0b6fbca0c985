import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { describe, expect, inject, test } from 'vitest';
import { ROOT } from './support/tarball.ts';

const { tarball } = inject('packed');

interface Analysis {
  readonly analysis: {
    readonly entrypoints: Readonly<
      Record<string, { readonly resolutions: Readonly<Record<string, { readonly resolution?: object }>> }>
    >;
  };
  readonly problems: object;
}

describe('how the package is found', () => {
  test('publint has nothing to say, suggestions included', async () => {
    const { buffer, byteOffset, byteLength } = readFileSync(tarball);
    const pack = { tarball: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer };
    const { messages } = await publint({ pack, strict: true, level: 'suggestion' });
    expect(messages).toEqual([]);
  });

  test('types and code are found by node10, node16 from CommonJS and ESM, and bundlers', () => {
    const attw = join(ROOT, 'node_modules/.bin/attw');
    // A problem makes it exit with 1, which throws.
    const report: Analysis = JSON.parse(
      execFileSync(attw, [tarball, '--format', 'json'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }),
    );
    expect(report.problems).toEqual({});
    const found = Object.entries(report.analysis.entrypoints).map(([name, { resolutions }]) => [
      name,
      Object.keys(resolutions).filter((kind) => resolutions[kind]?.resolution !== undefined),
    ]);
    const everywhere = ['node10', 'node16-cjs', 'node16-esm', 'bundler'];
    expect(found).toEqual(
      ['.', './sandbox', './testing', './redis', './package.json'].map((name) => [name, everywhere]),
    );
  });
});
