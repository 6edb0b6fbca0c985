import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { ROOT } from './support/tarball.ts';

const printer = ts.createPrinter({ removeComments: true });

/** The statements of a declaration file without comments; what bundling made up left out. */
function statementsOf(file: string): {
  readonly names: readonly string[];
  readonly declarations: readonly string[];
} {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(ROOT, file), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const names: string[] = [];
  const declarations: string[] = [];
  for (const statement of source.statements) {
    if (ts.isExportDeclaration(statement)) {
      const clause = statement.exportClause;
      const elements = clause !== undefined && ts.isNamedExports(clause) ? clause.elements : [];
      names.push(...elements.map(({ name, isTypeOnly }) => `${isTypeOnly ? 'type ' : ''}${name.text}`));
    } else if (!isOwnImport(statement)) {
      declarations.push(printer.printNode(ts.EmitHint.Unspecified, statement, source));
    }
  }
  return { names: names.sort(), declarations: declarations.sort() };
}

/** Entry points import what they share under names that change from build to build. */
function isOwnImport(statement: ts.Statement): boolean {
  return (
    ts.isImportDeclaration(statement) &&
    ts.isStringLiteral(statement.moduleSpecifier) &&
    statement.moduleSpecifier.text.startsWith('.')
  );
}

function summary(file: string): string {
  const { names, declarations } = statementsOf(file);
  return `// Exports\n${names.map((name) => `//   ${name}`).join('\n')}\n\n${declarations.join('\n\n')}\n`;
}

/** A change of these files is a change of the public interface: `npm run check:build -- -u` writes them anew. */
describe('the public interface, as published', () => {
  test.each([
    ['dist/index.d.mts', 'index'],
    ['dist/token-store.d.cts', 'shared'],
    ['dist/sandbox/index.d.cts', 'sandbox'],
    ['dist/testing/index.d.cts', 'testing'],
    ['dist/redis/index.d.cts', 'redis'],
  ])('%s is as test/package/public-api/%s.txt says', async (file, name) => {
    const text = name === 'shared' ? summary(file).replace(/^\/\/ Exports[\s\S]*?\n\n/, '') : summary(file);
    await expect(text).toMatchFileSnapshot(`public-api/${name}.txt`);
  });

  const read = (file: string): string => readFileSync(join(ROOT, 'dist', file), 'utf8');

  test('index: the same for ESM and CommonJS, each with its own types of axios', () => {
    const [esm, cjs] = ['index.d.mts', 'index.d.cts'].map((file) =>
      read(file).replace(/\.[cm]js|\.d\.[cm]ts/g, ''),
    );
    expect(cjs).toBe(esm);
    expect(esm).toContain('from "axios"');
  });

  test.each(['sandbox/index', 'testing/index', 'redis/index', 'token-store'])(
    '%s: declared once, without a type of axios',
    (name) => {
      expect(read(`${name}.d.mts`)).toBe(`export * from "./${name.split('/').at(-1)}.cjs";\n`);
      expect(read(`${name}.d.cts`)).not.toContain('from "axios"');
    },
  );
});
