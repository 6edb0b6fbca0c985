import { describe, expect, it } from 'vitest';
import type { RateLimitOptions } from '../../src/sandbox/index.ts';
import { call, mint, sandboxFor } from './support.ts';

const description = 'Too many requests. Please retry after some time.';
const plain = { error: 'rate_limit_exceeded', error_description: description };

describe('rateLimit', () => {
  it.each<[RateLimitOptions, number, unknown, string | null]>([
    [{}, 429, { ...plain, retry_after: 60 }, null],
    [{ retryAfter: 2 }, 429, { ...plain, retry_after: 2 }, null],
    [{ retryAfter: '2' }, 429, { ...plain, retry_after: '2' }, null],
    [{ retryAfter: 0 }, 429, { ...plain, retry_after: 0 }, null],
    [{ retryAfter: -5 }, 429, { ...plain, retry_after: -5 }, null],
    [{ retryAfter: 'nonsense' }, 429, { ...plain, retry_after: 'nonsense' }, null],
    [{ retryAfter: false }, 429, plain, null],
    [{ retryAfter: false, retryAfterHeader: '7' }, 429, plain, '7'],
    [{ retryAfterHeader: 'Sun, 06 Nov 1994 08:49:37 GMT' }, 429, expect.anything(), expect.anything()],
    [{ status: 200 }, 200, { ...plain, retry_after: 60 }, null],
    [{ status: 400 }, 400, { ...plain, retry_after: 60 }, null],
    [{ status: 401 }, 401, { ...plain, retry_after: 60 }, null],
    [{ status: 503, body: 'none', retryAfterHeader: '1' }, 503, undefined, '1'],
    [{ body: 'none' }, 429, undefined, null],
    [{ body: 'html' }, 429, undefined, null],
  ])('%j', async (options, status, body, header) => {
    for (const on of ['token', 'api'] as const) {
      const sandbox = await sandboxFor();
      sandbox.rateLimit(1, { ...options, on });
      const seen = on === 'token' ? await mint(sandbox) : await call(sandbox, '/echo');
      expect(seen.status).toBe(status);
      expect(seen.body).toEqual(body);
      expect(seen.headers.get('retry-after')).toEqual(header);
      expect(sandbox.stats()).toMatchObject({ rateLimited: 1, mints: 0, faults: 0 });
    }
  });

  it('is for the next so many requests of the token endpoint, unless told otherwise', async () => {
    const sandbox = await sandboxFor();
    sandbox.rateLimit(2);
    expect((await call(sandbox, '/echo')).status).toBe(401);
    const seen = [await mint(sandbox), await mint(sandbox), await mint(sandbox)];
    expect(seen.map(({ status }) => status)).toEqual([429, 429, 200]);
  });

  it('an API that limits by status 401 counts as a 401, too', async () => {
    const sandbox = await sandboxFor();
    sandbox.rateLimit(1, { on: 'api', status: 401 });
    await call(sandbox, '/echo');
    expect(sandbox.stats()).toMatchObject({ rateLimited: 1, unauthorized: 1 });
  });
});
