/**
 * The processor time of this process for each request over loopback, against a server in another process. Over https, with
 * axios' defaults: a plain request to this machine passes the look-up of a proxy by (rule G5), and would flatter us.
 * Prints JSON: the times of each contestant, round by round.
 */
import { Agent } from 'node:https';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { AxiosResponse, CreateAxiosDefaults } from 'axios';
import { startServer } from '../support/children.ts';
import { AGAIN, concurrently, contenders } from '../support/contenders.ts';
import { interleave } from '../support/paired.ts';
import { seededRandom } from '../support/random.ts';
import { targetWithoutIo } from '../support/target.ts';

const CONCURRENT = 32;
const CALLS_PER_ROUND = 160;
const WARM_UP_ROUNDS = 20;

const TRANSPORTS: Readonly<Record<string, () => CreateAxiosDefaults>> = {
  http: () => ({ httpsAgent: new Agent({ keepAlive: true, maxSockets: CONCURRENT }) }),
  fetch: () => ({ adapter: 'fetch' }),
  stream: () => ({
    httpsAgent: new Agent({ keepAlive: true, maxSockets: CONCURRENT }),
    responseType: 'stream',
  }),
};

const [, , how = '', rounds, only] = process.argv;
const transport = TRANSPORTS[how];
if (transport === undefined) throw new Error(`No transport is called "${how}".`);
const server = await startServer<{ url: string }>('lean-server.ts', ['https']);
const { url } = server.ready;

const compared = contenders.filter(
  ({ name, runsOnAxios }) => runsOnAxios && (only === undefined || only.split(',').includes(name)),
);
const [first] = contenders;
if (first === undefined) throw new Error('There is a static header.');
const contestants = await Promise.all(
  [...compared, { ...first, name: AGAIN }].map(async ({ name, create }) => {
    const { call } = await create({
      ...targetWithoutIo,
      apiUrl: url,
      tokenUrl: `${url}/oauth/token`,
      transport: transport(),
      tokenTransport: {},
    });
    const whole = async () => {
      const { data } = (await call()) as AxiosResponse;
      if (how === 'stream') await finished((data as Readable).resume());
    };
    return { name, run: () => concurrently(whole, CALLS_PER_ROUND, CONCURRENT) };
  }),
);
const times = await interleave(contestants, {
  rounds: Number(rounds),
  warmUpRounds: WARM_UP_ROUNDS,
  random: seededRandom(4),
  now: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
});
console.log(JSON.stringify(Object.fromEntries(times)));
process.exit();
