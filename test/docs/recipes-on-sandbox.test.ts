import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/index.ts';
import { compile, ON_SANDBOX } from './support/compile.ts';
import { ROOT, type Snippet, typescriptOf } from './support/snippets.ts';
import { run } from './support/surroundings.ts';

/** Another system is needed, or mocks are what the recipe is about. */
const NOT_ON_SANDBOX = [
  'Behind a proxy',
  'A server that wants HTTP Basic',
  'How do I test my code?',
  'End-to-end tests, with the sandbox',
  'msw',
  'Debugging',
  'Fake timers',
];

/** What a recipe's sandbox has to be told, besides the credentials that all of them use. */
interface Extra {
  readonly options?: SandboxOptions;
  readonly prepare?: (sandbox: Sandbox) => void;
  /** Further values that are another's at PayU. */
  readonly replace?: (code: string, sandbox: Sandbox) => string;
  /** Code that comes after it, where the recipe alone sends nothing. */
  readonly check?: string;
}

const EXTRAS: Readonly<Record<string, Extra>> = {
  'One call that is different': {
    prepare: (sandbox) => sandbox.replyNext({ body: {} }, { on: 'api', path: '/payout/public' }),
  },
  'A call failed: what now?': {
    prepare: (sandbox) => sandbox.rateLimit(1, { on: 'token', retryAfter: 600 }),
  },
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
};

const HOSTS = /https:\/\/(?:uatoneapi|uat-partner|bbps-sb|uat-onepayuonboarding)\.payu\.in/g;

const recipes = ['README.md', 'docs/recipes.md'].flatMap((file) =>
  typescriptOf(file)
    .map((snippet) => ({ title: headingOf(snippet), snippet }))
    .filter(({ title }) => !NOT_ON_SANDBOX.includes(title)),
);
const onSandbox = await Promise.all(
  recipes.map(async ({ title, snippet }) => {
    const { options, prepare, replace, check = '' } = EXTRAS[title] ?? {};
    const sandbox = await startSandbox({ clientId: 'client-1', clientSecret: 'secret-1', ...options });
    prepare?.(sandbox);
    const moved = (code: string): string => {
      const here = code
        .replace(HOSTS, sandbox.url)
        .replaceAll("environment: 'test'", `environment: ${JSON.stringify(sandbox.environment)}`);
      return replace?.(here, sandbox) ?? here;
    };
    return {
      title,
      sandbox,
      snippet: { ...snippet, given: moved(snippet.given), code: moved(snippet.code), check },
    };
  }),
);
const compiled = compile(
  onSandbox.map(({ snippet }) => snippet),
  'on-sandbox',
  ON_SANDBOX,
);
afterAll(() => Promise.all(onSandbox.map(({ sandbox }) => sandbox.close())));

describe('with the host and the environment of a sandbox in place of PayU’s', () => {
  test.each(onSandbox.map(({ title }, index) => [title, index] as const))('%s', async (title, index) => {
    const { sandbox } = onSandbox[index] as (typeof onSandbox)[number];
    const { path, complaints } = compiled[index] as (typeof compiled)[number];
    expect(complaints).toEqual([]);
    const { username, password } = sandbox;
    await run(() => import(path), { PAYU_USERNAME: username, PAYU_PASSWORD: password });
    const requests = sandbox.requests();
    expect(requests.length).toBeGreaterThan(0);
    const failed = requests
      .filter(({ status = 500 }) => status >= 300)
      .map(({ kind, status }) => [kind, status]);
    expect(failed).toEqual(title === 'A call failed: what now?' ? [['token', 429]] : []);
  });

  test('no recipe is passed over, and no exception is left over', () => {
    const titles = recipes.map(({ title }) => title);
    expect(titles.length).toBeGreaterThan(15);
    expect(Object.keys(EXTRAS).filter((title) => !titles.includes(title))).toEqual([]);
  });
});

/** The heading that a snippet stands under. */
function headingOf({ file, line }: Snippet): string {
  const above = readFileSync(join(ROOT, file), 'utf8').split('\n').slice(0, line);
  return above.findLast((each) => /^##+ /.test(each))?.replace(/^#+ /, '') ?? '';
}
