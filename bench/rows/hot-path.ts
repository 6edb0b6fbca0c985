import { AGAIN, contenders, OURS, STATIC, TO_BEAT } from '../support/contenders.ts';
import { interleave, pairedRatio, type Ratio, type Times } from '../support/paired.ts';
import { seededRandom } from '../support/random.ts';
import type { Aside, Finding, Outcome } from '../support/report.ts';
import { targetWithoutIo } from '../support/target.ts';

const CALLS_PER_ROUND = 25;

/** One request with a fresh token, over an adapter without I/O. */
export async function hotPath(rounds: number): Promise<Outcome> {
  const onAxios = contenders.filter(({ runsOnAxios }) => runsOnAxios);
  const [first] = onAxios;
  if (first === undefined) throw new Error('There is a static header.');
  const contestants = await Promise.all(
    [...onAxios, { ...first, name: AGAIN }].map(async ({ name, create }) => {
      const { call } = await create(targetWithoutIo);
      return {
        name,
        run: async () => {
          for (let i = 0; i < CALLS_PER_ROUND; i++) await call();
        },
      };
    }),
  );
  const times = await interleave(contestants, { rounds, warmUpRounds: 400, random: seededRandom(1) });
  const ratios = new Map(contestants.map(({ name }) => [name, pairedRatio(times, name, STATIC)]));
  return { findings: findings(ratios), asides: [aside(ratios, times)] };
}

function findings(ratios: ReadonlyMap<string, Ratio>): readonly Finding[] {
  const own = ratioOf(ratios, OURS);
  const others = TO_BEAT.map((name) => ratioOf(ratios, name).median);
  return [
    {
      id: 'hot-path',
      what: 'one request with a fresh token, adapter without I/O, against a static header',
      budget: 'median ratio ≤ 1.05',
      measured: shown(own),
      isMet: own.median <= 1.05,
    },
    {
      id: 'hot-path-peers',
      what: `the same, against ${TO_BEAT.join(', ')}`,
      budget: 'below each of them',
      measured: `${own.median.toFixed(3)} against ${others.map((ratio) => ratio.toFixed(3)).join(', ')}`,
      isMet: others.every((ratio) => own.median < ratio),
    },
  ];
}

function aside(ratios: ReadonlyMap<string, Ratio>, times: Times): Aside {
  return {
    title: 'The cost of one request, without I/O',
    text:
      `Time per request against a static header's, medians of paired ratios with their quartiles. ` +
      `"${AGAIN}" shows what this run cannot tell apart.`,
    table: {
      head: ['client', 'ratio', 'quartiles'],
      rows: [...times.keys()].map((name) => {
        const { median, low, high } = ratioOf(ratios, name);
        return [name, median.toFixed(3), `${low.toFixed(3)} to ${high.toFixed(3)}`];
      }),
    },
  };
}

function ratioOf(ratios: ReadonlyMap<string, Ratio>, name: string): Ratio {
  const ratio = ratios.get(name);
  if (ratio === undefined) throw new Error(`"${name}" took no part.`);
  return ratio;
}

function shown({ median, low, high }: Ratio): string {
  return `${median.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}
