import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { noRedis } from '../redis/support/redis-server.ts';
import { compile } from './support/compile.ts';
import { documents, ROOT, type Snippet, snippetsOf, typescriptOf } from './support/snippets.ts';
import { run } from './support/surroundings.ts';

const compiled = compile(
  documents().flatMap((file) => typescriptOf(file)),
  'snippets',
);

describe.each(compiled)('$snippet.file:$snippet.line', async ({ snippet, path, complaints }) => {
  test('compiles, as strict as can be', () => {
    expect(complaints).toEqual([]);
  });

  // What brings tests of its own is loaded where tests may be declared.
  if (snippet.code.includes("from 'vitest'")) {
    await import(path);
    return;
  }

  const needsRedis = snippet.given.includes('redisServer(');
  test.skipIf(needsRedis && noRedis !== undefined)('runs', async () => {
    await run(() => import(path));
  });
});

describe('a snippet is a file of its own, or the text above it names what it takes from elsewhere', () => {
  const alone = compile(
    documents().flatMap((file) => typescriptOf(file).map((each) => ({ ...each, given: '', check: '' }))),
    'alone',
  );
  test.each(alone)('$snippet.file:$snippet.line', ({ snippet, complaints }) => {
    const missing = complaints.map(
      (complaint) => /Cannot find name '(\w+)'/.exec(complaint)?.[1] ?? complaint,
    );
    const unnamed = [...new Set(missing)].filter((name) => !proseAbove(snippet).includes(`\`${name}\``));
    expect(unnamed).toEqual([]);
  });
});

describe('CommonJS, as it is run from the package', () => {
  const blocks = documents()
    .flatMap((file) => snippetsOf(file))
    .filter(({ language }) => language === 'js');
  test.each(blocks)('$file:$line is CommonJS that parses, and has nothing to check after it', (snippet) => {
    const wrapped = `(function (require, module) {\n${snippet.given}\n${snippet.code}\n})`;
    expect(() => new Script(wrapped)).not.toThrow();
    expect(snippet.check).toBe('');
  });
});

describe('no snippet is passed over', () => {
  test.each([
    ['README.md', 5],
    ['docs/recipes.md', 15],
    ['docs/migrating.md', 2],
  ])('%s: every recipe has one, %i at least', (file, least) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    const blocks = snippetsOf(file);
    expect(blocks.length).toBeGreaterThanOrEqual(least);
    expect(text.match(/^```[tj]s$/gm)).toHaveLength(blocks.length);
  });

  test.each([
    ['an unknown language', '```py\n```', 'is neither run nor known as something that is not'],
    ['no language', '```\n```', 'is neither run nor known as something that is not'],
    ['an indented block', '- a\n  ```ts\n  ```', 'must not be indented'],
    ['an open block', '```ts\nconst a = 1;', 'is never closed'],
    ['hidden code without a block', '<!-- given\nconst a = 1;\n-->\ntext', '"given" has no block'],
    ['hidden code too far away', '```ts\n```\ntext\n<!-- check\nconst a = 1;\n-->', '"check" has no block'],
  ])('%s is an error', (_title, text, message) => {
    expect(() => snippetsOf('x.md', text)).toThrow(message);
  });

  test('a block with what is hidden around it', () => {
    const text = 'a\n<!-- given\none();\n-->\n\n```ts\ntwo();\n```\n\n<!-- check\nthree();\n-->\n';
    expect(snippetsOf('x.md', text)).toEqual([
      { language: 'ts', file: 'x.md', line: 7, given: 'one();', code: 'two();', check: 'three();' },
    ]);
  });
});

/** What stands between a snippet and the heading above it, without comments. */
function proseAbove({ file, line }: Snippet): string {
  const above = readFileSync(join(ROOT, file), 'utf8')
    .split('\n')
    .slice(0, line - 2);
  const start = above.findLastIndex((each) => /^#+ /.test(each));
  return above
    .slice(start)
    .join('\n')
    .replace(/<!--[\s\S]*?-->/g, '');
}
