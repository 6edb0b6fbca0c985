import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import type { Snippet } from './snippets.ts';

const FOLDER = join(import.meta.dirname, '../.generated');

/** The package's names stand for its sources, so that what is tested is what is in the folder now. */
const SOURCES: Readonly<Record<string, string>> = {
  'axios-payu-auth': '../../../src/index.ts',
  'axios-payu-auth/sandbox': '../../../src/sandbox/index.ts',
  'axios-payu-auth/testing': '../../../src/testing/index.ts',
  'axios-payu-auth/redis': '../../../src/redis/index.ts',
};

/** As strict as a user's may be; decorators for NestJS. */
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noImplicitOverride: true,
  verbatimModuleSyntax: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  skipLibCheck: true,
};

export interface Compiled {
  readonly snippet: Snippet;
  /** The module to import. */
  readonly path: string;
  /** What the compiler says of it, each with its line in the document. */
  readonly complaints: readonly string[];
}

/** Writes each snippet as a module of its own, and asks the compiler about all of them. */
export function compile(snippets: readonly Snippet[]): readonly Compiled[] {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const modules = snippets.map((snippet) => ({
    snippet,
    path: join(FOLDER, `${snippet.file.replace(/\W+/g, '-')}-${snippet.line}.ts`),
    text: moduleText(snippet),
  }));
  for (const { path, text } of modules) writeFileSync(path, text);
  const program = ts.createProgram({
    rootNames: modules.map(({ path }) => path),
    options: { ...OPTIONS, noEmit: true, allowImportingTsExtensions: true },
  });
  const diagnostics = ts.getPreEmitDiagnostics(program);
  return modules.map(({ snippet, path, text }) => {
    const compilerOptions = { ...OPTIONS, module: ts.ModuleKind.ESNext };
    const emitted = ts.transpileModule(text, { fileName: path, compilerOptions });
    writeFileSync(path.replace(/ts$/, 'js'), emitted.outputText);
    const own = diagnostics.filter(({ file }) => file === undefined || file.fileName === path);
    return { snippet, path: path.replace(/ts$/, 'js'), complaints: own.map((each) => told(each, snippet)) };
  });
}

const SURROUNDINGS = "import { expect, payu, printed, redisServer } from '../support/surroundings.ts';";

function moduleText({ given, code, check }: Snippet): string {
  const text = [given || check ? SURROUNDINGS : '', ...lines(given), code, check, 'export {};', ''].join(
    '\n',
  );
  return text.replace(/(?<=from ')axios-payu-auth[^']*/g, (name) => SOURCES[name] ?? name);
}

function told({ file, start, messageText }: ts.Diagnostic, { given, line }: Snippet): string {
  const message = ts.flattenDiagnosticMessageText(messageText, ' ');
  if (file === undefined || start === undefined) return message;
  const above = 1 + lines(given).length;
  return `line ${file.getLineAndCharacterOfPosition(start).line - above + line}: ${message}`;
}

function lines(text: string): readonly string[] {
  return text === '' ? [] : text.split('\n');
}
