import axios, { type AxiosAdapter } from 'axios';
// From the sources: a minute of real time, three times, would show the same more slowly.
import { createPayuAuthIn } from '../../src/payu-auth.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { number, type Outcome } from '../support/report.ts';
import { targetWithoutIo, withoutIo } from '../support/target.ts';

const SECONDS = 60;
const CALLS_PER_SECOND = 1_000;
const LIFE_SECONDS = 20;
const MINT_MS = 250;

/** A minute of 1,000 requests per second, on a manual clock, over the lives of several tokens. */
export async function renewal(): Promise<Outcome> {
  const clock = new ManualClock();
  let mints = 0;
  const tokenEndpoint: AxiosAdapter = async (config) => {
    mints++;
    await new Promise<void>((resolve) => clock.timer(MINT_MS, resolve, 'ref'));
    const data = JSON.stringify({ access_token: `token_${mints}`, expires_in: LIFE_SECONDS });
    return { data, status: 200, statusText: 'OK', headers: {}, config, request: undefined };
  };
  const { tokenUrl, clientId, clientSecret, scope, apiUrl } = targetWithoutIo;
  const auth = createPayuAuthIn(
    { clock, random: Math.random },
    {
      environment: { tokenUrl },
      grant: { type: 'client_credentials', clientId, clientSecret },
      scope,
      http: { adapter: tokenEndpoint },
    },
  );
  let waitedMs = 0;
  let askedAt = 0;
  const client = axios.create({
    baseURL: apiUrl,
    adapter: (config) => {
      waitedMs = clock.now() - askedAt;
      return withoutIo(config);
    },
  });
  auth.attach(client);
  const step = async (): Promise<number> => {
    askedAt = clock.now();
    const call = client.get('/');
    let isDone = false;
    const done = call.then(() => {
      isDone = true;
    });
    for (;;) {
      await new Promise(setImmediate);
      if (isDone) break;
      clock.advance(1);
    }
    await done;
    return waitedMs;
  };
  await step(); // the first one waits: there is no token yet
  let waited = 0;
  for (let call = 0; call < SECONDS * CALLS_PER_SECOND; call++) {
    clock.advance(1_000 / CALLS_PER_SECOND);
    if ((await step()) > 0) waited++;
  }
  await auth.close();
  return {
    findings: [
      {
        id: 'renewal',
        what:
          `a token that expires while ${number.format(CALLS_PER_SECOND)} requests per second run for a minute ` +
          `(manual clock, life ${LIFE_SECONDS} s, a mint takes ${MINT_MS} ms)`,
        budget: '0 requests that wait',
        measured: `${waited} of ${number.format(SECONDS * CALLS_PER_SECOND)}, over ${mints} tokens`,
        isMet: waited === 0 && mints > 1,
      },
    ],
    asides: [],
  };
}
