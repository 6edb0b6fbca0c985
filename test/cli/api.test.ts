import type { RequestListener } from 'node:http';
import { describe, expect, test } from 'vitest';
import { deadOrigin, marked, run, sandboxFor, serverFor } from './support.ts';

const PATH = '/merchant/getAccountDetail';
const HTML = { 'content-type': 'text/html' };

/** An API that answers this; and what it was asked. */
async function apiFor(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<{ readonly url: string; readonly asked: (string | undefined)[][] }> {
  const asked: (string | undefined)[][] = [];
  const listener: RequestListener = (request, response) => {
    asked.push([request.method, request.url, request.headers.authorization, String(request.headers.pid)]);
    response.writeHead(status, headers).end(body);
  };
  return { url: `${await serverFor(listener)}${PATH}`, asked };
}

const api = (lines: readonly string[]): readonly string[] => lines.filter((line) => line.startsWith('api: '));

describe('doctor --api makes one GET with the token, and says what the answer means', () => {
  test('the sandbox takes it: ok, and no token request more than without', async () => {
    const { sandbox, env } = await sandboxFor();
    const url = `${sandbox.url}/payout${PATH}`;
    const ran = await run(['doctor', '--api', url, '--header', 'payoutMerchantId: 1111123'], env);
    expect(ran).toMatchObject({ code: 0, err: [] });
    const { host } = new URL(sandbox.url);
    expect(api(marked(ran, 'ok'))).toEqual([`api: ${host}/payout${PATH} answered 200: it takes the token`]);
    expect(sandbox.stats()).toMatchObject({ apiRequests: 1, tokenRequests: 2 });
  });

  test.each([
    ['MEND', 401, {}, '', /answered 401: it does not take this token → check that the address belongs to/],
    [
      'MEND',
      401,
      { 'www-authenticate': 'Bearer error="insufficient_scope"' },
      '',
      /has not the scope that this needs → add it to PAYU_SCOPE/,
    ],
    ['MEND', 401, {}, '{"error":"insufficient_scope"}', /has not the scope that this needs/],
    [
      'MEND',
      403,
      HTML,
      '<h1>Forbidden</h1>',
      /answered 403: not the token, but the merchant id or the address of this machine → check that the id in pid is/,
    ],
    [
      'MEND',
      403,
      {},
      '',
      /the address of this machine; an empty 403 may also mean a scope that is missing →/,
    ],
    [
      'MEND',
      200,
      {},
      '{"code":600,"status":"FAILURE","payload":{"errors":[{"reason":"Invalid authorization token","errorCode":"AUTH_001"}]}}',
      /answered 200: it does not take this token/,
    ],
    [
      'MEND',
      302,
      { location: 'https://elsewhere.example/' },
      '',
      /answered 302, a redirect, which was not followed/,
    ],
    ['MEND', 503, {}, '', /answered 503: it is out of order at the moment → try again later/],
    ['note', 429, { 'retry-after': '60' }, '', /answered 429: it asked to wait/],
    [
      'note',
      404,
      {},
      '',
      /answered 404: the token was not refused, but nothing is at this address for a GET/,
    ],
    [
      'note',
      200,
      {},
      '{"status":-1,"message":"no such merchant"}',
      /takes the token, but its body says "status": -1/,
    ],
    ['ok', 200, {}, '{"status":0}', /answered 200: it takes the token/],
    ['ok', 200, HTML, '<p>well</p>', /answered 200: it takes the token/],
  ] as const)('%s: %i with %j and %s', async (mark, status, headers, body, words) => {
    const { env } = await sandboxFor();
    const { url, asked } = await apiFor(status, headers, body);
    const secretly = `${url}?signature=not-to-be-shown`;
    // With the line end of a Windows file, as `$(cat file)` leaves it.
    const ran = await run(['doctor', '--api', secretly, '--header', 'pid: id-not-to-be-shown\r'], env);
    expect(api(marked(ran, mark))).toEqual([expect.stringMatching(words)]);
    expect(ran.code).toBe(mark === 'MEND' ? 1 : 0);
    expect(asked).toEqual([
      [
        'GET',
        `${PATH}?signature=not-to-be-shown`,
        expect.stringMatching(/^Bearer \S+$/),
        'id-not-to-be-shown',
      ],
    ]);
    const token = String(asked[0]?.[2]).replace('Bearer ', '');
    for (const secret of [token, 'not-to-be-shown', env.PAYU_CLIENT_SECRET]) {
      expect(ran.out.join('\n')).not.toContain(secret);
    }
  });

  test('a 403 where no merchant id was sent says which headers there are', async () => {
    const { env } = await sandboxFor();
    const { url } = await apiFor(403, HTML, 'no');
    const ran = await run(['doctor', '--api', url], env);
    expect(api(marked(ran, 'MEND'))).toEqual([
      expect.stringContaining("→ no merchant id was sent: add --header 'payoutMerchantId: ID' (also pid,"),
    ]);
  });

  test('an API that can not be reached is told by the code of the network', async () => {
    const { env } = await sandboxFor();
    const origin = await deadOrigin();
    const ran = await run(['doctor', '--api', `${origin}/x`], env);
    expect(api(marked(ran, 'MEND'))).toEqual([
      `api: ${new URL(origin).host}/x cannot be reached: nothing answers there (ECONNREFUSED) → check host and port, the firewall and HTTPS_PROXY`,
    ]);
  });

  test('without it, what was not checked is said', async () => {
    const { env } = await sandboxFor();
    const ran = await run(['doctor'], env);
    expect(api(marked(ran, 'note'))).toEqual([
      "api: none was asked, so the merchant id and the addresses that PayU allows are not checked; for that, add --api URL and --header 'name: value'",
    ]);
  });

  test('without a token nothing is sent to the API', async () => {
    const { env } = await sandboxFor();
    const { url, asked } = await apiFor(200, {}, '');
    const ran = await run(['doctor', '--api', url], { ...env, PAYU_CLIENT_SECRET: 'not-the-secret' });
    expect(ran.code).toBe(1);
    expect(asked).toEqual([]);
  });

  test.each([
    [['--api', 'payout'], '--api must be a URL such as https://host/path.'],
    [
      ['--api', '"https://payu.example/"'],
      '--api must not begin and end with a quotation mark: leave the marks out.',
    ],
    ...[`'pid: not-to-be-shown'`, '"pid: not-to-be-shown"', 'pid: "not-to-be-shown"'].map(
      (header): [string[], string] => [
        ['--api', 'https://payu.example/', '--header', header],
        '--header must not begin and end with a quotation mark: leave the marks out.',
      ],
    ),
    [
      ['--api', 'http://payu.example/'],
      '--api must begin with https://; plain http is for this machine alone.',
    ],
    [
      ['--api', 'https://user:not-to-be-shown@payu.example/'],
      '--api must not hold a user name or a password: the token goes there.',
    ],
    [['--header', 'pid: not-to-be-shown'], '--header goes with --api URL. See --help.'],
    [
      ['--api', 'https://payu.example/', '--header', 'pid: 1', '--header', 'not-to-be-shown'],
      '--header must be "name: value": number 2 is not like that.',
    ],
    [
      ['--api', 'https://payu.example/', '--header', 'pid: not-to-be\r\n-shown: 1'],
      '--header must be "name: value": number 1 is not like that.',
    ],
    [
      ['--api', 'https://payu.example/', '--header', 'authorization: not-to-be-shown'],
      '--header must not be Authorization: the token goes there.',
    ],
  ])('%j is refused, and nothing is sent', async (flags, message) => {
    const { sandbox, env } = await sandboxFor();
    expect(await run(['doctor', ...flags], env)).toEqual({ code: 2, out: [], err: [message] });
    expect(sandbox.stats().tokenRequests).toBe(0);
  });
});
