import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import nock from 'nock';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { environments } from '../../src/payu.ts';
import { type MockPayu, mockPayu } from '../../src/testing/index.ts';
import { loadNock } from '../../src/testing/load-nock.ts';
import { mockPayuWith } from '../../src/testing/mock-payu.ts';
import { api, bearer, http, messageOf, postForm, rejection, tokenUrl } from './support.ts';

let kit: MockPayu;
beforeEach(() => {
  kit = mockPayu({ environment: 'test' });
});
afterEach(() => {
  kit.restore();
  nock.cleanAll();
});

describe('done()', () => {
  test('is content when everything was used', async () => {
    kit.token();
    await postForm();
    expect(() => kit.done()).not.toThrow();
  });

  test('lists the mocks that nobody used', () => {
    kit
      .token()
      .refresh()
      .tokenError('invalid_client')
      .tokenRateLimited({ retryAfter: 1 })
      .tokenFault({ code: 'ECONNRESET' })
      .revoke()
      .api('get', '/a')
      .unauthorized('post', '/b')
      .rateLimited('put', '/c')
      .apiFault('delete', '/d', { status: 502 });
    expect(messageOf(() => kit.done())).toBe(
      [
        'mockPayu: not as declared.',
        '',
        'Mocks that were never used (10):',
        '  - token()',
        '  - refresh()',
        "  - tokenError('invalid_client')",
        '  - tokenRateLimited({"retryAfter":1})',
        '  - tokenFault({"code":"ECONNRESET"})',
        '  - revoke()',
        '  - api: GET /a',
        '  - unauthorized: POST /b',
        '  - rateLimited: PUT /c',
        '  - apiFault: DELETE /d',
        '  Either the code did not send the request, or it has not sent it yet: await it before done().',
      ].join('\n'),
    );
  });

  test.each<[method: string, url: string, why?: string]>([
    ['get', `${api}/payout/nowhere`],
    ['post', `${api}/payment-links`],
    ['delete', 'https://test.payumoney.com/payout/x'],
    ['get', tokenUrl, 'this host answers POST /oauth/token and POST /oauth/revoke'],
    [
      'post',
      'https://uat-accounts.payu.in/oauth/introspect',
      'this host answers POST /oauth/token and POST /oauth/revoke',
    ],
  ])('lists the unexpected request %s %s, which gets a readable error', async (method, url, why) => {
    kit.api('get', '/left');
    const error = await rejection(http.request({ method, url, ...bearer('x') }));
    expect(error.message).toBe(
      `mockPayu: unexpected request ${method.toUpperCase()} ${url}; ${why ?? 'left are: api: GET /left'}`,
    );
    expect(error.code).toBe('ERR_MOCK_PAYU');
    expect(messageOf(() => kit.done())).toContain(
      `Unexpected requests (1):\n  - ${method.toUpperCase()} ${url}`,
    );
  });

  test('nothing leaves the machine for a host that has no mock', async () => {
    using custom = mockPayu({ environment: 'production', apiHosts: ['https://no-mock-yet.invalid'] });
    const error = await rejection(http.get('https://no-mock-yet.invalid/x'));
    expect(error.message).toBe(
      'mockPayu: unexpected request GET https://no-mock-yet.invalid/x; no API mock is left',
    );
    expect(() => custom.done()).toThrow('Unexpected requests (1)');
  });

  test.each(
    Object.values(environments).flatMap(({ tokenUrl, revokeUrl, origins }) => [
      tokenUrl,
      revokeUrl,
      ...origins.map((origin) => `${origin}/x`),
    ]),
  )('%s: whichever of its hosts a test asks by mistake, PayU never hears of it', async (url) => {
    const error = await rejection(http.put(url, 'client_secret=top-secret'));
    expect(error.code).toBe('ERR_MOCK_PAYU');
    expect(error.message).toContain(`unexpected request PUT ${url}`);
    expect(messageOf(() => kit.done())).toContain(`PUT ${url}`);
  });

  test('names the options where the host is of another environment', async () => {
    const error = await rejection(http.get('https://accounts.payu.in/oauth/token'));
    expect(error.message).toContain(
      'this host is PayU\'s, and none of this kit\'s; see "environment" and "apiHosts"',
    );
  });

  test.each(['http://accounts.payu.in/x', 'https://uat-accounts.payu.in:8443/x', 'https://info.payu.in./x'])(
    '%s: nor do its other hosts, schemes and ports',
    async (url) => {
      expect((await rejection(http.get(url))).message).toContain("this host is PayU's");
    },
  );

  test('nor where an earlier kit was restored', async () => {
    mockPayu({ environment: 'production' }).restore();
    const error = await rejection(
      http.post('https://accounts.payu.in/oauth/token', 'client_secret=top-secret'),
    );
    expect(error.message).toContain("this host is PayU's");
    expect(error.message).not.toContain('top-secret');
  });

  test("an interceptor of the user's on another host of PayU's answers", async () => {
    nock('https://bbps-sb.payu.in').get('/x').reply(200, 'own');
    expect((await http.get('https://bbps-sb.payu.in/x')).data).toBe('own');
    kit.done();
  });

  test.each([
    'http://payout:8080/x',
    'http://oauth/x',
    'https://oauth:8443/token',
    'https://elsewhere.example/x',
  ])('%s is a host of its own, and no path of the kit', async (url) => {
    kit.restore();
    kit = mockPayu({ environment: 'test', apiHosts: ['https://uat-partner.payu.in'] });
    nock.disableNetConnect();
    onTestFinished(() => nock.enableNetConnect());
    expect((await rejection(http.get(url))).message).toContain('Disallowed net connect');
    kit.done();
  });

  test('leaves the hosts of another kit to that one', async () => {
    using _other = mockPayu({ environment: 'production' });
    await rejection(http.get('https://payout.payumoney.com/payout/x'));
    kit.done();
  });

  test('after nock.cleanAll() nothing is sent either, and it says why', async () => {
    kit.token();
    nock.cleanAll();
    const error = await rejection(postForm());
    expect(error.code).toBe('ERR_MOCK_PAYU');
    expect(error.message).toContain('nock.cleanAll() has taken this kit out of nock');
  });

  test.each([
    ['cleanAll', 'nock.cleanAll() has taken this kit out of nock: call its restore() instead'],
    [
      'restore',
      'nock.restore() has switched nock off, and requests leave this machine: call nock.activate()',
    ],
  ] as const)('done() says that nock.%s() keeps requests from the mocks', (name, why) => {
    kit.token();
    nock[name]();
    onTestFinished(() => {
      if (!nock.isActive()) nock.activate();
    });
    const message = messageOf(() => kit.done());
    expect(message).toContain(`- token()\n  ${why}`);
    kit.restore();
    expect(messageOf(() => kit.done())).toContain('await it before done()');
  });

  test('a doubled slash before a path of the kit, which nock takes for a host, is not sent', async () => {
    const error = await rejection(http.post('https://uat-accounts.payu.in//oauth/token', 'client_secret=x'));
    expect(error.message).toBe(
      'mockPayu: unexpected request to a host "oauth": does the path of its URL begin with two slashes?',
    );
    expect(() => kit.done()).toThrow('Unexpected requests (1)');
  });

  test('what a reply function asserts is told, whatever the code under test makes of it', async () => {
    kit.acceptToken('token-1').api('post', '/v2/payment', () => {
      throw new Error('expected another amount');
    });
    await http.post(`${api}/payout/v2/payment`, {}, bearer('token-1')).catch(() => {});
    expect(() => kit.done()).toThrow('its reply function failed: Error: expected another amount');
  });

  test('does not show the query of an OAuth request, where a secret may stand', async () => {
    const error = await rejection(http.get(`${tokenUrl}?client_secret=top-secret`));
    expect(error.message).toContain(`unexpected request GET ${tokenUrl};`);
    expect(error.message + messageOf(() => kit.done())).not.toContain('top-secret');
  });

  test('does not mind requests to other hosts', async () => {
    nock('https://elsewhere.example').get('/').reply(200, 'hello');
    await http.get('https://elsewhere.example/');
    await rejection(http.get('https://elsewhere.example/'));
    kit.done();
  });
});

