import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

export const ROOT: string = join(import.meta.dirname, '../../..');

/** What `npm pack` says of the package. */
export interface Packed {
  /** Path of the tarball. */
  readonly tarball: string;
  readonly files: readonly { readonly path: string; readonly mode: number; readonly size: number }[];
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly packed: Packed;
    /** A folder for whatever the tests install; gone after them. */
    readonly workshop: string;
  }
}

/** Packs what was built just before, once for all tests. */
// biome-ignore lint/style/noDefaultExport: vitest looks for it there.
export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'axios-payu-auth-package-'));
  // Without scripts: `prepack` would build again.
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [report] = JSON.parse(
    execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  );
  project.provide('packed', { tarball: join(folder, report.filename), files: report.files });
  project.provide('workshop', folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
