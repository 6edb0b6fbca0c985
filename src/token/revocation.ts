import type { Clock } from '../backoff/clock.ts';
import { toldWaitMs } from '../backoff/retry-after.ts';
import { type PayuAuthError, RateLimitedError, TokenRefusedError, TokenUnavailableError } from '../errors.ts';
import { isRecord, parseUntrustedJson } from '../json.ts';
import { quotable } from '../redact.ts';
import { type FormPost, type FormReply, postWithin } from './form-post.ts';
import { type AskedSecrets, type GrantRequest, revokeForm } from './grants.ts';

export interface RevocationParts {
  readonly revokeUrl: string;
  readonly grant: GrantRequest;
  readonly post: FormPost;
  readonly clock: Clock;
  readonly tokenTimeoutMs: number;
}

/**
 * Revokes tokens at PayU, one request each.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7009
 */
export async function revokeTokens(
  parts: RevocationParts,
  tokens: readonly string[],
  secrets: AskedSecrets,
  signal: AbortSignal,
): Promise<void> {
  for (const token of tokens) {
    const form = revokeForm(parts.grant, secrets, token);
    const reply = await postWithin(parts, parts.revokeUrl, form, signal);
    const failure = revocationFailure(reply, parts, [...form.values()]);
    if (failure !== undefined) throw failure;
  }
}

/** Any 2xx is done, also for a token that PayU does not know; so is 401 `invalid_token`: it was revoked before. */
function revocationFailure(
  reply: FormReply,
  { revokeUrl, clock }: RevocationParts,
  secrets: readonly string[],
): PayuAuthError | undefined {
  const forgotten = 'The token is forgotten here, but may still be valid at PayU until it expires.';
  if (reply.kind === 'no-reply') {
    return new TokenUnavailableError(
      `The revocation endpoint "${revokeUrl}" could not be reached: ${reply.error.message}. ${forgotten}`,
      { attempts: 1, cause: reply.error },
    );
  }
  const { status } = reply;
  const body = reply.body === undefined ? undefined : parseUntrustedJson(reply.body);
  const error = isRecord(body) && typeof body.error === 'string' ? quotable(body.error, secrets) : undefined;
  if ((status >= 200 && status < 300) || (status === 401 && error === 'invalid_token')) return undefined;
  if (status === 429 || error === 'rate_limit_exceeded') {
    const retryAfterMs = toldWaitMs(reply.header('retry-after'), body, clock.now()) ?? 0;
    return new RateLimitedError(
      `The revocation endpoint "${revokeUrl}" asked to be left alone. ${forgotten}`,
      {
        retryAt: new Date(clock.now() + retryAfterMs),
        retryAfterMs,
      },
    );
  }
  if (status >= 500) {
    return new TokenUnavailableError(
      `The revocation endpoint "${revokeUrl}" failed with status ${status}. ${forgotten}`,
      { attempts: 1, status },
    );
  }
  return new TokenRefusedError(
    `The revocation endpoint "${revokeUrl}" refused: ${error === undefined ? `status ${status}` : `"${error}"`}. ${forgotten} Check "grant.clientId" and "grant.clientSecret".`,
    { status, error },
  );
}
