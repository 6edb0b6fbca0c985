import { type Sandbox, startSandbox } from 'axios-payu-auth/sandbox';
import { type Client, type Contender, contenders, STATIC } from './support/contenders.ts';
import type { Aside, Finding, Outcome } from './support/report.ts';

const CALLS = 50;

/** What a race came to. */
interface Result {
  readonly tokenRequests: number;
  readonly apiRequests: number;
  readonly failed: number;
  /** Rejections that the client left to nobody: Node.js ends the process for the first of them. */
  readonly unhandled?: number;
}

interface Scenario {
  readonly name: string;
  /** What a client that makes no mistake comes to. */
  readonly best: Result;
  /** Returns the calls that count; what it does before is not counted once it has reset the sandbox. */
  readonly play: (client: Client, sandbox: Sandbox) => Promise<readonly PromiseSettledResult<unknown>[]>;
}

const scenarios: readonly Scenario[] = [
  {
    name: `${CALLS} cold calls`,
    best: { tokenRequests: 1, apiRequests: CALLS, failed: 0 },
    play: (client) => atOnce(client),
  },
  {
    name: `${CALLS} × 401 at once`,
    best: { tokenRequests: 1, apiRequests: 2 * CALLS, failed: 0 },
    play: async (client, sandbox) => {
      await warmUp(client, sandbox);
      sandbox.revokeAllTokens();
      return atOnce(client);
    },
  },
  {
    name: 'a late 401 of the old token',
    best: { tokenRequests: 1, apiRequests: 4, failed: 0 },
    play: lateUnauthorized,
  },
  {
    name: `an endless 401, ${CALLS} calls one by one`,
    // Failing is right here: what counts is that a 401 which no token cures does not become a mint per call.
    best: { tokenRequests: 1, apiRequests: CALLS + 1, failed: CALLS },
    play: async (client, sandbox) => {
      await warmUp(client, sandbox);
      sandbox.fail({ share: 1 }, { kind: 'status', status: 401 }, { on: 'api' });
      const results: PromiseSettledResult<unknown>[] = [];
      for (let i = 0; i < CALLS; i++) results.push(...(await Promise.allSettled([client.call()])));
      return results;
    },
  },
  {
    name: `one 503 of the token endpoint, ${CALLS} cold calls`,
    best: { tokenRequests: 2, apiRequests: CALLS, failed: 0 },
    play: (client, sandbox) => {
      sandbox.fail(1, { kind: 'status', status: 503 });
      return atOnce(client);
    },
  },
  {
    name: `the token endpoint says "retry_after": 1, ${CALLS} cold calls`,
    best: { tokenRequests: 2, apiRequests: CALLS, failed: 0 },
    play: (client, sandbox) => {
      sandbox.rateLimit(1, { retryAfter: 1 });
      return atOnce(client);
    },
  },
];

/** What each client does in the races: counted by a sandbox, not timed. */
export async function races(): Promise<Outcome> {
  const clients = contenders.filter(({ name }) => name !== STATIC);
  const rows: string[][] = [];
  const findings: Finding[] = [];
  for (const scenario of scenarios) {
    const cells: string[] = [];
    for (const contender of clients) {
      const result = await playedBy(contender, scenario);
      cells.push(shown(result));
      if (contender === clients[0]) findings.push(finding(scenario, result));
    }
    rows.push([scenario.name, shown(scenario.best), ...cells]);
  }
  const aside: Aside = {
    title: 'What each client does in the races',
    text:
      'Token requests / API requests / failed calls, as the sandbox counted them. ' +
      '†: the client leaves a rejection unhandled, for which Node.js ends the process.',
    table: { head: ['scenario', 'best possible', ...clients.map(({ name }) => name)], rows },
  };
  return { findings, asides: [aside] };
}

function finding({ name, best }: Scenario, result: Result): Finding {
  return {
    id: `race: ${name}`,
    what: `race: ${name}`,
    budget: `${shown(best)} (token requests / API requests / failed calls)`,
    measured: shown(result),
    isMet:
      result.tokenRequests <= best.tokenRequests &&
      result.apiRequests <= best.apiRequests &&
      result.failed <= best.failed &&
      result.unhandled === 0,
  };
}

async function playedBy({ create }: Contender, { play }: Scenario): Promise<Result> {
  await using sandbox = await startSandbox();
  const client = await create({
    apiUrl: `${sandbox.url}/payout`,
    tokenUrl: sandbox.environment.tokenUrl,
    clientId: sandbox.clientId,
    clientSecret: sandbox.clientSecret,
    scope: 'create_payout_transactions',
    transport: {},
    tokenTransport: {},
  });
  let unhandled = 0;
  const count = () => {
    unhandled++;
  };
  process.on('unhandledRejection', count);
  const results = await quietly(() => play(client, sandbox));
  await new Promise(setImmediate);
  process.off('unhandledRejection', count);
  await client.close?.();
  const { tokenRequests, apiRequests } = sandbox.stats();
  const failed = results.filter(({ status }) => status === 'rejected').length;
  return { tokenRequests, apiRequests, failed, unhandled };
}

function atOnce({ call }: Client): Promise<PromiseSettledResult<unknown>[]> {
  return Promise.allSettled(Array.from({ length: CALLS }, call));
}

async function warmUp({ call }: Client, sandbox: Sandbox): Promise<void> {
  await call();
  sandbox.resetStats();
}

/** Two calls with the old token are refused; the second one learns of it once the first has a new token. */
async function lateUnauthorized(client: Client, sandbox: Sandbox): Promise<PromiseSettledResult<unknown>[]> {
  await warmUp(client, sandbox);
  sandbox.revokeAllTokens();
  const hold = sandbox.hold('api');
  const early = client.call();
  const late = client.call();
  await hold.waitFor(2);
  hold.release(1);
  // Its replay carries the new token; a client without replays just fails.
  await Promise.race([hold.waitFor(3), early.catch(() => {})]);
  hold.release();
  return Promise.allSettled([early, late]);
}

/** Some clients print what goes wrong. */
async function quietly<T>(play: () => Promise<T>): Promise<T> {
  const { warn, error } = console;
  console.warn = () => {};
  console.error = () => {};
  try {
    return await play();
  } finally {
    Object.assign(console, { warn, error });
  }
}

function shown({ tokenRequests, apiRequests, failed, unhandled = 0 }: Result): string {
  return `${tokenRequests} / ${apiRequests} / ${failed}${unhandled > 0 ? ' †' : ''}`;
}
