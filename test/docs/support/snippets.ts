import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/**
 * A fenced block of TypeScript (`ts`), or of CommonJS as a user without TypeScript writes it (`js`), and what stands around it in comments that a reader does not see:
 *
 * ```text
 * <!-- given
 * TypeScript that runs before, in the same module
 * -->
 * the block
 * <!-- check
 * TypeScript that runs after it
 * -->
 * ```
 *
 * What is published has no comments, as whoever reads it in `node_modules` would see them: they stand in a file of the
 * same name in `test/docs/surroundings`, with the same headings, each around an empty block.
 *
 * CommonJS is run from the packed package alone, by `npm run test:package`.
 */
export interface Snippet {
  readonly language: 'ts' | 'js';
  /** Below the root of the project. */
  readonly file: string;
  /** Of the block's first line of code. */
  readonly line: number;
  readonly given: string;
  readonly code: string;
  readonly check: string;
}

/** Languages of blocks that are no code to run; of all others none may appear, or it would not be run. */
const NOT_RUN = new Set(['sh', 'text', 'json', 'mermaid']);

export const ROOT: string = join(import.meta.dirname, '../../..');

/** The documents whose blocks are run. */
export function documents(): readonly string[] {
  const docs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', ...docs.map((name) => `docs/${name}`)];
}

/** The snippets of a document that the compiler sees. */
export function typescriptOf(file: string): Snippet[] {
  return snippetsOf(file).filter(({ language }) => language === 'ts');
}

/** All snippets of a document; throws where a block or a comment would be passed over. */
export function snippetsOf(file: string, text: string = readFileSync(join(ROOT, file), 'utf8')): Snippet[] {
  const found = placedSnippetsOf(file, text);
  const beside = `test/docs/surroundings/${basename(file)}`;
  if (!existsSync(join(ROOT, beside))) return found.map(({ snippet }) => snippet);
  const around = placedSnippetsOf(beside, readFileSync(join(ROOT, beside), 'utf8'));
  const places = ({ heading, snippet: { language } }: PlacedSnippet) => `${heading} (${language})`;
  if (found.map(places).join('\n') !== around.map(places).join('\n')) {
    throw new Error(`${beside} must have the blocks of ${file}, under the same headings`);
  }
  return found.map(({ snippet }, index) => {
    const { given = '', check = '' } = around[index]?.snippet ?? {};
    return { ...snippet, given, check };
  });
}

interface PlacedSnippet {
  readonly heading: string;
  readonly snippet: Snippet;
}

function placedSnippetsOf(file: string, text: string): readonly PlacedSnippet[] {
  const parts = partsOf(file, text);
  const snippets: PlacedSnippet[] = [];
  const isUsed = new Set<Part>();
  let heading = '';
  parts.forEach((part, index) => {
    if (part.kind === 'text' && /^#+ /.test(part.code)) heading = part.code;
    if (part.kind !== 'ts' && part.kind !== 'js') return;
    const [before, after] = [parts[index - 1], parts[index + 1]];
    const given = before?.kind === 'given' ? before : undefined;
    const check = after?.kind === 'check' ? after : undefined;
    for (const each of [given, check]) if (each !== undefined) isUsed.add(each);
    const snippet = {
      language: part.kind,
      file,
      line: part.line,
      given: given?.code ?? '',
      code: part.code,
      check: check?.code ?? '',
    };
    snippets.push({ heading, snippet });
  });
  const orphan = parts.find((part) => (part.kind === 'given' || part.kind === 'check') && !isUsed.has(part));
  if (orphan !== undefined) {
    throw new Error(`${file}:${orphan.line} "${orphan.kind}" has no block of code next to it`);
  }
  return snippets;
}

interface Part {
  readonly kind: Snippet['language'] | 'given' | 'check' | 'text';
  readonly line: number;
  readonly code: string;
}

function partsOf(file: string, text: string): readonly Part[] {
  const parts: Part[] = [];
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string;
    const { fence, comment } =
      /^\s*(?:```(?<fence>.*)|<!-- (?<comment>given|check)$)/.exec(line)?.groups ?? {};
    if (fence === undefined && comment === undefined) {
      if (line.trim() !== '') parts.push({ kind: 'text', line: index + 1, code: line });
      continue;
    }
    if (!line.startsWith('```') && comment === undefined) {
      throw new Error(`${file}:${index + 1} a block must not be indented`);
    }
    const end = lines.indexOf(comment === undefined ? '```' : '-->', index + 1);
    if (end < 0) throw new Error(`${file}:${index + 1} is never closed`);
    const kind = comment === undefined ? kindOf(`${file}:${index + 1}`, fence as string) : comment;
    parts.push({ kind: kind as Part['kind'], line: index + 2, code: lines.slice(index + 1, end).join('\n') });
    index = end;
  }
  return parts;
}

function kindOf(place: string, language: string): Snippet['language'] | 'text' {
  if (language === 'ts' || language === 'js') return language;
  if (NOT_RUN.has(language)) return 'text';
  throw new Error(`${place} "${language}" is neither run nor known as something that is not`);
}
