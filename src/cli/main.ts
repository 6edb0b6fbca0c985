import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { isRecord } from '../json.ts';
import { demoCommand } from './demo/command.ts';
import { doctorCommand } from './doctor/command.ts';
import { demoHelp, doctorHelp, generalHelp, sandboxHelp, tokenHelp } from './help.ts';
import { sandboxCommand } from './sandbox-command.ts';
import { type ExitCode, exitCodes, type Flags, type Surroundings, UsageError } from './surroundings.ts';
import { tokenCommand } from './token-command.ts';

interface Command {
  readonly help: string;
  readonly options: Readonly<Record<string, 'boolean' | 'string' | 'strings'>>;
  readonly run: (flags: Flags, surroundings: Surroundings) => Promise<ExitCode>;
}

const commands: Readonly<Record<string, Command>> = {
  token: {
    help: tokenHelp,
    options: { 'show-token': 'boolean', 'save-refresh-token': 'string' },
    run: tokenCommand,
  },
  doctor: {
    help: doctorHelp,
    options: {
      api: 'string',
      header: 'strings',
      'ask-other-environment': 'boolean',
      'save-refresh-token': 'string',
    },
    run: doctorCommand,
  },
  demo: { help: demoHelp, options: {}, run: demoCommand },
  sandbox: {
    help: sandboxHelp,
    options: {
      port: 'string',
      'token-life': 'string',
      'reuse-tokens': 'boolean',
      'revoke-previous': 'boolean',
      'refresh-rotation': 'string',
      'status-style': 'string',
      seed: 'string',
      json: 'boolean',
    },
    run: sandboxCommand,
  },
};

/** Runs the command line; rejects for nothing that a user could have done wrong. */
export async function main(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const [name = '', ...rest] = args;
  if (name === 'help' && rest.length > 0) return main([...rest, '--help'], surroundings);
  if (name === '--help' || name === '-h' || name === 'help') return printed(generalHelp, surroundings);
  if (name === '--version' || name === '-v') return printed(version(), surroundings);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  try {
    if (command === undefined) {
      const what = name === '' ? 'Which command?' : 'There is no such command.';
      throw new UsageError(`${what} Commands: ${Object.keys(commands).join(', ')}. See --help.`);
    }
    const flags = parsed(rest, command.options);
    return flags.help ? printed(command.help, surroundings) : await command.run(flags, surroundings);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    surroundings.err(error.message);
    return error.exitCode;
  }
}

function printed(text: string, { out }: Surroundings): ExitCode {
  out(text);
  return exitCodes.well;
}

function parsed(args: readonly string[], known: Command['options']): Flags {
  const options = Object.fromEntries(
    Object.entries(known).map(([name, type]) => [
      name,
      type === 'strings' ? { type: 'string' as const, multiple: true } : { type },
    ]),
  );
  try {
    return parseArgs({
      args: [...args],
      options: { ...options, help: { type: 'boolean', short: 'h' } },
      strict: true,
    }).values as Flags;
  } catch (error) {
    throw new UsageError(whatIsWrong(error, Object.keys(known)));
  }
}

/** In our own words: those of `parseArgs` repeat arguments, which may be secrets. */
function whatIsWrong(error: unknown, known: readonly string[]): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const name = /'(?:-\w, )?(--[\w-]+)/.exec(String(message))?.[1];
  const options = `Options: ${[...known, 'help'].map((each) => `--${each}`).join(', ')}.`;
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION')
    return `There is no option ${name ?? 'of that name'}. ${options}`;
  if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') {
    return `${name ?? 'An option'} was given without the value it needs, or with one it does not take. ${options}`;
  }
  return `There is an argument too many; secrets belong into the environment. ${options}`;
}

function version(): string {
  // Two folders up, from the sources as from the build.
  const manifest: unknown = createRequire(import.meta.url)('../../package.json');
  return isRecord(manifest) ? String(manifest.version) : 'unknown';
}
