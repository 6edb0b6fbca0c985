import { measureInChild } from '../support/children.ts';
import { median } from '../support/paired.ts';
import { number, type Outcome } from '../support/report.ts';

const CALLS = 20_000;

/** For how long 20,000 calls that wait for the same thing stop the event loop. */
export async function crowds(rounds: number): Promise<Outcome> {
  const times = await measureInChild<Record<string, { bare: number; own: number }[]>>('crowd.ts', {
    nodeArguments: ['--expose-gc'],
    scriptArguments: [String(rounds)],
  });
  return {
    findings: Object.entries(times).map(([name, measured]) => {
      const ratio = median(measured.map(({ bare, own }) => own / bare));
      return {
        id: `crowd: ${name}`,
        what: `${number.format(CALLS)} calls and ${name}: longest time that the event loop stands (adapter without I/O)`,
        budget: '≤ 2 × of bare requests that are started, and settle in the same way, at once',
        measured: `${ratio.toFixed(2)} × (${Math.round(median(measured.map(({ own }) => own)))} ms)`,
        isMet: ratio <= 2,
      };
    }),
    asides: [],
  };
}
