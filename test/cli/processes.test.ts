import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts';
import { type Env, envOf } from './support.ts';

const BIN = fileURLToPath(new URL('../../src/cli/bin.ts', import.meta.url));

/** The command line as a process of its own, with these variables and no other. */
function start(args: readonly string[], env: Env, stdout: 'pipe' | number = 'pipe'): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', BIN, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', stdout, 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

async function ended(child: ChildProcess): Promise<Ended> {
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, stderr };
}

/** A sandbox that rotates at once, variables with a refresh token of it, and the file for the next one. */
async function withRefreshToken(): Promise<{ sandbox: Sandbox; env: Env; file: string; old: string }> {
  const sandbox = await startSandbox({ refreshRotation: 'immediate' });
  const folder = await mkdtemp(join(tmpdir(), 'payu-cli-'));
  onTestFinished(async () => {
    await sandbox.close();
    await rm(folder, { recursive: true });
  });
  const { refreshToken: old } = sandbox.issueToken({ clientId: sandbox.clientId });
  const file = join(folder, 'refresh-token');
  await writeFile(file, `${old}\n`);
  return { sandbox, env: { ...envOf(sandbox), PAYU_REFRESH_TOKEN: old }, file, old };
}

/** Whether the file holds the refresh token that is in force. */
async function isInForce(file: string, { environment, clientId, clientSecret }: Sandbox): Promise<boolean> {
  const form = {
    grant_type: 'refresh_token',
    refresh_token: (await readFile(file, 'utf8')).trim(),
    client_id: clientId,
    client_secret: clientSecret,
  };
  const { ok } = await fetch(environment.tokenUrl, { method: 'POST', body: new URLSearchParams(form) });
  return ok;
}

describe('a reader that has had enough', { timeout: 60_000 }, () => {
  test.each(['token', 'doctor'])('%s: the refresh token is written all the same', async (command) => {
    const { sandbox, env, file } = await withRefreshToken();
    const child = start([command, '--save-refresh-token', file], env);
    child.stdout?.destroy();
    expect(await ended(child)).toEqual({ code: 0, signal: null, stderr: '' });
    expect(await isInForce(file, sandbox)).toBe(true);
  });

  test.each([['demo'], ['--help']])('%s: no word of it, and the exit code as ever', async (...args) => {
    const child = start(args, {});
    child.stdout?.destroy();
    expect(await ended(child)).toEqual({ code: 0, signal: null, stderr: '' });
  });
});

test.runIf(process.platform === 'linux')(
  'a disk that is full: 1, as nobody got the token',
  { timeout: 60_000 },
  async () => {
    const sandbox = await startSandbox();
    const full = openSync('/dev/full', 'w');
    onTestFinished(async () => {
      closeSync(full);
      await sandbox.close();
    });
    const child = start(['token', '--show-token'], envOf(sandbox), full);
    expect(await ended(child)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('The output can not be written: ENOSPC'),
    });
  },
);

describe('a signal while a refresh is under way', { timeout: 60_000 }, () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s: the refresh token is written first',
    async (signal) => {
      const { sandbox, env, file } = await withRefreshToken();
      const hold = sandbox.hold('token');
      const child = start(['token', '--save-refresh-token', file], env);
      const end = ended(child);
      await Promise.race([hold.waitFor(1), end]);
      child.kill(signal);
      await Promise.race([once(child.stderr as never, 'data'), end]);
      hold.release();
      expect(await end).toMatchObject({ code: 0, stderr: expect.stringContaining(`${signal}: `) });
      expect(await isInForce(file, sandbox)).toBe(true);
    },
  );

  test('a second one ends it; what is left behind is named by the next run', async () => {
    const { sandbox, env, file, old } = await withRefreshToken();
    const hold = sandbox.hold('token');
    const child = start(['token', '--save-refresh-token', file], env);
    const end = ended(child);
    await Promise.race([hold.waitFor(1), end]);
    child.kill('SIGINT');
    await Promise.race([once(child.stderr as never, 'data'), end]);
    child.kill('SIGINT');
    expect(await end).toMatchObject({ signal: 'SIGINT' });
    expect(readFileSync(file, 'utf8').trim()).toBe(old);
    const next = await ended(start(['token', '--save-refresh-token', file], env));
    expect(next).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`"${file}.new" is there already`),
    });
  });
});
