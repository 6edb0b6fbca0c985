import type { AxiosResponse } from 'axios';
import { fieldOf, isRecord, parseJson } from '../json.ts';
import { namesOf } from './sent-config.ts';

/** A response header. */
export function headerOf({ headers }: AxiosResponse, name: string): string | undefined {
  for (const key of namesOf(headers, name)) {
    const value: unknown = headers[key];
    if (typeof value === 'string' || typeof value === 'number') return String(value);
    if (Array.isArray(value)) return value.join(', ');
  }
  return undefined;
}

/** What a 401 means for the token. */
export type Unauthorized = 'refused' | 'insufficient-scope' | 'other-scheme';

/** Schemes of proxies and of Windows. Any other, such as `OAuth` or `Token`, is a server's name for Bearer. */
const SCHEMES_OF_OTHERS = ['basic', 'digest', 'negotiate', 'ntlm'];

/**
 * Reads a 401 (D1). With `insufficient_scope`, a new token with the same scopes would not help. A challenge that names
 * only schemes of others comes from a proxy, unless body or challenge says `invalid_token`.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-3.1
 */
export function readUnauthorized(response: AxiosResponse, body: unknown): Unauthorized {
  const challenges = parseChallenges(headerOf(response, 'www-authenticate') ?? '');
  const ours = challenges.filter(({ scheme }) => !SCHEMES_OF_OTHERS.includes(scheme));
  const isTold = (word: string, by: readonly Challenge[]) =>
    fieldOf(body, 'error') === word || by.some(({ parameters }) => fieldOf(parameters, 'error') === word);
  if (isTold('insufficient_scope', ours)) return 'insufficient-scope';
  if (challenges.length === 0 || ours.length > 0) return 'refused';
  return isTold('invalid_token', challenges) ? 'refused' : 'other-scheme';
}

/**
 * For `isTokenRefused` with BBPS, which answers a bad token with its own envelope, at 200 or 401:
 * `{"code":600,"status":"FAILURE","payload":{"errors":[{"errorCode":"AUTH_001",…}]}}`. Any 401 that means a refused
 * token elsewhere means one here.
 *
 * @example
 * createPayuAuth({ environment: 'test', grant, scope: scopes.bbps.readBills, isTokenRefused: bbpsTokenRefused });
 */
export function bbpsTokenRefused(response: AxiosResponse): boolean {
  const body = typeof response.data === 'string' ? parseJson(response.data) : response.data;
  if (response.status === 401) return readUnauthorized(response, body) === 'refused';
  if (response.status !== 200 || !isRecord(body) || !isRecord(body.payload)) return false;
  const { errors } = body.payload;
  return Array.isArray(errors) && errors.some((each) => isRecord(each) && each.errorCode === 'AUTH_001');
}

/** A challenge of a `WWW-Authenticate` header. Names are in lower case. */
interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
/** A parameter, or a single word: an auth-scheme, or the token68 after one. Each takes a whole run, so no header is slow to read. */
const ELEMENT = new RegExp(
  `(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"?|(${TOKEN}))|([\\w!#$%&'*+.^\`|~/-]+=*)|(,)`,
  'g',
);

/**
 * The challenges of a `WWW-Authenticate` header. One field may hold several.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  let mayBeToken68 = false;
  for (const [, name, quoted, value, word, comma] of header.matchAll(ELEMENT)) {
    const current = challenges.at(-1);
    if (name !== undefined && current !== undefined) {
      current.parameters[name.toLowerCase()] = value ?? (quoted as string).replace(/\\(.)/g, '$1');
    } else if (word !== undefined && !mayBeToken68) {
      challenges.push({ scheme: word.toLowerCase(), parameters: {} });
    }
    mayBeToken68 = word !== undefined && !mayBeToken68;
    if (comma !== undefined) mayBeToken68 = false;
  }
  return challenges;
}
