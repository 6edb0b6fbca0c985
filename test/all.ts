/**
 * What `npm test` runs. Types and lint are checked beside the unit tests, which leave a core idle now and then; what is
 * built is checked last, as building replaces what the examples are typed by. Each check is made, whichever fails.
 */
import { spawn } from 'node:child_process';

/** How a script of package.json ended. */
interface Ended {
  readonly script: string;
  readonly isWell: boolean;
  /** What it wrote; empty where that was shown as it came. */
  readonly output: string;
}

function run(script: string, output: 'shown' | 'kept'): Promise<Ended> {
  const isShown = output === 'shown';
  const child = spawn(`npm run --silent ${script}`, {
    shell: true,
    stdio: ['ignore', isShown ? 'inherit' : 'pipe', isShown ? 'inherit' : 'pipe'],
  });
  const written: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => written.push(chunk));
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ script, isWell: code === 0, output: written.join('') }));
  });
}

async function tests(): Promise<readonly Ended[]> {
  const unit = await run('test:unit', 'shown');
  return [unit, await run('check:build', 'shown')];
}

const startedAt = performance.now();
const ended = (await Promise.all([run('check:types', 'kept'), run('check:lint', 'kept'), tests()])).flat();
for (const { output } of ended) process.stdout.write(output);
process.stdout.write(
  `\n${ended.map(({ script, isWell }) => `${script}: ${isWell ? 'passed' : 'FAILED'}`).join(', ')}; ` +
    `${Math.round((performance.now() - startedAt) / 1_000)} s\n`,
);
process.exitCode = ended.every(({ isWell }) => isWell) ? 0 : 1;
