import type { PayuAuthError } from '../../errors.ts';
import { parseUntrustedJson } from '../../json.ts';
import type { Clock } from '../../time/clock.ts';
import { toldWaitMs } from '../../time/retry-after.ts';
import type { Cancellation } from '../../time/wait.ts';
import {
  revocationLimitedError,
  revocationRefusedError,
  revocationUnavailableError,
} from '../mint/messages.ts';
import { type FormPost, type FormReply, postWithin, secretsIn } from './form-post.ts';
import { type AskedSecrets, revokeForm, type WireGrant } from './grants.ts';
import { isRateLimit, refusalIn } from './token-endpoint.ts';

export interface RevocationParts {
  readonly revokeUrl: string;
  readonly grant: WireGrant;
  readonly post: FormPost;
  readonly clock: Clock;
  readonly tokenTimeoutMs: number;
}

/**
 * Revokes tokens at PayU, one request each; a failure keeps none of the others from being revoked.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7009
 */
export async function revokeTokens(
  parts: RevocationParts,
  tokens: readonly string[],
  secrets: AskedSecrets,
  cancellation: Cancellation,
): Promise<void> {
  const failures = await Promise.all(
    tokens.map(async (token) => {
      const form = revokeForm(parts.grant, secrets, token);
      const reply = await postWithin(parts, parts.revokeUrl, form, cancellation);
      return revocationFailure(reply, parts, [...secretsIn(form), ...Object.values(secrets), ...tokens]);
    }),
  );
  const failure = failures.find((each) => each !== undefined);
  if (failure !== undefined) throw failure;
}

/** Any 2xx is done, also for a token that PayU does not know; so is 401 `invalid_token`: it was revoked before. */
function revocationFailure(
  reply: FormReply,
  { revokeUrl, clock }: RevocationParts,
  secrets: readonly string[],
): PayuAuthError | undefined {
  if (reply.kind === 'no-reply') {
    return revocationUnavailableError(revokeUrl, { what: reply.error.message, cause: reply.error });
  }
  const { status } = reply;
  const body = reply.body === undefined ? undefined : parseUntrustedJson(reply.body);
  const refusal = refusalIn(body, status, secrets);
  const retryAfter = reply.header('retry-after');
  if ((status >= 200 && status < 300) || (status === 401 && refusal.error === 'invalid_token'))
    return undefined;
  if (isRateLimit(status, refusal.error, retryAfter)) {
    return revocationLimitedError(revokeUrl, clock.now(), toldWaitMs(reply.header, body, clock.now()) ?? 0);
  }
  if (status >= 500) return revocationUnavailableError(revokeUrl, { what: `status ${status}`, status });
  return revocationRefusedError(revokeUrl, refusal);
}
