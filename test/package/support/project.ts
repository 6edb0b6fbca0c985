import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';

const PROGRAMS = join(import.meta.dirname, '../programs');
const execute = promisify(execFile);

/** What a program came to. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A fresh folder in which a user has installed the packed package. */
export interface Project {
  readonly folder: string;
  /** Copies a file of `programs` into it. */
  add(...names: readonly string[]): void;
  write(name: string, text: string): void;
  run(program: string, ...args: readonly string[]): Promise<Ended>;
}

/** Makes a project with the packed package and these others from the registry. */
export async function project(
  packages: readonly string[],
  manifest: Readonly<Record<string, unknown>> = {},
): Promise<Project> {
  const folder = mkdtempSync(join(inject('workshop'), 'project-'));
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  write('package.json', JSON.stringify({ name: 'a-user', version: '1.0.0', private: true, ...manifest }));
  // Without scripts: the packages of a user's project need none of them here.
  const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts', '--loglevel=error'];
  const installed = await ended('npm', ['install', ...flags, inject('packed').tarball, ...packages], folder);
  if (installed.code !== 0) throw new Error(`npm install failed:\n${installed.stderr}`);
  return {
    folder,
    add(...names) {
      for (const name of names) cpSync(join(PROGRAMS, name), join(folder, name));
    },
    write,
    run: (program, ...args) => ended(program, args, folder),
  };
}

/** A user's surroundings: without the variables of npm and vitest, and with the program's own folder first in PATH. */
function surroundings(program: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|VITEST|VITE_|NODE_ENV|NODE_OPTIONS|TEST$)/i.test(name),
  );
  const env = Object.fromEntries(kept);
  const own = program.includes('/') ? `${dirname(program)}${delimiter}` : '';
  return { ...env, PATH: `${own}${env.PATH ?? ''}`, NO_COLOR: '1' };
}

export async function ended(program: string, args: readonly string[], cwd: string): Promise<Ended> {
  try {
    const options = { cwd, env: surroundings(program), timeout: 120_000, maxBuffer: 16 * 1024 * 1024 };
    const { stdout, stderr } = await execute(program, args, options);
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout = '', stderr = '', message } = error as Partial<Ended> & Error;
    return { code: typeof code === 'number' ? code : -1, stdout, stderr: stderr || message };
  }
}
