import { inspect } from 'node:util';
import { AxiosHeaders } from 'axios';
import { describe, expect, test } from 'vitest';
import { TokenHeader } from '../../src/axios/token-header.ts';

const TOKEN = 'access_token_1';

function traced(token = TOKEN, header = new TokenHeader('Authorization', 'Bearer ')) {
  return header.traceOn(new AxiosHeaders({ pid: '1' }), token);
}

test.each([
  ['Bearer ', 'Bearer 1'],
  ['', '1'],
])('with the prefix "%s" the value is "%s"', (prefix, value) => {
  const header = new TokenHeader('X-Partner-Token', prefix);
  expect([header.value('1'), header.value('2'), header.value('1')]).toEqual([
    value,
    value.replace('1', '2'),
    value,
  ]);
});

describe('a trace on headers', () => {
  test('can be read by name', () => {
    expect(traced().Authorization).toBe(`Bearer ${TOKEN}`);
    expect('Authorization' in traced()).toBe(true);
  });

  test.each<[string, (headers: AxiosHeaders) => string]>([
    ['prints them', (headers) => inspect(headers, { depth: Number.POSITIVE_INFINITY })],
    ['serialises them', (headers) => JSON.stringify(headers)],
    ['lists them', (headers) => Object.entries(headers).join()],
    [
      'walks them',
      (headers) => {
        const found: string[] = [];
        for (const name in headers) found.push(name, String(headers[name]));
        return found.join();
      },
    ],
    ['copies them', (headers) => String({ ...headers }.Authorization ?? { ...headers }.pid)],
    ['copies them as axios does', (headers) => inspect(AxiosHeaders.concat(headers))],
  ])('does not show when somebody %s', (_, shown) => {
    expect(shown(traced())).toContain('1');
    expect(shown(traced())).not.toContain('access_token');
  });

  test('leaves the headers as they were, and of the class that they were', () => {
    const headers = traced();
    expect(headers.get('pid')).toBe('1');
    expect(headers).toBeInstanceOf(AxiosHeaders);
    expect(headers.constructor).toBe(AxiosHeaders);
  });

  test('is of the token of this call, whatever those before and after had', () => {
    const header = new TokenHeader('Authorization', 'Bearer ');
    const all = ['1', '2', '1'].map((token) => traced(token, header));
    expect(all.map((headers) => headers.Authorization)).toEqual(['Bearer 1', 'Bearer 2', 'Bearer 1']);
  });

  test('is of the class that the headers of each copy of axios have', () => {
    class OtherHeaders extends AxiosHeaders {}
    const header = new TokenHeader('Authorization', 'Bearer ');
    for (const Headers of [AxiosHeaders, OtherHeaders, AxiosHeaders]) {
      expect(header.traceOn(new Headers(), TOKEN).constructor).toBe(Headers);
    }
  });

  test('is not hidden by a header that is there as undefined', () => {
    const headers = Object.assign(new AxiosHeaders(), { Authorization: undefined });
    expect(new TokenHeader('Authorization', 'Bearer ').traceOn(headers, TOKEN).Authorization).toBe(
      `Bearer ${TOKEN}`,
    );
  });

  test('gives way to a header of the caller', () => {
    const headers = traced();
    headers.Authorization = 'Basic own';
    expect(headers.toJSON()).toEqual({ pid: '1', Authorization: 'Basic own' });
  });
});
