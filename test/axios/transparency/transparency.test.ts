import { readFileSync } from 'node:fs';
import type { AxiosInstance } from 'axios';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  AXIOS_VERSIONS,
  type AxiosVersion,
  type Library,
  libraryOn,
  startOrigin,
  tokensOf,
} from '../support.ts';
import { DIFFERENCES } from './differences.ts';
import { answer, type Observation, observe, type Surroundings } from './observe.ts';
import { SCENARIOS, type Scenario, SHOWING } from './scenarios.ts';

afterEach(() => vi.unstubAllEnvs());

interface Pair {
  readonly bare: Observation;
  readonly attached: Observation;
}

/** The same over a bare and an attached instance, one after the other. */
async function both(version: AxiosVersion, scenario: Scenario, timeoutMs = 40): Promise<Pair> {
  const library = await libraryOn(version);
  const arrivalListeners = new Set<() => void>();
  const server = await startOrigin((arrival, response) => {
    answer(arrival, response);
    for (const listener of arrivalListeners) listener();
  });
  const proxy = await startOrigin((_, response) => response.end('the proxy'));
  const surroundings: Surroundings = { axios: library.axios, server, proxy, arrivalListeners, timeoutMs };
  const { baseURL = server.url } = scenario;
  const bare = library.axios.create({ baseURL });
  const attached = await attachedTo(library, baseURL);
  return {
    bare: await observe(bare, scenario, surroundings),
    attached: await observe(attached, scenario, surroundings),
  };
}

async function attachedTo(library: Library, baseURL: string): Promise<AxiosInstance> {
  const { auth } = tokensOf(library);
  await auth.getToken();
  const client = library.axios.create({ baseURL });
  auth.attach(client);
  return client;
}

/** How far a call has got: on a busy machine, one of two may be over before it has reached the server. */
function hasGone(fields: Observation): string {
  return `${fields['server.0.url']} ${fields['error.status']}`;
}

function fieldsThatDiffer({ bare, attached }: Pair): readonly string[] {
  return [...new Set([...Object.keys(bare), ...Object.keys(attached)])].filter(
    (field) => JSON.stringify(bare[field]) !== JSON.stringify(attached[field]),
  );
}

const ALL: readonly Scenario[] = [...SCENARIOS, ...Object.values(SHOWING)];

describe.each(AXIOS_VERSIONS)('a bare and an attached instance of %s', (version) => {
  test.each(ALL)('$name', async (scenario) => {
    let pair = await both(version, scenario);
    for (const timeoutMs of [400, 4_000, 40_000]) {
      if (hasGone(pair.bare) !== hasGone(pair.attached)) pair = await both(version, scenario, timeoutMs);
    }
    const listed = DIFFERENCES.filter(({ scenarios }) => scenarios.test(scenario.name));
    const unlisted = (fields: Observation) =>
      Object.fromEntries(
        Object.entries(fields).filter(([field]) => !listed.some((each) => each.fields.test(field))),
      );
    expect(unlisted(pair.attached)).toEqual(unlisted(pair.bare));
  });

  test('settle in the order in which held calls are answered', async () => {
    const library = await libraryOn(version);
    const settled: string[] = [];
    for (const way of ['bare', 'attached']) {
      const held: (() => void)[] = [];
      const server = await startOrigin((_, response) => void held.push(() => response.end('{}')));
      const client =
        way === 'bare'
          ? library.axios.create({ baseURL: server.url })
          : await attachedTo(library, server.url);
      const calls: Promise<unknown>[] = [];
      for (const n of [0, 1, 2, 3]) {
        calls.push(client.post(`/${n}`, { n }).then(() => settled.push(`${way} ${n}`)));
        await vi.waitUntil(() => held.length === n + 1, { interval: 0 });
      }
      for (const n of [2, 0, 3, 1]) {
        held[n]?.();
        await calls[n];
      }
    }
    expect(settled).toEqual(['bare', 'attached'].flatMap((way) => [2, 0, 3, 1].map((n) => `${way} ${n}`)));
  });
});

describe('docs/differences.md', () => {
  test('lists what differs, and nothing else', () => {
    const page = readFileSync(new URL('../../../docs/differences.md', import.meta.url), 'utf8');
    const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    expect(headings.toSorted()).toEqual(DIFFERENCES.map(({ heading }) => heading).toSorted());
  });

  test.each(DIFFERENCES)('$heading: $shownBy.name shows it', async ({ fields, shownBy }) => {
    const different = fieldsThatDiffer(await both('axios', shownBy));
    expect(different.filter((field) => fields.test(field))).not.toEqual([]);
  });
});
