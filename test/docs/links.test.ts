import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { documents, ROOT } from './support/snippets.ts';

/** Code does not link, and hidden comments are not read. */
function prose(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8').replace(/^```[\s\S]*?^```$|<!--[\s\S]*?-->/gm, '');
}

/** GitHub's anchor of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

function anchors(file: string): readonly string[] {
  return [...prose(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
}

describe.each(documents())('%s', (file) => {
  const links = [...prose(file).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)].map(
    ([, path = '', anchor]) => ({ target: path === '' ? file : join(dirname(file), path), anchor }),
  );

  test('every relative link leads to a file', () => {
    expect(links.map(({ target }) => target).filter((target) => !existsSync(join(ROOT, target)))).toEqual([]);
  });

  test('every anchor leads to a heading', () => {
    const missing = links.filter(
      ({ target, anchor }) =>
        anchor !== undefined && existsSync(join(ROOT, target)) && !anchors(target).includes(anchor),
    );
    expect(missing).toEqual([]);
  });

  test('every file of src that is named is there', () => {
    const named = [...prose(file).matchAll(/`((?:src|test)\/[\w./-]+)`/g)].map(([, path = '']) => path);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

describe('a name in code that a maintainer looks for', () => {
  const source = ['src', 'test']
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((path) =>
        join(ROOT, folder, path),
      ),
    )
    .filter((path) => path.endsWith('.ts') && !path.includes('.generated'))
    .concat(join(ROOT, 'package.json'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const words = new Set(source.match(/\w+/g));

  test.each(['CONTRIBUTING.md', 'docs/rules.md'])('%s names none that is gone', (file) => {
    const named = [...prose(file).matchAll(/`#?(\w+)`/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !words.has(name))).toEqual([]);
  });
});
