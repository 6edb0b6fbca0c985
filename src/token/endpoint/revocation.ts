import type { Cancellation } from '../../time/wait.ts';
import { revocationError } from '../mint/messages.ts';
import { type PostParts, postWithin, secretsIn } from './form-post.ts';
import { type AskedSecrets, revokeForm, type WireGrant } from './grants.ts';
import { classify } from './token-endpoint.ts';

/**
 * Revokes tokens at PayU, one request each; a failure keeps none of the others from being revoked.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7009
 */
export async function revokeTokens(
  parts: PostParts & { readonly grant: WireGrant; readonly revokeUrl: string },
  tokens: readonly string[],
  secrets: AskedSecrets,
  cancellation: Cancellation,
): Promise<void> {
  const { clock, grant, revokeUrl } = parts;
  const revoke = async (token: string) => {
    const form = revokeForm(grant, secrets, token);
    const reply = await postWithin(parts, revokeUrl, form, cancellation);
    const receivedAt = clock.now();
    const quoted = [...Object.values(secrets), ...tokens, ...secretsIn(form, revokeUrl)];
    const classified = classify(reply, { receivedAt, secrets: quoted });
    // Any 2xx is done, also for a token that PayU does not know; so is 401 `invalid_token`: it was revoked before.
    const isSuccess = reply.kind === 'reply' && reply.status >= 200 && reply.status < 300;
    const { status, error } = classified.kind === 'refused' ? classified.refusal : {};
    const isDone = isSuccess || (status === 401 && error === 'invalid_token');
    if (isDone || classified.kind === 'accepted') return undefined;
    return revocationError(revokeUrl, classified, receivedAt);
  };
  const failures = await Promise.all(tokens.map(revoke));
  const failure = failures.find((each) => each !== undefined);
  if (failure !== undefined) throw failure;
}
