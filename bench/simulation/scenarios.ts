import type { Tally } from './modelled-process.ts';
import type { Minting, Span } from './payu-model.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** What came out of one scenario. */
export interface Figures extends Tally {
  readonly tokenRequests: readonly number[];
  readonly total: number;
  readonly busiestSecond: number;
}

export interface Bound {
  readonly what: string;
  readonly holds: (figures: Figures) => boolean;
}

export interface Scenario {
  readonly name: string;
  readonly processes: number;
  readonly hours: number;
  readonly minting: Minting;
  readonly isShared: boolean;
  readonly renewAheadMs?: number;
  readonly storeOutages?: readonly Span[];
  readonly payuOutages?: readonly Span[];
  /** When all tokens are revoked, since the start. */
  readonly revocations?: readonly number[];
  /** The most that the wall clock of a process is wrong, ahead or behind. */
  readonly clocksWrongByMs?: number;
  readonly bounds: readonly Bound[];
}

/** Lives of two hours in a day: the first mint, and a renewal a minute before the end of each. */
const LIVES = 13;
/** A rolling start: the processes begin within this time. */
export const STARTS_WITHIN_MS: number = 10 * MINUTE_MS;

const noneFails: Bound = { what: 'no call fails', holds: ({ failed }) => failed === 0 };

function atMost(tokenRequests: number): Bound {
  return { what: `≤ ${tokenRequests} token requests`, holds: ({ total }) => total <= tokenRequests };
}

function waitsAtMost(seconds: number): Bound {
  return {
    what: `no call waits longer than ${seconds} s`,
    holds: ({ longestWaitMs }) => longestWaitMs <= seconds * 1_000,
  };
}

function failsAtMost(calls: number): Bound {
  return { what: `≤ ${calls} calls fail`, holds: ({ failed }) => failed <= calls };
}

/** The newest token is handed in within a second, and found within another: also in a pause (D5). */
const WAY_BACK_MS = 2_000;

function failsOnlyUntil(endMs: number): Bound {
  return {
    what: `no call fails after ${endMs / 1_000} s`,
    holds: ({ lastFailedAtMs }) => lastFailedAtMs <= endMs,
  };
}

/** Calls that arrive while the first token of so many processes is minted. */
function waitsOnlyAtStart(processes: number): Bound {
  const most = processes * 500;
  return { what: `≤ ${most} calls wait (the cold start)`, holds: ({ waited }) => waited <= most };
}

const day = { processes: 1_000, hours: 24 };

/** Around the third renewal of a fleet whose first token was minted at its start. */
const overRenewal: Span = { from: 6 * HOUR_MS - 10 * MINUTE_MS, until: 6 * HOUR_MS };
const inMidLife: Span = { from: 5 * HOUR_MS - 10 * MINUTE_MS, until: 5 * HOUR_MS };

export const scenarios: readonly Scenario[] = [
  {
    ...day,
    name: 'each process for itself',
    minting: 'fresh',
    isShared: false,
    bounds: [atMost(1_000 * LIVES), noneFails, waitsOnlyAtStart(1_000)],
  },
  {
    ...day,
    name: 'shared store',
    minting: 'fresh',
    isShared: true,
    bounds: [atMost(LIVES), noneFails, waitsOnlyAtStart(1_000)],
  },
  {
    ...day,
    name: 'shared store, server reuses tokens',
    minting: 'reuse',
    isShared: true,
    // Each renewal in the window brings the same token; the lock lets one request through at a time.
    bounds: [atMost(LIVES * 210), noneFails, waitsAtMost(5)],
  },
  {
    ...day,
    name: 'shared store, server revokes the previous token',
    minting: 'revoke-previous',
    isShared: true,
    bounds: [atMost(LIVES), noneFails, waitsAtMost(5)],
  },
  {
    ...day,
    name: 'shared store, out for an hour over a renewal',
    minting: 'fresh',
    isShared: true,
    storeOutages: [{ from: 5.5 * HOUR_MS, until: 6.5 * HOUR_MS }],
    bounds: [atMost(1_000 + LIVES), noneFails],
  },
  {
    ...day,
    name: 'shared store, token endpoint out for 10 min in mid-life',
    minting: 'fresh',
    isShared: true,
    payuOutages: [inMidLife],
    bounds: [atMost(LIVES), noneFails],
  },
  {
    ...day,
    name: 'shared store, token endpoint out for 10 min over a renewal',
    minting: 'fresh',
    isShared: true,
    payuOutages: [overRenewal],
    // Nobody can have a token once the last one has expired: at the worst, all calls of the outage fail.
    bounds: [atMost(1_000), failsAtMost(1_000 * 1_000 * 600), waitsAtMost(120)],
  },
  {
    ...day,
    name: 'the same with renewAheadMs: 720_000',
    minting: 'fresh',
    isShared: true,
    renewAheadMs: 12 * MINUTE_MS,
    payuOutages: [overRenewal],
    bounds: [atMost(2 * LIVES), noneFails, waitsOnlyAtStart(1_000)],
  },
  {
    processes: 8,
    hours: 1,
    name: '8 processes for themselves, server revokes the previous token',
    minting: 'revoke-previous',
    isShared: false,
    // What not to do: most calls fail, as no token lives for long. Still at most one token request per process and second.
    bounds: [atMost(8 * 3_600)],
  },
  {
    ...day,
    name: 'shared store, clocks wrong by up to an hour',
    minting: 'fresh',
    isShared: true,
    clocksWrongByMs: HOUR_MS,
    // A clock of another machine changes nothing (T3).
    bounds: [atMost(LIVES), noneFails, waitsOnlyAtStart(1_000)],
  },
  {
    ...day,
    name: 'shared store, all tokens revoked three times',
    minting: 'fresh',
    isShared: true,
    revocations: [3 * HOUR_MS, 9 * HOUR_MS, 15 * HOUR_MS],
    // One mint more for each, whoever finds out first, and it may begin the lives anew (D3).
    bounds: [atMost(LIVES + 3), noneFails, waitsAtMost(5)],
  },
  {
    ...day,
    name: 'shared store, tokens differ since an outage of it, then all are revoked',
    minting: 'fresh',
    isShared: true,
    storeOutages: [{ from: 5.5 * HOUR_MS, until: 6.5 * HOUR_MS }],
    revocations: [7 * HOUR_MS],
    // In the outage one mint of each; after the revocation one of each at the most (D3).
    bounds: [atMost(2 * 1_000 + LIVES), noneFails],
  },
  {
    processes: 8,
    hours: 24,
    name: 'shared store, out for an hour over a renewal, server revokes the previous token',
    minting: 'revoke-previous',
    isShared: true,
    storeOutages: [{ from: 5.5 * HOUR_MS, until: 6.5 * HOUR_MS }],
    // What can't be promised. The loss is that of the outage.
    bounds: [atMost(LIVES + 8 * 3_600), failsOnlyUntil(6.5 * HOUR_MS + WAY_BACK_MS)],
  },
];
