import { describe, expect, test } from 'vitest';
import { missingScopes, scopeFault, scopeKey, scopeSet } from '../../../src/token/endpoint/scope.ts';

describe('scopes are a set', () => {
  test.each([
    ['one', 'a', 'a'],
    ['several in a string', 'b a', 'a b'],
    ['several in a list', ['b', 'a'], 'a b'],
    ['several in a string in a list', ['c', 'b a'], 'a b c'],
    ['duplicates', 'a b a', 'a b'],
    ['duplicates across a list', ['a', 'b', 'a b'], 'a b'],
    ['white space of all kinds', ' a\tb\n c ', 'a b c'],
  ])('%s', (_, input, expected) => {
    expect(scopeKey(scopeSet(input))).toBe(expected);
  });
});

describe('a scope is refused', () => {
  const instead = (got: string) =>
    `must be a scope such as scopes.payouts.create, or a non-empty list of them; got ${got}`;
  const unset = (got: string) => instead(`${got}: check that the variable it comes from is set`);
  const character = (shown: string) =>
    `holds ${shown}, which has a character that no scope may have (RFC 6749 section 3.3)`;

  const quoted = (shown: string) =>
    `holds ${shown}, with a quotation mark, as a value of an .env file may have: leave it out`;

  test.each([
    ['an empty string', '', unset('an empty string')],
    ['white space', ' \t', unset('an empty string')],
    ['an empty list', [], instead('a list')],
    ['a list of nothing', ['', ' '], unset('an empty string')],
    ['undefined', undefined, unset('undefined')],
    ['undefined among others', ['a', undefined], unset('undefined')],
    ['null', null, instead('null')],
    ['a number', 7, instead('a number')],
    ['an object', { scope: 'a' }, instead('an object')],
    ['a list with a number', ['a', 7], instead('a number')],
    ['a quotation mark', 'a"b', character('"a\\"b"')],
    ['a backslash', 'a\\b', character('"a\\\\b"')],
    ['a letter beyond ASCII', 'zahlung_lösen', character('"zahlung_lösen"')],
    ['a control character', 'a\u0007', character('"a\\u0007"')],
    ['DEL', 'a\u007f', character('"a\u007f"')],
    ['double quotes around it', '"a"', quoted('"\\"a\\""')],
    ['single quotes around several', "'a b'", quoted(`"'a"`)],
    ['a back quote at an end', ['a', 'b`'], quoted('"b`"')],
  ])('%s', (_, input, fault) => {
    expect(scopeFault(input)).toBe(fault);
  });

  test.each([['!'], ["a'b"], ['#'], ['['], [']'], ['~'], ['https://payu.in/scope?a=b']])(
    'not %s: the characters beside the forbidden ones are allowed',
    (input) => {
      expect(scopeFault(input)).toBeUndefined();
    },
  );
});

describe('scopes that were not granted', () => {
  test.each([
    ['none', ['a', 'b'], ['b', 'a'], []],
    ['one', ['a', 'b'], ['a'], ['b']],
    ['all', ['a'], ['user_profile'], ['a']],
    ['none where more was granted', ['a'], ['a', 'b'], []],
  ])('%s', (_, asked, granted, missing) => {
    expect(missingScopes(asked, granted)).toEqual(missing);
  });
});
