import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import type { Snippet } from './snippets.ts';

/** Where modules are written: each test has a folder of its own in it, as they run side by side. */
const GENERATED = join(import.meta.dirname, '../.generated');

/** What the names in a snippet's imports stand for. */
export interface Names {
  /** The module of what hidden parts may use. */
  readonly surroundings: string;
  readonly packages: Readonly<Record<string, string>>;
}

/** The package's names stand for its sources, so that what is tested is what is in the folder now. */
const SOURCES: Names = {
  surroundings: '../../support/surroundings.ts',
  packages: {
    'axios-payu-auth': '../../../../src/index.ts',
    'axios-payu-auth/sandbox': '../../../../src/sandbox/index.ts',
    'axios-payu-auth/testing': '../../../../src/testing/index.ts',
    'axios-payu-auth/redis': '../../../../src/redis/index.ts',
    // What a reader has copied next to the snippet.
    './payouts-client.js': '../../../../examples/payouts-client.ts',
    './payment-links-client.js': '../../../../examples/payment-links-client.ts',
  },
};

/** For snippets that run against a sandbox. */
export const ON_SANDBOX: Names = { ...SOURCES, surroundings: '../../support/sandbox-surroundings.ts' };

/** As strict as a user's may be; decorators for NestJS. */
export const STRICTNESS: Readonly<Record<string, boolean | string[]>> = {
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

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  ...STRICTNESS,
};

export interface Compiled {
  readonly snippet: Snippet;
  /** The module to import. */
  readonly path: string;
  /** What the compiler says of it, each with its line in the document. */
  readonly complaints: readonly string[];
}

let lastProgram: ts.Program | undefined;

/** Writes each snippet as a module of its own into this folder, and asks the compiler about all of them. */
export function compile(
  snippets: readonly Snippet[],
  into: string,
  names: Names = SOURCES,
): readonly Compiled[] {
  const folder = join(GENERATED, into);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const modules = snippets.map((snippet) => ({
    snippet,
    path: join(folder, `${moduleName(snippet)}.ts`),
    text: moduleText(snippet, names),
  }));
  for (const { path, text } of modules) writeFileSync(path, text);
  const program = ts.createProgram({
    rootNames: modules.map(({ path }) => path),
    options: { ...OPTIONS, noEmit: true, allowImportingTsExtensions: true },
    // What has been read for another folder is not read again.
    ...(lastProgram !== undefined && { oldProgram: lastProgram }),
  });
  lastProgram = program;
  return modules.map(({ snippet, path, text }) => {
    const compilerOptions = { ...OPTIONS, module: ts.ModuleKind.ESNext };
    const emitted = ts.transpileModule(text, { fileName: path, compilerOptions });
    writeFileSync(path.replace(/ts$/, 'js'), emitted.outputText);
    // Of the modules alone: `tsc -p .` checks what they import, and takes its time.
    const source = program.getSourceFile(path);
    if (source === undefined) throw new Error(`The compiler did not read ${path}.`);
    const own = ts.getPreEmitDiagnostics(program, source);
    return { snippet, path: path.replace(/ts$/, 'js'), complaints: own.map((each) => told(each, snippet)) };
  });
}

export function moduleName({ file, line }: Snippet): string {
  return `${file.replace(/\W+/g, '-')}-${line}`;
}

/** A snippet with its hidden parts, as a module. */
export function moduleText({ given, code, check }: Snippet, { surroundings, packages }: Names): string {
  const imported = `import { expect, payu, printed, redisServer } from '${surroundings}';`;
  const text = [given || check ? imported : '', ...lines(given), code, check, 'export {};', ''].join('\n');
  return text.replace(/(?<=from ')[^']+/g, (name) => packages[name] ?? name);
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
