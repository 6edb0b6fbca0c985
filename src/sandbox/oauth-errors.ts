import { json, type Reply } from './reply.ts';

/** Which status carries the token endpoint's errors; `rate_limit_exceeded` has its own (see `rateLimit`). */
export type StatusStyle = 'documented' | 'doorkeeper-5.0' | 'doorkeeper-5.1' | 'doorkeeper-5.5';

/** The texts of PayU's documents and of Doorkeeper, word for word where they are known. */
const descriptions: Readonly<Record<string, string>> = {
  invalid_client:
    'Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.',
  invalid_scope: 'The requested scope is invalid, unknown, or malformed.',
  unauthorized_client: 'The authenticated client is not authorized to use this authorization grant type.',
  invalid_grant:
    'The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.',
  unsupported_grant_type: 'The authorization grant type is not supported by the authorization server.',
  invalid_request:
    'The request is missing a required parameter, includes an unsupported parameter value, or is otherwise malformed.',
  invalid_token_reuse:
    'The authorization server encountered an unexpected condition that prevented it from fulfilling the request.',
  invalid_token: 'The access token is invalid or has expired.',
  insufficient_scope: 'The request requires higher privileges than provided by the access token.',
  rate_limit_exceeded: 'Too many requests. Please retry after some time.',
  server_error:
    'The authorization server encountered an unexpected condition that prevented it from fulfilling the request.',
};

export interface OAuthErrorBody {
  readonly error: string;
  readonly error_description: string;
}

export function errorBody(error: string, description?: string): OAuthErrorBody {
  return { error, error_description: description ?? descriptions[error] ?? 'An unexpected error occurred.' };
}

/**
 * PayU's own description lists every error under 401, as Doorkeeper 5.0 answers them;
 * 5.1 and later answer 400 for most.
 */
export function errorStatus(error: string, style: StatusStyle): number {
  // Recorded from a running server; no document mentions it, so no document gives it another status.
  if (error === 'invalid_token_reuse') return 400;
  if (style === 'documented' || style === 'doorkeeper-5.0') return 401;
  if (error === 'server_error') return 500;
  return error === 'invalid_client' ? 401 : 400;
}

export function oauthError(error: string, style: StatusStyle): Reply {
  return json(errorStatus(error, style), errorBody(error), { 'cache-control': 'no-store' });
}
