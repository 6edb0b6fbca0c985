import { measureInChild } from '../support/children.ts';
import { number, type Outcome } from '../support/report.ts';

/** What tokens and requests leave in the heap, and whether many tokens make each slower. */
export async function memory(options: {
  readonly rounds: number;
  readonly requests: number;
}): Promise<Outcome> {
  const nodeArguments = ['--expose-gc'];
  const tokens = await measureInChild<{
    perScope: number;
    perClient: number;
    requestRatio: number;
    tokenRatio: number;
    failureRatio: number;
  }>('many-tokens.ts', { nodeArguments, scriptArguments: [String(options.rounds)] });
  const { grownBytes } = await measureInChild<{ grownBytes: number }>('steady-heap.ts', {
    nodeArguments,
    scriptArguments: [String(options.requests)],
  });
  const grownMegabytes = grownBytes / 1024 / 1024;
  return {
    findings: [
      {
        id: 'many-tokens-time',
        what: '100,000 scopes in one process: time of a request (adapter without I/O)',
        budget: "≤ 1.25 × with 1, a bare Map's own cost counted in",
        measured: `${tokens.requestRatio.toFixed(3)} × (getToken() alone: ${tokens.tokenRatio.toFixed(2)} ×)`,
        isMet: tokens.requestRatio <= 1.25,
      },
      {
        id: 'many-tokens-failure',
        what: '100,000 scopes in one process: time of a store operation that fails',
        budget: 'as with 1 (≤ 1.25 ×)',
        measured: `${tokens.failureRatio.toFixed(2)} ×`,
        isMet: tokens.failureRatio <= 1.25,
      },
      {
        id: 'many-scopes-memory',
        what: '100,000 scopes of one client',
        budget: '≤ 1 kB a token',
        measured: `${Math.round(tokens.perScope)} bytes`,
        isMet: tokens.perScope <= 1_024,
      },
      {
        id: 'many-clients-memory',
        what: '100,000 clients, each with an auth of its own',
        budget: '≤ 2 kB an auth that has a token',
        measured: `${number.format(Math.round(tokens.perClient))} bytes`,
        isMet: tokens.perClient <= 2_048,
      },
      {
        id: 'steady-heap',
        what: `${number.format(options.requests)} requests (adapter without I/O)`,
        budget: 'heap after GC as before, ± 1 MB',
        measured: `${grownMegabytes >= 0 ? '+' : ''}${grownMegabytes.toFixed(2)} MB`,
        isMet: Math.abs(grownMegabytes) <= 1,
      },
    ],
    asides: [],
  };
}
