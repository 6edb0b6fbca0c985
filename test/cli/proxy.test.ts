import type { LookupFunction } from 'node:net';
import axios from 'axios';
import { describe, expect, test, vi } from 'vitest';
import { isExempted, proxyFindings } from '../../src/cli/doctor/proxy.ts';
import { findingLine } from '../../src/cli/finding.ts';
import { serverFor } from './support.ts';

const URL_OF_TOKENS = 'https://accounts.payu.in/oauth/token';
const lines = (env: Record<string, string>, url = URL_OF_TOKENS): readonly string[] =>
  proxyFindings(url, env).map(findingLine);

describe('the proxy settings in force', () => {
  test.each<[string, Record<string, string>, string]>([
    ['none', {}, 'note proxy: none is set for https'],
    ['an empty one', { HTTPS_PROXY: '' }, 'note proxy: none is set for https'],
    ['only one for http', { HTTP_PROXY: 'http://p:1' }, 'note proxy: none is set for https'],
    [
      'one for https',
      { HTTPS_PROXY: 'http://p.example:3128' },
      'note proxy: HTTPS_PROXY=http://p.example:3128: requests to accounts.payu.in go through it',
    ],
    [
      'lower case before upper case',
      { https_proxy: 'http://low:1', HTTPS_PROXY: 'http://up:2' },
      'note proxy: https_proxy=http://low:1: requests to accounts.payu.in go through it',
    ],
    [
      'one for all',
      { ALL_PROXY: 'http://p:1' },
      'note proxy: ALL_PROXY=http://p:1: requests to accounts.payu.in go through it',
    ],
    [
      'an exemption',
      { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'localhost,.payu.in' },
      'note proxy: HTTPS_PROXY=http://p:1: accounts.payu.in is exempt from it; NO_PROXY=localhost,.payu.in',
    ],
    [
      'an exemption of others',
      { HTTPS_PROXY: 'http://p:1', no_proxy: 'example.org' },
      'note proxy: HTTPS_PROXY=http://p:1: requests to accounts.payu.in go through it; no_proxy=example.org',
    ],
    [
      'without a scheme, as axios reads it',
      { HTTPS_PROXY: 'user:canary-pass@p:1' },
      'note proxy: HTTPS_PROXY=https://p:1: requests to accounts.payu.in go through it',
    ],
    [
      'with credentials, path and query',
      { HTTPS_PROXY: 'http://user:canary-pass@p:1/canary-path?canary-query' },
      'note proxy: HTTPS_PROXY=http://p:1: requests to accounts.payu.in go through it',
    ],
    [
      'what is no address',
      { HTTPS_PROXY: 'http://user:canary-pass@:port' },
      'MEND proxy: the value of HTTPS_PROXY is no address → set HTTPS_PROXY to http://HOST:PORT, or unset it',
    ],
  ])('%s', (_title, env, line) => {
    expect(lines(env)).toEqual([line]);
  });
});

describe('NO_PROXY is read as axios reads it', () => {
  const rows: readonly [noProxy: string, url: string, isExempt: boolean][] = [
    ['payu.invalid', 'http://payu.invalid/', true],
    ['PAYU.invalid', 'http://payu.INVALID/', true],
    ['payu.invalid', 'http://accounts.payu.invalid/', false],
    ['.payu.invalid', 'http://accounts.payu.invalid/', true],
    ['.payu.invalid', 'http://payu.invalid/', false],
    ['*.payu.invalid', 'http://accounts.payu.invalid/', true],
    ['*payu.invalid', 'http://notpayu.invalid/', true],
    ['*', 'http://payu.invalid/', true],
    ['payu.invalid:80', 'http://payu.invalid/', true],
    ['payu.invalid:81', 'http://payu.invalid/', false],
    ['payu.invalid:81', 'http://payu.invalid:81/', true],
    ['payu.invalid', 'http://payu.invalid:81/', true],
    ['a.invalid, payu.invalid', 'http://payu.invalid/', true],
    ['a.invalid payu.invalid', 'http://payu.invalid/', true],
    ['a.invalid,,b.invalid', 'http://payu.invalid/', false],
    [' ', 'http://payu.invalid/', false],
  ];

  test.each(rows)('NO_PROXY=%j and %s: exempt %s', (noProxy, url, isExempt) => {
    expect(isExempted(new URL(url), noProxy)).toBe(isExempt);
  });

  test.each(rows)('axios itself: NO_PROXY=%j and %s: exempt %s', async (noProxy, url, isExempt) => {
    const proxy = await serverFor((_request, response) => response.end('by the proxy'));
    for (const name of ['http_proxy', 'all_proxy', 'no_proxy', 'ALL_PROXY']) vi.stubEnv(name, undefined);
    vi.stubEnv('HTTP_PROXY', proxy);
    vi.stubEnv('NO_PROXY', noProxy);
    const lookup = ((_host, _options, done) => done(new Error('directly'), '', 4)) as LookupFunction;
    const went = await axios.get<string>(url, { lookup: lookup as never }).then(
      ({ data }) => data,
      (error: Error) => error.message,
    );
    vi.unstubAllEnvs();
    expect(went).toBe(isExempt ? 'directly' : 'by the proxy');
  });
});
