import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { certificatePath } from './certificate.ts';

const run = promisify(execFile);

/** Runs a script of `bench/children` to its end, and reads the JSON that it prints. */
export async function measureInChild<T>(
  script: string,
  options: { readonly nodeArguments?: readonly string[]; readonly scriptArguments?: readonly string[] } = {},
): Promise<T> {
  const path = pathOf(script);
  const loader = path.endsWith('.ts') ? ['--import', 'tsx'] : [];
  const { stdout } = await run(
    process.execPath,
    [...loader, ...(options.nodeArguments ?? []), path, ...(options.scriptArguments ?? [])],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: certificatePath } },
  );
  return JSON.parse(stdout) as T;
}

/** A server in a process of its own, so that it does not share the event loop with those who are measured. */
export interface ServerProcess<T> {
  /** What it said when it was ready. */
  readonly ready: T;
  stop(): Promise<void>;
}

export async function startServer<T>(
  script: string,
  scriptArguments: readonly string[] = [],
): Promise<ServerProcess<T>> {
  const child: ChildProcess = fork(pathOf(script), scriptArguments, { execArgv: ['--import', 'tsx'] });
  const failed = once(child, 'exit').then(() => {
    throw new Error(`"${script}" ended before it was ready.`);
  });
  const [ready] = (await Promise.race([once(child, 'message'), failed])) as [T];
  failed.catch(() => {});
  return {
    ready,
    async stop() {
      const exit = once(child, 'exit');
      child.disconnect();
      await exit;
    },
  };
}

function pathOf(script: string): string {
  return fileURLToPath(new URL(`../children/${script}`, import.meta.url));
}
