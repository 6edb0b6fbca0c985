import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { beforeAll, describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const SRC = join(ROOT, 'src');

interface Example {
  /** Where it is, such as `payu-auth.ts:96`. */
  readonly place: string;
  readonly code: string;
}

/** The package's names, as a user imports them. */
const ENTRY_POINTS: Readonly<Record<string, string>> = {
  'axios-payu-auth': 'index.ts',
  'axios-payu-auth/sandbox': 'sandbox/index.ts',
  'axios-payu-auth/testing': 'testing/index.ts',
  'axios-payu-auth/redis': 'redis/index.ts',
};

/** What an example may use without saying where it comes from: its reader knows. */
const GIVEN: Readonly<Record<string, string>> = {
  axios: "import axios from 'axios';",
  clientId: 'declare const clientId: string;',
  clientSecret: 'declare const clientSecret: string;',
  key: 'declare const key: string;',
  salt: 'declare const salt: string;',
  transactionId: 'declare const transactionId: string;',
  grant: "declare const grant: import('axios-payu-auth').Grant;",
  payouts: "declare const payouts: import('axios').AxiosInstance;",
  scheduleLater: 'declare function scheduleLater(at: Date): void;',
  newKey: 'declare const newKey: string;',
  oldKey: 'declare const oldKey: string;',
  kit: "declare const kit: import('axios-payu-auth/testing').MockPayu;",
  vi: "import { vi } from 'vitest';",
  expect: "import { expect } from 'vitest';",
  redis: "declare const redis: import('axios-payu-auth/redis').RedisClient;",
};

/** Blocks in a fence; and what follows `@example` without one. */
function examplesOf(file: string, text: string): readonly Example[] {
  return [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].flatMap(({ 0: comment, index }) => {
    const prose = comment.replace(/\*\/$/, '').replace(/^[ \t]*(?:\/\*\*|\*) ?/gm, '');
    const fences = [...prose.matchAll(/```ts\n([\s\S]*?)```/g)];
    const bare = fences.length > 0 ? [] : [...prose.matchAll(/@example\s*\n([\s\S]*?)(?=\n@\w|$)/g)];
    return [...fences, ...bare].map((found) => {
      const before = text.slice(0, index).split('\n').length;
      const line = before + prose.slice(0, found.index).split('\n').length - 1;
      return { place: `${file}:${line}`, code: (found[1] ?? '').trim() };
    });
  });
}

function allExamples(): readonly Example[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => examplesOf(name, readFileSync(join(SRC, name), 'utf8')));
}

/** What the library exports, and where from: an example need not repeat the import. */
function exportedNames(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(ENTRY_POINTS).flatMap(([specifier, path]) => {
      const source = ts.createSourceFile(path, readFileSync(join(SRC, path), 'utf8'), ts.ScriptTarget.Latest);
      return source.statements.flatMap((statement) => {
        const clause = ts.isExportDeclaration(statement) ? statement.exportClause : undefined;
        return clause !== undefined && ts.isNamedExports(clause)
          ? clause.elements.map(({ name }) => [name.text, specifier] as const)
          : [];
      });
    }),
  );
}

function whole({ code }: Example, exported: ReadonlyMap<string, string>): string {
  const isUsed = (name: string): boolean =>
    new RegExp(`(?<![.\\w'"-])${name}\\b(?!['":-])|[{,] ${name}[ ,}]`).test(code);
  const isBound = (name: string): boolean =>
    new RegExp(`(?:const|let|function|class) ${name}\\b|import[^;]*\\b${name}\\b[^;]*from`).test(code);
  const wanted = (name: string): boolean => isUsed(name) && !isBound(name);
  const given = Object.entries(GIVEN).flatMap(([name, line]) => (wanted(name) ? [line] : []));
  const imports = [...exported].flatMap(([name, specifier]) =>
    wanted(name) ? [`import { ${name} } from '${specifier}';`] : [],
  );
  return [...imports, ...given, code, 'export {};'].join('\n');
}

/** The compiler's complaints about each text, by its name. */
function complaints(texts: ReadonlyMap<string, string>): readonly string[] {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const strict: ts.CompilerOptions = {
    ...options,
    isolatedDeclarations: false,
    declaration: false,
    // A reader's own example may keep a result for later.
    noUnusedLocals: false,
    paths: Object.fromEntries(Object.entries(ENTRY_POINTS).map(([name, path]) => [name, [join(SRC, path)]])),
  };
  const host = ts.createCompilerHost(strict);
  const { fileExists, getSourceFile, readFile } = host;
  host.fileExists = (name) => texts.has(name) || fileExists(name);
  host.readFile = (name) => texts.get(name) ?? readFile(name);
  host.getSourceFile = (name, language, ...rest) => {
    const text = texts.get(name);
    return text === undefined
      ? getSourceFile(name, language, ...rest)
      : ts.createSourceFile(name, text, language, true);
  };
  const program = ts.createProgram([...texts.keys()], strict, host);
  return [...texts.keys()].flatMap((name) => {
    const source = program.getSourceFile(name);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText }) => `${relative(ROOT, name)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    );
  });
}

const nameOf = ({ place }: Example): string => join(ROOT, `${place.replaceAll(/[/:]/g, '-')}.example.ts`);

describe('the examples in docstrings', () => {
  const examples = allExamples();
  const wrong: readonly (readonly [title: string, example: Example, complaint: string])[] = [
    [
      'a wrong option',
      { place: 'x:1', code: "createPayuAuth({ environment: 'live', grant, scope: 'a' });" },
      '"live"',
    ],
    ['a name that is nobody’s', { place: 'x:2', code: 'auth.attach(client);' }, "Cannot find name 'auth'"],
    ['broken syntax', { place: 'x:3', code: 'createPayuAuth({' }, "'}' expected"],
  ];
  let told: readonly string[] = [];

  // One program for all: the compiler takes seconds to start.
  beforeAll(() => {
    const exported = exportedNames();
    const all = [...examples, ...wrong.map(([, example]) => example)];
    told = complaints(new Map(all.map((example) => [nameOf(example), whole(example, exported)])));
  });

  test('are found, those with a fence and those without', () => {
    const places = examples.map(({ place }) => place.replace(/:\d+$/, ''));
    expect(places).toEqual(
      expect.arrayContaining([
        'payu-auth.ts',
        'errors.ts',
        'sandbox/start-sandbox.ts',
        'testing/mock-payu.ts',
      ]),
    );
    expect(examples.filter(({ code }) => code === '')).toEqual([]);
  });

  test('compile, as strictly as the library', () => {
    expect(told.filter((complaint) => !complaint.startsWith('x-'))).toEqual([]);
  });

  test.each(wrong)('%s would be told', (_title, example, complaint) => {
    const own = told.filter((each) => each.startsWith(relative(ROOT, nameOf(example))));
    expect(own.join('\n')).toContain(complaint);
  });
});
