import { createRequire } from 'node:module';
import type { AxiosRequestConfig } from 'axios';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Answer,
  AXIOS_VERSIONS,
  type Library,
  libraryOn,
  type Origin,
  startOrigin,
  tokensOf,
} from './support.ts';

/** What axios' http adapter follows redirects with; users may do so by themselves. */
const followRedirects: { readonly http: object } = createRequire(import.meta.url)('follow-redirects');

const STATUSES = [301, 302, 303, 307, 308] as const;
const HEADERS = ['Authorization', 'X-Partner-Token'] as const;
const ADAPTERS = ['http', 'fetch'] as const;

/** One that may make a GET of the request, and one that repeats it: the name of the header is the same to the others. */
const statusesWith = (headerName: (typeof HEADERS)[number]) =>
  headerName === 'Authorization' ? STATUSES : ([302, 307] as const);

/** `/go/STATUS?to=URL` redirects there; all else is a 200, or a 401 for the first token. */
const redirecting =
  (otherwise: Answer): Answer =>
  (arrival, response, nth) => {
    const [, status, to] = /^\/go\/(\d+)\?to=(.*)$/.exec(arrival.url) ?? [];
    if (status === undefined || to === undefined) return otherwise(arrival, response, nth);
    response.writeHead(Number(status), { location: decodeURIComponent(to) });
    response.end('moved');
  };

const go = (status: number, to: string) => `/go/${status}?to=${encodeURIComponent(to)}`;

const accepting = redirecting((_arrival, response) => response.end('{"ok":true}'));
const refusing = redirecting((_arrival, response) => {
  response.writeHead(401);
  response.end();
});
const refusingTheFirst = redirecting((arrival, response) => {
  response.writeHead(/access_token_1\b/.test(arrival.head) ? 401 : 200);
  response.end();
});

const refusingTheResult = (status: number) =>
  redirecting((arrival, response) => {
    response.writeHead(arrival.url === '/result' ? status : 200, { 'retry-after': '0' });
    response.end();
  });

/** An attached client of a server. */
function attached(library: Library, home: Origin, config: AxiosRequestConfig, headerName = 'Authorization') {
  const tokens = tokensOf(library, { header: { name: headerName } });
  const client = library.axios.create({ baseURL: home.url, ...config } as never);
  tokens.auth.attach(client);
  return { client, ...tokens };
}

const toGet = (options: { method?: string }) => {
  options.method = 'GET';
};

const hasToken = (origin: Origin) => origin.arrivals.map(({ head }) => /access_token/.test(head));
const outcome = (call: Promise<{ status: number }>): Promise<number | string | undefined> =>
  call.then(
    ({ status }) => status,
    (error) => error.response?.status ?? error.code,
  );

