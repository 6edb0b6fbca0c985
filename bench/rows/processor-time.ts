import { measureInChild } from '../support/children.ts';
import { AGAIN, OURS, STATIC, TO_BEAT } from '../support/contenders.ts';
import { pairedRatio, type Ratio, type Times } from '../support/paired.ts';
import type { Finding, Outcome } from '../support/report.ts';

const ADAPTERS = {
  http: "axios' http adapter",
  fetch: "axios' fetch adapter",
  stream: "axios' http adapter, responseType: 'stream'",
} as const;

/** What one request with a fresh token costs the processor, over axios' own adapters. */
export async function processorTime(rounds: number): Promise<Outcome> {
  const findings: Finding[] = [];
  const table: string[][] = [];
  for (const [how, adapter] of Object.entries(ADAPTERS)) {
    const measured = await measureInChild<Record<string, number[]>>('processor-time.ts', {
      scriptArguments: [how, String(rounds)],
    });
    const times: Times = new Map(Object.entries(measured));
    const ratio = (name: string) => pairedRatio(times, name, STATIC);
    const own = ratio(OURS).median;
    const peers = TO_BEAT.map((name) => ratio(name).median);
    const noise = Math.abs(ratio(AGAIN).median - 1);
    const what = `processor time of one request with a fresh token, 32 concurrent, over https on loopback (${adapter}, defaults)`;
    findings.push(
      {
        id: `processor-time-${how}`,
        what,
        budget: "≤ 1.03 of a static header's",
        measured: `${shown(ratio(OURS))}; ${AGAIN}: ${shown(ratio(AGAIN))}`,
        isMet: own <= 1.03,
      },
      {
        id: `processor-time-${how}-peers`,
        what: `the same, against ${TO_BEAT.join(', ')}`,
        budget: `not above, by more than "${AGAIN}" is from 1`,
        measured: `${own.toFixed(3)} against ${peers.map((peer) => peer.toFixed(3)).join(', ')}`,
        isMet: peers.every((peer) => own <= peer + noise),
      },
    );
    for (const name of times.keys()) table.push([adapter, name, shown(ratio(name))]);
  }
  return {
    findings,
    asides: [
      {
        title: "The processor time of one request, over axios' own adapters",
        text:
          'User and system time of the client process against that with a static header, medians of paired ratios with ' +
          'their quartiles. Over https and with the defaults of axios, as users call PayU. A static header in the defaults costs axios more than one that an interceptor sets, so that ' +
          'a ratio may be below 1.',
        table: { head: ['adapter', 'client', 'ratio'], rows: table },
      },
    ],
  };
}

function shown({ median, low, high }: Ratio): string {
  return `${median.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}
