import { describe, expect, test } from 'vitest';
import { isPayuAuthError } from '../../../src/index.ts';
import { startHarness } from '../../support/harness.ts';
import {
  callAccount,
  deferred,
  endpointIn,
  PASSWORD_GRANT,
  StoreUnderTest,
  tokenForms,
  turns,
} from '../support.ts';

const CLIENT_ID = 'sandbox-client-id';
const SECRET = 'sandbox-client-secret';

function clientWith(clientSecret: () => string | Promise<string>) {
  return { type: 'client_credentials', clientId: CLIENT_ID, clientSecret } as const;
}

function vaultError(message: string): Error {
  return Object.assign(new Error(message), { name: 'VaultError', code: 'ESEALED' });
}

describe('a secret given as a function', () => {
  test('is asked at each mint, not at construction and not in between', async () => {
    let asked = 0;
    const grant = clientWith(() => {
      asked++;
      return SECRET;
    });
    const { payouts, clock } = await startHarness({ grant }, { tokenLifeSeconds: 100 });
    expect(asked).toBe(0);
    for (let call = 0; call < 3; call++) await callAccount(payouts);
    expect(asked).toBe(1);
    clock.advance(100_000);
    await callAccount(payouts);
    expect(asked).toBe(2);
  });

  test('is not what a polluted prototype holds, and no more is a refresh token (G6)', async () => {
    const forms: URLSearchParams[] = [];
    const { auth, clock } = await startHarness({
      grant: PASSWORD_GRANT,
      ...endpointIn(async (form) => {
        forms.push(form);
        return { status: 200, body: { access_token: 'token', expires_in: 100 } };
      }),
    });
    Object.assign(Object.prototype, { refresh_token: 'of_another', client_secret: 'of_another' });
    try {
      await auth.getToken();
      clock.advance(100_000);
      await auth.getToken();
    } finally {
      const { prototype }: { prototype: { refresh_token?: unknown; client_secret?: unknown } } = Object;
      delete prototype.refresh_token;
      delete prototype.client_secret;
    }
    expect(forms.map((form) => form.get('grant_type'))).toEqual(['password', 'password']);
    expect(forms.map((form) => form.get('client_secret'))).toEqual([null, null]);
  });

  test('is asked once for all who wait', async () => {
    let asked = 0;
    const vault = deferred<string>();
    const grant = clientWith(() => {
      asked++;
      return vault.promise;
    });
    const { payouts } = await startHarness({ grant });
    const calls = [callAccount(payouts), callAccount(payouts)];
    await turns();
    vault.resolve(SECRET);
    await Promise.all(calls);
    expect(asked).toBe(1);
  });

  test('may rotate: the next mint uses the new one, and its token is another token (B6)', async () => {
    let secret = SECRET;
    const store = new StoreUnderTest();
    const { payouts, sandbox, clock } = await startHarness(
      { grant: clientWith(() => secret), store },
      { tokenLifeSeconds: 100 },
    );
    await callAccount(payouts);
    secret = 'rotated-secret';
    sandbox.setClientSecret(secret);
    clock.advance(100_000);
    await callAccount(payouts);
    expect(tokenForms(sandbox).map((form) => form.client_secret)).toEqual([SECRET, 'rotated-secret']);
    expect(store.records.size).toBe(2);
  });

  test('that was wrong and is right now: PayU is asked again at once, although the refusal is remembered (E7)', async () => {
    let secret = 'wrong-secret';
    const { payouts, sandbox } = await startHarness({ grant: clientWith(() => secret) });
    await expect(callAccount(payouts)).rejects.toMatchObject({ error: 'invalid_client' });
    await expect(callAccount(payouts)).rejects.toMatchObject({ error: 'invalid_client' });
    expect(sandbox.stats().tokenRequests).toBe(1);
    secret = SECRET;
    await callAccount(payouts);
    expect(sandbox.stats().tokenRequests).toBe(2);
  });

  const waits = [
    ['a cool-down', { status: 429, body: { error: 'rate_limit_exceeded', retry_after: 60 } }, 63_000],
    ['a back-off', { status: 503, body: '' }, 150],
  ] as const;

  test.each(waits)(
    'is asked again after %s: it may have been rotated meanwhile',
    async (_, reply, waitMs) => {
      let secret = SECRET;
      const store = new StoreUnderTest();
      const grant = clientWith(() => secret);
      const { auth, createAuth, sandbox, clock } = await startHarness({ grant, store });
      sandbox.replyNext(reply);
      const call = auth.getToken();
      await clock.waiting(waitMs, waitMs);
      secret = 'rotated-secret';
      sandbox.setClientSecret(secret);
      clock.advance(waitMs);
      const { value } = await call;
      // Kept where a process looks that knows the new secret alone (B6).
      expect((await createAuth().getToken()).value).toBe(value);
      expect(tokenForms(sandbox).map((form) => form.client_secret)).toEqual([SECRET, 'rotated-secret']);
    },
  );

  test.each(waits)(
    'that is good for one request only is not sent again after %s',
    async (_, reply, waitMs) => {
      let asked = 0;
      const parameters = { client_assertion: () => `assertion-${++asked}` };
      const grant = { type: 'custom', grantType: 'bbps', clientId: CLIENT_ID, parameters } as const;
      const { auth, sandbox, clock } = await startHarness({ grant });
      sandbox.replyNext(reply);
      sandbox.replyNext({ body: { access_token: 'a' } });
      const call = auth.getToken();
      await clock.waiting(waitMs, waitMs);
      clock.advance(waitMs);
      await call;
      const sent = tokenForms(sandbox).map((form) => form.client_assertion);
      expect(new Set(sent).size).toBe(2);
    },
  );

  test.each(waits)('that fails after %s: what it gave before is sent', async (_, reply, waitMs) => {
    let asked = 0;
    const grant = clientWith(() => {
      if (asked++ > 0) throw vaultError('sealed');
      return SECRET;
    });
    const { auth, sandbox, clock, eventsOf } = await startHarness({ grant });
    sandbox.replyNext(reply);
    const call = auth.getToken();
    await clock.waiting(waitMs, waitMs);
    clock.advance(waitMs);
    await call;
    expect([asked, tokenForms(sandbox).length, eventsOf('token-failed').length]).toEqual([2, 2, 0]);
  });

  test('the refresh token of a client whose secret was rotated is not used with the new one', async () => {
    let secret = SECRET;
    const { createAuth, sandbox, clock } = await startHarness({}, { tokenLifeSeconds: 100 });
    const { refreshToken } = sandbox.issueToken({ clientId: CLIENT_ID });
    const tokens = [refreshToken];
    const auth = createAuth({
      grant: {
        type: 'refresh_token',
        refreshToken: () => tokens.at(-1) ?? '',
        clientId: CLIENT_ID,
        clientSecret: () => secret,
      },
    });
    await auth.getToken();
    // A person signs in anew: other secret, other refresh token.
    secret = 'rotated-secret';
    sandbox.setClientSecret(secret);
    tokens.push(sandbox.issueToken({ clientId: CLIENT_ID }).refreshToken);
    clock.advance(100_000);
    await auth.getToken();
    expect(tokenForms(sandbox).map((form) => form.refresh_token)).toEqual(tokens);
  });

  test.each([
    [
      'throws',
      () => {
        throw vaultError('sealed');
      },
    ],
    ['rejects', () => Promise.reject(vaultError('sealed'))],
  ])(
    'that %s: a typed error with its name and code, an event, no token request; the next request asks again',
    async (_, fail) => {
      let isDown = true;
      const grant = clientWith(() => (isDown ? fail() : SECRET));
      const { payouts, sandbox, eventsOf } = await startHarness({ grant });
      await expect(callAccount(payouts)).rejects.toMatchObject({
        code: 'ERR_TOKEN_UNAVAILABLE',
        attempts: 0,
        message: expect.stringContaining('"grant.clientSecret" failed: VaultError ESEALED, not quoted'),
      });
      expect(eventsOf('token-failed')).toHaveLength(1);
      expect(sandbox.stats().tokenRequests).toBe(0);
      isDown = false;
      await callAccount(payouts);
    },
  );

  test('that the server echoes among the scopes: no event shows it', async () => {
    const { auth, events, sandbox } = await startHarness();
    const scope = `read_bills ${sandbox.clientSecret} token-of-this-reply`;
    sandbox.replyNext({ body: { access_token: 'token-of-this-reply', scope } });
    await auth.getToken();
    expect(JSON.stringify(events)).not.toMatch(new RegExp(`${sandbox.clientSecret}|token-of-this-reply`));
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'token-minted', scope: ['read_bills', '[redacted]', '[redacted]'] }),
    );
  });

  test('that fails quoting the secret: the message does not', async () => {
    let isDown = false;
    const grant = clientWith(() => {
      if (isDown) throw vaultError(`stale: ${SECRET}`);
      return SECRET;
    });
    const { payouts, clock } = await startHarness({ grant });
    await callAccount(payouts);
    isDown = true;
    clock.advance(7_200_000);
    const error = (await callAccount(payouts).catch((caught) => caught)) as Error;
    expect(error.message).toContain('failed: VaultError ESEALED');
    expect(`${error.message}${error.stack}${String(error.cause)}`).not.toContain(SECRET);
  });

  test('that never answers: a typed error after "tokenTimeoutMs", and the next request asks again', async () => {
    let asked = 0;
    const grant = clientWith(() => (++asked === 1 ? new Promise<string>(() => {}) : SECRET));
    const { payouts, clock } = await startHarness({ grant, tokenTimeoutMs: 5_000 });
    const call = callAccount(payouts);
    await clock.waiting(5_000, 5_000);
    clock.advance(5_000);
    await expect(call).rejects.toMatchObject({
      code: 'ERR_TOKEN_UNAVAILABLE',
      message: expect.stringContaining('"grant.clientSecret" failed: no answer within 5000 ms'),
    });
    expect(clock.pending).toBe(0);
    await callAccount(payouts);
    expect(asked).toBe(2);
  });

  test.each([['revoke'], ['setToken'], ['invalidate']] as const)(
    'that never answers holds up %s for "tokenTimeoutMs" at most',
    async (method) => {
      let isDown = false;
      const grant = clientWith(() => (isDown ? new Promise<string>(() => {}) : SECRET));
      const { auth, clock } = await startHarness({ grant, tokenTimeoutMs: 5_000 });
      await auth.getToken();
      isDown = true;
      const call = method === 'setToken' ? auth.setToken({ accessToken: 'a' }) : auth[method]();
      if (method !== 'invalidate') {
        // The key of the store is known from the mint: to invalidate, no secret is needed.
        await clock.waiting(5_000, 5_000);
        clock.advance(5_000);
        await expect(call).rejects.toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE' });
      }
      await call.catch(() => {});
      expect(clock.pending).toBe(0);
    },
  );

  describe('that is slower than the callers', () => {
    const impatient = { maxWaitMs: 300 };
    const LEFT = { code: 'ERR_TOKEN_UNAVAILABLE' };

    /** A vault whose answers are given by hand, and one call that has left before the first. */
    async function leftByOne() {
      const vaults = [deferred<string>(), deferred<string>(), deferred<string>()];
      let asked = 0;
      const grant = clientWith(() => (vaults[asked++] as (typeof vaults)[0]).promise);
      const harness = await startHarness({ grant, tokenTimeoutMs: 5_000 });
      const { auth, clock } = harness;
      const call = auth.getToken(impatient);
      await turns();
      clock.advance(300);
      await expect(call).rejects.toMatchObject(LEFT);
      return { ...harness, vaults, asked: () => asked };
    }

    test('its answer serves the next one: nothing is sent for nobody (C3)', async () => {
      const { auth, sandbox, vaults, asked } = await leftByOne();
      vaults[0]?.resolve(SECRET);
      await turns();
      expect(sandbox.stats().tokenRequests).toBe(0);
      await auth.getToken(impatient);
      expect([asked(), sandbox.stats().tokenRequests]).toEqual([1, 1]);
      await auth.invalidate();
      vaults[1]?.resolve(SECRET);
      await auth.getToken();
      expect(asked()).toBe(2);
    });

    test('the next one waits for the same answer', async () => {
      const { auth, vaults, asked } = await leftByOne();
      const call = auth.getToken(impatient);
      await turns();
      vaults[0]?.resolve(SECRET);
      await call;
      expect(asked()).toBe(1);
    });

    test('where that fails, the next one asks anew', async () => {
      const { auth, vaults, asked } = await leftByOne();
      vaults[0]?.reject(vaultError('sealed'));
      vaults[1]?.resolve(SECRET);
      await auth.getToken(impatient);
      expect(asked()).toBe(2);
    });

    test.each([
      ['serves until "tokenTimeoutMs" have passed', 4_699, 1],
      ['serves no longer than that, as it may have been rotated', 4_700, 2],
    ])('it %s', async (_, laterMs, times) => {
      const { auth, clock, vaults, asked } = await leftByOne();
      for (const vault of vaults) vault.resolve(SECRET);
      clock.advance(laterMs);
      await auth.getToken(impatient);
      expect(asked()).toBe(times);
    });

    test('one that never comes is given up after "tokenTimeoutMs", however many have left', async () => {
      const { auth, clock, vaults, asked } = await leftByOne();
      for (let call = 0; call < 16; call++) {
        const left = auth.getToken(impatient);
        await turns();
        clock.advance(300);
        await expect(left).rejects.toMatchObject(LEFT);
      }
      expect(asked()).toBe(1);
      vaults[1]?.resolve(SECRET);
      await auth.getToken(impatient);
      expect(asked()).toBe(2);
    });
  });

  test('an abort does not wait for it', async () => {
    const { payouts, clock } = await startHarness({ grant: clientWith(() => new Promise(() => {})) });
    const controller = new AbortController();
    const call = callAccount(payouts, controller.signal);
    await turns();
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'ERR_CANCELED' });
    await turns();
    expect(clock.pending).toBe(0);
  });

  test.each([
    ['a number', 42, 'it must be a string, or a promise of one; got a number.'],
    ['nothing', undefined, 'got undefined.'],
    ['an object', { secret: SECRET }, 'got an object.'],
    ['an empty string', '', 'it must not be empty'],
    ['a line break at its end', `${SECRET}\n`, 'it must not begin or end with white space'],
  ])(
    'that gives %s: an error that names the option and not the value, an event, no token request',
    async (_, value, message) => {
      const { payouts, sandbox, eventsOf } = await startHarness({ grant: clientWith(() => value as string) });
      const error = (await callAccount(payouts).catch((caught) => caught)) as Error;
      expect(error).toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE', attempts: 0 });
      expect(error.message).toContain('The function given as "grant.clientSecret" gave no usable secret: ');
      expect(error.message).toContain(message);
      expect(error.message).not.toContain(SECRET);
      expect(eventsOf('token-failed')).toHaveLength(1);
      expect(sandbox.stats().tokenRequests).toBe(0);
    },
  );

  const fails: readonly (readonly [string, () => string])[] = [
    ['gives an empty string', () => ''],
    ['gives a number', () => 42 as never],
    [
      'throws',
      () => {
        throw vaultError('sealed');
      },
    ],
    [
      'throws what is no error',
      () => {
        throw undefined;
      },
    ],
    [
      'throws what breaks whoever looks at it',
      () => {
        throw new Proxy({}, { get: () => { throw new Error('trap'); } }); // biome-ignore format: one value
      },
    ],
  ];
  test.each(fails)(
    'that %s, 2,000 callers: each has an error of its own, and no stack grows by the others (C6)',
    async (_, secret) => {
      const { payouts, auth } = await startHarness({ grant: clientWith(secret) });
      const calls = Array.from({ length: 1_000 }, () => [callAccount(payouts), auth.getToken()]).flat();
      const errors: Error[] = await Promise.all(
        calls.map((call) =>
          call.then(
            () => new Error('no failure'),
            (error) => error,
          ),
        ),
      );
      expect(new Set(errors).size).toBe(2_000);
      expect(errors.every(isPayuAuthError)).toBe(true);
      expect(Math.max(...errors.map(({ stack = '' }) => stack.length))).toBeLessThan(10_000);
    },
  );

  test('the password of a user may be one; his token outlives its change', async () => {
    const passwords = ['sandbox-password'];
    const store = new StoreUnderTest();
    const { payouts, sandbox, clock } = await startHarness(
      { grant: { ...PASSWORD_GRANT, password: async () => passwords.at(-1) ?? '' }, store },
      { tokenLifeSeconds: 100 },
    );
    await callAccount(payouts);
    passwords.push('changed-password');
    clock.advance(100_000);
    await callAccount(payouts);
    expect(tokenForms(sandbox).map((form) => form.grant_type)).toEqual(['password', 'refresh_token']);
    expect(store.records.size).toBe(1);
  });
});

test('a parameter that is part of a word of the protocol: refused by that word, for the whole client (E7)', async () => {
  const { createAuth, sandbox } = await startHarness();
  const auth = createAuth({
    grant: { type: 'custom', grantType: 'bbps', clientId: CLIENT_ID, parameters: { user_type: 'client' } },
  });
  sandbox.replyNext({ status: 401, body: { error: 'invalid_client' } });
  for (const scope of ['read_bills', 'read_plans']) {
    const error = (await auth.getToken({ scope }).catch((caught) => caught)) as Error;
    expect(error).toMatchObject({ code: 'ERR_TOKEN_REFUSED', error: 'invalid_client' });
    expect(error.message).toContain('PayU does not know this client id and secret.');
  }
  expect(sandbox.stats().tokenRequests).toBe(1);
});
