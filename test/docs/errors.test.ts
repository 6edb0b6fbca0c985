import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  failureError,
  outOfPatienceError,
  secretError,
  unexpectedError,
} from '../../src/token/mint/messages.ts';
import { ROOT } from './support/snippets.ts';

const URL_OF_TOKENS = 'https://uat-accounts.payu.in/oauth/token';
const fault = { kind: 'fault', what: 'status 502', status: 502, cause: new Error('status 502') } as const;
const at = (timeMs: number) => ({ wallMs: timeMs, steadyMs: timeMs });
const unavailable = (attempts: number) =>
  failureError(URL_OF_TOKENS, { failure: fault, attempts, since: at(0), until: at(1_000) });

/** What each row of the table of ERR_TOKEN_UNAVAILABLE quotes; "…" stands for anything. */
const rows = (
  /\| the message says .*\n\|[-|]+\n(?<rows>(?:\|.*\n)+)/.exec(
    readFileSync(join(ROOT, 'docs/errors.md'), 'utf8'),
  )?.groups?.rows ?? ''
)
  .trim()
  .split('\n')
  .map((row) =>
    [...(row.split(' | ')[0] ?? '').matchAll(/"([^"]+)"/g)].map(
      ([, phrase = '']) => new RegExp(phrase.replaceAll('…', '.*')),
    ),
  );

test.each([
  ['one attempt', unavailable(1), 0],
  ['several attempts', unavailable(4), 0],
  ['out of patience', outOfPatienceError(0, 2), 1],
  ['out of patience, nothing sent', outOfPatienceError(0, 0), 1],
  ['a secret that could not be had', secretError('grant.clientSecret', 'failed: sealed'), 2],
  [
    'a secret that is unusable',
    secretError('grant.clientSecret', 'gave no usable secret: it must not be empty'),
    3,
  ],
  ['what nobody foresaw', unexpectedError(new Error('unsupported')), 4],
])('docs/errors.md: a search for the words of the message finds its row: %s', (_title, error, row) => {
  expect(rows).toHaveLength(5);
  expect(
    rows.flatMap((phrases, index) => (phrases.some((each) => each.test(error.message)) ? [index] : [])),
  ).toEqual([row]);
});
