import { SCENARIOS, type Scenario, SHOWING } from './scenarios.ts';

/** What differs between a bare and an attached instance: the headings of docs/differences.md, and what each covers. */
export interface Difference {
  /** A heading of docs/differences.md. */
  readonly heading: string;
  /** The fields of an observation that may differ, in scenarios whose name matches. */
  readonly fields: RegExp;
  readonly scenarios: RegExp;
  /** One that shows it. */
  readonly shownBy: Scenario;
}

export const DIFFERENCES: readonly Difference[] = [
  {
    heading: "The token's header",
    fields: /^server\.\d+\.headers\.authorization$/,
    scenarios: /./,
    shownBy: named('http: get'),
  },
  {
    heading: '`request` is not enumerable',
    fields: /^(?:outcome|response)\.keys\.request$/,
    scenarios: /./,
    shownBy: named('http: get /500/json, plain'),
  },
  {
    heading: '`config.headers` are the caller’s',
    fields: /^config\.headers\./,
    scenarios: /./,
    shownBy: named('http: post object to /200/json'),
  },
  {
    heading: 'The framing of forms',
    fields: /^server\.\d+\.(?:headers\.(?:content-length|content-type|transfer-encoding)|body)$/,
    scenarios: /FormData/,
    shownBy: named('http: post FormData to /200/json'),
  },
  {
    heading: 'A streamed request body reaches the adapter as a copy',
    fields: /^adapter\.isSameStream$/,
    scenarios: /^a stream, as an adapter gets it$/,
    shownBy: SHOWING.streamAsCopy,
  },
  {
    heading: 'Looks into streamed responses',
    fields: /^stream\.leadsToRequest$/,
    scenarios: /^http: .*\/4\d\d\/json, stream/,
    shownBy: named('http: get /404/json, stream'),
  },
  {
    heading: 'Redirects by fetch',
    fields: /^fetch\.asked$/,
    scenarios: /^a redirect, as env.fetch sees it$/,
    shownBy: SHOWING.ownFetch,
  },
  {
    heading: 'Loopback takes no proxy from the environment',
    fields: /^(?:proxy\.asked|server\.|response\.)/,
    scenarios: /through a proxy/,
    shownBy: SHOWING.proxied,
  },
  {
    heading: 'Handlers of mocks that name exact headers',
    fields: /^(?:outcome|response|error|config)\./,
    scenarios: /^a mock that names exact headers$/,
    shownBy: SHOWING.mocked,
  },
];

function named(name: string): Scenario {
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (scenario === undefined) throw new Error(`there is no scenario "${name}"`);
  return scenario;
}
