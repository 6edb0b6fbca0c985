import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { quotable, redact, safeError, safeErrorWithFrames, wordlessError } from '../src/redact.ts';

const withCode = (code: unknown, message = '') => Object.assign(new Error(message), { code });

describe('a host name is never redacted', () => {
  test.each([
    'getaddrinfo ENOTFOUND corporate-forward-proxy-mumbai-1.example',
    'getaddrinfo EAI_AGAIN corporate-forward-proxy-mumbai-1',
    'connect ECONNREFUSED payments-egress-proxy-6d4cf56db6-x7k2p:3128',
    'queryA ESERVFAIL internal-accounts-gateway-of-payments',
    'getaddrinfo ENOTFOUND internal-a1b2c3d4e5f6a7b8c9d0-1234567890.ap-south-1.elb.amazonaws.com',
    'getaddrinfo ENOTFOUND redis-master-0.redis-headless-of-payments.production.svc.cluster.local',
    'the host corporate-forward-proxy-mumbai-1.example, port 3128',
    'POST https://corporate-forward-proxy-mumbai-1.example/oauth/token failed',
    "Hostname/IP does not match certificate's altnames: Host: corporate-forward-proxy-mumbai-1. is not in the cert's altnames: DNS:*.corporate-forward-proxies-of-mumbai.example",
    'connect ETIMEDOUT 2405:200:1630:ff00:1234:5678:9abc:def0:443',
  ])('%s', (text) => {
    expect(quotable(text, ['a-secret-that-is-not-in-it'])).toBe(text);
    expect(safeError(new Error(text), []).message).toBe(text);
  });
});

describe('a code is never redacted, however long', () => {
  test.each([
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_HTTP2_INVALID_CONNECTION_HEADERS',
    'PAYU_PRODUCTION_CLIENT_SECRET',
  ])('%s', (code) => {
    expect(quotable(`it says ${code} here`, [])).toBe(`it says ${code} here`);
  });
});

