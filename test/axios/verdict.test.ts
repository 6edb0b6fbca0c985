import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { AxiosHeaders, type AxiosResponse } from 'axios';
import { describe, expect, test } from 'vitest';
import { readVerdict, type Verdict } from '../../src/axios/verdict.ts';
import { ManualClock } from '../support/manual-clock.ts';

interface Given {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly data?: unknown;
  readonly isTokenRefused?: (response: AxiosResponse) => boolean;
}

async function verdictOf({ status, headers = {}, data = '', isTokenRefused }: Given): Promise<Verdict> {
  const response = { status, headers: new AxiosHeaders(headers), data } as AxiosResponse;
  return readVerdict(response, {
    limitMs: 1_000,
    clock: new ManualClock(Date.UTC(2026, 0, 1)),
    isTokenRefused,
  });
}

const LIMITED = '{"error":"rate_limit_exceeded","retry_after":2}';

const JSON_TYPE = { 'content-type': 'application/problem+json' };

describe('rate limited, at an API, means 429, or another 4xx whose body says so', () => {
  test.each([
    { status: 429, toldMs: undefined },
    { status: 429, data: LIMITED, toldMs: 2_000 },
    { status: 429, data: '<html>', headers: { 'retry-after': '3' }, toldMs: 3_000 },
    { status: 429, data: LIMITED, headers: { 'Retry-After': '3' }, toldMs: 3_000 },
    { status: 429, data: LIMITED, headers: { 'retry-after': '1' }, toldMs: 2_000 },
    { status: 429, headers: { 'retry-after': 'Thu, 01 Jan 2026 00:00:05 GMT' }, toldMs: 5_000 },
    { status: 429, data: '{"error":"invalid_token"}', toldMs: undefined },
    { status: 429, data: '{"error":{"reason":"slow down"}}', toldMs: undefined },
    { status: 400, data: LIMITED, toldMs: 2_000 },
    { status: 401, data: LIMITED, toldMs: 2_000 },
    { status: 403, data: LIMITED, toldMs: 2_000 },
    { status: 499, data: LIMITED, toldMs: 2_000 },
    { status: 400, data: Buffer.from(LIMITED), toldMs: 2_000 },
    { status: 400, data: new Blob([LIMITED]), toldMs: 2_000 },
    { status: 400, data: JSON.parse(LIMITED), toldMs: 2_000 },
    { status: 429, data: Readable.from([LIMITED]), toldMs: 2_000 },
    { status: 400, headers: JSON_TYPE, data: Readable.from([LIMITED]), toldMs: 2_000 },
    { status: 400, headers: JSON_TYPE, data: new Response(LIMITED).body, toldMs: 2_000 },
  ])('$status $data $headers: told $toldMs', async ({ toldMs, ...given }) => {
    expect(await verdictOf(given)).toEqual({ kind: 'rate-limited', toldMs });
  });

  test.each([
    { status: 200, data: LIMITED, kind: 'accepted' },
    { status: 299, kind: 'accepted' },
    { status: 199, kind: 'other' },
    { status: 300, kind: 'other' },
    { status: 302, data: LIMITED, kind: 'other' },
    { status: 399, data: LIMITED, kind: 'other' },
    { status: 500, data: LIMITED, kind: 'other' },
    { status: 503, data: LIMITED, headers: { 'retry-after': '2' }, kind: 'other' },
    { status: 400, data: '{"error":"rate_limit"}', kind: 'other' },
    { status: 400, data: '{"error":{"reason":"rate_limit_exceeded"}}', kind: 'other' },
    { status: 422, data: '{"error":{"reason":"Invalid account number or IFSC provided"}}', kind: 'other' },
    { status: 400, data: 'rate_limit_exceeded', kind: 'other' },
    { status: 400, data: '["rate_limit_exceeded"]', kind: 'other' },
    { status: 400, data: LIMITED.padEnd(64 * 1024 + 1), kind: 'other' },
  ])('$status $data is none', async ({ kind, ...given }) => {
    expect(await verdictOf(given)).toEqual({ kind });
  });
});

