#!/usr/bin/env node
import { main } from './main.ts';

process.exitCode = await main(process.argv.slice(2), {
  env: process.env,
  now: () => Date.now(),
  out: (line) => console.log(line),
  err: (line) => console.error(line),
  // Once: whoever presses Ctrl+C a second time does not want to wait for a clean end.
  askedToStop: () =>
    new Promise((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
    }),
});