describe.each(AXIOS_VERSIONS)('redirects on %s', (version) => {
  let library: Library;
  beforeAll(async () => {
    library = await libraryOn(version);
  });

  describe('a payment that was answered by a redirect is not made again, whoever followed it', () => {
    test.each<[string, (library: Library) => object]>([
      ["a hook of the user's that makes a GET of it", () => ({ beforeRedirect: toGet })],
      ["a transport of the user's", () => ({ transport: followRedirects.http })],
      [
        "an adapter of the user's around axios' own, with a config of its own",
        ({ axios }) => ({
          adapter: (config: AxiosRequestConfig) => axios.create().request({ ...config, adapter: 'http' }),
        }),
      ],
    ])('%s', async (_title, options) => {
      const home = await startOrigin(refusingTheResult(401));
      const { client } = attached(library, home, options(library));
      for (const status of [302, 303]) {
        expect(await outcome(client.post(go(status, '/result'), { amount: 1 }))).toBe(401);
      }
      expect(home.arrivals.filter(({ method }) => method === 'POST')).toHaveLength(2);
    });
  });

  describe.each(HEADERS)('by a transport of the user’s, with the token in %s', (headerName) => {
    test.each(STATUSES)('%d to another port or name: the token stays', async (status) => {
      const [home, foreign] = [await startOrigin(accepting), await startOrigin(refusing)];
      const hooks: string[] = [];
      const { client, minted } = attached(
        library,
        home,
        { transport: followRedirects.http, beforeRedirect: ({ href }) => void hooks.push(href) },
        headerName,
      );
      expect(await outcome(client.get(go(status, `${foreign.url}/x`)))).toBe(401);
      const { config } = await client.get(go(status, `http://localhost:${home.port}/x`));
      expect(hasToken(foreign)).toEqual([false]);
      expect(hasToken(home)).toEqual([true, true, false]);
      expect(minted()).toBe(1);
      expect(config.transport).toBe(followRedirects.http);
      // Axios does not call the user's hook where the transport is the user's.
      expect(hooks).toEqual([]);
    });
  });

  describe.each(ADAPTERS)('with the adapter "%s"', (adapter) => {
    describe.each(HEADERS)('and the token in %s', (headerName) => {
      test.each(STATUSES)(
        '%d to another port: the token stays, and the 401 there is not cured',
        async (status) => {
          const [home, foreign] = [await startOrigin(accepting), await startOrigin(refusing)];
          const { client, minted, events } = attached(library, home, { adapter }, headerName);
          expect(await outcome(client.get(go(status, `${foreign.url}/x`)))).toBe(401);
          expect(await outcome(client.post(go(status, `${foreign.url}/x`), { amount: 1 }))).toBe(401);
          expect(hasToken(home)).toEqual([true, true]);
          expect(hasToken(foreign)).toEqual([false, false]);
          expect(minted()).toBe(1);
          expect(events.map(({ type }) => type)).toEqual(['token-minted']);
        },
      );

      test.each(statusesWith(headerName))(
        '%d to another name of the same machine: the token stays',
        async (status) => {
          const home = await startOrigin(accepting);
          const { client } = attached(library, home, { adapter }, headerName);
          expect(await outcome(client.get(go(status, `http://localhost:${home.port}/x`)))).toBe(200);
          expect(hasToken(home)).toEqual([true, false]);
        },
      );

      test.each(statusesWith(headerName))(
        '%d to another origin and back: the token stays where it was taken off',
        async (status) => {
          const [home, foreign] = [await startOrigin(refusingTheFirst), await startOrigin(accepting)];
          const { client, minted } = attached(library, home, { adapter }, headerName);
          const back = `${foreign.url}${go(status, `${home.url}/x`)}`;
          expect(await outcome(client.get(go(status, back)))).toBe(200);
          expect(hasToken(home)).toEqual([true, false]);
          expect(hasToken(foreign)).toEqual([false]);
          expect(minted()).toBe(1);
        },
      );

      test.each([
        ...statusesWith(headerName).map((status) => ['get', status] as const),
        ['head', 302] as const,
        ['post', 307] as const,
        ['post', 308] as const,
      ])(
        'a %s that answers %d within the origin: the token goes along, and a 401 at the end is cured',
        async (method, status) => {
          const home = await startOrigin(refusingTheFirst);
          const { client, minted } = attached(library, home, { adapter }, headerName);
          const data = method === 'post' ? { amount: 1 } : undefined;
          expect(await outcome(client.request({ method, url: go(status, '/x?y=1'), data }))).toBe(200);
          const sent = (url: string) => `${method.toUpperCase()} ${url} ${data ? '{"amount":1}' : ''}`;
          expect(home.arrivals.map(({ method, url, body }) => `${method} ${url} ${body}`)).toEqual(
            [1, 2].flatMap(() => [sent(go(status, '/x?y=1')), sent('/x?y=1')]),
          );
          expect(hasToken(home)).toEqual([true, true, true, true]);
          expect(minted()).toBe(2);
        },
      );
    });

    // Each method with each status, and each of both with each refusal.
    test.each([
      ['post', 301, 401],
      ['post', 302, 429],
      ['post', 303, 401],
      ['put', 301, 429],
      ['put', 302, 401],
      ['put', 303, 429],
      ['patch', 301, 401],
      ['patch', 302, 429],
      ['patch', 303, 401],
      ['delete', 301, 429],
      ['delete', 302, 401],
      ['delete', 303, 429],
    ] as const)(
      'a %s that %d answered may have taken effect: after a %d it is not sent again',
      async (method, status, refusal) => {
        const home = await startOrigin(refusingTheResult(refusal));
        const { client, minted, events } = attached(library, home, { adapter });
        const call = client.request({ method, url: go(status, '/result'), data: { amount: 1 } });
        expect(await outcome(call)).toBe(refusal);
        expect(home.arrivals.map(({ url }) => url)).toEqual([go(status, '/result'), '/result']);
        expect(minted()).toBe(1);
        expect(events).toContainEqual({ type: 'replay-skipped', reason: 'body-not-replayable' });
        // A refused token is dropped all the same.
        expect(await outcome(client.get('/next'))).toBe(200);
        expect(minted()).toBe(refusal === 401 ? 2 : 1);
      },
    );

    test.each([302, 307])('%d with maxRedirects 0: reaches the caller', async (status) => {
      const [home, foreign] = [await startOrigin(accepting), await startOrigin(accepting)];
      const { client } = attached(library, home, { adapter, maxRedirects: 0 });
      // The fetch adapter takes no notice of it before axios 1.20.
      const isFollowed = adapter === 'fetch' && version !== 'axios';
      const expected = isFollowed ? 200 : status;
      expect(await outcome(client.get(go(status, foreign.url)))).toBe(expected);
      const lenient = { validateStatus: () => true };
      expect(await outcome(client.get(go(status, foreign.url), lenient))).toBe(expected);
      expect(hasToken(foreign)).toEqual(isFollowed ? [false, false] : []);
    });

    test('headers of the caller go along to another origin, the token under no name', async () => {
      const [home, foreign] = [await startOrigin(accepting), await startOrigin(accepting)];
      const { client } = attached(library, home, { adapter });
      await client.get(go(302, foreign.url), { headers: { cookie: 'session=1', 'x-own': 'kept' } });
      expect(foreign.arrivals[0]?.headers).toMatchObject({ 'x-own': 'kept' });
      expect(foreign.arrivals[0]?.head).not.toMatch(/access_token/);
    });

    test.each([302, 307])("%d: axios' auth of the caller goes where it goes without us", async (status) => {
      const [home, foreign] = [await startOrigin(accepting), await startOrigin(accepting)];
      const auth = { username: 'u', password: 'p' };
      const bare = library.axios.create({ baseURL: home.url, adapter, auth });
      const { client } = attached(library, home, { adapter, auth }, 'X-Partner-Token');
      const basic = ({ arrivals }: Origin) => arrivals.splice(0).map(({ headers }) => headers.authorization);
      const abroad = `${foreign.url}${go(status, `${home.url}/x`)}`;
      for (const to of ['/x', foreign.url, abroad]) {
        await bare.get(go(status, to));
        const [atHome, elsewhere] = [basic(home), basic(foreign)];
        expect((await client.get(go(status, to))).config.auth).toEqual(auth);
        expect([basic(home), basic(foreign)]).toEqual([atHome, elsewhere]);
        expect(elsewhere).toEqual(to === '/x' ? [] : [undefined]);
      }
    });

    test('a redirect without a location, or to no URL, reaches the caller', async () => {
      const home = await startOrigin((arrival, response) => {
        response.writeHead(302, arrival.url === '/none' ? {} : { location: 'mailto:someone@example' });
        response.end();
      });
      const { client } = attached(library, home, { adapter });
      expect(await outcome(client.get('/none'))).toBe(302);
      expect(await outcome(client.get('/mail'))).not.toBe(200);
      expect(home.arrivals).toHaveLength(2);
    });

    test('redirects without end come to an end', async () => {
      const home = await startOrigin((_arrival, response) => {
        response.writeHead(302, { location: '/again' });
        response.end();
      });
      const { client } = attached(library, home, { adapter });
      expect(await outcome(client.get('/'))).toBe(
        adapter === 'fetch' ? 'ERR_NETWORK' : 'ERR_FR_TOO_MANY_REDIRECTS',
      );
      expect(home.arrivals).toHaveLength(adapter === 'fetch' ? 21 : 22);
    });
  });

  test('fetch: a stream is not sent a second time by a redirect', async () => {
    const home = await startOrigin(accepting);
    const { client } = attached(library, home, { adapter: 'fetch' });
    expect(await outcome(client.post(go(307, '/x'), new Blob(['once']).stream()))).toBe('ERR_NETWORK');
    expect(await outcome(client.post(go(303, '/x'), new Blob(['once']).stream()))).toBe(200);
    expect(home.arrivals.map(({ body }) => String(body))).toEqual(['once', 'once', '']);
  });

  test.each(HEADERS)(
    "the user's own beforeRedirect runs, sees no %s on the way out, and can't put it back",
    async (headerName) => {
      const [home, foreign] = [await startOrigin(accepting), await startOrigin(accepting)];
      const seen: unknown[] = [];
      let kept: unknown;
      const config: AxiosRequestConfig = {
        adapter: 'http',
        beforeRedirect: (options, _response, request) => {
          seen.push(JSON.stringify(options.headers).includes('access_token'));
          kept ??= Object.values(options.headers).find((value) => /access_token/.test(String(value)));
          // As a list, which Node.js takes for a header as well.
          Object.assign(options.headers, { 'x-kept': kept, 'x-list': [kept] });
          // Not every version of axios hands on the request.
          Object.assign(options.headers, request?.headers, { 'x-own': 'mine' });
        },
      };
      const { client } = attached(library, home, config, headerName);
      await client.get(go(302, `${home.url}/x`));
      await client.get(go(302, foreign.url));
      expect(seen).toEqual([true, false]);
      expect(hasToken(home)).toEqual([true, true, true]);
      expect(hasToken(foreign)).toEqual([false]);
      expect(foreign.arrivals[0]?.headers['x-own']).toBe('mine');
    },
  );

  test.each<[string, (options: Record<string, unknown>, to: Origin) => void]>([
    ['to another port', (options, { port }) => Object.assign(options, { port })],
    ['to another name', (options, { port }) => Object.assign(options, { port, hostname: 'localhost' })],
    [
      'with a copy of its headers',
      (options, { port }) => Object.assign(options, { port, headers: { ...(options.headers as object) } }),
    ],
  ])("a beforeRedirect of the user's that leads %s: the token stays", async (_title, lead) => {
    const [home, foreign] = [await startOrigin(accepting), await startOrigin(refusing)];
    const beforeRedirect = (options: Record<string, unknown>) => lead(options, foreign);
    const { client, minted } = attached(library, home, { adapter: 'http', beforeRedirect });
    expect(await outcome(client.get(go(302, '/x')))).toBe(401);
    expect(hasToken(home)).toEqual([true]);
    expect(hasToken(foreign)).toEqual([false]);
    expect(minted()).toBe(1);
  });

  test("the user's own fetchOptions.redirect is respected", async () => {
    const [home, foreign] = [await startOrigin(accepting), await startOrigin(accepting)];
    const { client } = attached(library, home, { adapter: 'fetch' });
    const options = (redirect: string) => ({ fetchOptions: { redirect, keepalive: true } });
    expect(await outcome(client.get(go(302, foreign.url), options('manual')))).toBe(302);
    expect(await outcome(client.get(go(302, foreign.url), options('error')))).toBe('ERR_NETWORK');
    expect(foreign.arrivals).toEqual([]);
    expect(await outcome(client.get(go(302, foreign.url), options('follow')))).toBe(200);
    expect(hasToken(foreign)).toEqual([false]);
  });

  test.each(HEADERS)(
    "a custom adapter on top of axios' fetch adapter does not carry %s away",
    async (headerName) => {
      const [home, foreign] = [await startOrigin(accepting), await startOrigin(refusing)];
      const inner = library.axios.getAdapter('fetch');
      const { client, minted } = attached(library, home, { adapter: (config) => inner(config) }, headerName);
      expect(await outcome(client.get(go(302, foreign.url)))).toBe(401);
      expect(await outcome(client.get(go(302, '/x')))).toBe(200);
      expect(hasToken(foreign)).toEqual([false]);
      expect(minted()).toBe(1);
    },
  );

  test.each(HEADERS)('nor does a fetch of the user without a Request carry %s away', async (headerName) => {
    const [home, foreign] = [await startOrigin(accepting), await startOrigin(refusing)];
    const env = { fetch: (url: string, init: RequestInit) => fetch(url, init), Request: null };
    const { client } = attached(library, home, { adapter: 'fetch', env } as never, headerName);
    expect(await outcome(client.get(go(302, foreign.url)))).toBe(401);
    expect(await outcome(client.get(go(302, '/x')))).toBe(200);
    expect(hasToken(foreign)).toEqual([false]);
  });

  test('a redirect that a custom adapter hands on is for the caller', async () => {
    const { auth } = tokensOf(library);
    const asked: unknown[] = [];
    const client = library.axios.create({
      baseURL: 'https://api.example',
      validateStatus: () => true,
      adapter: async (config) => {
        asked.push(config.url);
        return { status: 302, statusText: '', headers: { location: '/y' }, data: '', config, request: {} };
      },
    });
    auth.attach(client);
    expect(await outcome(client.get('/x'))).toBe(302);
    expect(asked).toEqual(['/x']);
  });
});
