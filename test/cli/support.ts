import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { main } from '../../src/cli/main.ts';
import type { ExitCode } from '../../src/cli/surroundings.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/index.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export interface Ran {
  readonly code: ExitCode;
  /** Lines of stdout, and of stderr. */
  readonly out: readonly string[];
  readonly err: readonly string[];
}

export const NOW: number = Date.UTC(2026, 0, 1, 12);

/** Runs the command line in this process, with these variables and no other. */
export async function run(
  args: readonly string[],
  env: Env = {},
  surroundings: Partial<Parameters<typeof main>[1]> = {},
): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(args, {
    env,
    now: () => Date.now(),
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    askedToStop: async () => 'SIGTERM',
    finishFirst: () => {},
    ...surroundings,
  });
  return { code, out, err };
}

export async function sandboxFor(options: SandboxOptions = {}): Promise<{ sandbox: Sandbox; env: Env }> {
  const sandbox = await startSandbox(options);
  onTestFinished(() => sandbox.close());
  return { sandbox, env: envOf(sandbox) };
}

export function envOf(sandbox: Sandbox): Env {
  return {
    PAYU_TOKEN_URL: sandbox.environment.tokenUrl,
    PAYU_CLIENT_ID: sandbox.clientId,
    PAYU_CLIENT_SECRET: sandbox.clientSecret,
    PAYU_SCOPE: 'create_payout_transactions',
  };
}

/** A server of the test's own making; its origin. */
export async function serverFor(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An address of loopback where nobody listens. */
export async function deadOrigin(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

/** The findings of one kind; each is one line. */
export function marked({ out }: Ran, mark: 'ok' | 'note' | 'MEND'): readonly string[] {
  return out.filter((line) => line.startsWith(`${mark} `)).map((line) => line.slice(mark.length).trim());
}
