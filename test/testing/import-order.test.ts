import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const PROGRAM = join(import.meta.dirname, 'programs/import-order.ts');

/** What the docstring of `mockPayu` tells about fetch and old versions of axios. */
test.each([
  // It captures fetch when it is imported, and so nock's only if that is there by then.
  ['axios-1.12', 'axios-first', 'Network Error'],
  ['axios-1.12', 'kit-first', '200'],
  ['axios-1.16', 'axios-first', '200'],
  ['axios', 'axios-first', '200'],
])('%s by fetch, %s: %s', async (version, order, outcome) => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    PROGRAM,
    version,
    order,
  ]);
  expect(stdout).toBe(outcome);
});
