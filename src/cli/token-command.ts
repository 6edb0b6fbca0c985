import { type AccessToken, createPayuAuth, type PayuAuthEvent } from '../index.ts';
import { proxyInForce } from './doctor/proxy.ts';
import { tokenUrlOf } from './doctor/public-id.ts';
import { explain, isWrongValue } from './explain.ts';
import { findingLine } from './finding.ts';
import { KeepingStore, RefreshTokenFile } from './refresh-token-file.ts';
import { readSettings, type Settings } from './settings.ts';
import { type ExitCode, exitCodes, type Flags, type Surroundings } from './surroundings.ts';

/** Gets one token, and prints its life and scope; its value only where that was asked for. */
export async function tokenCommand(flags: Flags, surroundings: Surroundings): Promise<ExitCode> {
  const settings = readSettings(surroundings.env);
  const file = await RefreshTokenFile.open(flags, settings, surroundings);
  const store = new KeepingStore();
  const say = flags['show-token'] ? surroundings.err : surroundings.out;
  try {
    const token = await oneToken(settings, store, surroundings);
    for (const line of described(token, surroundings.now())) say(line);
    if (flags['show-token']) surroundings.out(token.value);
    return exitCodes.well;
  } catch (error) {
    const proxy = proxyInForce(tokenUrlOf(settings), surroundings.env);
    surroundings.err(findingLine(explain(error, settings, proxy)));
    return isWrongValue(error) ? exitCodes.usage : exitCodes.failed;
  } finally {
    // Also after a failure: the token endpoint may have replaced it and gone wrong later.
    if (file !== undefined) say(await file.save(store.refreshToken));
  }
}

async function oneToken(
  settings: Settings,
  store: KeepingStore,
  { err }: Surroundings,
): Promise<AccessToken> {
  const onEvent = (event: PayuAuthEvent): void => {
    if (event.type !== 'rate-limited') return;
    const seconds = Math.ceil(event.delayMs / 1_000);
    err(`PayU asked to wait: no other try for ${seconds} s, until ${event.retryAt.toISOString()}.`);
  };
  const auth = createPayuAuth({
    ...settings,
    store,
    onEvent,
    // A person waits and can ask again.
    tokenAttempts: 2,
  });
  try {
    return await auth.getToken();
  } finally {
    await auth.close();
  }
}

function described(token: AccessToken, now: number): readonly string[] {
  const seconds = Math.round((token.expiresAt.getTime() - now) / 1_000);
  return [`life: ${seconds} s, until ${token.expiresAt.toISOString()}`, `scope: ${token.scope.join(' ')}`];
}
