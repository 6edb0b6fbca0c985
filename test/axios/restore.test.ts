import { Readable } from 'node:stream';
import { AxiosHeaders, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { describe, expect, test } from 'vitest';
import { restoreError, restoreResponse } from '../../src/axios/restore.ts';
import { asOurs } from '../../src/axios/sent-config.ts';

const TOKEN = 'access_token_1';
const ADAPTER = 'http';

/** The caller's config, and what came of it: a copy that an attempt was sent with, and a copy that axios made. */
function sent() {
  const config = { url: '/pay', headers: new AxiosHeaders({ pid: '1' }), adapter: ADAPTER } as never;
  const own = config as InternalAxiosRequestConfig;
  const withToken = new AxiosHeaders({ pid: '1', Authorization: `Bearer ${TOKEN}` });
  const attempt = asOurs(own, { headers: withToken });
  const copyOfAxios = { ...own, headers: withToken, extra: 1, adapter: () => {} } as never;
  const request = { config: own, headerValue: `Bearer ${TOKEN}`, token: TOKEN, adapterIsUsers: false };
  return { own, attempt, copyOfAxios: copyOfAxios as InternalAxiosRequestConfig, request };
}

describe('the config of an error', () => {
  test('that was made for an attempt is replaced by the own one, and keeps no token', () => {
    const { own, attempt, request } = sent();
    const error = { config: attempt, response: { config: attempt } };
    restoreError(error, request);
    expect(error.config).toBe(own);
    expect(error.response.config).toBe(own);
    expect(attempt.headers).toBe(own.headers);
  });

  test('that axios copied from it is another copy, without the token and with the own adapter', () => {
    const { own, copyOfAxios, request } = sent();
    const error = { config: copyOfAxios };
    restoreError(error, request);
    expect(error.config).not.toBe(copyOfAxios);
    expect(error.config).toEqual({ ...own, extra: 1 });
    expect(error.config.headers).toBe(own.headers);
    expect(copyOfAxios.headers.Authorization).toBe(`Bearer ${TOKEN}`);
  });

  test.each([
    ['somebody else’s', { url: '/other', headers: { Authorization: 'Bearer of-another' } }],
    ['without headers', { url: '/other' }],
    ['with headers that are null', { headers: null }],
    ['with headers in a string', { headers: `Bearer ${TOKEN}` }],
    ['null', null],
    ['a string', 'config'],
    ['absent', undefined],
  ])('is left alone where it is %s', (_, config) => {
    const { request } = sent();
    const error = { config };
    restoreError(error, request);
    expect(error).toEqual({ config });
    expect(error.config).toBe(config);
  });

  test('that is frozen with its error stays as it is', () => {
    const { copyOfAxios, request } = sent();
    const error = Object.freeze({ config: copyOfAxios, message: `with ${TOKEN}` });
    expect(restoreError(error, request)).toBe(error);
  });
});

describe('what else an error holds', () => {
  test('its request, and that of its response, can be read by name and are not printed', () => {
    const { request } = sent();
    const error = { request: { a: 1 }, response: { request: { b: 2 }, data: '' } };
    restoreError(error, request);
    expect([Object.keys(error), Object.keys(error.response)]).toEqual([['response'], ['data']]);
    expect([error.request, error.response.request]).toEqual([{ a: 1 }, { b: 2 }]);
  });

  test.each([[null], [undefined]])('no response: %s', (response) => {
    const { request } = sent();
    expect(restoreError({ response }, request)).toEqual({ response });
  });

  test('the token in message and stack is taken out; what is no text stays', () => {
    const { request } = sent();
    const error = { message: `Bearer ${TOKEN}`, stack: `Error: ${TOKEN}\n at`, code: TOKEN };
    restoreError(error, request);
    expect(error).toEqual({
      message: 'Bearer [redacted]',
      stack: 'Error: [redacted]\n at',
      code: '[redacted]',
    });
    expect(restoreError({ message: 7, stack: ['a'] }, request)).toEqual({ message: 7, stack: ['a'] });
  });

  test.each([
    ['its input', { input: `http://[${TOKEN}/` }, { input: 'http://[[redacted]/' }],
    ['its host', { hostname: `${TOKEN}.example` }, { hostname: '[redacted].example' }],
    ['its stack alone', { message: 'm', stack: `e ${TOKEN}` }, { message: 'm', stack: 'e [redacted]' }],
    [
      'message and stack in base64',
      { message: btoa(TOKEN), stack: `Error: ${btoa(TOKEN)}` },
      { message: '[redacted]', stack: 'Error: [redacted]' },
    ],
  ])('the token is taken out of %s', (_, error, shown) => {
    expect(restoreError(error, sent().request)).toEqual(shown);
  });

  test.each([['a string'], [undefined], [null], [7]])('what is no object stays itself: %s', (thrown) => {
    expect(restoreError(thrown, sent().request)).toBe(thrown);
  });

  test('its causes, at any depth, and the errors that it sums up', () => {
    const { own, attempt, request } = sent();
    const levels = Array.from({ length: 5_000 }, () => ({ config: attempt }) as Record<string, unknown>);
    levels.forEach((level, depth) => {
      level.cause = levels[depth + 1];
    });
    const summed = { errors: [{ config: attempt, message: TOKEN }], cause: levels[1] };
    restoreError({ errors: summed.errors }, request);
    expect(summed.errors).toEqual([{ config: own, message: '[redacted]' }]);
    restoreError(levels[0], request);
    expect(levels.every(({ config }) => config === own)).toBe(true);
  });

  test('errors within errors are followed as causes are', () => {
    const { own, attempt, request } = sent();
    let innermost = { config: attempt } as Record<string, unknown>;
    const first = innermost;
    for (let depth = 0; depth < 5_000; depth++) innermost = { errors: [innermost] };
    restoreError(innermost, request);
    expect(first.config).toBe(own);
  });

  test('causes without end, each made when it is asked for, come to an end', () => {
    const { own, attempt, request } = sent();
    const endless = () => ({
      config: attempt,
      get cause(): unknown {
        return endless();
      },
    });
    const error = endless();
    restoreError(error, request);
    expect(error.config).toBe(own);
  });

  test('a circle of causes comes to an end', () => {
    const { own, attempt, request } = sent();
    const error = { config: attempt } as Record<string, unknown>;
    error.cause = error;
    restoreError(error, request);
    expect(error.config).toBe(own);
  });
});

test('bytes of an error, such as the answer that Node.js could not parse, show no token', () => {
  const { own, request } = sent();
  const rawPacket = Buffer.from(`\xff GET / HTTP/1.1\r\nAuthorization: Bearer ${TOKEN}\r\n`, 'latin1');
  const cause = Object.assign(new Error('Parse Error'), { rawPacket, other: Buffer.from([0, 255]) });
  const error = Object.assign(new Error('Parse Error', { cause }), { config: own, rawPacket });
  restoreError(error, request);
  const cleaned = Buffer.from('\xff GET / HTTP/1.1\r\nAuthorization: Bearer [redacted]\r\n', 'latin1');
  expect([error.rawPacket, cause.rawPacket, cause.other]).toEqual([cleaned, cleaned, Buffer.from([0, 255])]);
});

test('nor do they in base64', () => {
  const { own, request } = sent();
  const rawPacket = Buffer.from(`\xff Authorization: ${Buffer.from(TOKEN).toString('base64')}`, 'latin1');
  const error = Object.assign(new Error('Parse Error'), { config: own, rawPacket });
  restoreError(error, request);
  expect(error.rawPacket).toEqual(Buffer.from('\xff Authorization: [redacted]', 'latin1'));
});

describe('a response', () => {
  const respond = (data: unknown, config: InternalAxiosRequestConfig): AxiosResponse =>
    ({ data, status: 200, statusText: '', headers: {}, config, request: { socket: 1 } }) as AxiosResponse;

  test('holds the own config, and its request by name', () => {
    const { own, attempt, request } = sent();
    const response = restoreResponse(respond('{}', attempt), request);
    expect(response.config).toBe(own);
    expect(Object.keys(response)).not.toContain('request');
    expect(response.request).toEqual({ socket: 1 });
  });

  test('whose body is a stream shows none of its ways to the socket', () => {
    const { own, request } = sent();
    const data = Object.assign(new Readable({ read() {} }), { socket: {}, client: {}, req: {}, id: 7 });
    restoreResponse(respond(data, own), request);
    const shown = Object.keys(data);
    expect(shown).toContain('id');
    for (const name of ['socket', 'client', 'req']) expect(shown).not.toContain(name);
  });

  test('whose body is none keeps such names', () => {
    const { own, request } = sent();
    const data = { socket: 1, client: 2, req: 3 };
    restoreResponse(respond(data, own), request);
    expect(Object.keys(data)).toEqual(['socket', 'client', 'req']);
  });

  test('with a stream that breaks later: that error is cleaned as well', async () => {
    const { own, attempt, request } = sent();
    const data = new Readable({ read() {} });
    restoreResponse(respond(data, own), request);
    const broken = new Promise<unknown>((resolve) => data.once('error', resolve));
    data.destroy(Object.assign(new Error(TOKEN), { config: attempt }));
    expect(await broken).toMatchObject({ message: '[redacted]', config: own });
  });

  test('with a limited web stream that somebody reads already, as it is', () => {
    const { own, request } = sent();
    own.maxContentLength = 10;
    const stream = new ReadableStream();
    stream.getReader();
    expect(restoreResponse(respond(stream, own), request).data).toBe(stream);
  });

  test.each([
    ['without a limit, as it is', -1, true],
    ['without any word of one, as it is', undefined, true],
    ['with a limit of 0, behind one that cleans', 0, false],
    ['with a limit, behind one that cleans', 10, false],
  ])('with a web stream %s', async (_, maxContentLength, isSame) => {
    const { own, attempt, request } = sent();
    if (maxContentLength !== undefined) own.maxContentLength = maxContentLength;
    const stream = new ReadableStream({
      pull() {
        throw Object.assign(new Error(TOKEN), { config: attempt });
      },
    });
    const { data } = restoreResponse(respond(stream, own), request);
    expect(data === stream).toBe(isSame);
    const error = await new Response(data).text().catch((caught) => caught);
    expect(String(error.message).includes(TOKEN)).toBe(isSame);
  });
});
