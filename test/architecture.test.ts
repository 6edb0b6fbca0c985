import { describe, expect, test } from 'vitest';
import {
  type Arrow,
  arrowsOf,
  circles,
  moduleState,
  sourceFiles,
  vagueExports,
} from './support/source-map.ts';

/** Names: a file, a folder (with a slash at its end), or a package. */
interface Rules {
  /** Whose code it may call. */
  readonly values: readonly string[];
  /** Of whom it may know types, besides. */
  readonly types?: readonly string[];
}

const LEAVES = ['errors.ts', 'events.ts', 'json.ts', 'redact.ts', 'url.ts'];
const TOKEN_PORTS = ['token/endpoint/scope.ts', 'token/endpoint/form-post.ts'];

/** The arrows between modules, the more particular names first. What a place may import is said here, everything else is forbidden. */
const PLACES: Readonly<Record<string, Rules>> = {
  'errors.ts': { values: [] },
  'json.ts': { values: [] },
  'url.ts': { values: [] },
  'events.ts': { values: ['node:util', 'node:diagnostics_channel'], types: ['errors.ts'] },
  'redact.ts': { values: ['echo.ts', 'json.ts'], types: ['errors.ts'] },
  'echo.ts': { values: [] },
  // A leaf too: what a scope is must be known wherever one is given.
  'token/endpoint/scope.ts': { values: ['json.ts'] },
  'time/': { values: ['time/', ...LEAVES, 'node:events', 'node:perf_hooks', 'node:timers'] },
  // Knows time and no HTTP client.
  'token/': {
    values: ['token/', 'time/', ...LEAVES, 'p-retry', 'async-mutex', 'node:async_hooks', 'node:crypto'],
  },
  // Knows HTTP and no grants: of the token half only what a scope is, and the port that it implements.
  'axios/': {
    values: ['axios/', 'time/', ...LEAVES, ...TOKEN_PORTS, 'validation.ts', 'axios', 'node:'],
    types: ['token/source/token-source.ts'],
  },
  'payu.ts': { values: ['errors.ts', 'node:crypto'] },
  'validation.ts': { values: [...LEAVES, 'token/endpoint/scope.ts'] },
  'options/grant-options.ts': { values: [...LEAVES, 'payu.ts', 'validation.ts', 'token/endpoint/grants.ts'] },
  'options/http-options.ts': {
    values: [...LEAVES, 'validation.ts', 'node:http'],
    types: ['axios/form-transport.ts'],
  },
  'options/options.ts': {
    values: [...LEAVES, 'options/grant-options.ts', 'options/http-options.ts', 'payu.ts', 'validation.ts'],
    types: ['token/', 'axios/form-transport.ts', 'axios'],
  },
  'payu-auth.ts': {
    values: [...LEAVES, 'axios/', 'token/', 'time/', 'options/', 'payu.ts', 'validation.ts', 'axios'],
  },
  'index.ts': {
    values: [...LEAVES, 'axios/', 'token/', 'options/', 'payu.ts', 'payu-auth.ts'],
  },
  // Entry points of their own: of the core they know types, and the core knows nothing of them.
  // Its rules of time, errors and JSON are the core's: one home for each (it is one chunk of the package).
  'redis/': { values: ['redis/', 'time/', ...LEAVES, 'redis-semaphore', 'node:'], types: ['token/'] },
  'testing/': { values: ['testing/', 'nock', 'node:'], types: ['token/', ...LEAVES] },
  'sandbox/': { values: ['sandbox/', 'node:'], types: ['token/', ...LEAVES] },
  // A user of the package, like any other.
  'cli/': { values: ['cli/', 'sandbox/', 'index.ts', 'axios', 'node:', ...LEAVES], types: ['token/'] },
};

const ENTRY_POINTS = ['redis/', 'testing/', 'sandbox/', 'cli/'];

function isIn(path: string, place: string): boolean {
  return path === place || (/[/:]$/.test(place) && path.startsWith(place));
}

function rulesFor(path: string): Rules | undefined {
  return Object.entries(PLACES).find(([place]) => isIn(path, place))?.[1];
}

function forbidden(arrows: readonly Arrow[]): readonly string[] {
  return arrows.flatMap(({ from, to, kind }) => {
    const rules = rulesFor(from);
    const allowed =
      kind === 'value' ? (rules?.values ?? []) : [...(rules?.values ?? []), ...(rules?.types ?? [])];
    return allowed.some((place) => isIn(to, place)) ? [] : [`${from} imports ${kind}s of ${to}`];
  });
}

const isCore = (path: string): boolean => !ENTRY_POINTS.some((place) => isIn(path, place));

describe('the architecture, as read from the imports of src', () => {
  const files = sourceFiles();
  const arrows = files.flatMap(arrowsOf);

  test('every file has a place in the table', () => {
    expect(files.map(({ path }) => path).filter((path) => rulesFor(path) === undefined)).toEqual([]);
  });

  test('arrows go one way', () => {
    expect(arrows.length).toBeGreaterThan(100);
    expect(forbidden(arrows)).toEqual([]);
  });

  test('nothing goes in circles at run time', () => {
    expect(circles(arrows)).toEqual([]);
  });

  test('no module of the core remembers anything', () => {
    expect(files.filter(({ path }) => isCore(path)).flatMap(moduleState)).toEqual([]);
  });

  test('no default exports, no export *', () => {
    expect(files.flatMap(vagueExports)).toEqual([]);
  });
});

