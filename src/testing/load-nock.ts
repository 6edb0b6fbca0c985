import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type nock from 'nock';

/** nock's callable module object. */
export type Nock = typeof nock;

/** Either nock or why it could not be had. */
export type NockOrError =
  | { readonly kind: 'nock'; readonly nock: Nock }
  | { readonly kind: 'error'; readonly error: unknown };

/** Loads nock with the given `require`; a missing nock becomes one clear error. Never throws. */
export function loadNock(require: (id: string) => unknown): NockOrError {
  try {
    return { kind: 'nock', nock: require('nock') as Nock };
  } catch (error) {
    return { kind: 'error', error: isNockMissing(error) ? nockMissing(error) : error };
  }
}

// Only nock itself: a module that nock in turn does not find is another defect, and is told as it is.
function isNockMissing(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === 'MODULE_NOT_FOUND' && /'nock'/.test(String(message));
}

function nockMissing(cause: unknown): Error {
  return Object.assign(new Error('axios-payu-auth/testing needs "nock" ^14.0.17: npm i -D nock', { cause }), {
    code: 'ERR_NOCK_MISSING',
  });
}

// Why `createRequire` and not an import: a static import cannot be caught, and so takes the fixtures, which
// need no nock, down with it; top-level await survives neither `require(esm)` nor a CommonJS bundle nor Jest;
// a dynamic import would make `mockPayu` asynchronous. nock is CommonJS, so that this `require` and the
// user's `import nock from 'nock'` give the same instance; inside Jest, `createRequire` is Jest's own and
// stays within its module registry. Bundlers leave it alone, and nock is looked up where the tests run. A
// CommonJS bundle of the ESM build has no `import.meta.url`; there the working directory is the start.
const here: string = import.meta.url || pathToFileURL(`${process.cwd()}/`).href;

/**
 * nock, loaded together with this module and not at the first call of `mockPayu`: nock remembers `setTimeout`
 * and `setImmediate` when it is loaded, and would keep the fake ones of a test that mocks them first.
 */
export const loadedNock: NockOrError = loadNock(createRequire(here));
