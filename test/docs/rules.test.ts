import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { citationsIn } from './support/citations.ts';
import { ROOT } from './support/snippets.ts';

/** A rule of the book: its heading, and what stands below it. */
interface Rule {
  readonly name: string;
  readonly title: string;
  readonly text: string;
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

function sections(file: string): readonly Rule[] {
  return read(file)
    .split(/^(?=##+ )/m)
    .flatMap((text) => {
      const [, name, title] = /^### ([A-Z]\d+)\. (.+)/.exec(text) ?? [];
      return name === undefined || title === undefined ? [] : [{ name, title, text }];
    });
}

function filesBelow(...folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && /\.(?:ts|[cm]js|md|txt)$/.test(entry.name))
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name))),
  );
}

const book = sections('docs/rules.md');
const names = book.map(({ name }) => name);
/** This file cites what must not be found, to see that it would be. */
const citing = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...filesBelow('src', 'test', 'bench', 'docs', 'examples').filter(
    (file) => file !== 'test/docs/rules.test.ts',
  ),
];

describe('the book of rules', () => {
  test('numbers the rules of each letter from 1 on, without a gap', () => {
    const letters = [...new Set(names.map((name) => name.slice(0, 1)))];
    const expected = letters.flatMap((letter) =>
      names.filter((name) => name.startsWith(letter)).map((_, index) => `${letter}${index + 1}`),
    );
    expect(names).toEqual(expected);
    expect(letters).toEqual(['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'T', 'I']);
  });

  test.each(book)('$name names its home and the test that holds it', ({ text }) => {
    expect(text).toMatch(/^Home: .*(?:\]\(\.\.\/src\/|`src`)/m);
    expect(text).toMatch(/ Tests?: .*\]\(\.\.\/test\/[\w/-]+\.test\.ts\)/);
  });

  test('every rule that is cited is in it', () => {
    const unknown = citing.flatMap((file) =>
      citationsIn(read(file))
        .filter(({ rule }) => !names.includes(rule))
        .map(({ rule, line }) => `${file}:${line} cites rule ${rule}`),
    );
    expect(unknown).toEqual([]);
  });

  test('the code cites most of it', () => {
    const cited = new Set(
      filesBelow('src').flatMap((file) => citationsIn(read(file)).map(({ rule }) => rule)),
    );
    expect(cited.size).toBeGreaterThan(names.length / 2);
  });
});

test('decisions stand under the headings of the book, in its order, and each has its date', () => {
  const decided = sections('docs/decisions.md');
  const headings = (rules: readonly Rule[]) => rules.map(({ name, title }) => `${name}. ${title}`);
  const decidedNames = decided.map(({ name }) => name);
  expect(headings(decided)).toEqual(headings(book.filter(({ name }) => decidedNames.includes(name))));
  const entries = read('docs/decisions.md').match(/^- .*/gm) ?? [];
  expect(entries.filter((entry) => !/^- \d{4}-\d\d-\d\d · /.test(entry))).toEqual([]);
});

test('nothing cites a document that is not in the repository', () => {
  const outside = /\bDESIGN\b|\b(?:PAYU|CASES|STYLE)\.md\b|\(cases? \d/;
  const dangling = citing.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) => (outside.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : [])),
  );
  expect(dangling).toEqual([]);
});

describe('what is taken for a citation', () => {
  test.each([
    ['see rule C5', ['C5']],
    ['Rule E2 says', ['E2']],
    ["by rule D1's default", ['D1']],
    ['rules E2 and E3', ['E2', 'E3']],
    ['rules A1, B2 and C3', ['A1', 'B2', 'C3']],
    ['rules D2 to D4', ['D2', 'D4', 'D3']],
    ['rules E2–E4', ['E2', 'E4', 'E3']],
    ['rules A1..I2', ['A1', 'I2']],
    ['whole (C5).', ['C5']],
    ['(C4, E3)', ['C4', 'E3']],
    ['a lock (D2 to D3)', ['D2', 'D3']],
    ['"(rule Z9: in memory)"', ['Z9']],
    [' * as rules\n * E2 and\n * E3 say', ['E2', 'E3']],
    ['// by rule\n// Z9', ['Z9']],
    ["test('one flight (Z9)'", ['Z9']],
  ])('%j cites %j', (text, expected) => {
    expect(citationsIn(text).map(({ rule }) => rule)).toEqual(expected);
  });

  test.each([
    ['a call: state.isFresh(T0)'],
    ['(R)'],
    ['(A)'],
    ['(Z9 of another book)'],
    ['(see Z9)'],
    ['%A1'],
    ['a rule of Z9'],
    ['rules'],
    ['overrule Z9'],
    ['(RFC 9110 §5.6.7)'],
    ['(UTF8)'],
    ['(X, Y)'],
  ])('%j cites nothing', (text) => {
    expect(citationsIn(text)).toEqual([]);
  });

  test('a line is told', () => {
    expect(citationsIn('\n\nrule C5')).toEqual([{ rule: 'C5', line: 3 }]);
  });
});
