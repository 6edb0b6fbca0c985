/**
 * The main job in four scenes: a Payouts and a Payment Links client that share one auth, on a PayU that runs inside
 * this process. Exits with 1 where a scene does not come to the figures that it claims.
 *
 * With PAYU_CLIENT_ID, PAYU_CLIENT_SECRET and PAYU_SCOPE it mints at PayU's test environment instead.
 */
import axios, { type AxiosInstance } from 'axios';
import { createPayuAuth, isPayuAuthError, type PayuAuthEvent, scopes } from 'axios-payu-auth';
import { type Sandbox, startSandbox } from 'axios-payu-auth/sandbox';

interface Figures {
  readonly calls: number;
  readonly succeeded: number;
  readonly 'token requests': number;
  readonly mints: number;
  readonly '401s': number;
  readonly replays: number;
  readonly waits: number;
}

interface Scene {
  readonly name: string;
  readonly expected: Figures;
  readonly play: (stage: Stage) => Promise<readonly PromiseSettledResult<unknown>[]>;
}

interface Stage {
  readonly sandbox: Sandbox;
  readonly call: (index: number) => Promise<unknown>;
  readonly forgetTokens: () => Promise<void>;
}

const startedAt = performance.now();
const CALLS = 50;

function say(text: string): void {
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(3).padStart(7);
  console.log(`${seconds} s  ${text}`);
}

function atOnce(call: Stage['call']): Promise<PromiseSettledResult<unknown>[]> {
  return Promise.allSettled(Array.from({ length: CALLS }, (_, index) => call(index)));
}

const calm = { calls: CALLS, succeeded: CALLS, '401s': 0, replays: 0, waits: 0 };

const scenes: readonly Scene[] = [
  {
    name: 'cold burst',
    expected: { ...calm, 'token requests': 1, mints: 1 },
    play: ({ call }) => {
      say(`${CALLS} calls at once, and no token yet`);
      return atOnce(call);
    },
  },
  {
    name: 'steady calls',
    expected: { ...calm, 'token requests': 0, mints: 0 },
    play: async ({ call }) => {
      say(`${CALLS} calls one after another, with the token that is held`);
      const results: PromiseSettledResult<unknown>[] = [];
      for (let index = 0; index < CALLS; index++) results.push(...(await Promise.allSettled([call(index)])));
      return results;
    },
  },
  {
    name: 'tokens revoked',
    expected: { ...calm, 'token requests': 1, mints: 1, '401s': CALLS, replays: CALLS },
    play: async ({ call, sandbox }) => {
      const hold = sandbox.hold('api', undefined, { process: 'after' });
      const results = atOnce(call);
      // Calls that fail before they arrive must not hold up the verdict.
      await Promise.race([hold.waitFor(CALLS), results]);
      say(`${CALLS} calls are on their way: PayU revokes every token now`);
      sandbox.revokeAllTokens();
      hold.release();
      return results;
    },
  },
  {
    name: 'rate limited',
    expected: { ...calm, 'token requests': 2, mints: 1, waits: 1 },
    play: async ({ call, forgetTokens, sandbox }) => {
      await forgetTokens();
      sandbox.rateLimit(1, { on: 'token', retryAfter: 2 });
      say(`${CALLS} calls without a token, and the token endpoint says "retry_after": 2`);
      return atOnce(call);
    },
  },
];

function tell(event: PayuAuthEvent): void {
  switch (event.type) {
    case 'token-minted':
      say(
        `  token minted by ${event.grant} (${event.cause}), valid for ${Math.round(event.expiresInMs / 1_000)} s`,
      );
      break;
    case 'rate-limited':
      say(`  waiting ${(event.delayMs / 1_000).toFixed(1)} s, as the ${event.source} asked`);
      break;
    case 'token-failed':
      say(`  no token: ${event.error.message}`);
      break;
    default:
      break;
  }
}

async function playAll(): Promise<boolean> {
  await using sandbox = await startSandbox();
  const events: PayuAuthEvent[] = [];
  const auth = createPayuAuth({
    environment: sandbox.environment,
    grant: { type: 'client_credentials', clientId: sandbox.clientId, clientSecret: sandbox.clientSecret },
    scope: [scopes.payouts.create, scopes.paymentLinks.read],
    onEvent: (event) => {
      events.push(event);
      tell(event);
    },
  });
  const payouts = axios.create({ baseURL: `${sandbox.url}/payout` });
  const links = axios.create({ baseURL: `${sandbox.url}/payment-links` });
  for (const client of [payouts, links]) auth.attach(client);
  const stage: Stage = {
    sandbox,
    forgetTokens: () => auth.invalidate(),
    call: (index) => oneCall(index % 2 === 0 ? payouts : links, index % 2 === 0),
  };
  const table: Record<string, Figures & { readonly 'as claimed': string }> = {};
  for (const scene of scenes) {
    say(`── ${scene.name} ──`);
    sandbox.resetStats();
    events.length = 0;
    const results = await scene.play(stage);
    const figures = count(sandbox, events, results);
    say(`  ${figures.succeeded} of ${figures.calls} calls succeeded`);
    const isAsClaimed = JSON.stringify(figures) === JSON.stringify(inOrder(scene.expected, figures));
    table[scene.name] = { ...figures, 'as claimed': isAsClaimed ? 'yes' : 'NO' };
  }
  await auth.close();
  console.log();
  console.table(table);
  return Object.values(table).every((row) => row['as claimed'] === 'yes');
}

function oneCall(client: AxiosInstance, isPayouts: boolean): Promise<unknown> {
  return isPayouts ? client.get('/merchant/getAccountDetail') : client.get('/');
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

function inOrder(expected: Figures, like: Figures): Figures {
  return Object.fromEntries(
    Object.keys(like).map((name) => [name, expected[name as keyof Figures]]),
  ) as unknown as Figures;
}

/** One token from PayU's test environment: its life and scope, never its value. */
async function mintAtPayu(clientId: string, clientSecret: string, scope: string): Promise<boolean> {
  const auth = createPayuAuth({
    environment: 'test',
    grant: { type: 'client_credentials', clientId, clientSecret },
    scope,
    onEvent: tell,
  });
  try {
    const token = await auth.getToken();
    say(`scope ${token.scope.join(' ')}, valid until ${token.expiresAt.toISOString()}`);
    return true;
  } catch (error) {
    say(isPayuAuthError(error) ? `${error.code}: ${error.message}` : String(error));
    return false;
  } finally {
    await auth.close();
  }
}

const { PAYU_CLIENT_ID, PAYU_CLIENT_SECRET, PAYU_SCOPE } = process.env;
const isWell =
  PAYU_CLIENT_ID && PAYU_CLIENT_SECRET && PAYU_SCOPE
    ? await mintAtPayu(PAYU_CLIENT_ID, PAYU_CLIENT_SECRET, PAYU_SCOPE)
    : await playAll();
process.exitCode = isWell ? 0 : 1;
