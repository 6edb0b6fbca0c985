import type { PayuAuthError } from '../../errors.ts';
import type { Cancellation } from '../../time/wait.ts';
import { revocationError } from '../mint/messages.ts';
import { type FormReply, type PostParts, postWithin } from './form-post.ts';
import { type AskedSecrets, revokeForm, type WireGrant } from './grants.ts';
import { classify } from './token-endpoint.ts';

export interface RevocationParts extends PostParts {
  readonly revokeUrl: string;
  readonly grant: WireGrant;
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
      return revocationFailure(reply, parts, [...Object.values(secrets), ...tokens]);
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
  if (reply.kind === 'reply' && reply.status >= 200 && reply.status < 300) return undefined;
  const receivedAt = clock.now();
  const classified = classify(reply, { receivedAt, secrets });
  if (classified.kind === 'accepted') return undefined;
  const { status, error } = classified.kind === 'refused' ? classified.refusal : {};
  const wasRevoked = status === 401 && error === 'invalid_token';
  return wasRevoked ? undefined : revocationError(revokeUrl, classified, receivedAt);
}