describe('what looks like a token goes, whosever it is', () => {
  test.each([
    ['hexadecimal', '0a9f'.repeat(16)],
    ['base64url', 'q83vASNFZ4mrze8BI0VniavN7wEjRWeJ'],
    [
      'a JSON Web Token',
      `eyJhbGciOiJIUzI1NiJ9${'aB3d'.repeat(8)}.eyJzdWIiOiIxIn0${'Xy1'.repeat(9)}.${'Zk9'.repeat(12)}`,
    ],
    ['hyphens', 'the-access-token-of-somebody-else'],
    ['an AWS key', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
    ['a key with a version', 'AKIA2IOSF3ODNN7EX4AMPLE5KEY'],
    ['a hash at the end of a sentence', `${'9b1c'.repeat(8)}.`],
    ['user info of a URL', `https://${'k3y'.repeat(10)}:x@proxy.example`],
  ])('%s', (_, token) => {
    const shown = quotable(`before ${token} behind`, []);
    expect(shown).toMatch(/^before .*\[redacted\].* behind$/);
    for (const run of token.match(/[A-Za-z0-9]{16,}/g) ?? []) expect(shown).not.toContain(run);
  });

  test('a secret that is known goes out of a host name, too', () => {
    expect(quotable('getaddrinfo ENOTFOUND secret-1.example', ['secret-1'])).toBe(
      'getaddrinfo ENOTFOUND [redacted].example',
    );
  });
});

const SECRETS = ['s3Kr', 'short-secret', 'a+b/c d&"e\'f<g>%h', 'pässwörd€𝄞', 'UPPER%41case\\n'];

const ENCODINGS: Readonly<Record<string, (secret: string) => string>> = {
  'as it is': (secret) => secret,
  'encoded in a path': encodeURIComponent,
  'encoded in a path, with small letters': (secret) =>
    encodeURIComponent(secret).replace(/%../g, (each) => each.toLowerCase()),
  'encoded in a form': (secret) => new URLSearchParams([['', secret]]).toString().slice(1),
  'percent-encoded, each byte': (secret) =>
    Buffer.from(secret)
      .toString('hex')
      .replace(/../g, (byte) => `%${byte}`),
  'percent-encoded twice': (secret) => encodeURIComponent(encodeURIComponent(secret)),
  'encoded in JSON': (secret) => JSON.stringify(secret).slice(1, -1),
  'encoded in JSON, slashes too': (secret) => JSON.stringify(secret).slice(1, -1).replaceAll('/', '\\/'),
  'encoded in JSON as ASCII': (secret) =>
    secret.replace(/./g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  'as HTML entities with names': (secret) =>
    secret
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;'),
  'as decimal HTML entities': (secret) => [...secret].map((each) => `&#${each.codePointAt(0)};`).join(''),
  'as hexadecimal HTML entities': (secret) =>
    [...secret].map((each) => `&#x${each.codePointAt(0)?.toString(16)};`).join(''),
  'in hex': (secret) => Buffer.from(secret).toString('hex'),
  'in HEX': (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
  'in base64': (secret) => Buffer.from(secret).toString('base64'),
  'in base64url': (secret) => Buffer.from(secret).toString('base64url'),
  'in base64 in a URL': (secret) => encodeURIComponent(Buffer.from(secret).toString('base64')),
};

describe('a secret that is known goes in whatever encoding it is repeated (G2)', () => {
  describe.each(Object.entries(ENCODINGS))('%s', (_, encode) => {
    test.each(SECRETS)('%s', (secret) => {
      expect(redact(`<${encode(secret)}>`, [secret])).toBe('<[redacted]>');
    });
  });

  describe.each(SECRETS)('%s, as a part of what is in base64', (secret) => {
    test.each(['', '1', '12', '123', 'client-1:'])('behind "%s"', (before) => {
      for (const after of ['', 'x', 'xy', 'xyz']) {
        const bytes = Buffer.from(`${before}${secret}${after}`);
        for (const encoding of ['base64', 'base64url'] as const) {
          const shown = redact(bytes.toString(encoding), [secret]);
          expect(Buffer.from(shown.replace('[redacted]', '____'), encoding).toString()).not.toContain(secret);
          expect(shown).toContain('[redacted]');
        }
      }
    });
  });

  test.each([
    ['several, one in the other', 'x abcdef abcd y', ['abcd', 'abcdef'], 'x [redacted] [redacted] y'],
    ['overlapping', 'x abcdef y', ['abcd', 'cdef'], 'x [redacted] y'],
    ['side by side', 'abcdabcd', ['abcd'], '[redacted][redacted]'],
    ['at the edges', 'abcd-x-abcd', ['abcd'], '[redacted]-x-[redacted]'],
    ['not where it is no secret', 'abc', ['abc', ''], 'abc'],
    [
      'and broken escapes stay',
      '%zz &# &#x; &bogus; \\u12 %E4 &#99999999; %F0%9F',
      ['abcd'],
      '%zz &# &#x; &bogus; \\u12 %E4 &#99999999; %F0%9F',
    ],
  ])('%s', (_, text, secrets, shown) => {
    expect(redact(text, secrets)).toBe(shown);
  });

  test('a text of 64 KiB that is all escapes takes no more time than it is long', () => {
    const text = '%2525'.repeat(13_000);
    expect(redact(text, ['secret-1'])).toBe(text);
  });
});

describe("the network's own code is always in the message", () => {
  const refused = withCode('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1');
  const cases: readonly (readonly [string, unknown, string])[] = [
    ['once, where the message has it', refused, 'connect ECONNREFUSED 127.0.0.1:1'],
    ['of a message that lacks it', withCode('ECONNRESET', 'socket hang up'), 'socket hang up (ECONNRESET)'],
    ['without a message', withCode('ECONNREFUSED'), 'ECONNREFUSED'],
    [
      'of happy eyeballs',
      Object.assign(
        new AggregateError([withCode('ECONNREFUSED', 'connect ECONNREFUSED ::1:1'), refused], ''),
        { code: 'ECONNREFUSED' },
      ),
      'connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1',
    ],
    [
      'of happy eyeballs, in an error that has none of its own',
      Object.assign(new Error('', { cause: new AggregateError([refused], '') }), { code: 'ERR_NETWORK' }),
      'connect ECONNREFUSED 127.0.0.1:1',
    ],
    [
      'of fetch, two causes down',
      withCodeAndCause('ERR_NETWORK', 'Network Error', new TypeError('fetch failed', { cause: refused })),
      'Network Error: fetch failed: connect ECONNREFUSED 127.0.0.1:1',
    ],
    [
      'of a cause that says the same',
      withCodeAndCause('ECONNREFUSED', refused.message, refused),
      'connect ECONNREFUSED 127.0.0.1:1',
    ],
    [
      'of TLS, however long',
      withCode('UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify the first certificate'),
      'unable to verify the first certificate (UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
    ],
    ['but no code that may be a secret', withCode('0a9f'.repeat(16), 'broken'), 'broken'],
    ['but no number', withCode(14, 'broken'), 'broken'],
    ['of an error whose cause is itself', selfCaused(), 'round (ELOOP)'],
  ];
  test.each(cases)('%s', (_, error, message) => {
    expect(safeError(error, []).message).toBe(message);
  });

  function withCodeAndCause(code: string, message: string, cause: unknown): Error {
    return Object.assign(new Error(message, { cause }), { code });
  }

  function selfCaused(): Error {
    const error: Error = withCode('ELOOP', 'round');
    error.cause = error;
    return error;
  }

  test('of a real refusal, by a real fetch', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const error: unknown = await fetch(`http://127.0.0.1:${port}/`).catch((caught) => caught);
    expect(safeError(error, []).message).toContain('ECONNREFUSED');
  });
});

describe('whatever was thrown, it can be shown', () => {
  const trap = () => {
    throw new Error('the trap quotes a-secret-1');
  };
  const strange: readonly (readonly [string, unknown])[] = [
    ['undefined', undefined],
    ['null', null],
    ['a symbol', Symbol('s')],
    ['an object without a prototype', Object.create(null)],
    ['a list', ['a']],
    ['a proxy whose properties throw', new Proxy({}, { get: trap })],
    [
      'a proxy that throws at everything',
      new Proxy({}, { get: trap, has: trap, ownKeys: trap, getPrototypeOf: trap }),
    ],
    ['a getter that throws', Object.defineProperty({}, 'message', { get: trap })],
    ['a text that throws', { toString: trap }],
  ];
  test.each(strange)('%s', (_, thrown) => {
    for (const show of [safeError, safeErrorWithFrames, wordlessError]) {
      const shown = show(thrown, ['a-secret-1']);
      expect(shown.message).not.toBe('');
      expect(`${shown.message}${shown.stack}`).not.toContain('a-secret-1');
    }
  });
});

describe('a text of any length (G3)', () => {
  test.each([
    ['domains without a space', 'a.bc;'],
    ['domains with ports', 'a.bc:1,'],
    ['names with dots', 'a.bc-'],
    ['words', 'word '],
  ])('%s: is told in an instant, and shortened', (_, part) => {
    const told = quotable(part.repeat(400_000), ['a-secret']);
    expect(told).toHaveLength(301);
    expect(told.startsWith(part.trim())).toBe(true);
  });

  test('shows no part of a secret, wherever it is cut', () => {
    const secrets = ['k3y'.repeat(133), 'correct horse battery staple'];
    const before = Array.from({ length: 10 }, () => secrets[0]).join(' ');
    for (let gap = 60; gap < 140; gap++) {
      const told = quotable(`${before}${' '.repeat(gap)}${secrets[1]}${' more'.repeat(1_000)}`, secrets);
      expect(told).not.toMatch(/cor|horse|battery/);
    }
  });
});