describe('the rules find what breaks them', () => {
  test.each([
    ['token/mint/mint.ts', "import axios from 'axios';", 'token/mint/mint.ts imports values of axios'],
    [
      'token/mint/mint.ts',
      "import type { AxiosError } from 'axios';",
      'token/mint/mint.ts imports types of axios',
    ],
    [
      'token/mint/mint.ts',
      "import { headerOf } from '../../axios/refusal.ts';",
      'token/mint/mint.ts imports values of axios/refusal.ts',
    ],
    [
      'time/wait.ts',
      "import type { TokenRecord } from '../token/store/token-store.ts';",
      'time/wait.ts imports types of token/store/token-store.ts',
    ],
    [
      'axios/exchange.ts',
      "import { type Rules, TokenSource } from '../token/source/token-source.ts';",
      'axios/exchange.ts imports values of token/source/token-source.ts',
    ],
    [
      'axios/exchange.ts',
      "import type { Grant } from '../token/endpoint/grants.ts';",
      'axios/exchange.ts imports types of token/endpoint/grants.ts',
    ],
    [
      'axios/exchange.ts',
      "type Grant = import('../token/endpoint/grants.ts').Grant;",
      'axios/exchange.ts imports types of token/endpoint/grants.ts',
    ],
    ['json.ts', "export { redact } from './redact.ts';", 'json.ts imports values of redact.ts'],
    [
      'payu-auth.ts',
      "const { redisTokenStore } = await import('./redis/index.ts');",
      'payu-auth.ts imports values of redis/index.ts',
    ],
    [
      'redis/index.ts',
      "import { createPayuAuth } from '../payu-auth.ts';",
      'redis/index.ts imports values of payu-auth.ts',
    ],
    ['time/wait.ts', "import pRetry from 'p-retry';", 'time/wait.ts imports values of p-retry'],
  ])('%s with: %s', (path, text, violation) => {
    expect(forbidden(arrowsOf({ path, text }))).toEqual([violation]);
  });

  test.each([
    ['axios/exchange.ts', "import type { TokenSource } from '../token/source/token-source.ts';"],
    ['axios/attach.ts', "import { type ScopeInput, scopeKey } from '../token/endpoint/scope.ts';"],
    ['redis/envelope.ts', "import type { TokenRecord } from '../token/store/token-store.ts';"],
  ])('and let pass what keeps them: %s with: %s', (path, text) => {
    expect(forbidden(arrowsOf({ path, text }))).toEqual([]);
  });

  test('a circle of three', () => {
    const arrow = (from: string, to: string, kind: Arrow['kind'] = 'value'): Arrow => ({ from, to, kind });
    const two = [arrow('a', 'b'), arrow('b', 'c')];
    expect(circles([...two, arrow('c', 'a')])).toEqual(['a > b > c > a']);
    expect(circles([...two, arrow('c', 'a', 'type')])).toEqual([]);
  });

  test.each([
    'let last = 0;',
    'const cache = new Map();',
    'const cache = new WeakMap<object, string>();',
    'const known = new Set<string>();',
    'const seen: string[] = [];',
    'const seen: Record<string, string> = {};',
    'class Cache { static entries = 0; }',
    'class Cache { static readonly entries = new Map(); }',
    'const limits = { most: 1 }; export function allow() { limits.most++; }',
    'const limits = { most: 1 }; export function allow() { limits.most = 2; }',
    'const names = ["a"]; export const learn = (name: string) => names.push(name);',
    'const names = new Set(["a"]); export const learn = (name: string) => names.add(name);',
    'const limits = { most: 1 }; export const allow = () => Object.assign(limits, { most: 2 });',
    'const limits = { most: 1 }; export const allow = () => delete (limits.most);',
  ])('a module that remembers: %s', (text) => {
    expect(moduleState({ path: 'token/mint/mint.ts', text })).not.toEqual([]);
  });

  test.each([
    'const NAMES = new Set(["a", "b"]);',
    'const WORD = new RegExp("a", "g");',
    'class Cache { readonly #entries = new Map(); set(k: string) { this.#entries.set(k, 1); } }',
    'export const clock = { now: () => { let a = 1; a++; return a; } };',
  ])('a module that does not: %s', (text) => {
    expect(moduleState({ path: 'token/mint/mint.ts', text })).toEqual([]);
  });

  test.each([
    ['export default 1;', 'exports a default'],
    ['export default function wait() {}', 'exports a default'],
    ["export { wait as default } from './wait.ts';", 'exports a default'],
    ["export * from './wait.ts';", 'exports *'],
  ])('%s', (text, what) => {
    expect(vagueExports({ path: 'index.ts', text })).toEqual([`index.ts ${what}`]);
  });
});