describe('other interceptors of nock', () => {
  test('on the same hosts, from before and after, work and survive restore()', async () => {
    kit.restore();
    const before = nock(api).get('/payout/before').reply(200, 'before');
    const account = nock('https://uat-accounts.payu.in').get('/health').twice().reply(200, 'up');
    kit = mockPayu({ environment: 'test' });
    const after = nock(api).get('/payout/after').twice().reply(200, 'after');
    expect((await http.get(`${api}/payout/before`)).data).toBe('before');
    expect((await http.get(`${api}/payout/after`)).data).toBe('after');
    expect((await http.get('https://uat-accounts.payu.in/health')).data).toBe('up');
    kit.done();
    kit.restore();
    expect((await http.get(`${api}/payout/after`)).data).toBe('after');
    expect((await http.get('https://uat-accounts.payu.in/health')).data).toBe('up');
    expect([before, account, after].every((scope) => scope.isDone())).toBe(true);
  });

  test("nock's own account does not list the kit's interceptors as pending", () => {
    kit.token().api('get', '/x');
    expect(nock.pendingMocks()).toEqual([]);
    expect(nock.isDone()).toBe(true);
  });

  test('restore() leaves no interceptor and no listener', () => {
    kit.restore();
    const listeners = nock.emitter.listenerCount('no match');
    const other = mockPayu({ environment: 'test' }).token().api('put', '/x').api('get', '/y');
    expect(nock.activeMocks().length).toBeGreaterThan(0);
    other.restore();
    other.restore();
    expect(nock.activeMocks()).toEqual([]);
    expect(nock.emitter.listenerCount('no match')).toBe(listeners);
  });

  test('restore() leaves nock active and the rule on network connections alone', async () => {
    nock.disableNetConnect();
    try {
      kit.restore();
      expect(nock.isActive()).toBe(true);
      const error = await rejection(http.get('https://elsewhere.example/'));
      expect(error.message).toContain('Disallowed net connect');
    } finally {
      nock.enableNetConnect();
    }
  });
});

