import { type ExitCode, exitCodes, type Flags, type Surroundings } from '../surroundings.ts';
import { playDemo } from './play.ts';

/** Shows the library at work; needs no account, no variable and no network. */
export async function demoCommand(_flags: Flags, { out }: Surroundings): Promise<ExitCode> {
  return (await playDemo(out)) === 'as claimed' ? exitCodes.well : exitCodes.failed;
}
