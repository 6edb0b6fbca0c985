#!/usr/bin/env node
import { main } from './main.ts';
import { exitCodes } from './surroundings.ts';

// A reader such as `head` may have had enough: then the command still ends its work. What can't be written else, as on a
// disk that is full, has failed.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') return;
    process.exitCode = exitCodes.failed;
    if (stream === process.stdout) process.stderr.write(`The output can not be written: ${code}\n`);
  });
}

const exitCode = await main(process.argv.slice(2), {
  env: process.env,
  now: () => Date.now(),
  // Not by the console: it keeps quiet about errors.
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  // Once: a second Ctrl+C ends the process at once, without a clean end.
  askedToStop: () =>
    new Promise((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
    }),
  finishFirst: (why) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => process.stderr.write(`${signal}: ${why}\n`));
    }
  },
});
process.exitCode ||= exitCode;
