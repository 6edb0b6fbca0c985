import type { TokenHttpOptions } from '../axios/form-transport.ts';
import { invalidOption } from '../errors.ts';
import { isRecord } from '../json.ts';
import { givenOptions } from '../validation.ts';

const NONE: TokenHttpOptions = Object.freeze({});

/** Transport of the token requests, checked. */
export function resolveHttp(http: unknown): TokenHttpOptions {
  if (http === undefined) return NONE;
  if (!isRecord(http)) throw invalidOption('http', 'must be an object such as { proxy, httpsAgent }.');
  const given = Object.entries(givenOptions('http.', http, Object.keys(HTTP_RULES)));
  for (const [name, value] of given) {
    const [rule, holds] = HTTP_RULES[name as keyof TokenHttpOptions];
    if (value !== undefined && !holds(value)) throw invalidOption(`http.${name}`, rule);
  }
  // An undefined one would replace our default by axios' own.
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

type HttpRule = readonly [rule: string, holds: (value: unknown) => boolean];

const AGENT_RULE: HttpRule = ['must be an agent such as new https.Agent({ keepAlive: true }).', isRecord];

/** Axios itself checks none of these; a proxy given as text would send the secret to localhost. */
const HTTP_RULES: Readonly<Record<keyof TokenHttpOptions, HttpRule>> = {
  adapter: [
    'must be an adapter function, a name such as "http", or a list of these.',
    (value) => ['function', 'string'].includes(typeof value) || Array.isArray(value),
  ],
  proxy: [
    'must be { host, port, protocol?, auth? }, or false for none; axios does not take a URL here.',
    (value) =>
      value === false ||
      (isRecord(value) &&
        ['host', 'hostname'].some((name) => Object.hasOwn(value, name) && isText(value[name]))),
  ],
  httpAgent: AGENT_RULE,
  httpsAgent: AGENT_RULE,
  family: ['must be 4 or 6.', (value) => value === 4 || value === 6],
  lookup: ['must be a function such as dns.lookup.', (value) => typeof value === 'function'],
  socketPath: ['must be the path of a socket, or null.', (value) => value === null || isText(value)],
};

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
