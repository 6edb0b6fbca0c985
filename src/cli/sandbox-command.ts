import type { Sandbox, SandboxOptions } from '../sandbox/index.ts';
import { startSandbox } from '../sandbox/index.ts';
import { type ExitCode, exitCodes, type Flags, type Surroundings, UsageError } from './surroundings.ts';

/** Runs a sandbox until the user has had enough. */
export async function sandboxCommand(flags: Flags, surroundings: Surroundings): Promise<ExitCode> {
  const sandbox = await started(optionsOf(flags), surroundings);
  if (sandbox === undefined) return exitCodes.failed;
  for (const line of flags.json ? [asJson(sandbox)] : asText(sandbox)) surroundings.out(line);
  const signal = await surroundings.askedToStop();
  await sandbox.close();
  surroundings.err(`${signal}: the sandbox has ended.`);
  return exitCodes.well;
}

async function started(options: SandboxOptions, { err }: Surroundings): Promise<Sandbox | undefined> {
  try {
    return await startSandbox(options);
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(inFlags(error.message));
    const { code } = error as { code?: unknown };
    err(`The sandbox cannot listen on port ${options.port} (${String(code)}): choose another --port, or 0.`);
    return undefined;
  }
}

function optionsOf(flags: Flags): SandboxOptions {
  const given = {
    port: numberOf(flags, 'port'),
    tokenLifeSeconds: numberOf(flags, 'token-life'),
    reuseTokens: flags['reuse-tokens'],
    revokePrevious: flags['revoke-previous'],
    refreshRotation: flags['refresh-rotation'],
    statusStyle: flags['status-style'],
    seed: numberOf(flags, 'seed'),
  };
  // The sandbox checks at run time what types cannot promise here.
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as SandboxOptions;
}

function numberOf(flags: Flags, name: string): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  if (typeof text !== 'string' || !/^\d+$/.test(text)) {
    throw new UsageError(`--${name} must be a whole number, 0 or more.`);
  }
  return Number(text);
}

/** The sandbox names its options; here they are spelt as flags. */
function inFlags(message: string): string {
  return message
    .replace('"tokenLifeSeconds"', '"--token-life"')
    .replace(/^"(\w+)"/, (_quoted, option: string) => {
      return `"--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}"`;
    });
}

function asJson(sandbox: Sandbox): string {
  const { url, environment, clientId, clientSecret, username, password, publicClientId } = sandbox;
  return JSON.stringify({
    url,
    ...environment,
    clientId,
    clientSecret,
    username,
    password,
    publicClientId,
    pid: process.pid,
  });
}

function asText(sandbox: Sandbox): readonly string[] {
  const { url, environment, clientId, clientSecret, username, password, publicClientId } = sandbox;
  return [
    `The sandbox runs on ${url}`,
    `  token URL        ${environment.tokenUrl}`,
    `  revocation URL   ${environment.revokeUrl}`,
    `  client           ${clientId} with the secret ${clientSecret}`,
    `  user             ${username} with the password ${password}, at the public client ${publicClientId}`,
    `  faults, counters ${url}/_sandbox`,
    `Stop it with Ctrl+C, or with: kill ${process.pid}`,
  ];
}
