import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AXIOS_VERSIONS, libraryOn, startOrigin, tokensOf } from '../axios/support.ts';

/** With `polluted` on each object there is, for as long as the task takes. */
async function polluting<T>(polluted: object, task: () => Promise<T>): Promise<T> {
  Object.assign(Object.prototype, polluted);
  try {
    return await task();
  } finally {
    for (const name of Object.keys(polluted)) delete (Object.prototype as Record<string, unknown>)[name];
  }
}

/** Where nothing of ours must arrive: a server, a socket of the file system, and functions. */
interface Elsewhere {
  readonly port: number;
  readonly url: string;
  readonly socketPath: string;
  /** All that arrived. */
  readonly seen: string[];
  /** A function in whose arguments things may arrive. */
  readonly trap: (...values: unknown[]) => never;
}

async function startElsewhere(): Promise<Elsewhere> {
  const seen: string[] = [];
  const { url, port } = await startOrigin(({ method, url: asked, head, body }, response) => {
    seen.push([method, asked, head, body].join('\n'));
    response.end('{"access_token":"of_somebody_else","expires_in":7200}');
  });
  const socketPath = join(tmpdir(), `elsewhere-${process.pid}-${port}.sock`);
  const server = createServer((request, response) => {
    seen.push([request.method, request.url, ...request.rawHeaders].join('\n'));
    response.end('{"access_token":"of_somebody_else","expires_in":7200}');
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const trap = (...values: unknown[]): never => {
    seen.push(values.map((value) => JSON.stringify(value)).join('\n'));
    throw new Error('it went elsewhere');
  };
  return { url, port, socketPath, seen, trap };
}

/** What a merge of a stranger's JSON may leave behind, and then what needs code to get there. */
const POLLUTED: Readonly<Record<string, (elsewhere: Elsewhere) => object>> = {
  proxy: ({ port }) => ({ proxy: { protocol: 'http', host: '127.0.0.1', port } }),
  'baseURL, with absolute URLs behind it': ({ url }) => ({ baseURL: url, allowAbsoluteUrls: false }),
  baseURL: ({ url }) => ({ baseURL: url }),
  socketPath: ({ socketPath }) => ({ socketPath }),
  'host and port': ({ port }) => ({ host: '127.0.0.1', hostname: '127.0.0.1', port }),
  'headers, auth and params': () => ({
    headers: { host: 'elsewhere.example' },
    auth: { username: 'a', password: 'b' },
    params: { a: 1 },
  }),
  'method, url and data': ({ url }) => ({ method: 'get', url, data: 'a=1' }),
  'redirects that are followed': () => ({ maxRedirects: 5, redirect: 'follow' }),
  adapter: ({ trap }) => ({ adapter: trap }),
  transformRequest: ({ trap }) => ({ transformRequest: [trap] }),
  transport: ({ trap }) => ({ transport: { request: trap } }),
  beforeRedirect: ({ trap }) => ({ beforeRedirect: trap }),
  'paramsSerializer, with params': ({ trap }) => ({
    params: { a: 1 },
    paramsSerializer: { serialize: trap },
  }),
  'env.fetch': ({ trap }) => ({ env: { fetch: trap } }),
};

const ADAPTERS = ['http', 'fetch', undefined] as const;

/**
 * On each version, by each adapter. Without the path of a socket where Node.js itself takes it from there: for all that
 * the process fetches, and for what axios 1.12 sends. With https a certificate would have to fit.
 */
function rows(sent: 'token request' | 'call') {
  return AXIOS_VERSIONS.flatMap((version) =>
    ADAPTERS.flatMap((adapter) =>
      Object.entries(POLLUTED)
        .filter(
          ([name]) =>
            name !== 'socketPath' ||
            (adapter !== 'fetch' && (version !== 'axios-1.12' || sent === 'token request')),
        )
        .map(([name, pollute]) => [version, adapter ?? 'no named', name, adapter, pollute] as const),
    ),
  );
}

describe('whatever a polluted Object.prototype holds (G6)', () => {
  test.each(rows('token request'))(
    'a token request on %s by %s adapter goes where it should: %s',
    async (...row) => {
      const [version, , , adapter, pollute] = row;
      const library = await libraryOn(version);
      const elsewhere = await startElsewhere();
      const accounts = await startOrigin((_, response) => {
        response.end('{"access_token":"access_token_1","expires_in":7200}');
      });
      const { auth } = tokensOf(library, {
        environment: { tokenUrl: `${accounts.url}/oauth/token` },
        tokenAttempts: 1,
        http: adapter === undefined ? {} : { adapter },
      });
      const minting = polluting(pollute(elsewhere), () => auth.getToken());
      const token = await minting.catch((error: unknown) => error);
      expect(elsewhere.seen).toEqual([]);
      // Fetch itself, and axios 1.12 on the way to it, fail at some of them.
      if (adapter === 'fetch' && token instanceof Error) return;
      expect(token).toMatchObject({ value: 'access_token_1' });
      expect(accounts.arrivals.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /oauth/token']);
    },
  );

  test.each(AXIOS_VERSIONS)(
    'a token request for another machine on %s takes no proxy from it',
    async (version) => {
      const library = await libraryOn(version);
      const elsewhere = await startElsewhere();
      for (const scheme of ['http', 'https']) {
        const { auth } = tokensOf(library, {
          environment: { tokenUrl: `${scheme}://accounts.invalid/oauth/token` },
          allowInsecureHttp: true,
          tokenAttempts: 1,
          http: {},
        });
        const minted = polluting(POLLUTED.proxy?.(elsewhere) ?? {}, () => auth.getToken());
        await expect(minted).rejects.toThrow('ENOTFOUND');
      }
      expect(elsewhere.seen).toEqual([]);
    },
  );

  test.each(rows('call'))('no token of a call on %s by %s adapter goes elsewhere: %s', async (...row) => {
    const [version, , , adapter, pollute] = row;
    const library = await libraryOn(version);
    const elsewhere = await startElsewhere();
    const api = await startOrigin((_, response) => response.end('{}'));
    const { auth } = tokensOf(library, { origins: [api.url] });
    await auth.getToken();
    for (const baseURL of [api.url, undefined]) {
      const client = library.axios.create({
        ...(adapter === undefined ? {} : { adapter }),
        ...(baseURL === undefined ? {} : { baseURL }),
      });
      auth.attach(client);
      const url = baseURL === undefined ? `${api.url}/pay` : '/pay';
      await polluting(pollute(elsewhere), () => client.post(url, { amount: 1 }).catch(() => {}));
    }
    expect(elsewhere.seen.filter((each) => each.includes('access_token_1'))).toEqual([]);
  });
});
