import { fieldOf, isPoisoned, isRecord, type JsonObject, parseUntrustedJson } from '../../json.ts';
import { redact } from '../../redact.ts';
import { lifeMs } from '../expiry.ts';
import type { TokenRecord } from '../store/token-store.ts';
import { LARGEST_REPLY_BYTES } from './form-post.ts';
import { scopeSet } from './scope.ts';

/** RFC 6750 §2.1 b64token: what may stand behind `Bearer `. CR or LF would be stripped by axios, not refused. */
const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/** Seconds above this are milliseconds: two of PayU's documents say so, all of their samples do not. */
const CREATED_AT_IN_MS = 1e11;

/** A 2xx that holds no usable token. */
export interface Unusable {
  readonly kind: 'unusable';
  readonly status: number;
  /** The rule that the reply broke. */
  readonly reason: string;
}

export type TokenReading = { readonly kind: 'token'; readonly record: TokenRecord } | Unusable;

export interface AskedFor {
  readonly scope: readonly string[];
  readonly sentAt: number;
  readonly defaultLifeMs: number;
}

export function isTokenValue(value: unknown): value is string {
  return typeof value === 'string' && B64TOKEN.test(value);
}

/**
 * Reads a 2xx reply, whose body is undefined where it was too large. Everything in it is untrusted (G3).
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.1
 */
export function readToken(status: number, body: string | undefined, asked: AskedFor): TokenReading {
  const unusable = (reason: string): Unusable => ({ kind: 'unusable', status, reason });
  if (body === undefined) return unusable(`it is larger than ${LARGEST_REPLY_BYTES / 1024} KiB`);
  try {
    const parsed = parseUntrustedJson(body);
    if (!isRecord(parsed)) return unusable(body.trim() === '' ? 'it is empty' : 'it is not a JSON object');
    if (isPoisoned(body)) return unusable('it holds "__proto__"');
    // What a polluted `Object.prototype` holds is no part of it (G6).
    const reply: JsonObject = Object.assign(Object.create(null), parsed);
    const { access_token: accessToken, token_type: tokenType } = reply;
    if (!isTokenValue(accessToken)) return unusable(`its "access_token" ${faultOf(accessToken)}`);
    if (tokenType != null && !(typeof tokenType === 'string' && /^bearer$/i.test(tokenType))) {
      return unusable('its "token_type" is not Bearer');
    }
    return { kind: 'token', record: recordIn(reply, accessToken, asked) };
  } catch {
    return unusable('it is nested too deeply'); // for the stack
  }
}

function recordIn(reply: JsonObject, accessToken: string, asked: AskedFor): TokenRecord {
  const { access_token, token_type, refresh_token, expires_in, expire_in, scope, ...extra } = reply;
  const refreshToken = typeof refresh_token === 'string' ? refresh_token : '';
  return {
    accessToken,
    ...(refreshToken === '' ? {} : { refreshToken }),
    scope: typeof scope === 'string' && scope.trim() !== '' ? scopeSet(scope) : asked.scope,
    obtainedAt: asked.sentAt,
    // From the moment of sending, never created_at + expires_in: expires_in is what is left, not the whole life.
    expiresAt: asked.sentAt + lifeMs(expires_in, expire_in, asked.defaultLifeMs),
    extra: printable(extra, [accessToken, refreshToken]),
  };
}

function faultOf(accessToken: unknown): string {
  if (accessToken === undefined) return 'is missing';
  if (typeof accessToken !== 'string') return 'is not a string';
  return accessToken === '' ? 'is empty' : 'holds a character that no Authorization header may hold';
}

/** Some servers repeat a token in a field of another name (G2). */
function printable(extra: JsonObject, tokens: readonly string[]): JsonObject {
  const created_at = fieldOf(extra, 'created_at');
  const isMs = typeof created_at === 'number' && created_at > CREATED_AT_IN_MS;
  const shown = isMs ? { ...extra, created_at: created_at / 1_000 } : extra;
  return JSON.parse(JSON.stringify(shown), (_, value: unknown) => {
    const isToken = typeof value === 'number' && tokens.includes(String(value));
    if (typeof value === 'string' || isToken) return redact(String(value), tokens);
    if (!isRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [redact(name, tokens), each]));
  });
}
