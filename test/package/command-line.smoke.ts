import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { MAJORS } from './support/node-versions.ts';
import { type Project, project } from './support/project.ts';
import { ROOT } from './support/tarball.ts';

describe('the command line, installed from the tarball', () => {
  let user: Project;
  let bin: string;
  beforeAll(async () => {
    user = await project(['axios']);
    bin = join(user.folder, 'node_modules/.bin/axios-payu-auth');
  });

  test('npx finds it', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(await user.run('npx', '--no-install', 'axios-payu-auth', '--version')).toMatchObject({
      code: 0,
      stdout: `${version}\n`,
    });
  });

  test('the demo runs with nothing installed but the package and axios', async () => {
    const { code, stdout, stderr } = await user.run('npx', '--no-install', 'axios-payu-auth', 'demo');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.match(/ yes$/gm)).toHaveLength(4);
  });

  describe.each(MAJORS)('on Node.js %i', (major) => {
    async function sandbox(): Promise<{ readonly child: ChildProcess; readonly env: NodeJS.ProcessEnv }> {
      const child = spawn(inject('nodes')[major], [bin, 'sandbox', '--json'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
      const { tokenUrl, clientId, clientSecret } = JSON.parse(line);
      return {
        child,
        env: {
          PAYU_TOKEN_URL: tokenUrl,
          PAYU_CLIENT_ID: clientId,
          PAYU_CLIENT_SECRET: clientSecret,
          PAYU_SCOPE: 'create_payout_transactions',
        },
      };
    }

    async function command(
      name: string,
      flags: readonly string[],
      env: NodeJS.ProcessEnv,
    ): Promise<{ code: number; stdout: string }> {
      const child = spawn(inject('nodes')[major], [bin, name, ...flags], {
        env,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const text: string[] = [];
      child.stdout.setEncoding('utf8').on('data', (part: string) => text.push(part));
      const [code] = await once(child, 'close');
      return { code, stdout: text.join('') };
    }

    test('token and doctor against the sandbox, which ends with 0 at SIGTERM and at SIGINT', async () => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        const { child, env } = await sandbox();
        expect(await command('token', ['--show-token'], env)).toMatchObject({
          code: 0,
          stdout: expect.stringMatching(/^\S+\n$/),
        });
        expect(await command('doctor', [], env)).toMatchObject({
          code: 0,
          stdout: expect.stringMatching(/All is well\.\n$/),
        });
        const wrong = { ...env, PAYU_CLIENT_SECRET: 'wrong-one' };
        expect(await command('doctor', [], wrong)).toMatchObject({
          code: 1,
          stdout: expect.stringMatching(/\n1 thing to mend\.\n$/),
        });
        expect(await command('doctor', [], {})).toEqual({ code: 2, stdout: '' });
        const closed = once(child, 'close');
        child.kill(signal);
        expect(await closed).toEqual([0, null]);
      }
    });
  });
});
