#!/usr/bin/env node
import { main } from './main.ts';

process.exitCode = await main(process.argv.slice(2), {
  env: process.env,
  now: () => Date.now(),
  out: (line) => console.log(line),
  err: (line) => console.error(line),
  // Once: a second Ctrl+C ends the process at once, without a clean end.
  askedToStop: () =>
    new Promise((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
    }),
});
