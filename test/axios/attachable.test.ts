import axios, { type AxiosInstance, type InternalAxiosRequestConfig } from 'axios';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createPayuAuth } from '../../src/payu-auth.ts';
import { recordingClient, tokensOf } from './support.ts';

const library = { createPayuAuth };
const OWN = 'https://api.example';

describe('whatever has interceptors', () => {
  test('a mock that was written by hand, with use and eject alone, is attached twice and detached', () => {
    const handlers = new Map<number, unknown>();
    const mock = {
      interceptors: {
        request: {
          use: (handler: unknown) => handlers.set(handlers.size, handler).size - 1,
          eject: (id: number) => void handlers.delete(id),
        },
      },
      request: async () => undefined,
    } as unknown as AxiosInstance;
    const { auth } = tokensOf(library);
    const detach = auth.attach(mock);
    expect(auth.attach(mock)).toBe(detach);
    expect(handlers.size).toBe(1);
    detach();
    expect(handlers.size).toBe(0);
  });

  test.each([Object.freeze, Object.seal, Object.preventExtensions])(
    'an instance that takes nothing new is refused, and nothing is registered (%o)',
    (harden) => {
      const client = axios.create({ baseURL: OWN });
      const use = vi.spyOn(client.interceptors.request, 'use');
      harden(client);
      expect(() => tokensOf(library).auth.attach(client)).toThrow('"client" is frozen');
      expect(use).not.toHaveBeenCalled();
    },
  );
});

describe('a token that is withheld', () => {
  test.each([
    ['a header of its own', { headers: { authorization: 'Basic mine' } }, 'own-header'],
    ['no header at all', { headers: { Authorization: false } }, 'own-header'],
    ['axios’ auth', { auth: { username: 'u', password: 'p' } }, 'basic-auth'],
    ['another origin', { url: 'https://other.example/x' }, 'origin'],
    ['payuAuth: false', { payuAuth: false }, undefined],
    ['payuAuth: false, to another origin', { payuAuth: false, url: 'https://other.example/x' }, undefined],
  ] as const)('for %s is told', async (_, config, reason) => {
    const { auth, events } = tokensOf(library);
    const { client, sent } = recordingClient(axios, { baseURL: OWN });
    auth.attach(client);
    await client.request({ url: '/x', ...config } as object);
    const origin = 'url' in config ? 'https://other.example' : OWN;
    expect(events).toEqual(reason === undefined ? [] : [{ type: 'token-withheld', reason, origin }]);
    expect(sent[0]?.token).toBeUndefined();
  });

  test.each([
    ['to another origin', 'https://other.example/', undefined],
    ['to another allowed origin', 'https://third.example/', 'access_token_1'],
    ['nowhere else', '/x', 'access_token_1'],
  ])('as its config was changed %s while it waited for a token', async (_, url, expected) => {
    const { auth } = tokensOf(library, { origins: ['https://third.example'] });
    const { client, sent } = recordingClient(axios, { baseURL: OWN });
    auth.attach(client);
    let sentConfig: InternalAxiosRequestConfig | undefined;
    const call = client.get('/x', {
      transformRequest(this: InternalAxiosRequestConfig, data) {
        sentConfig = this;
        return data;
      },
    });
    // The call has come to the adapter, and waits.
    await vi.waitUntil(() => sentConfig, { interval: 0 });
    Object.assign(sentConfig as unknown as object, { url });
    await call;
    expect(sent.map(({ token }) => token)).toEqual([expected]);
  });
});

describe('a polluted Object.prototype', () => {
  const polluted = { payuAuth: false, error: 'insufficient_scope' };
  beforeEach(() => void Object.assign(Object.prototype, polluted));
  afterEach(() => {
    for (const name of Object.keys(polluted)) delete (Object.prototype as Record<string, unknown>)[name];
  });

  test('is no option of a request, and no error of a body', async () => {
    const { auth } = tokensOf(library);
    const { client, sent } = recordingClient(axios, { baseURL: OWN }, (_, nth) => ({
      status: nth === 1 ? 401 : 200,
      data: {},
    }));
    auth.attach(client);
    await client.get('/x');
    expect(sent.map(({ token }) => token)).toEqual(['access_token_1', 'access_token_2']);
  });
});

describe('a header that can’t carry a token is refused', () => {
  test.each([
    '__proto__',
    'Host',
    'content-type',
    'Content-Length',
    'Accept',
    'accept-encoding',
    'Connection',
    'Keep-Alive',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Proxy-Authorization',
    'constructor',
    'Set',
  ])('%s', (name) => {
    expect(() => tokensOf(library, { header: { name } })).toThrow('"header.name" must be');
  });

  test.each(['X-Partner-Token', 'X-Content', 'Token', 'X-Host'])('but not %s', (name) => {
    expect(() => tokensOf(library, { header: { name } })).not.toThrow();
  });
});

test.each([
  ['a 200', 'json', { status: 200 }],
  ['a 200 to a form', 'form', { status: 200 }],
  ['a 500', 'json', { status: 500 }],
  ['a 500 to a form', 'form', { status: 500 }],
  ['another 401', 'json', { status: 401 }],
  ['a 302', 'json', { status: 302, headers: { location: '/elsewhere' } }],
])(
  "a mock's history shows each attempt with its own token, where the last one gets %s",
  async (_, body, last) => {
    const { auth } = tokensOf(library);
    const { client, sent } = recordingClient(axios, { baseURL: OWN }, (__, nth) =>
      nth === 1 ? { status: 401 } : last,
    );
    auth.attach(client);
    const data = body === 'form' ? new FormData() : { amount: 1 };
    await client.post('/x', data).catch((error) => expect(error.response.status).toBe(last.status));
    // By name, as tests of users look for it; what the mock has kept are the configs of the attempts.
    expect(sent.map(({ config }) => config.headers.Authorization)).toEqual([
      'Bearer access_token_1',
      'Bearer access_token_2',
    ]);
    for (const { config } of sent) expect(Object.keys(config.headers)).not.toContain('Authorization');
  },
);

test.each([200, 500])("a mock's history shows the token of a call that got a %i at once", async (status) => {
  const { auth } = tokensOf(library);
  const { client, sent } = recordingClient(axios, { baseURL: OWN }, () => ({ status }));
  auth.attach(client);
  const settled = await client.get('/x').catch((error) => error);
  expect(sent.map(({ config }) => config.headers.Authorization)).toEqual(['Bearer access_token_1']);
  expect(settled.config.headers.Authorization).toBe('Bearer access_token_1');
  expect(JSON.stringify(settled.config)).not.toContain('access_token');
});
