import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { moduleName, moduleText, type Names, STRICTNESS } from '../docs/support/compile.ts';
import { type Recipe, recipesOnSandbox, refusedBy } from '../docs/support/on-sandbox.ts';
import { documents, snippetsOf, typescriptOf } from '../docs/support/snippets.ts';
import { type Project, project } from './support/project.ts';
import { ROOT } from './support/tarball.ts';

/** What the snippets import besides the package, in the versions that the tests of the sources use. */
const OTHERS = [
  '@nestjs/axios',
  '@nestjs/common',
  '@nestjs/config',
  '@nestjs/core',
  '@opentelemetry/api',
  '@opentelemetry/sdk-metrics',
  '@types/node',
  'axios',
  'axios-cache-interceptor',
  'axios-retry',
  'msw',
  'nock',
  'pino',
  'prom-client',
  'redis',
  'reflect-metadata',
  'rxjs',
  'typescript',
  'vitest',
];

/** What a user copies out of the package, next to the code that uses it. */
const COPIED = [
  'opentelemetry.ts',
  'payment-links-client.ts',
  'payouts-client.ts',
  'pino.ts',
  'prom-client.ts',
];

/** The names stay what a user writes. */
const NAMES: Names = { surroundings: './surroundings.js', packages: {} };

/** Snippets with a sandbox in place of PayU are in a folder of their own. */
const NAMES_ON_SANDBOX: Names = {
  surroundings: '../sandbox-surroundings.js',
  packages: Object.fromEntries(
    COPIED.map((name) => name.replace('.ts', '.js')).map((name) => [`./${name}`, `../${name}`]),
  ),
};

/** Hidden parts use what is in these; their own imports are the only thing that changes. */
const SUPPORT: readonly (readonly [from: string, to: string])[] = [
  ['test/docs/support/surroundings.ts', 'surroundings.ts'],
  ['test/docs/support/sandbox-surroundings.ts', 'sandbox-surroundings.ts'],
  ['test/redis/support/redis-server.ts', 'redis-server.ts'],
];

const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    moduleResolution: 'nodenext',
    ...STRICTNESS,
    rootDir: 'src',
    outDir: 'out',
  },
  include: ['src'],
};

