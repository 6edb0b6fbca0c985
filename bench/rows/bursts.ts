import { Agent } from 'node:http';
import { startServer } from '../support/children.ts';
import { type Client, ours, staticHeader } from '../support/contenders.ts';
import { median } from '../support/paired.ts';
import { number, type Outcome } from '../support/report.ts';
import type { Target } from '../support/target.ts';

const CALLS = 10_000;
/** As many connections as one process sensibly keeps; the rest of the calls wait for one. */
const CONNECTIONS = 256;

interface SandboxReady {
  readonly url: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

interface Counts {
  readonly tokenRequests: number;
  readonly apiRequests: number;
}

/** 10,000 requests at once: without a token, and with one that was just revoked. */
export async function bursts(rounds: number): Promise<Outcome> {
  const server = await startServer<SandboxReady>('sandbox.ts');
  const { url, ...credentials } = server.ready;
  const httpAgent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const target: Target = {
    ...credentials,
    apiUrl: `${url}/payout`,
    scope: 'create_payout_transactions',
    transport: { httpAgent },
    tokenTransport: {},
  };
  const ratios: number[] = [];
  const cold: Counts[] = [];
  const revoked: Counts[] = [];
  for (let round = -1; round < rounds; round++) {
    const bare = await timed(await staticHeader(target));
    const mintMs = await timeOfOneMint(target);
    await control(url, 'reset');
    const client = await ours(target);
    const burst = await timed(client);
    const coldCounts = await countsOf(url);
    await control(url, 'revoke-all');
    await control(url, 'reset');
    await timed(client);
    await client.close?.();
    if (round < 0) continue; // warms up all of it, connections included
    ratios.push(burst / (bare + mintMs));
    cold.push(coldCounts);
    revoked.push(await countsOf(url));
  }
  httpAgent.destroy();
  await server.stop();
  return { findings: findings(ratios, cold, revoked), asides: [] };
}

function findings(
  ratios: readonly number[],
  cold: readonly Counts[],
  revoked: readonly Counts[],
): Outcome['findings'] {
  const ratio = median(ratios);
  const coldMints = Math.max(...cold.map(({ tokenRequests }) => tokenRequests));
  const revokedMints = Math.max(...revoked.map(({ tokenRequests }) => tokenRequests));
  const sends = Math.max(...revoked.map(({ apiRequests }) => apiRequests));
  return [
    {
      id: 'cold-burst-mints',
      what: `${number.format(CALLS)} requests at once, no token (axios' http adapter)`,
      budget: '1 token request',
      measured: `${coldMints}`,
      isMet: coldMints === 1,
    },
    {
      id: 'cold-burst-time',
      what: 'their wall time',
      budget: `≤ 1.1 × of ${number.format(CALLS)} bare requests + one mint`,
      measured: `${ratio.toFixed(3)} × (${ratios.length} rounds, ${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)})`,
      isMet: ratio <= 1.1,
    },
    {
      id: 'revoked-burst',
      what: `${number.format(CALLS)} requests whose token was just revoked (axios' http adapter)`,
      budget: `1 token request, ≤ ${number.format(2 * CALLS)} API requests`,
      measured: `${revokedMints} token request, ${number.format(sends)} API requests`,
      isMet: revokedMints === 1 && sends <= 2 * CALLS,
    },
  ];
}

async function timed({ call }: Client): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: CALLS }, call));
  return performance.now() - startedAt;
}

async function timeOfOneMint(target: Target): Promise<number> {
  const client = await ours(target);
  const startedAt = performance.now();
  await client.call();
  const elapsed = performance.now() - startedAt;
  await client.close?.();
  return elapsed;
}

async function control(url: string, name: string): Promise<void> {
  const response = await fetch(`${url}/_sandbox/${name}`, { method: 'POST' });
  if (!response.ok) throw new Error(`The sandbox answered ${response.status} to "${name}".`);
  await response.arrayBuffer();
}

async function countsOf(url: string): Promise<Counts> {
  return (await fetch(`${url}/_sandbox/stats`)).json() as Promise<Counts>;
}
