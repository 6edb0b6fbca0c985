import { readFileSync } from 'node:fs';
import nodeModule from 'node:module';
import { pathToFileURL } from 'node:url';
import type nock from 'nock';

/** nock's callable module object. */
export type Nock = typeof nock;

/** Either nock or why it could not be had. */
export type NockOrError =
  | { readonly kind: 'nock'; readonly nock: Nock }
  | { readonly kind: 'error'; readonly error: unknown };

/** Loads nock with the given `require`; a missing or unfit nock becomes one clear error. Never throws. */
export function loadNock(require: Require): NockOrError {
  const version = installedVersion(require);
  // Looked at first: a nock for another Node.js may not even load, and its error would say nothing of versions.
  if (version !== undefined && !version.startsWith('14.')) return unfit(version);
  try {
    const nock = require('nock') as Partial<Nock>;
    if (typeof nock.isActive !== 'function') return unfit('another version');
    return { kind: 'nock', nock: nock as Nock };
  } catch (error) {
    if (isNockMissing(error)) return { kind: 'error', error: nockMissing(error) };
    return { kind: 'error', error: typeof Request === 'undefined' ? fetchMissing(error) : error };
  }
}

type Require = ((id: string) => unknown) & { readonly resolve?: (id: string) => string };

/** As its package.json says, which its "exports" do not let through; undefined where it cannot be found out. */
function installedVersion(require: Require): string | undefined {
  try {
    const home = /^.*[\\/]node_modules[\\/]nock[\\/]/.exec(require.resolve?.('nock') ?? '')?.[0];
    if (home === undefined) return undefined;
    const { version } = JSON.parse(readFileSync(`${home}package.json`, 'utf8')) as { version?: unknown };
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}

// Only nock itself: a module that nock in turn does not find is another defect, and is told as it is.
function isNockMissing(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === 'MODULE_NOT_FOUND' && /'nock'/.test(String(message));
}

function nockMissing(cause: unknown): Error {
  return Object.assign(new Error(`${NEEDS}: ${REMEDY}`, { cause }), { code: 'ERR_NOCK_MISSING' });
}

/** Jest's "jsdom" has none, and what nock loads there fails with a `ReferenceError`. */
function fetchMissing(cause: unknown): Error {
  const what = 'axios-payu-auth/testing needs the fetch of Node.js, which is missing here';
  return new Error(`${what}: in Jest, set "testEnvironment" to "node"`, { cause });
}

function unfit(version: string): NockOrError {
  const error = new Error(`${NEEDS}, but ${version} is installed: ${REMEDY}`);
  return { kind: 'error', error: Object.assign(error, { code: 'ERR_NOCK_VERSION' }) };
}

// With its number: without one npm installs 15, which has another interface and does not run on Node.js 20.
const NEEDS = 'axios-payu-auth/testing needs "nock" ^14.0.17';
const REMEDY = 'npm i -D nock@14';

// Why `createRequire` and not an import: a static import cannot be caught, and so takes the fixtures, which
// need no nock, down with it; top-level await survives neither `require(esm)` nor a CommonJS bundle nor Jest;
// a dynamic import would make `mockPayu` asynchronous. nock is CommonJS, so that this `require` and the
// user's `import nock from 'nock'` give the same instance; inside Jest, `createRequire` is Jest's own and
// stays within its module registry. Bundlers leave it alone, and nock is looked up where the tests run. It is
// not imported by its name: the usual banner of esbuild's ESM bundles declares that name. A CommonJS bundle of
// the ESM build has no `import.meta.url`; there the working directory is the start.
const here: string = import.meta.url || pathToFileURL(`${process.cwd()}/`).href;

/**
 * nock, loaded together with this module and not at the first call of `mockPayu`: nock remembers `setTimeout`
 * and `setImmediate` when it is loaded, and would keep the fake ones of a test that mocks them first.
 */
export const loadedNock: NockOrError = loadNock(nodeModule.createRequire(here));