/** Of vitest's JSON, what is looked at. */
interface Report {
  readonly numTotalTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const snippets = documents().flatMap((file) => typescriptOf(file));

/** What brings tests of its own is loaded where tests may be declared; all else is a test. */
function testFile(recipes: readonly Recipe[]): string {
  const onSandbox = recipes.map(({ title, snippet, sandbox: { username, password } }) => {
    const environment = JSON.stringify({ PAYU_USERNAME: username, PAYU_PASSWORD: password });
    const load = `() => import('./on-sandbox/${moduleName(snippet)}.js')`;
    return `test(${JSON.stringify(`on a sandbox: ${title}`)}, () => run(${load}, ${environment}));`;
  });
  const blocks = snippets.map((snippet) => {
    const path = `./${moduleName(snippet)}.js`;
    const title = JSON.stringify(`${snippet.file}:${snippet.line}`);
    return snippet.code.includes("from 'vitest'")
      ? `describe(${title}, async () => { await import('${path}'); });`
      : `test(${title}, () => run(() => import('${path}')));`;
  });
  return [
    "import { describe, test } from 'vitest';",
    "import { run } from './surroundings.js';",
    ...blocks,
    ...onSandbox,
    '',
  ].join('\n');
}

/** The NestJS recipe as an application with one job, whose call is under way when SIGTERM comes. */
function nestApplication(recipe: Recipe): string {
  const own = `
import { NestFactory } from '@nestjs/core';
@Module({ imports: [PayoutsModule] })
class Application {
  beforeApplicationShutdown(): void {
    console.log('shutting down');
  }
}
const app = await NestFactory.createApplicationContext(Application, { logger: false });
app.enableShutdownHooks();
console.log(await app.get(PayoutsService).balance());`;
  return `import 'reflect-metadata';\n${recipe.snippet.code}${own}\n`;
}

function supportText(from: string): string {
  return readFileSync(join(ROOT, from), 'utf8')
    .replaceAll(/'(?:\.\.\/)+src\/testing\/index\.ts'/g, "'axios-payu-auth/testing'")
    .replaceAll(/'\.\/surroundings\.ts'/g, "'./surroundings.js'")
    .replaceAll(/'(?:\.\.\/)+redis\/support\/redis-server\.ts'/g, "'./redis-server.js'");
}

describe('every snippet of the documents, against the package as it is installed', () => {
  let user: Project;
  let recipes: readonly Recipe[];
  afterAll(() => Promise.all(recipes.map(({ sandbox }) => sandbox.close())));
  beforeAll(async () => {
    recipes = await recipesOnSandbox();
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    user = await project(
      OTHERS.map((name) => `${name}@${devDependencies[name]}`),
      { type: 'module' },
    );
    for (const [from, to] of SUPPORT) user.write(`src/${to}`, supportText(from));
    const examples = join(user.folder, 'node_modules/axios-payu-auth/examples');
    expect(readdirSync(examples).sort()).toEqual(COPIED);
    for (const name of COPIED) user.write(`src/${name}`, readFileSync(join(examples, name), 'utf8'));
    for (const each of snippets) user.write(`src/${moduleName(each)}.ts`, moduleText(each, NAMES));
    for (const { snippet } of recipes) {
      user.write(`src/on-sandbox/${moduleName(snippet)}.ts`, moduleText(snippet, NAMES_ON_SANDBOX));
    }
    const nest = recipes.find(({ title }) => title === 'NestJS') as Recipe;
    user.write('src/on-sandbox/nest-application.ts', nestApplication(nest));
    const examplesTest = join(import.meta.dirname, 'programs/examples.test.ts.txt');
    user.write('src/examples.test.ts', readFileSync(examplesTest, 'utf8'));
    user.write('src/snippets.test.ts', testFile(recipes));
    user.write('tsconfig.json', JSON.stringify(TSCONFIG));
  });

  test('compiles, as strict as can be', async () => {
    const tsc = join(user.folder, 'node_modules/typescript/bin/tsc');
    expect(await user.run(process.execPath, tsc, '-p', '.')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('runs', async () => {
    const vitest = join(user.folder, 'node_modules/vitest/vitest.mjs');
    const flags = ['run', '--dir', 'out', '--reporter', 'json', '--testTimeout', '60000'];
    const { code, stdout, stderr } = await user.run(process.execPath, vitest, ...flags);
    expect(stdout, stderr).toContain('"testResults"');
    const { testResults, numTotalTests }: Report = JSON.parse(stdout.slice(stdout.indexOf('{')));
    const failed = testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status }) => status !== 'passed')
      .map(({ fullName, failureMessages }) => [fullName, ...failureMessages]);
    expect(failed).toEqual([]);
    expect(code, stderr).toBe(0);
    expect(numTotalTests).toBeGreaterThanOrEqual(snippets.length + recipes.length);
    for (const { title, sandbox, refused } of recipes) {
      expect(sandbox.requests().length, title).toBeGreaterThan(0);
      expect(refusedBy(sandbox), title).toEqual(refused);
    }
  });

  test('NestJS: the call of a job that is under way at SIGTERM gets its answer', async () => {
    const { sandbox } = recipes.find(({ title }) => title === 'NestJS') as Recipe;
    const { clientId, clientSecret } = sandbox;
    const hold = sandbox.hold('api');
    const env = { ...process.env, PAYU_CLIENT_ID: clientId, PAYU_CLIENT_SECRET: clientSecret };
    const application = spawn(process.execPath, ['out/on-sandbox/nest-application.js'], {
      cwd: user.folder,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void application.kill('SIGKILL'));
    const closed = once(application, 'close');
    const lines: string[] = [];
    createInterface(application.stdout).on('line', (line) => {
      lines.push(line);
      hold.release();
    });
    await Promise.race([hold.waitFor(1), closed]);
    application.kill('SIGTERM');
    expect(await closed).toEqual([null, 'SIGTERM']);
    expect(lines).toEqual(['shutting down', '94003']);
  });
});

/** The world of a program in CommonJS: its variables, and PayU's hosts, mocked; all that is declared must be used. */
const WORLD = `
const { mockPayu } = require('axios-payu-auth/testing');
Object.assign(process.env, { PAYU_CLIENT_ID: 'client-1', PAYU_CLIENT_SECRET: 'secret-1' });
globalThis.payu = (options) => {
  const kit = mockPayu({ environment: 'test', ...options });
  process.on('exit', () => kit.done());
  return kit;
};
`;

describe('every snippet in CommonJS, without TypeScript, against the package as it is installed', () => {
  const commonjs = documents()
    .flatMap((file) => snippetsOf(file))
    .filter(({ language }) => language === 'js');
  const isSpec = (code: string): boolean => /^test\(/m.test(code);
  let user: Project;
  beforeAll(async () => {
    user = await project(['axios', 'axios-mock-adapter', 'nock@14', 'jest@30'], { jest: { transform: {} } });
    user.write('world.cjs', WORLD);
    for (const each of commonjs) {
      const name = `${moduleName(each)}.${isSpec(each.code) ? 'spec.js' : 'cjs'}`;
      user.write(name, `${each.given}\n${each.code}\n`);
    }
  });

  test.each(commonjs.filter(({ code }) => !isSpec(code)))('$file:$line runs', async (snippet) => {
    const path = `${moduleName(snippet)}.cjs`;
    const ran = await user.run(process.execPath, '--require', './world.cjs', path);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
  });

  test('those that are tests pass in Jest', async () => {
    const jest = join(user.folder, 'node_modules/jest/bin/jest.js');
    const { code, stderr } = await user.run(process.execPath, jest, '--ci');
    expect(stderr).toMatch(/Tests: +[1-9]\d* passed, [1-9]\d* total/);
    expect(code).toBe(0);
  });
});
