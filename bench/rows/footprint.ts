import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { measureInChild } from '../support/children.ts';
import { median } from '../support/paired.ts';
import { type Finding, number, type Outcome } from '../support/report.ts';

const KILOBYTE = 1_024;
const MOST_UNPACKED_BYTES = KILOBYTE * KILOBYTE;

/** What the package costs before its first call: time to load, size in a bundle. */
export async function footprint(loads: number): Promise<Outcome> {
  const bundle = await bundled();
  const unpackedBytes = unpacked();
  return {
    findings: [
      await loading('import', 'import-time.mjs', loads),
      await loading('require', 'require-time.cjs', loads),
      {
        id: 'package',
        what: 'the package, unpacked',
        budget: '≤ 1,048,576 bytes',
        measured: `${number.format(unpackedBytes)} bytes`,
        isMet: unpackedBytes <= MOST_UNPACKED_BYTES,
      },
    ],
    asides: [
      {
        title: 'What a bundle consists of',
        text: `With its dependencies, without axios: ${(bundle.bytes / KILOBYTE).toFixed(1)} kB min+gzip. Its parts, minified, before compression:`,
        table: {
          head: ['package', 'kB'],
          rows: bundle.parts.map(([name, bytes]) => [name, (bytes / KILOBYTE).toFixed(1)]),
        },
      },
    ],
  };
}

async function loading(how: 'import' | 'require', script: string, loads: number): Promise<Finding> {
  const times: number[] = [];
  await measureInChild(script); // once for the disk cache
  for (let i = 0; i < loads; i++) {
    times.push((await measureInChild<{ milliseconds: number }>(script)).milliseconds);
  }
  const best = Math.min(...times);
  return {
    id: how,
    what:
      how === 'import' ? "import 'axios-payu-auth' beyond axios" : "require('axios-payu-auth') beyond axios",
    budget: '≤ 10 ms',
    measured: `${best.toFixed(1)} ms at best, ${median(times).toFixed(1)} in the middle`,
    // The work is the same each time: whatever is added to the best of it, others of this machine have added.
    isMet: best <= 10,
  };
}

function unpacked(): number {
  const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(packed)[0].unpackedSize;
}

async function bundled(): Promise<{ bytes: number; parts: readonly [string, number][] }> {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: "export { createPayuAuth } from 'axios-payu-auth';",
      resolveDir: fileURLToPath(new URL('..', import.meta.url)),
    },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['axios'],
    write: false,
    metafile: true,
  });
  const sizes = new Map<string, number>();
  for (const output of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
      const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? 'axios-payu-auth';
      sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput);
    }
  }
  const code = outputFiles[0]?.contents ?? new Uint8Array();
  return {
    bytes: gzipSync(code, { level: 9 }).length,
    parts: [...sizes].filter(([, bytes]) => bytes > 0).sort(([, a], [, b]) => b - a),
  };
}
