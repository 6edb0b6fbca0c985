import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts';

const SCENARIOS = ['http, at once', 'http, on its way', 'fetch, at once', 'fetch, on its way'];

test('a process that stands still for longer than "tokenTimeoutMs" hears the answer to its refresh (T2)', async () => {
  const sandboxes: Record<string, Sandbox> = {};
  for (const name of SCENARIOS) {
    // The old pair is dead at once: an answer that is thrown away can't be had twice.
    const sandbox = await startSandbox({ refreshRotation: 'immediate' });
    onTestFinished(() => sandbox.close());
    sandbox.fail({ share: 1 }, { kind: 'latency', ms: 100 });
    sandboxes[name] = sandbox;
  }
  const file = fileURLToPath(new URL('./processes/blocked.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    file,
    JSON.stringify(sandboxes),
  ]);
  expect(JSON.parse(stdout)).toEqual(Object.fromEntries(SCENARIOS.map((name) => [name, 'refreshed'])));
  for (const sandbox of Object.values(sandboxes)) {
    expect(sandbox.stats().tokenRequestsByGrant).toEqual({ password: 1, refresh_token: 1 });
  }
});
