import { json, type Reply } from '../reply.ts';
import type { TokenCheck, TokenEntry } from '../token-ledger.ts';
import { bearerOf, type Received } from '../traffic.ts';
import type { World } from '../world.ts';

export type Access =
  | { readonly kind: 'granted'; readonly entry: TokenEntry }
  | { readonly kind: 'token-refused'; readonly why: Refusal }
  | { readonly kind: 'scope-missing' };

type Refusal = Extract<TokenCheck, { kind: 'refused' }>['why'];

/** Looks at the token, then at what it may do. */
export function accessOf(
  request: Received,
  world: World,
  scope?: string,
  token: string | undefined = bearerOf(request.headers),
): Access {
  const found = world.ledger.use(token);
  if (found.kind === 'refused') return { kind: 'token-refused', why: found.why };
  const enough = scope === undefined || found.entry.scope.includes(scope);
  return enough ? { kind: 'granted', entry: found.entry } : { kind: 'scope-missing' };
}

const refusals: Readonly<Record<Refusal, string>> = {
  invalid: 'The access token is invalid',
  expired: 'The access token expired',
  revoked: 'The access token was revoked',
};

/** Doorkeeper's challenge, word for word. */
export function challenge(why: Refusal): { readonly 'www-authenticate': string } {
  return {
    'www-authenticate': `Bearer realm="Doorkeeper", error="invalid_token", error_description="${refusals[why]}"`,
  };
}

/** The JSON value of a body; undefined if it has none. */
export function jsonOf(request: Received): unknown {
  try {
    return JSON.parse(request.rawBody.toString('utf8'));
  } catch {
    return undefined;
  }
}

export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  // Any object's properties may be read as unknown.
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

export function notFound(): Reply {
  return json(404, { status: 404, error: 'Not Found' });
}