test('using restores at the end of the block', () => {
  kit.restore();
  {
    using inner = mockPayu({ environment: 'test' });
    expect(nock.activeMocks()).not.toEqual([]);
    inner.token();
  }
  expect(nock.activeMocks()).toEqual([]);
});

test('a second kit for the same environment is refused, and leaves the first one as it is', async () => {
  const listeners = nock.emitter.listenerCount('no match');
  expect(messageOf(() => mockPayu({ environment: 'test' }))).toBe(
    'mockPayu: another kit still listens on https://uat-accounts.payu.in: call its restore() in afterEach, so that it runs when a test fails, too',
  );
  expect(nock.emitter.listenerCount('no match')).toBe(listeners);
  kit.token();
  expect((await postForm()).data.access_token).toBe('access_token_1');
  kit.done();
});

test('kits for different environments live side by side', async () => {
  using production = mockPayu({ environment: 'production' }).token();
  kit.token();
  await postForm();
  await postForm(undefined, http, 'https://accounts.payu.in/oauth/token');
  kit.done();
  production.done();
});

describe('a custom environment', () => {
  const environment = { tokenUrl: 'http://127.0.0.1:8089/auth/token' };

  test('has its own token URL, port included', async () => {
    using custom = mockPayu({ environment, apiHosts: ['http://127.0.0.1:8090/payout'] });
    custom.token().api('get', '/x');
    const { data } = await postForm(undefined, http, environment.tokenUrl);
    expect((await http.get('http://127.0.0.1:8090/payout/x', bearer(data.access_token))).status).toBe(200);
    custom.done();
  });

  test('has no API hosts and no revoke URL of its own', () => {
    using custom = mockPayu({ environment });
    expect(messageOf(() => custom.api('get', '/x'))).toContain('"/x" has no host');
    expect(messageOf(() => custom.revoke())).toContain('give "revokeUrl" in the custom environment');
  });
});

test.each([
  [{ environment: 'prod' }, '"environment" must be "test", "production"'],
  [{ environment: null }, '"environment" must be'],
  [{ environment: { tokenUrl: 'accounts.payu.in' } }, '"environment.tokenUrl" must hold absolute'],
  [
    { environment: { tokenUrl: 'https://a.example/t', revokeUrl: 'ftp://x' } },
    '"environment.revokeUrl" must',
  ],
  [{ environment: 'test', apiHosts: ['partner.payu.in'] }, '"apiHosts" must hold absolute'],
])('%o is refused', (options, rule) => {
  const run = (): unknown => mockPayu(options as Parameters<typeof mockPayu>[0]);
  expect(run).toThrow(TypeError);
  expect(run).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
  expect(messageOf(run)).toContain(rule);
});

