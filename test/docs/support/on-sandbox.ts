import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../../src/sandbox/index.ts';
import { ROOT, type Snippet, typescriptOf } from './snippets.ts';

/** A snippet of the documents, with the host and the environment of a sandbox in place of PayU's. */
export interface Recipe {
  readonly title: string;
  readonly snippet: Snippet;
  readonly sandbox: Sandbox;
  /** Requests that are answered with 300 or more, in their order. */
  readonly refused: readonly (readonly [kind: string, status: number])[];
}

/** Whose snippets are run. Those of `docs/rules.md` and others are none of a user's. */
export const FILES: readonly string[] = [
  'README.md',
  ...['recipes', 'migrating', 'payments', 'errors', 'fleet'].map((name) => `docs/${name}.md`),
];

/** Another system is needed, mocks are what the recipe is about, or a sandbox is in it. */
const ELSEWHERE: readonly string[] = [
  'Behind a proxy',
  'A server that wants HTTP Basic',
  'How do I test my code?',
  'End-to-end tests, with the sandbox',
  'msw',
  'Debugging',
  'Fake timers',
  'Rehearse it',
];

/** What a recipe's sandbox has to be told, besides the credentials that all of them use. */
interface Extra {
  readonly options?: SandboxOptions;
  readonly prepare?: (sandbox: Sandbox) => void;
  /** Further values that are another's at PayU. */
  readonly replace?: (code: string, sandbox: Sandbox) => string;
  /** Code that comes after it, where the recipe alone sends nothing. */
  readonly check?: string;
  readonly refused?: Recipe['refused'];
}

export const EXTRAS: Readonly<Record<string, Extra>> = {
  'One call that is different': {
    prepare: (sandbox) => sandbox.replyNext({ body: {} }, { on: 'api', path: '/payout/public' }),
  },
  'A call failed: what now?': {
    prepare: (sandbox) => sandbox.rateLimit(1, { on: 'token', retryAfter: 600 }),
    refused: [['token', 429]],
  },
  'With axios-cache-interceptor': { check: "await payouts.get('/merchant/getAccountDetail');" },
  NestJS: {
    check: `
const app = await NestFactory.createApplicationContext(PayoutsModule, { logger: false });
expect(await app.get(PayoutsService).balance()).toBe(94003);
await app.close();`,
  },
  'Password grant': {
    // Its public client is not PayU's.
    replace: (code, { publicClientId }) =>
      code.replace('username, password }', `username, password, clientId: '${publicClientId}' }`),
  },
  "A refresh token from elsewhere: the partner's OTP flow": {
    replace: (code, sandbox) => {
      const { accessToken, refreshToken } = sandbox.issueToken({ clientId: 'client-1' });
      return code
        .replace('token-of-the-otp-flow', accessToken)
        .replace("'refresh-token'", `'${refreshToken}'`);
    },
  },
  'Several merchants': {
    options: {
      clients: ['101', '102'].map((id) => ({ clientId: `client-${id}`, clientSecret: `secret-${id}` })),
    },
  },
  'Secrets from a vault': {
    options: { clientSecret: 'secret of payu' },
    check: 'await auth.close();',
  },
  'Shutting down': {
    check: `
if (!server.listening) await new Promise((resolve) => server.once('listening', resolve));
const { port } = server.address() as import('node:net').AddressInfo;
expect(await (await fetch('http://127.0.0.1:' + port)).text()).toBe('94003');
await shutDown();
process.removeListener('SIGTERM', shutDown);`,
  },
  Serverless: {
    check: 'expect([await handler(), await handler()]).toEqual([94003, 94003]);',
  },
  'Next.js': {
    check: "expect((await payouts().get('/merchant/getAccountDetail')).data.data.balance).toBe(94003);",
  },
  // The interceptor of before, and what comes in its place: both cure a 401.
  'What to delete': {
    prepare: (sandbox) => sandbox.fail(1, { kind: 'oauth-error', error: 'invalid_token' }, { on: 'api' }),
    check: "expect((await payouts.get('/merchant/getAccountDetail')).data.data.balance).toBe(94003);",
    refused: [['api', 401]],
  },
  'What old error handlers find': {
    options: { clientSecret: 'another' },
    check: `
await expect(payouts.get('/merchant/getAccountDetail')).rejects.toMatchObject({ code: 'ERR_TOKEN_REFUSED' });
expect(reports).toHaveLength(1);`,
    refused: [['token', 401]],
  },
  'A payment, with the client': {
    options: { merchantId: '1111123', paymentCourse: ['SUCCESS'] },
    check: "expect(noted).toEqual([['keep', 'salary-2026-03-42'], ['paid', 'salary-2026-03-42']]);",
  },
  'One question, by hand': {
    check: "expect(printed()).toEqual(['nothing is known: ask again later']);",
  },
  'A payment link': {
    check: 'expect(printed()).toHaveLength(1);',
  },
  Errors: {
    options: { clientSecret: 'another' },
    check: "expect(alerts).toEqual([expect.stringContaining('grant.clientSecret')]);",
    refused: [['token', 401]],
  },
  'Running a fleet': {
    check:
      "expect((await auth.getToken()).scope).toEqual(['create_payout_transactions']);\nawait redis.close();",
  },
};

const HOSTS = /https:\/\/(?:uatoneapi|uat-accounts|uat-partner|bbps-sb|uat-onepayuonboarding)\.payu\.in/g;

/** Starts a sandbox for each recipe. */
export function recipesOnSandbox(): Promise<readonly Recipe[]> {
  const all = FILES.flatMap((file) =>
    typescriptOf(file).map((snippet) => ({ title: headingOf(snippet), snippet })),
  );
  return Promise.all(all.filter(({ title }) => !ELSEWHERE.includes(title)).map(moved));
}

async function moved({ title, snippet }: Pick<Recipe, 'title' | 'snippet'>): Promise<Recipe> {
  const { options, prepare, replace, check = '', refused = [] } = EXTRAS[title] ?? {};
  const sandbox = await startSandbox({ clientId: 'client-1', clientSecret: 'secret-1', ...options });
  prepare?.(sandbox);
  const here = (text: string): string => {
    const code = text
      .replace(HOSTS, sandbox.url)
      .replaceAll(
        /environment: '(?:test|production)'/g,
        `environment: ${JSON.stringify(sandbox.environment)}`,
      );
    return replace?.(code, sandbox) ?? code;
  };
  return {
    title,
    sandbox,
    snippet: { ...snippet, given: here(snippet.given), code: here(snippet.code), check },
    refused,
  };
}

/** What the sandbox answered with 300 or more, or with nothing. */
export function refusedBy(sandbox: Sandbox): Recipe['refused'] {
  return sandbox
    .requests()
    .flatMap(({ kind, status = 500 }) => (status >= 300 ? [[kind, status] as const] : []));
}

/** The heading that a snippet stands under. */
function headingOf({ file, line }: Snippet): string {
  const above = readFileSync(join(ROOT, file), 'utf8').split('\n').slice(0, line);
  return above.findLast((each) => /^#+ /.test(each))?.replace(/^#+ /, '') ?? '';
}
