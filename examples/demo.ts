/**
 * `npm run demo`: the scenes of `npx axios-payu-auth demo`, from the sources. Exits with 1 where a scene does not come
 * to the figures that it claims.
 *
 * With PAYU_CLIENT_ID, PAYU_CLIENT_SECRET and PAYU_SCOPE it mints one token at PayU's test environment instead.
 */
import { createPayuAuth, isPayuAuthError } from 'axios-payu-auth';
import { playDemo, wordsFor } from '../src/cli/demo/play.ts';

/** One token from PayU's test environment: its life and scope, never its value. */
async function mintAtPayu(clientId: string, clientSecret: string, scope: string): Promise<boolean> {
  const auth = createPayuAuth({
    environment: 'test',
    grant: { type: 'client_credentials', clientId, clientSecret },
    scope,
    onEvent: (event) => console.log(wordsFor(event) ?? event.type),
  });
  try {
    const token = await auth.getToken();
    console.log(`scope ${token.scope.join(' ')}, valid until ${token.expiresAt.toISOString()}`);
    return true;
  } catch (error) {
    console.log(isPayuAuthError(error) ? `${error.code}: ${error.message}` : String(error));
    return false;
  } finally {
    await auth.close();
  }
}

const { PAYU_CLIENT_ID, PAYU_CLIENT_SECRET, PAYU_SCOPE } = process.env;
const isWell =
  PAYU_CLIENT_ID && PAYU_CLIENT_SECRET && PAYU_SCOPE
    ? await mintAtPayu(PAYU_CLIENT_ID, PAYU_CLIENT_SECRET, PAYU_SCOPE)
    : (await playDemo((line) => console.log(line))) === 'as claimed';
process.exitCode = isWell ? 0 : 1;