test('a path on a foreign host, or a strange method, is refused where it is declared', () => {
  expect(messageOf(() => kit.api('get', 'https://elsewhere.example/x'))).toContain(
    '"https://elsewhere.example/x" is on none of the environment\'s API hosts',
  );
  expect(messageOf(() => kit.api('get it', '/x'))).toContain('"method" must be an HTTP method');
});

describe('nock itself', () => {
  const missing = (id: string): never => {
    throw Object.assign(new Error(`Cannot find module '${id}'\nRequire stack:\n- /app/x.js`), {
      code: 'MODULE_NOT_FOUND',
    });
  };

  test('missing: one clear error, when the kit is made', () => {
    const loaded = loadNock(missing);
    const run = (): unknown => mockPayuWith(loaded, { environment: 'test' });
    expect(messageOf(run)).toBe('axios-payu-auth/testing needs "nock" ^14.0.17: npm i -D nock@14');
    expect(run).toThrow(expect.objectContaining({ code: 'ERR_NOCK_MISSING' }));
  });

  describe('another version', () => {
    /** As a project that has installed it: the `require` of its folder. */
    function installed(version: string, files: Readonly<Record<string, string>>): NodeJS.Require {
      const folder = mkdtempSync(join(tmpdir(), 'axios-payu-auth-nock-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const home = join(folder, 'node_modules/nock');
      const manifest = { name: 'nock', version, type: 'module', exports: './dist/index.js' };
      mkdirSync(join(home, 'dist'), { recursive: true });
      writeFileSync(join(home, 'package.json'), JSON.stringify(manifest));
      for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text);
      return createRequire(join(folder, 'test.js'));
    }

    test.each([
      ['15.0.6', 'export default function nock() {}'],
      ['13.5.6', 'export const isActive = () => true;'],
      // As Jest meets an ES module.
      ['15.0.6', 'this is no JavaScript'],
    ])('%s: named, with the one that is needed', (version, text) => {
      const loaded = loadNock(installed(version, { 'dist/index.js': text }));
      const run = (): unknown => mockPayuWith(loaded, { environment: 'production' });
      expect(messageOf(run)).toBe(
        `axios-payu-auth/testing needs "nock" ^14.0.17, but ${version} is installed: npm i -D nock@14`,
      );
      expect(run).toThrow(expect.objectContaining({ code: 'ERR_NOCK_VERSION' }));
    });

    test('whose number cannot be found out: told by what it lacks', () => {
      const loaded = loadNock(() => ({ default: () => {} }));
      expect(messageOf(() => mockPayuWith(loaded, { environment: 'production' }))).toBe(
        'axios-payu-auth/testing needs "nock" ^14.0.17, but another version is installed: npm i -D nock@14',
      );
    });
  });

  test('in the surroundings of a browser, as Jest has them: told what to set', () => {
    vi.stubGlobal('Request', undefined);
    onTestFinished(() => void vi.unstubAllGlobals());
    const loaded = loadNock(() => {
      throw new ReferenceError('Request is not defined');
    });
    const run = (): unknown => mockPayuWith(loaded, { environment: 'test' });
    expect(messageOf(run)).toBe(
      'axios-payu-auth/testing needs the fetch of Node.js, which is missing here: in Jest, set "testEnvironment" to "node"',
    );
    expect(run).toThrow(expect.objectContaining({ cause: expect.any(ReferenceError) }));
  });

  test('there but broken: told as it is', () => {
    const loaded = loadNock(() => missing('propagate'));
    expect(messageOf(() => mockPayuWith(loaded, { environment: 'test' }))).toContain("'propagate'");
  });

  test("is the test's own instance", () => {
    expect(nock.activeMocks()).toContain('POST https://uat-accounts.payu.in:443/<mockPayu>');
  });

  test('not active: refused, before a request reaches PayU', () => {
    kit.restore();
    nock.restore();
    try {
      expect(messageOf(() => mockPayu({ environment: 'test' }))).toContain('call nock.activate() first');
    } finally {
      nock.activate();
    }
  });
});
