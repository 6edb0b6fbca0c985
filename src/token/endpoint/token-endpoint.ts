import { fieldOf, parseUntrustedJson } from '../../json.ts';
import { quotable, safeError } from '../../redact.ts';
import { toldWaitMs } from '../../time/retry-after.ts';
import type { FormReply } from './form-post.ts';
import { type AskedFor, readToken, type TokenReading, type Unusable } from './token-response.ts';

export type TokenOutcome = TokenReading | Exclude<Classified, { kind: 'accepted' }>;

/** A token request that brought no answer to go by. */
export type Failure = Fault | Unusable;

/** What a reply of the accounts server says, whatever it was asked. */
export type Classified =
  | { readonly kind: 'accepted'; readonly status: number; readonly body: string | undefined }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'rate-limited'; readonly toldMs: number | undefined }
  | Fault;

/** A final no, fit to be shown. */
export interface Refusal {
  /** A word of the protocol as it came, as decisions depend on it; any other word without secrets. */
  readonly error: string | undefined;
  readonly errorDescription: string | undefined;
  readonly status: number;
  /** Whether the server said it in JSON: a firewall's page speaks of the request, not of its credentials. */
  readonly isJson: boolean;
}

/** A failure that may pass. */
export interface Fault {
  readonly kind: 'fault';
  readonly what: string;
  readonly status: number | undefined;
  readonly cause: Error;
}

/** Refusals that concern the client, whatever the scope or the grant (E7). */
export function concernsClient({ error }: Refusal): boolean {
  return error === 'invalid_client' || error === 'unauthorized_client';
}

/** Whether the server wants to be left alone, and not only failed: then its word on how long counts (E1). */
function isRateLimit(status: number, error: string | undefined, retryAfter: string | undefined): boolean {
  return error === 'rate_limit_exceeded' || status === 429 || (status === 503 && retryAfter !== undefined);
}

/** RFC 6749 §5.2: the configuration is wrong, or the grant is dead. */
const KNOWN_REFUSALS = new Set([
  'invalid_client',
  'unauthorized_client',
  'invalid_scope',
  'unsupported_grant_type',
  'invalid_request',
  'invalid_grant',
]);
/** Errors that pass by themselves (E6). `invalid_token_reuse`: concurrent mints raced on a revoke-previous server. */
const PASSING = new Set(['server_error', 'temporarily_unavailable', 'invalid_token_reuse']);
/** Statuses that pass by themselves where no known `error` says otherwise (E6); 499 is nginx' "client closed request". */
const PASSING_STATUSES = new Set([408, 421, 425, 499]);
/** What is decided on, and so shown as it came. `invalid_token`, of a revocation: it was revoked before. */
const PROTOCOL_WORDS = new Set([...KNOWN_REFUSALS, ...PASSING, 'rate_limit_exceeded', 'invalid_token']);

export interface RequestContext extends AskedFor {
  readonly receivedAt: number;
  readonly secrets: Iterable<string>;
}

export function tokenOutcome(reply: FormReply, context: RequestContext): TokenOutcome {
  const classified = classify(reply, context);
  return classified.kind === 'accepted' ? readToken(classified.status, classified.body, context) : classified;
}

/**
 * Classifies a reply of the accounts server; nothing else does.
 *
 * PayU's documents list every error under 401, Doorkeeper 5.0 answers 401 for all, later ones 400 for most, and a
 * proxy may answer in HTML: so the body's `error` decides first, the status second.
 */
export function classify(
  reply: FormReply,
  { receivedAt, secrets }: Pick<RequestContext, 'receivedAt' | 'secrets'>,
): Classified {
  if (reply.kind === 'no-reply') {
    return { kind: 'fault', what: reply.error.message, status: undefined, cause: reply.error };
  }
  const { status, header } = reply;
  const body = reply.body === undefined ? undefined : parseUntrustedJson(reply.body);
  const error = textIn(body, 'error');
  const refused = (): Classified => ({ kind: 'refused', refusal: refusalIn(body, status, secrets) });
  const fault = (what: string): Classified => {
    const cause = safeError(`The server answered ${what}.`, []);
    return { kind: 'fault', what, status, cause };
  };

  if (error !== undefined && KNOWN_REFUSALS.has(error)) return refused();
  if (isRateLimit(status, error, header('retry-after'))) {
    return { kind: 'rate-limited', toldMs: toldWaitMs(header, body, receivedAt) };
  }
  if (error !== undefined && PASSING.has(error)) return fault(`"${error}", status ${status}`);
  if (status >= 500 || PASSING_STATUSES.has(status)) return fault(`status ${status}`);
  if (error !== undefined || status < 200 || status >= 300) return refused();
  return { kind: 'accepted', status, body: reply.body };
}

/** Faults before anything was sent: the server has done nothing. */
const NOT_SENT = /\b(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)\b/;

/** May the server have given a token that never arrived? A gateway says so by 502 and 504 (RFC 9110 §15.6). */
export function isAnswerLost(outcome: TokenOutcome): boolean {
  if (outcome.kind === 'unusable') return true;
  if (outcome.kind !== 'fault') return false;
  const { status, what } = outcome;
  return status === undefined ? !NOT_SENT.test(what) : status === 502 || status === 504;
}

/** What a refusal says, fit to be quoted. A secret may be part of a word of the protocol, which stays whole (E7). */
function refusalIn(body: unknown, status: number, secrets: Iterable<string>): Refusal {
  const error = textIn(body, 'error');
  const description = textIn(body, 'error_description');
  return {
    error: error === undefined || PROTOCOL_WORDS.has(error) ? error : quotable(error, secrets),
    errorDescription: description === undefined ? undefined : quotable(description, secrets),
    status,
    isJson: body !== undefined,
  };
}

function textIn(body: unknown, name: string): string | undefined {
  const value = fieldOf(body, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
