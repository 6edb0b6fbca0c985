import axios from 'axios';
import { createPayuAuth, type PayuAuthEvent, scopes } from '../../index.ts';
import { type Sandbox, startSandbox } from '../../sandbox/index.ts';
import { type Figures, type Scene, type Stage, scenes } from './scenes.ts';

/**
 * Plays the scenes: a Payouts and a Payment Links client that share one auth, on a PayU inside this process. Each line
 * goes to `write`, first with what happens, at the end as a table of what was claimed and what came.
 */
export async function playDemo(write: (line: string) => void): Promise<'as claimed' | 'not as claimed'> {
  const startedAt = performance.now();
  const say = (text: string): void => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(3).padStart(7);
    write(`${seconds} s  ${text}`);
  };
  const sandbox = await startSandbox();
  const events: PayuAuthEvent[] = [];
  const auth = createPayuAuth({
    environment: sandbox.environment,
    grant: { type: 'client_credentials', clientId: sandbox.clientId, clientSecret: sandbox.clientSecret },
    scope: [scopes.payouts.create, scopes.paymentLinks.read],
    onEvent: (event) => {
      events.push(event);
      const told = wordsFor(event);
      if (told !== undefined) say(`  ${told}`);
    },
  });
  const payouts = axios.create({ baseURL: `${sandbox.url}/payout` });
  const links = axios.create({ baseURL: `${sandbox.url}/payment-links` });
  for (const client of [payouts, links]) auth.attach(client);
  const stage: Stage = {
    sandbox,
    say,
    forgetTokens: () => auth.invalidate(),
    call: (index) => (index % 2 === 0 ? payouts.get('/merchant/getAccountDetail') : links.get('/')),
  };
  const rows: Row[] = [];
  for (const scene of scenes) {
    say(`── ${scene.name} ──`);
    sandbox.resetStats();
    events.length = 0;
    const figures = count(sandbox, events, await scene.play(stage));
    say(`  ${figures.succeeded} of ${figures.calls} calls succeeded`);
    rows.push({ scene, figures });
  }
  await auth.close();
  await sandbox.close();
  write('');
  for (const line of table(rows)) write(line);
  return rows.every(isAsClaimed) ? 'as claimed' : 'not as claimed';
}

/** An event as a line for the viewer; undefined for events that the figures show as well. */
export function wordsFor(event: PayuAuthEvent): string | undefined {
  switch (event.type) {
    case 'token-minted':
      return `token minted by ${event.grant} (${event.cause}), valid for ${Math.round(event.expiresInMs / 1_000)} s`;
    case 'rate-limited':
      return `waiting ${(event.delayMs / 1_000).toFixed(1)} s, as the ${event.source} asked`;
    case 'token-failed':
      return `no token: ${event.error.message}`;
    default:
      return undefined;
  }
}

function count(
  sandbox: Sandbox,
  events: readonly PayuAuthEvent[],
  results: readonly PromiseSettledResult<unknown>[],
): Figures {
  const stats = sandbox.stats();
  const ofType = (type: PayuAuthEvent['type']) => events.filter((event) => event.type === type).length;
  return {
    calls: results.length,
    succeeded: results.filter(({ status }) => status === 'fulfilled').length,
    'token requests': stats.tokenRequests,
    mints: stats.mints,
    '401s': stats.unauthorized,
    replays: ofType('request-replayed'),
    waits: ofType('rate-limited'),
  };
}

interface Row {
  readonly scene: Scene;
  readonly figures: Figures;
}

function isAsClaimed({ scene: { expected }, figures }: Row): boolean {
  return Object.entries(figures).every(([name, value]) => expected[name as keyof Figures] === value);
}

function table(rows: readonly Row[]): readonly string[] {
  const names = Object.keys(rows[0]?.figures ?? {});
  const cells = [
    ['scene', ...names, 'as claimed'],
    ...rows.map((row) => [
      row.scene.name,
      ...Object.values(row.figures).map(String),
      isAsClaimed(row) ? 'yes' : 'NO',
    ]),
  ];
  const widths =
    cells[0]?.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0))) ?? [];
  return cells.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
