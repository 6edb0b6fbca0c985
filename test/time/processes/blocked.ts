/**
 * A refresh whose process stands still for longer than `tokenTimeoutMs`, at once or once the request is on its way: the
 * answer lies in the socket by then. Prints what became of each.
 */
import axios from 'axios';
import { createPayuAuth } from '../../../src/index.ts';

interface Place {
  readonly environment: { readonly tokenUrl: string; readonly revokeUrl: string };
  readonly publicClientId: string;
  readonly username: string;
  readonly password: string;
}

const TOKEN_TIMEOUT_MS = 800;
const places: Readonly<Record<string, Place>> = JSON.parse(process.argv[2] ?? '{}');

function standStill(): void {
  const until = performance.now() + 2 * TOKEN_TIMEOUT_MS;
  while (performance.now() < until);
}

async function refreshIn(place: Place, when: string, adapterName: 'http' | 'fetch'): Promise<string> {
  const adapter = axios.getAdapter(adapterName);
  let standsStill = false;
  const auth = createPayuAuth({
    environment: place.environment,
    grant: {
      type: 'password',
      clientId: place.publicClientId,
      username: place.username,
      password: place.password,
    },
    scope: 'create_payout_transactions',
    tokenTimeoutMs: TOKEN_TIMEOUT_MS,
    http: {
      adapter: (config) => {
        const answer = adapter(config);
        if (standsStill && when === 'at once') standStill();
        if (standsStill && when === 'on its way') setTimeout(standStill, 20);
        return answer;
      },
    },
  });
  const first = await auth.getToken();
  await auth.invalidate();
  standsStill = true;
  const second = await auth.getToken();
  return first.value === second.value ? 'the same token' : 'refreshed';
}

const outcomes: Record<string, string> = {};
for (const [name, place] of Object.entries(places)) {
  const [adapterName = 'http', when = ''] = name.split(', ');
  outcomes[name] = await refreshIn(place, when, adapterName as 'http' | 'fetch').catch(String);
}
process.stdout.write(JSON.stringify(outcomes));
