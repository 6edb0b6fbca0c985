import { Run } from './run.ts';
import type { Event, Scenario } from './scenario.ts';

/** What a walk has come to. */
export interface Walk {
  readonly orders: number;
  readonly events: number;
  readonly failure: Failure | undefined;
}

export interface Failure {
  readonly message: string;
  readonly script: readonly Event[];
}

interface Choice {
  readonly options: readonly Event[];
  taken: number;
}

/**
 * Walks all orders of a scenario's events: runs each from the start, by the choices that led there, as nothing of an
 * auth can be copied. Ends at the first order that breaks a rule.
 */
export async function explore(scenario: Scenario): Promise<Walk> {
  const choices: Choice[] = [];
  let events = 0;
  for (let orders = 1; ; orders++) {
    const failure = await runOnce(scenario, choices);
    events += choices.length;
    if (failure !== undefined) return { orders, events, failure };
    while (choices.length > 0 && isExhausted(choices.at(-1))) choices.pop();
    const last = choices.at(-1);
    if (last === undefined) return { orders, events, failure };
    last.taken++;
  }
}

function isExhausted(choice: Choice | undefined): boolean {
  return choice === undefined || choice.taken + 1 >= choice.options.length;
}

/** One order: along the choices that are there, then always the first one; notes which others there were. */
async function runOnce(scenario: Scenario, choices: Choice[]): Promise<Failure | undefined> {
  const script: Event[] = [];
  const message = await failureOf(async () => {
    const run = new Run(scenario);
    await run.prepare();
    for (let depth = 0; depth < scenario.depth; depth++) {
      const choice = choices[depth] ?? { options: run.enabled(), taken: 0 };
      const event = choice.options[choice.taken];
      if (event === undefined) break;
      choices[depth] = choice;
      script.push(event);
      await run.take(event);
    }
    await run.finish();
  });
  if (message === undefined) return undefined;
  return { message, script };
}

/** Runs a script. Rejects where a rule is broken. Events that are not possible any more do nothing. */
export async function replay(scenario: Scenario, script: readonly Event[]): Promise<void> {
  const message = await failureOf(async () => {
    const run = new Run(scenario);
    await run.prepare();
    for (const event of script) await run.take(event);
    await run.finish();
  });
  if (message !== undefined) throw new Error(message);
}

/** Leaves out each event that the failure does not need. */
export async function shrink(scenario: Scenario, failure: Failure): Promise<Failure> {
  for (let index = 0; index < failure.script.length; index++) {
    const script = failure.script.toSpliced(index, 1);
    const message = await replay(scenario, script).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (message !== undefined && kindOf(message) === kindOf(failure.message)) {
      return shrink(scenario, { message, script });
    }
  }
  return failure;
}

/** The same failure may concern another call, or another token. */
function kindOf(message: string): string {
  return message.replaceAll(/\d+/g, '');
}

/** What a test can be made of. */
export function scriptOf(scenario: Scenario, { message, script }: Failure): string {
  const events = script.map((event) => `  '${event}',`).join('\n');
  return `${message}\nawait replay(scenarioNamed('${scenario.name}'), [\n${events}\n]);`;
}

/** The message of what the work rejects with, or of a rejection that nobody handles. */
async function failureOf(work: () => Promise<void>): Promise<string | undefined> {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => {
    unhandled.push(reason);
  };
  process.on('unhandledRejection', note);
  try {
    await work();
  } catch (error) {
    return (error as Error).message;
  } finally {
    process.off('unhandledRejection', note);
  }
  return unhandled.length === 0 ? undefined : `unhandled rejection: ${String(unhandled[0])}`;
}
