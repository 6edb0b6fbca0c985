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