describe('a body is left alone where the status does not call for it', () => {
  test.each([200, 302, 500, 503])('a stream at %d', async (status) => {
    const data = Readable.from([LIMITED]);
    const response = { status, headers: {}, data } as AxiosResponse;
    await readVerdict(response, { limitMs: 1_000, clock: new ManualClock(), isTokenRefused: undefined });
    expect(response.data).toBe(data);
    expect(data.readableDidRead).toBe(false);
  });

  test.each([
    { status: 401, type: undefined, touched: true },
    { status: 429, type: 'text/html', touched: true },
    { status: 404, type: 'application/json; charset=utf-8', touched: true },
    { status: 499, type: 'application/problem+json', touched: true },
    { status: 404, type: undefined, touched: false },
    { status: 403, type: 'application/pdf', touched: false },
    { status: 200, type: 'application/json', touched: false },
    { status: 302, type: 'application/json', touched: false },
    { status: 500, type: 'application/json', touched: false },
  ])('with isTokenRefused, a stream of $type at $status: looked into: $touched', async (row) => {
    const data = Readable.from(['{"code":600}']);
    const headers = row.type === undefined ? {} : { 'content-type': row.type };
    const response = { status: row.status, headers, data } as AxiosResponse;
    const asked: unknown[] = [];
    const isTokenRefused = (given: AxiosResponse) => asked.push(given.data) === 0;
    await readVerdict(response, { limitMs: 1_000, clock: new ManualClock(), isTokenRefused });
    expect(data.readableDidRead).toBe(row.touched);
    // A rate limit is told by its status; nobody is asked.
    expect(asked).toEqual(row.status === 429 ? [] : [row.touched ? { code: 600 } : data]);
  });

  test.each([
    { status: 401, kind: 'refused' },
    { status: 429, kind: 'rate-limited' },
    { status: 403, kind: 'other' },
  ])('a stream that cannot be paused, at $status', async ({ status, kind }) => {
    const data = Object.assign(new EventEmitter(), { pipe: () => data });
    const response = { status, headers: JSON_TYPE, data } as unknown as AxiosResponse;
    const bounds = { limitMs: 1_000, clock: new ManualClock(), isTokenRefused: undefined };
    expect(await readVerdict(response, bounds)).toMatchObject({ kind });
    expect(response.data).toBe(data);
    expect(data.eventNames()).toEqual([]);
  });

  test.each([
    [300, 300],
    [999, 999],
    [120_000, 1_000],
  ])('a caller that may wait %i ms waits %i ms for a look', async (limitMs, expectedMs) => {
    const clock = new ManualClock();
    const data = new Readable({ read() {} });
    const response = { status: 401, headers: {}, data } as AxiosResponse;
    const verdict = readVerdict(response, { limitMs, clock, isTokenRefused: undefined });
    expect(clock.nextInMs).toBe(expectedMs);
    clock.advance(expectedMs);
    expect(await verdict).toEqual({ kind: 'refused' });
  });
});

describe('refused', () => {
  const BASIC = { 'www-authenticate': 'Basic realm="proxy"' };
  const SCOPE = { 'www-authenticate': 'Bearer error="insufficient_scope"' };
  test.each([
    { status: 401, kind: 'refused' },
    { status: 401, data: '{"error":"invalid_token"}', kind: 'refused' },
    { status: 401, data: '{"error":{"reason":"x"}}', kind: 'refused' },
    { status: 401, data: '{"error":"insufficient_scope"}', kind: 'insufficient-scope' },
    { status: 401, headers: SCOPE, kind: 'insufficient-scope' },
    { status: 401, headers: BASIC, kind: 'other-scheme' },
    { status: 403, data: '{"error":"invalid_token"}', kind: 'other' },
    { status: 200, data: '{"error":"invalid_token"}', kind: 'accepted' },
    { status: 204, kind: 'accepted' },
  ])('$status $data $headers: $kind', async ({ kind, ...given }) => {
    expect(await verdictOf(given)).toEqual({ kind });
  });

  test.each([
    { status: 200, says: true, kind: 'refused' },
    { status: 401, says: true, kind: 'refused' },
    { status: 401, says: false, kind: 'other' },
    { status: 429, says: true, kind: 'rate-limited' },
    { status: 500, says: true, kind: 'refused' },
  ])('isTokenRefused says $says at $status: $kind', async ({ status, says, kind }) => {
    expect(await verdictOf({ status, isTokenRefused: () => says })).toMatchObject({ kind });
  });

  test('isTokenRefused that throws says nothing', async () => {
    const isTokenRefused = () => {
      throw new Error('no such property');
    };
    expect(await verdictOf({ status: 401, isTokenRefused })).toEqual({ kind: 'refused' });
    expect(await verdictOf({ status: 200, isTokenRefused })).toEqual({ kind: 'accepted' });
  });

  test.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['a promise', () => Promise.resolve(true)],
    ['a promise that rejects', () => Promise.reject(new Error('unheard'))],
    ['an empty list', () => []],
    ['a number', () => 1],
    ['a text', () => 'no'],
    ['null', () => null],
  ])('isTokenRefused that returns %s says nothing', async (_title, answer) => {
    const isTokenRefused = answer as () => boolean;
    expect(await verdictOf({ status: 401, isTokenRefused })).toEqual({ kind: 'refused' });
    expect(await verdictOf({ status: 200, isTokenRefused })).toEqual({ kind: 'accepted' });
  });

  test.each([[''], [0]])('isTokenRefused that returns %j, as && leaves it, says no', async (answer) => {
    const isTokenRefused = () => answer as never;
    expect(await verdictOf({ status: 401, isTokenRefused })).toEqual({ kind: 'other' });
  });

  test('isTokenRefused gets the parsed body, and the response keeps its own', async () => {
    const seen: unknown[] = [];
    const isTokenRefused = ({ data }: AxiosResponse) => seen.push(data) > 99;
    const response = { status: 200, headers: {}, data: '{"code":600}' } as AxiosResponse;
    await readVerdict(response, { limitMs: 1_000, clock: new ManualClock(), isTokenRefused });
    await verdictOf({ status: 200, data: 'plain', isTokenRefused });
    expect(seen).toEqual([{ code: 600 }, 'plain']);
    expect(response.data).toBe('{"code":600}');
  });
});
