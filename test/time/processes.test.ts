import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts';
import type { Place } from './processes/client.ts';

/** Runs a script with a sandbox for each scenario; resolves when the process has ended by itself. */
async function run(
  script: string,
  scenarios: Readonly<Record<string, (sandbox: Sandbox) => void>>,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const places: Record<string, Place> = {};
  for (const [scenario, prepare] of Object.entries(scenarios)) {
    const sandbox = await startSandbox();
    onTestFinished(() => sandbox.close());
    prepare(sandbox);
    const { url, environment, clientId, clientSecret } = sandbox;
    places[scenario] = { url, environment, clientId, clientSecret };
  }
  const file = fileURLToPath(new URL(`./processes/${script}.ts`, import.meta.url));
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--import', 'tsx', file, JSON.stringify(places)],
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
    onTestFinished(() => void child.kill('SIGKILL'));
  });
}

/** Answers what is held as soon as it has come. */
function answerHeld(sandbox: Sandbox, kind: 'token'): void {
  const hold = sandbox.hold(kind);
  void hold.waitFor(1).then(
    () => setImmediate(() => hold.release()),
    () => {},
  );
}

describe('a process', { timeout: 120_000 }, () => {
  test('is kept alive by each wait that somebody awaits', async () => {
    const scenarios: Record<string, (sandbox: Sandbox) => void> = {
      'a token request': (sandbox) => answerHeld(sandbox, 'token'),
      'a cool-down of the token endpoint': (sandbox) => sandbox.rateLimit(1, { retryAfter: 0.2 }),
      'a back-off between two tries': (sandbox) => sandbox.fail(2, { kind: 'status', status: 502 }),
      'a rate limit of the API': (sandbox) => sandbox.rateLimit(1, { on: 'api', retryAfter: 0.2 }),
      'the renewal of a refused token': (sandbox) => {
        sandbox.fail(1, { kind: 'oauth-error', error: 'invalid_token', status: 401 }, { on: 'api' });
      },
    };
    const { code, stdout, stderr } = await run('awaited', scenarios);
    expect({ stderr, code, lines: stdout.trim().split('\n') }).toEqual({
      stderr: '',
      code: 0,
      lines: Object.keys(scenarios),
    });
  });

  test('ends by itself while renewals, pauses and given-up waits of an hour are left, and no timer is ours', async () => {
    const { code, stdout, stderr } = await run('unawaited', {
      'a renewal that hangs': (sandbox) => sandbox.fail({ share: 1 }, { kind: 'hang' }),
      'a renewal that is limited': (sandbox) => sandbox.rateLimit(9, { retryAfter: 3_600 }),
      'a pause': (sandbox) => sandbox.fail({ share: 1 }, { kind: 'status', status: 502 }),
      'a cool-down that was given up': (sandbox) => sandbox.rateLimit(9, { retryAfter: 3_600 }),
      'an abort in a cool-down': (sandbox) => sandbox.rateLimit(9, { retryAfter: 60 }),
      'an abort in a rate limit of the API': (sandbox) => sandbox.rateLimit(9, { on: 'api', retryAfter: 60 }),
    });
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    expect(JSON.parse(stdout)).toEqual({
      outcomes: {
        // The made-up token is refused; what counts is that the call did not wait for the renewal.
        'a renewal that hangs': 401,
        'a renewal that is limited': 401,
        'a pause': 'ERR_TOKEN_UNAVAILABLE',
        'a cool-down that was given up': 'ERR_RATE_LIMITED',
        'an abort in a cool-down': 'ERR_CANCELED',
        'an abort in a rate limit of the API': 'ERR_CANCELED',
      },
      timers: [],
    });
  });
});
