import { describe, expect, test } from 'vitest';
import { cancellationOf } from '../../../src/time/wait.ts';
import type { FormReply } from '../../../src/token/endpoint/form-post.ts';
import { revokeTokens } from '../../../src/token/endpoint/revocation.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const NOW = Date.UTC(2026, 0, 1);
const URL_OF_REVOCATION = 'https://accounts.example/oauth/revoke';

/** Revokes the tokens where each is answered like this; what it rejects with. */
async function revoke(
  answers: Readonly<Record<string, Partial<Extract<FormReply, { kind: 'reply' }>> | Error>>,
) {
  const forms: string[] = [];
  const failure = await revokeTokens(
    {
      revokeUrl: URL_OF_REVOCATION,
      grant: {
        type: 'client_credentials',
        grantType: 'client_credentials',
        clientId: 'id',
        open: {},
        secret: {},
      },
      post: async (_url, form) => {
        forms.push(form.toString());
        const answer = answers[form.get('token') ?? ''];
        return answer instanceof Error
          ? { kind: 'no-reply', error: answer }
          : { kind: 'reply', status: 200, header: () => undefined, body: '', ...answer };
      },
      clock: new ManualClock(NOW),
      tokenTimeoutMs: 1_000,
    },
    Object.keys(answers),
    { client_secret: 'client-secret-1' },
    cancellationOf(new AbortController().signal),
  ).catch((error) => error);
  return { failure, forms };
}

const oauth = (error: string) => JSON.stringify({ error });

describe('what a reply to a revocation means', () => {
  test.each([
    ['200', { status: 200 }],
    ['204', { status: 204, body: '' }],
    ['299', { status: 299 }],
    ['200, whatever its body says', { status: 200, body: oauth('server_error') }],
    ['299, whatever its body says', { status: 299, body: oauth('invalid_client') }],
    ['401 invalid_token: revoked before', { status: 401, body: oauth('invalid_token') }],
  ])('done: %s', async (_, reply) => {
    const { failure, forms } = await revoke({ 'token-one': reply });
    expect(failure).toBeUndefined();
    expect(forms).toEqual(['client_id=id&client_secret=client-secret-1&token=token-one']);
  });

  test.each([
    ['199', { status: 199 }, { code: 'ERR_TOKEN_REFUSED', status: 199, error: undefined }],
    ['300', { status: 300 }, { code: 'ERR_TOKEN_REFUSED', status: 300, error: undefined }],
    ['401', { status: 401 }, { code: 'ERR_TOKEN_REFUSED', status: 401 }],
    [
      'invalid_token at another status',
      { status: 400, body: oauth('invalid_token') },
      { code: 'ERR_TOKEN_REFUSED', error: 'invalid_token' },
    ],
    ['a body too large to read', { status: 401, body: undefined }, { code: 'ERR_TOKEN_REFUSED' }],
    ['500', { status: 500 }, { code: 'ERR_TOKEN_UNAVAILABLE', status: 500, attempts: 1 }],
    ['408', { status: 408 }, { code: 'ERR_TOKEN_UNAVAILABLE', status: 408 }],
    ['421', { status: 421 }, { code: 'ERR_TOKEN_UNAVAILABLE', status: 421 }],
    ['425', { status: 425 }, { code: 'ERR_TOKEN_UNAVAILABLE', status: 425 }],
    ['499', { status: 499 }, { code: 'ERR_TOKEN_UNAVAILABLE', status: 499 }],
    ['407', { status: 407 }, { code: 'ERR_TOKEN_REFUSED', status: 407 }],
    [
      'server_error with a 401',
      { status: 401, body: oauth('server_error') },
      { code: 'ERR_TOKEN_UNAVAILABLE', status: 401 },
    ],
    [
      '408 with a word that says no',
      { status: 408, body: oauth('invalid_client') },
      { code: 'ERR_TOKEN_REFUSED', error: 'invalid_client' },
    ],
    [
      '429 with a wait',
      { status: 429, header: (name: string) => (name === 'retry-after' ? '7' : undefined) },
      { code: 'ERR_RATE_LIMITED', retryAfterMs: 7_000, retryAt: new Date(NOW + 7_000) },
    ],
    ['429 without', { status: 429 }, { code: 'ERR_RATE_LIMITED', retryAfterMs: 0, retryAt: new Date(NOW) }],
  ])('a failure: %s', async (_, reply, error) => {
    expect((await revoke({ 'token-one': reply })).failure).toMatchObject(error);
  });

  test('what the server says is told, without secrets', async () => {
    const body = { error: 'unauthorized_client', error_description: 'Not yours: client-secret-1.' };
    const { failure } = await revoke({ token: { status: 403, body: JSON.stringify(body) } });
    expect(failure).toMatchObject({
      error: 'unauthorized_client',
      errorDescription: 'Not yours: [redacted].',
      status: 403,
    });
    expect((failure as Error).message).toContain('refused: "unauthorized_client" (Not yours: [redacted].). ');
  });

  test('no reply: what failed is in the message, and the cause', async () => {
    const cause = new Error('connect ECONNREFUSED');
    const { failure } = await revoke({ 'token-one': cause });
    expect(failure).toMatchObject({ code: 'ERR_TOKEN_UNAVAILABLE', attempts: 1, cause });
    expect(failure.message).toContain(`"${URL_OF_REVOCATION}" failed with connect ECONNREFUSED.`);
  });

  test('each is tried, and the first failure is told', async () => {
    const { failure, forms } = await revoke({
      'token-one': {},
      'token-two': { status: 503 },
      'token-three': { status: 401 },
    });
    expect(forms).toHaveLength(3);
    expect(failure).toMatchObject({ status: 503 });
  });

  test.each(['client-secret-1', 'token-one', 'token-two'])(
    'a server that quotes %s is not quoted',
    async (secret) => {
      const { failure } = await revoke({
        'token-one': { status: 400, body: oauth(`bad ${secret}`) },
        'token-two': {},
      });
      expect(failure.error).toBe('bad [redacted]');
      expect(failure.message).not.toContain(secret);
    },
  );
});
