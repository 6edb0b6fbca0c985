import { findingLine } from '../finding.ts';
import { RefreshTokenFile } from '../refresh-token-file.ts';
import { readSettings } from '../settings.ts';
import { type ExitCode, exitCodes, type Flags, type Surroundings } from '../surroundings.ts';
import { apiQuestion } from './api.ts';
import { examine } from './examine.ts';
import { Probe } from './probe.ts';

/** Says what is wrong, a line each, and by its exit code whether anything is. */
export async function doctorCommand(flags: Flags, surroundings: Surroundings): Promise<ExitCode> {
  const { env, now, out } = surroundings;
  const api = apiQuestion(flags);
  const settings = readSettings(env);
  const file = await RefreshTokenFile.open(flags, settings, surroundings);
  const probe = new Probe(now);
  let toMend = 0;
  try {
    const wishes = { askOtherEnvironment: flags['ask-other-environment'] === true, api };
    for await (const finding of examine(settings, env, probe, wishes)) {
      out(findingLine(finding));
      if (finding.kind === 'mend') toMend++;
    }
  } finally {
    if (file !== undefined) out(await file.save(probe.refreshToken));
  }
  out(toMend === 0 ? 'All is well.' : `${toMend} ${toMend === 1 ? 'thing' : 'things'} to mend.`);
  return toMend === 0 ? exitCodes.well : exitCodes.failed;
}
