import http from 'node:http';
import type { TokenHttpOptions } from '../axios/form-transport.ts';
import { invalidOption } from '../errors.ts';
import { isPlain, isRecord } from '../json.ts';
import { givenOption, givenOptions } from '../validation.ts';

const NONE: TokenHttpOptions = Object.freeze({});

/** Transport of the token requests, checked. */
export function resolveHttp(http: unknown): TokenHttpOptions {
  if (http === undefined) return NONE;
  if (!isPlain(http)) throw invalidOption('http', 'must be an object such as { proxy, httpsAgent }.');
  const given = Object.entries(givenOptions('http.', http, Object.keys(HTTP_RULES)));
  for (const [name, value] of given) {
    const [rule, holds] = HTTP_RULES[name as keyof TokenHttpOptions];
    if (value !== undefined && !holds(value)) throw invalidOption(`http.${name}`, rule);
  }
  // An undefined one would replace our default by axios' own.
  const set = given.filter(([, value]) => value !== undefined);
  refuseUnheeded(Object.fromEntries(set));
  return Object.fromEntries(set);
}

/** Axios' fetch adapter passes these by: the secret would go without the proxy, or the agent's certificates. */
function refuseUnheeded({ adapter, ...rest }: TokenHttpOptions): void {
  const [first] = [adapter].flat().filter((each) => each !== BROWSERS);
  const [unheeded] = Object.entries(rest).find(([, value]) => value !== false && value !== null) ?? [];
  if (first !== 'fetch' || unheeded === undefined) return;
  throw invalidOption(
    `http.${unheeded}`,
    'is not heeded by the fetch adapter: leave it out, or leave out "http.adapter".',
  );
}

type HttpRule = readonly [rule: string, holds: (value: unknown) => boolean];

/** Axios has it too; alone it can't send anything from Node.js. */
const BROWSERS = 'xhr';
const ADAPTERS: readonly unknown[] = ['http', 'fetch', BROWSERS];

/** Axios itself checks none of these at once; a proxy given as text would send the secret to localhost. */
const HTTP_RULES: Readonly<Record<keyof TokenHttpOptions, HttpRule>> = {
  adapter: [
    'must be an adapter function, "http" or "fetch", or a list of these.',
    (value) => {
      const adapters: readonly unknown[] = Array.isArray(value) ? value : [value];
      return (
        adapters.some((each) => each !== BROWSERS) &&
        adapters.every((each) => typeof each === 'function' || ADAPTERS.includes(each))
      );
    },
  ],
  proxy: [
    'must be { host, port, protocol?, auth? } with a bare host and "http" or "https", or false for none; axios does not take a URL here.',
    (value) => value === false || (isRecord(value) && isProxy(value)),
  ],
  httpAgent: ['must be an agent such as new http.Agent({ keepAlive: true }).', isAgent],
  httpsAgent: [
    'must be an agent that speaks https, such as new https.Agent({ keepAlive: true }).',
    // Not by its `protocol`: that of an agent for proxies tells nothing before its first request.
    (value) => isAgent(value) && Object.getPrototypeOf(value) !== http.Agent.prototype,
  ],
  family: ['must be 4 or 6.', (value) => value === 4 || value === 6],
  lookup: ['must be a function such as dns.lookup.', (value) => typeof value === 'function'],
  socketPath: ['must be the path of a socket, or null.', (value) => value === null || isText(value)],
};

/** As Node.js asks it. */
function isAgent(value: unknown): boolean {
  return isRecord(value) && typeof value.addRequest === 'function';
}

function isProxy(proxy: object): boolean {
  const host = givenOption(proxy, 'hostname') || givenOption(proxy, 'host');
  const port = givenOption(proxy, 'port') ?? '';
  const protocol = givenOption(proxy, 'protocol') ?? 'http';
  // An address of IPv6 has more than one colon, and one with a single colon is a host with its port.
  return (
    typeof host === 'string' &&
    /^(?:[^\s:/@\p{C}]+|\[?[\da-f:.]*:[\da-f:.]*:[\da-f:.]*\]?)$/iu.test(host) &&
    (typeof port === 'string' || typeof port === 'number') &&
    /^\d{0,5}$/.test(String(port)) &&
    Number(port) < 65_536 &&
    typeof protocol === 'string' &&
    /^https?:?$/i.test(protocol) &&
    isProxyAuth(givenOption(proxy, 'auth'))
  );
}

/** Axios takes text too, and fails at an object that holds neither part. */
function isProxyAuth(auth: unknown): boolean {
  if (!isRecord(auth)) return auth === undefined || auth === null || typeof auth === 'string';
  const parts = ['username', 'password'].map((name) => givenOption(auth, name) ?? '');
  return parts.every((part) => typeof part === 'string') && parts.some((part) => part !== '');
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
