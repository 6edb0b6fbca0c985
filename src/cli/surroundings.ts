/** What a command sees of the world; tests put their own in place of it. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Writes a line to stdout: what the user asked for. */
  readonly out: (line: string) => void;
  /** Writes a line to stderr: what goes with it. */
  readonly err: (line: string) => void;
  /** Resolves with the signal by which the user ends the process. */
  readonly askedToStop: () => Promise<string>;
  /** From now on the first signal of each kind only says why the process goes on; a second one ends it. */
  readonly finishFirst: (why: string) => void;
}

/** How a command ended; `--help` says so too. */
export const exitCodes = {
  /** What was asked for was done; `doctor` found nothing to mend. */
  well: 0,
  /** PayU gave no token; `doctor` found something to mend. */
  failed: 1,
  /** Called wrongly: an unknown option, a variable that is missing. Nothing was sent. */
  usage: 2,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Options as they were given: flags are true, all others text, or a list of it where one may be given several times. */
export type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** The command was called wrongly. Its message is all that the user gets to see. */
export class UsageError extends Error {
  readonly exitCode: ExitCode = exitCodes.usage;
}

/** A refresh token came, and could not be kept. */
export class NotSavedError extends UsageError {
  override readonly exitCode: ExitCode = exitCodes.failed;
}

/** Marks that an .env file, a page or a shell has left around a value; names no value, which may be a secret. */
export function refuseQuotes(name: string, value: string): void {
  if (/^(["'`]).*\1$/s.test(value.trim())) {
    throw new UsageError(`${name} must not begin and end with a quotation mark: leave the marks out.`);
  }
}
