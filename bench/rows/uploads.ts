import { measureInChild } from '../support/children.ts';
import { median } from '../support/paired.ts';
import type { Finding, Outcome } from '../support/report.ts';

/** The memory of a large upload, each in a process of its own. */
export async function uploads(rounds: number): Promise<Outcome> {
  const findings: Finding[] = [];
  for (const body of ['form', 'stream']) {
    const most = async (through: 'bare' | 'attached') =>
      (await measureInChild<{ megabytes: number }>('upload.ts', { scriptArguments: [body, through] }))
        .megabytes;
    const bare: number[] = [];
    const attached: number[] = [];
    for (let round = 0; round < rounds; round++) {
      bare.push(await most('bare'));
      attached.push(await most('attached'));
    }
    const ratio = median(attached) / median(bare);
    findings.push({
      id: `upload-${body}`,
      what: `a 200 MB upload from a file as a ${body} (axios' http adapter): most memory of the process`,
      budget: 'as with bare axios, ± 10 %',
      measured: `${median(attached).toFixed(0)} MB against ${median(bare).toFixed(0)} MB`,
      isMet: Math.abs(ratio - 1) <= 0.1,
    });
  }
  return { findings, asides: [] };
}
