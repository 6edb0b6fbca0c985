import { Agent } from 'node:http';
import { startServer } from '../support/children.ts';
import { concurrently, contenders, OURS, STATIC } from '../support/contenders.ts';
import { interleave, median, pairedRatio, timesOf } from '../support/paired.ts';
import { seededRandom } from '../support/random.ts';
import { number, type Outcome } from '../support/report.ts';
import { targetWithoutIo } from '../support/target.ts';

const CONCURRENT = 32;
const CALLS_PER_ROUND = 160;

/** The same request over loopback, 32 at a time, against a server in another process. */
export async function loopback(rounds: number): Promise<Outcome> {
  const server = await startServer<{ url: string }>('lean-server.ts');
  const { url } = server.ready;
  const agents: Agent[] = [];
  const contestants = await Promise.all(
    contenders.map(async ({ name, create }) => {
      const httpAgent = new Agent({ keepAlive: true, maxSockets: CONCURRENT });
      agents.push(httpAgent);
      const { call } = await create({
        ...targetWithoutIo,
        apiUrl: url,
        tokenUrl: `${url}/oauth/token`,
        transport: { httpAgent },
        tokenTransport: {},
      });
      return { name, run: () => concurrently(call, CALLS_PER_ROUND, CONCURRENT) };
    }),
  );
  const times = await interleave(contestants, { rounds, warmUpRounds: 10, random: seededRandom(2) });
  for (const agent of agents) agent.destroy();
  await server.stop();
  const perSecond = (name: string) => 1 / pairedRatio(times, name, STATIC).median;
  const own = perSecond(OURS);
  return {
    findings: [
      {
        id: 'loopback',
        what: `requests per second over loopback, ${CONCURRENT} concurrent (axios' http adapter, plain http: the library looks for no proxy there)`,
        budget: "≥ 0.98 of a static header's",
        measured: own.toFixed(3),
        isMet: own >= 0.98,
      },
    ],
    asides: [
      {
        title: `Over loopback, ${CONCURRENT} concurrent`,
        text:
          'Requests per second against a static header, medians of paired ratios; the server is in another process. ' +
          '@badgateway/oauth2-client is built on fetch, the others on axios with its http adapter.',
        table: {
          head: ['client', 'of the static header', 'requests per second'],
          rows: contenders.map(({ name }) => [
            name,
            perSecond(name).toFixed(3),
            number.format(Math.round((CALLS_PER_ROUND * 1_000) / median(timesOf(times, name)))),
          ]),
        },
      },
    ],
  };
}
