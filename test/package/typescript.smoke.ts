import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Project, project } from './support/project.ts';
import { ROOT } from './support/tarball.ts';

const SOURCE = readFileSync(join(import.meta.dirname, 'programs/user.ts.txt'), 'utf8');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

describe('TypeScript sees the types, payuAuth among the options of axios, and takes its instances', () => {
  let user: Project;
  beforeAll(async () => {
    user = await project(['axios', 'nock@14', '@types/node@20']);
  });

  test.each([
    ['nodenext, an ES module', 'user.mts', { module: 'nodenext', moduleResolution: 'nodenext' }],
    ['nodenext, a CommonJS module', 'user.cts', { module: 'nodenext', moduleResolution: 'nodenext' }],
    ['a bundler', 'user.ts', { module: 'esnext', moduleResolution: 'bundler' }],
    ['node10', 'user.ts', { module: 'commonjs', moduleResolution: 'node10', esModuleInterop: true }],
  ])('%s', async (title, name, options) => {
    const folder = title.replaceAll(/\W+/g, '-');
    user.write(`${folder}/${name}`, SOURCE);
    user.write(
      `${folder}/tsconfig.json`,
      JSON.stringify({
        compilerOptions: {
          target: 'es2023',
          lib: ['es2023', 'esnext.disposable'],
          types: ['node'],
          strict: true,
          exactOptionalPropertyTypes: true,
          noEmit: true,
          // Our own declarations are to be right by themselves; those of others are theirs.
          skipLibCheck: true,
          ...options,
        },
        files: [name],
      }),
    );
    expect(await user.run(process.execPath, TSC, '-p', folder)).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('the declarations themselves are sound, on both sides', async () => {
    const names = ['index', 'redis/index', 'sandbox/index', 'testing/index'];
    const files = names.flatMap((name) =>
      ['mts', 'cts'].map((format) => `../node_modules/axios-payu-auth/dist/${name}.d.${format}`),
    );
    user.write(
      'sound/tsconfig.json',
      JSON.stringify({
        compilerOptions: {
          target: 'es2023',
          lib: ['es2023', 'dom', 'esnext.disposable'],
          module: 'nodenext',
          moduleResolution: 'nodenext',
          types: ['node'],
          strict: true,
          noEmit: true,
          skipLibCheck: false,
        },
        files,
      }),
    );
    const { stdout } = await user.run(process.execPath, TSC, '-p', 'sound');
    expect(stdout.split('\n').filter((line) => line.includes('axios-payu-auth'))).toEqual([]);
  });
});

/** Runs the compiler over these files, in a folder of their own; what it says. */
async function compiled(
  user: Project,
  folder: string,
  files: Readonly<Record<string, string>>,
  compilerOptions: Readonly<Record<string, unknown>>,
): Promise<string> {
  for (const [name, text] of Object.entries(files)) user.write(`${folder}/${name}`, text);
  const strict = { target: 'es2022', strict: true, noEmit: true, ...compilerOptions };
  user.write(
    `${folder}/tsconfig.json`,
    JSON.stringify({ compilerOptions: strict, files: Object.keys(files) }),
  );
  const { stdout } = await user.run(process.execPath, TSC, '-p', folder);
  return stdout;
}

const NODENEXT = { module: 'nodenext', moduleResolution: 'nodenext' };

describe('without @types/node, and with the declarations of others checked', () => {
  const program = `
import axios from 'axios';
import { createPayuAuth, isPayuAuthError, scopes } from 'axios-payu-auth';
import { redisTokenStore } from 'axios-payu-auth/redis';
import { mockPayu } from 'axios-payu-auth/testing';
export async function use(client: Parameters<typeof redisTokenStore>[0]): Promise<void> {
  mockPayu({ environment: 'test' }).restore();
  const auth = createPayuAuth({
    environment: 'test',
    grant: { type: 'client_credentials', clientId: 'id', clientSecret: 'a-secret' },
    scope: scopes.payouts.create,
    store: redisTokenStore(client),
  });
  auth.attach(axios.create());
  await axios.get('/', { payuAuth: { replay: false } }).catch((error: unknown) => isPayuAuthError(error));
  await auth.close();
}
`;
  let user: Project;
  beforeAll(async () => {
    user = await project(['axios']);
  });

  test.each([
    ['ES and CommonJS modules', ['user.mts', 'user.cts'], NODENEXT],
    ['a bundler', ['user.ts'], { module: 'esnext', moduleResolution: 'bundler' }],
    ['node10', ['user.ts'], { module: 'commonjs', moduleResolution: 'node10', esModuleInterop: true }],
  ])('%s compile', async (title, names, options) => {
    const lean = { lib: ['es2022', 'dom'], types: [], skipLibCheck: false, ...options };
    const files = Object.fromEntries(names.map((name) => [name, program]));
    expect(await compiled(user, title.replaceAll(/\W+/g, '-'), files, lean)).toBe('');
  });

  test('what a user exports without naming its type can be named in declarations', async () => {
    const exported = `
import { createPayuAuth } from 'axios-payu-auth';
import { redisTokenStore } from 'axios-payu-auth/redis';
import { fixtures, mockPayu } from 'axios-payu-auth/testing';
export const auth = createPayuAuth({} as never);
export const status = auth.status();
export const store = redisTokenStore({} as never);
export const record = store.get('key');
export const kit = mockPayu({ environment: 'test' });
export const requests = kit.apiRequests();
export const replies = fixtures.payouts;
`;
    const emitting = { lib: ['es2022', 'dom'], types: [], noEmit: false, declaration: true, ...NODENEXT };
    const files = { 'user.mts': exported, 'user.cts': exported };
    expect(await compiled(user, 'exported', files, emitting)).toBe('');
  });

  test('a grant without "as const" is told by its type, once each', async () => {
    const grants = [
      ['client_credentials', "clientId: 'id', clientSecret: 'a-secret'"],
      ['password', "username: 'user', password: 'a-secret'"],
      ['password', "username: 'user', password: 'a-secret', clientId: 'id', clientSecret: 'a-secret'"],
      ['refresh_token', "refreshToken: 'a-secret', clientId: 'id', clientSecret: 'a-secret'"],
      ['custom', "grantType: 'their_own', clientId: 'id', clientSecret: 'a-secret'"],
    ] as const;
    const programs = grants.map(
      ([type, fields]) => `
import { createPayuAuth } from 'axios-payu-auth';
const grant = { type: '${type}', ${fields} };
createPayuAuth({ environment: 'test', grant, scope: 'a' });
`,
    );
    const files = Object.fromEntries(programs.map((text, index) => [`grant-${index}.mts`, text]));
    const said = await compiled(user, 'grants', files, { lib: ['es2022', 'dom'], ...NODENEXT });
    const reasons = [...said.matchAll(/Type 'string' is not assignable to type '"(\w+)"'/g)];
    expect(reasons.map(([, type]) => type)).toEqual(grants.map(([type]) => type));
    expect(said.match(/error TS/g)).toHaveLength(grants.length);
  });
});

describe('axios has types for import and types for require: payuAuth is known to both at once', () => {
  test('@nestjs/axios 12, which is an ES module, in a CommonJS project', async () => {
    const nest = ['@nestjs/axios@12', '@nestjs/common@11', 'rxjs@7', 'reflect-metadata', '@types/node@20'];
    const user = await project(['axios', ...nest]);
    const text = `
import type { HttpService } from '@nestjs/axios' with { 'resolution-mode': 'import' };
import axios = require('axios');
import { createPayuAuth, type PayuAuth, scopes } from 'axios-payu-auth';
export function use(http: HttpService): PayuAuth {
  const auth = createPayuAuth({
    environment: 'test',
    grant: { type: 'client_credentials', clientId: 'id', clientSecret: 'a-secret' },
    scope: scopes.payouts.create,
    isTokenRefused: ({ status }) => status === 401,
  });
  auth.attach(http.axiosRef);
  http.get('/', { payuAuth: { replay: false } });
  void http.axiosRef.get('/', { payuAuth: false });
  void axios.get('/', { payuAuth: { scope: scopes.paymentLinks.read } });
  // @ts-expect-error true is none of its values, on either side
  void http.axiosRef.get('/', { payuAuth: true });
  // @ts-expect-error
  void axios.get('/', { payuAuth: true });
  return auth;
}
`;
    // Applications are written this way: TypeScript 5.8 and later let CommonJS require an ES module.
    const plain = text.replace(" with { 'resolution-mode': 'import' }", '').replace('import type', 'import');
    const options = { lib: ['es2022'], types: ['node'], skipLibCheck: true, ...NODENEXT };
    expect(await compiled(user, 'nest', { 'user.cts': text, 'plain.cts': plain }, options)).toBe('');
  });

  test('a client to copy, as a file of CommonJS next to an ES module', async () => {
    const user = await project(['axios', '@types/node@20'], { type: 'commonjs' });
    const clients = ['payouts-client.ts', 'payment-links-client.ts'].map(
      (name) => [name, readFileSync(join(ROOT, 'examples', name), 'utf8')] as const,
    );
    const text = `
import axios from 'axios';
import { PaymentLinksClient } from './payment-links-client.js';
import { PayoutsClient } from './payouts-client.js';
new PaymentLinksClient(axios.create(), { merchantId: '1' });
new PayoutsClient(axios.create(), { merchantId: '1' });
`;
    const files = { 'user.mts': text, ...Object.fromEntries(clients) };
    // The manifest is looked for next to the files.
    user.write('copied/package.json', '{"type":"commonjs"}');
    const options = { lib: ['es2022'], types: ['node'], ...NODENEXT };
    expect(await compiled(user, 'copied', files, options)).toBe('');
  });

  test('a user and the clients to copy, by the oldest TypeScript, as strict as projects are', async () => {
    const user = await project(['axios', 'nock@14', '@types/node@20', 'typescript@5.0']);
    const clients = ['payouts-client.ts', 'payment-links-client.ts'];
    for (const name of clients) user.write(name, readFileSync(join(ROOT, 'examples', name), 'utf8'));
    user.write('user.ts', SOURCE);
    const names = [...clients, 'user.ts'];
    const strictest = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noPropertyAccessFromIndexSignature: true,
      noImplicitReturns: true,
      noUnusedLocals: true,
      noUnusedParameters: true,
      verbatimModuleSyntax: true,
    };
    const lib = ['es2022', 'dom'];
    const others = { target: 'es2022', lib, types: ['node'], skipLibCheck: false, noEmit: true };
    const compilerOptions = { ...strictest, ...others, module: 'esnext', moduleResolution: 'bundler' };
    user.write('tsconfig.json', JSON.stringify({ compilerOptions, files: names }));
    const { stdout } = await user.run(process.execPath, 'node_modules/typescript/bin/tsc', '-p', '.');
    expect(stdout).toBe('');
  });

  test('a CommonJS dependency that hands out its axios, in a project of ES modules', async () => {
    const user = await project(['axios']);
    user.write('node_modules/their-client/package.json', '{"name":"their-client","types":"index.d.ts"}');
    user.write(
      'node_modules/their-client/index.d.ts',
      "import { type AxiosInstance } from 'axios';\nexport declare const client: AxiosInstance;\n",
    );
    const text = `
import axios from 'axios';
import 'axios-payu-auth';
import { client } from 'their-client';
void client.get('/', { payuAuth: false });
void axios.get('/', { payuAuth: false });
`;
    const lean = { lib: ['es2022', 'dom'], types: [], ...NODENEXT };
    expect(await compiled(user, 'their-client', { 'user.mts': text }, lean)).toBe('');
  });
});
