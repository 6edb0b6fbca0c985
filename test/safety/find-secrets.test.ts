import { describe, expect, test } from 'vitest';
import { findSecrets } from './support/find-secrets.ts';

const SECRET = 'canary +%&:@ "₹" secret';

function errorWith(properties: object): Error {
  return Object.assign(new Error('nothing to see'), properties);
}

function withStack(stack: string): Error {
  const error = new Error('nothing to see');
  error.stack = stack;
  return error;
}

describe('the search for secrets finds one', () => {
  const cyclic: Record<string, unknown> = { deep: { token: SECRET } };
  cyclic.self = cyclic;
  test.each<[string, unknown]>([
    ['as the value itself', SECRET],
    ['in a message', new Error(`failed with ${SECRET}`)],
    ['in a stack', withStack(`Error: x\n    at ${SECRET}`)],
    ['in a cause', new Error('x', { cause: new Error('y', { cause: new Error(SECRET) }) })],
    [
      'in a cause that is no error',
      new Error('x', { cause: { headers: { authorization: `Bearer ${SECRET}` } } }),
    ],
    ['among the errors of an AggregateError', new AggregateError([new Error(SECRET)], 'x')],
    ['in a property', errorWith({ config: { headers: { Authorization: `Bearer ${SECRET}` } } })],
    ['in the name of a property', errorWith({ config: { [SECRET]: 1 } })],
    ['under a symbol', errorWith({ [Symbol('config')]: { token: SECRET } })],
    ['in what a toJSON returns', errorWith({ toJSON: () => ({ token: SECRET }) })],
    [
      'behind a getter',
      errorWith({ config: Object.defineProperty({}, 'token', { get: () => SECRET, enumerable: true }) }),
    ],
    ['in what is inherited', Object.create({ token: SECRET })],
    ['in a Map', new Map([['token', { value: SECRET }]])],
    ['as a key of a Map', new Map([[SECRET, 1]])],
    ['in a Set', new Set([SECRET])],
    ['in a list', [[['x', [SECRET]]]]],
    ['in bytes', { data: Buffer.from(`client_secret=${SECRET}`) }],
    ['in a form', { data: new URLSearchParams({ client_secret: SECRET }) }],
    ['in the text of a form', { data: new URLSearchParams({ client_secret: SECRET }).toString() }],
    ['percent-encoded', new Error(`GET /?secret=${encodeURIComponent(SECRET)}`)],
    ['in JSON', new Error(`sent ${JSON.stringify({ secret: SECRET })}`)],
    ['in base64, as of Basic credentials', { auth: `Basic ${Buffer.from(SECRET).toString('base64')}` }],
    ['cut off', new Error(`failed with ${SECRET.slice(0, 14)}…`)],
    ['in something that refers to itself', cyclic],
    ['in a function', Object.assign(() => {}, { token: SECRET })],
    ['30 levels down', Array.from({ length: 30 }).reduce<unknown>((inner) => ({ inner }), SECRET)],
  ])('%s', (_, value) => {
    expect(findSecrets(value, [SECRET])).not.toEqual([]);
  });

  test.each<[string, unknown]>([
    ['of another', new Error('another canary')],
    ['that is not enumerable', Object.defineProperty({}, 'value', { value: SECRET, enumerable: false })],
    [
      'that is private',
      new (class {
        readonly #token = SECRET;
        get length(): number {
          return this.#token.length;
        }
      })(),
    ],
  ])('and none %s', (_, value) => {
    expect(findSecrets(value, [SECRET])).toEqual([]);
  });
});
