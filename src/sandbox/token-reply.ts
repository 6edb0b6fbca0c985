import { json, type Reply } from './reply.ts';
import type { TokenEntry } from './token-ledger.ts';

/** The deviations of a successful token reply that PayU's documents and tables show. */
export const tokenReplyShapes = [
  'misspelt-expire-in',
  'string-numbers',
  'without-expires-in',
  'without-scope',
  'other-scope-order',
  'other-scope',
  'without-token-type',
  'lower-case-bearer',
  'created-at-in-ms',
  'without-refresh-token',
  'without-access-token',
] as const;

/**
 * One deviation of the token reply. `other-scope`: a scope that was not asked for;
 * `without-access-token`: a 200 that says `success` and holds no token.
 */
export type TokenReplyShape = (typeof tokenReplyShapes)[number];

type Fields = Readonly<Record<string, unknown>>;

/** The reply of PayU's samples, then each deviation in turn. */
export function tokenReply(
  entry: TokenEntry,
  secondsLeft: number | undefined,
  shapes: readonly TokenReplyShape[],
): Reply {
  const sample: Fields = {
    access_token: entry.accessToken,
    token_type: 'Bearer',
    ...(secondsLeft !== undefined && { expires_in: secondsLeft }),
    ...(entry.refreshToken !== undefined && { refresh_token: entry.refreshToken }),
    scope: entry.scope.join(' '),
    created_at: Math.floor(entry.createdAt / 1000),
    ...(entry.userUuid !== undefined && { user_uuid: entry.userUuid }),
  };
  const body = shapes.reduce(shaped, sample);
  return json(200, body, { 'cache-control': 'no-store', pragma: 'no-cache' });
}

function shaped(fields: Fields, shape: TokenReplyShape): Fields {
  switch (shape) {
    case 'misspelt-expire-in':
      return renamed(fields, 'expires_in', 'expire_in');
    case 'string-numbers':
      return mapped(fields, (value) => (typeof value === 'number' ? String(value) : value));
    case 'without-expires-in':
      return without(without(fields, 'expires_in'), 'expire_in');
    case 'without-scope':
      return without(fields, 'scope');
    case 'other-scope-order':
      return { ...fields, scope: String(fields.scope).split(' ').reverse().join(' ') };
    case 'other-scope':
      return { ...fields, scope: 'user_profile' };
    case 'without-token-type':
      return without(fields, 'token_type');
    case 'lower-case-bearer':
      return { ...fields, token_type: 'bearer' };
    case 'created-at-in-ms':
      return { ...fields, created_at: Number(fields.created_at) * 1000 };
    case 'without-refresh-token':
      return without(fields, 'refresh_token');
    case 'without-access-token':
      return { status: 'success', message: 'Credentials validated successfully' };
  }
}

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
}

function renamed(fields: Fields, from: string, to: string): Fields {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key === from ? to : key, value]));
}

function mapped(fields: Fields, change: (value: unknown) => unknown): Fields {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, change(value)]));
}
