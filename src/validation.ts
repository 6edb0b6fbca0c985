import { invalidOption } from './errors.ts';
import { gotInstead, kindOf } from './json.ts';
import { type ScopeInput, scopeFault, scopeSet } from './token/endpoint/scope.ts';
import { hostOf, isLoopback, normaliseOrigin, parseUrl } from './url.ts';

export function resolveScope(option: string, scope: unknown): readonly string[] {
  const fault = scopeFault(scope);
  if (fault !== undefined) throw invalidOption(option, `${fault}.`);
  return scopeSet(scope as ScopeInput);
}

/** `foreignHosts`: PayU's hosts of the other environment, which this environment's tokens have no business at. */
export function resolveOrigins(
  option: string,
  origins: unknown,
  foreignHosts: readonly string[],
): readonly string[] {
  if (origins === undefined) return [];
  if (!Array.isArray(origins)) throw invalidOption(option, 'must be a list such as ["https://api.example"].');
  return origins.map((each: unknown, index) => {
    const origin = typeof each === 'string' ? normaliseOrigin(each) : undefined;
    if (origin === undefined) {
      throw invalidOption(
        `${option}[${index}]`,
        'must be an http or https origin such as "https://api.example", without a path.',
      );
    }
    if (origin.includes('*')) {
      throw invalidOption(
        `${option}[${index}]`,
        'must be one whole origin: there are no wildcards. List each host.',
      );
    }
    if (foreignHosts.includes(String(hostOf(origin)))) {
      throw invalidOption(
        `${option}[${index}]`,
        'is a host of PayU\'s other environment than the option "environment" says. Change one of the two.',
      );
    }
    return origin;
  });
}

/** What no URL of a token endpoint has, and templates, shells and copied prose leave behind (F4). */
const DEBRIS: readonly RegExp[] = [
  /[^\x21-\x7E]|[{}<>"'\\^`|$]/, // not in a URL, or of a template
  /(?<!:\/\/)\[|\](?![:/]|$)|(?<!:[\da-f:.]*)\]/i, // brackets, but for those of an IPv6 address
  /%(?:20|24|2F|7B|7D)/i, // the same, encoded
  /\/:[a-z]|[,;.)]$/i, // a route's parameter, the end of a sentence
  /(?<=[/.=])(?:undefined|null)(?=[/.?&:]|$)/, // a variable that is not set
];

/** A URL that a secret is sent to. */
export function resolveUrl(option: string, url: unknown, allowInsecureHttp: boolean): string {
  const example = 'such as "https://accounts.payu.in/oauth/token"';
  if (typeof url !== 'string') throw invalidOption(option, `must be a URL ${example}; ${gotInstead(url)}.`);
  if (DEBRIS.some((each) => each.test(url))) {
    throw invalidOption(
      option,
      'holds white space, a quotation mark, braces or other debris: leave it out, or fill in the placeholder.',
    );
  }
  if (!/^https?:\/\/[^/]/i.test(url)) throw invalidOption(option, `must begin with https://, ${example}.`);
  const parsed = parseUrl(url);
  if (parsed === undefined) throw invalidOption(option, `must be a whole URL ${example}.`);
  const { protocol, username, password, pathname, hash, hostname } = parsed;
  if (pathname.includes('//')) {
    throw invalidOption(option, 'holds a doubled slash: was it put together from a URL that ends with one?');
  }
  if (username !== '' || password !== '' || hash !== '') {
    throw invalidOption(option, 'must hold neither user name, password nor fragment: leave them out.');
  }
  if (protocol === 'http:' && !allowInsecureHttp && !isLoopback(hostname)) {
    throw invalidOption(
      option,
      'must begin with https://: over plain http, anybody on the way reads the secret. For a host that you trust all the same, set "allowInsecureHttp".',
    );
  }
  return url;
}

export function resolveDuration(option: string, value: unknown, leastMs: number): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < leastMs) {
    throw invalidOption(option, `must be a number of milliseconds, ${leastMs} or more; got ${shown(value)}.`);
  }
  return value;
}

/**
 * The given options. Unknown names are refused: a misspelt option would be ignored in silence. Options that only a polluted
 * `Object.prototype` holds are left out (G6); those of a class of the caller's are not.
 */
export function givenOptions<T extends object>(prefix: string, options: T, known: readonly string[]): T {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw invalidOption(`${prefix}${unknown}`, `is not an option; there are: ${known.join(', ')}.`);
  }
  const given: Record<string, unknown> = Object.create(null);
  for (const name of known) given[name] = givenOption(options, name);
  return given as T;
}

/** One given option; undefined if only a polluted `Object.prototype` holds it. */
export function givenOption(options: object, name: string): unknown {
  for (
    let owner = options;
    owner !== null && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner)
  ) {
    if (Object.hasOwn(owner, name)) return options[name as keyof object];
  }
  return undefined;
}

export function requireText(option: string, value: unknown): void {
  if (typeof value !== 'string' || value.trim() === '')
    throw invalidOption(option, `must be a non-empty string; ${gotInstead(value)}.`);
}

/** A value in a message: numbers as they are, anything else only by its kind, as it might be a secret. */
export function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : kindOf(value);
}
