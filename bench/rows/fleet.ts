import { startSandbox } from 'axios-payu-auth/sandbox';
// From the tests, which run the sources: this row is a count, not a time.
import { startFleet } from '../../test/fleet/support/fleet.ts';
import { noOwnRedis, ownRedis } from '../../test/redis/support/redis-server.ts';
import { number, type Outcome } from '../support/report.ts';

const PROCESSES = 8;
const CALLS_EACH = 200;

/** A cold start of 8 processes that share one Redis. */
export async function fleet(): Promise<Outcome> {
  const what = `${PROCESSES} processes, one Redis, cold, ${number.format(PROCESSES * CALLS_EACH)} calls`;
  const budget = '1 token request';
  if (noOwnRedis !== undefined) {
    const measured = `not measured: ${noOwnRedis}`;
    return { findings: [{ id: 'fleet', what, budget, measured, isMet: false }], asides: [] };
  }
  await using sandbox = await startSandbox({ requestLogLimit: 0 });
  const [redis, members] = await Promise.all([ownRedis(), startFleet(PROCESSES)]);
  try {
    const { environment, clientId, clientSecret, url } = sandbox;
    await members.open({
      environment,
      apiUrl: `${url}/payout`,
      grant: { type: 'client_credentials', clientId, clientSecret },
      scope: 'create_payout_transactions',
      redis: { url: redis.url, prefix: 'bench:' },
    });
    const { fulfilled } = await members.call(CALLS_EACH).report;
    const { tokenRequests } = sandbox.stats();
    return {
      findings: [
        {
          id: 'fleet',
          what,
          budget,
          measured: `${tokenRequests}, ${number.format(fulfilled)} calls succeeded`,
          isMet: tokenRequests === 1 && fulfilled === PROCESSES * CALLS_EACH,
        },
      ],
      asides: [],
    };
  } finally {
    await members.close();
    await redis.stop();
  }
}
