import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { AxiosError } from 'axios';
import { type ModelReply, type ModelServer, oauthError } from './model-server.ts';
import type { EventKind } from './scenario.ts';

/** A token request that was sent, until it is answered or given up. */
export interface TokenRequest {
  readonly auth: string;
  readonly form: URLSearchParams;
  readonly order: number;
  readonly sentAt: number;
  readonly round: number;
  /** Whether an answer may still come. */
  isAnswerable: boolean;
  readonly give: (reply: ModelReply) => void;
  readonly break: () => void;
}

/** How the token endpoint answers an event; undefined where it does not, or could not. */
export function tokenAnswer(
  kind: EventKind,
  form: URLSearchParams,
  server: ModelServer,
  wallMs: number,
): ModelReply | 'breaks' | 'lost' | undefined {
  switch (kind) {
    case 'token':
    case 'token-after-stall':
      return server.answer(form);
    case 'token-same':
      return server.sameAgain(form);
    case 'token-dead': {
      const reply = server.answer(form);
      server.revoke(tokenIn(reply) ?? '');
      return reply;
    }
    case 'token-lost':
      server.answer(form);
      return 'lost';
    case 'token-reset':
      return 'breaks';
    case 'token-refused':
      return oauthError(401, 'invalid_client');
    case 'token-odd-refusal':
      return oauthError(403, 'unauthorized_client');
    case 'token-dead-refresh':
      server.revoke(form.get('refresh_token') ?? '');
      return oauthError(400, 'invalid_grant');
    case 'token-503':
      return { status: 503, body: '<html>', headers: {} };
    case 'token-408':
      return { status: 408, body: '', headers: {} };
    case 'token-limited':
      return oauthError(429, 'rate_limit_exceeded', { retry_after: 60 });
    case 'token-limited-long':
      return oauthError(429, 'rate_limit_exceeded', { retry_after: 1e6 });
    case 'token-untold':
      return { status: 429, body: '', headers: {} };
    case 'token-point-in-time':
      return oauthError(429, 'rate_limit_exceeded', { retry_after: Math.round(wallMs / 1_000) + 60 });
    case 'token-garbage':
      return { status: 200, body: '<html>', headers: {} };
    default:
      throw new Error(`${kind} is no answer of the token endpoint`);
  }
}

export function tokenIn({ status, body }: ModelReply): string | undefined {
  return status === 200 && body.startsWith('{') ? JSON.parse(body).access_token : undefined;
}

export function lifeMsIn({ body }: ModelReply): number {
  return JSON.parse(body).expires_in * 1_000;
}

/** As an adapter answers, whatever the status. */
export function responseTo(config: InternalAxiosRequestConfig, reply: ModelReply): AxiosResponse {
  const { status, body, headers } = reply;
  return { status, statusText: '', data: body, headers: { ...headers }, config, request: {} };
}

/** As an adapter settles: by `validateStatus`. */
export function settled(config: InternalAxiosRequestConfig, reply: ModelReply): Promise<AxiosResponse> {
  const response = responseTo(config, reply);
  if (reply.status < 300) return Promise.resolve(response);
  const message = `Request failed with status code ${reply.status}`;
  return Promise.reject(new AxiosError(message, AxiosError.ERR_BAD_REQUEST, config, {}, response));
}
