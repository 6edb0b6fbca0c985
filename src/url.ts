/**
 * The URL; undefined for an invalid one. Not by `URL.canParse`: once it was called often, Node.js 20 takes a Latin-1
 * letter in a host name for a broken one.
 */
export function parseUrl(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

/** An http or https origin, normalised: upper case, IDN, default ports. Undefined for anything more or less. */
export function normaliseOrigin(text: string): string | undefined {
  const url = parseUrl(text);
  if (url === undefined) return undefined;
  const { protocol, origin, pathname, search, hash, username, password } = url;
  const isBare = pathname === '/' && search + hash + username + password === '';
  return isBare && (protocol === 'https:' || protocol === 'http:') ? origin : undefined;
}

/** RFC 8252 §7.3 and RFC 6761 §6.3: traffic to these does not leave the machine. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  );
}

/** Plain http to this machine: where the environment's proxy has no place (G5). */
export function isPlainLoopback(url: string): boolean {
  return /^http:/i.test(url) && isLoopback(hostOf(url) ?? '');
}

/** The origin of an instance's baseURL, which the token may always be sent to; undefined where it has none. */
export function originOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : parseUrl(url)?.origin;
}

/** The host of a URL, as one knows it: however the scheme, the port or a trailing dot vary. */
export function hostOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : parseUrl(url)?.hostname.replace(/\.$/, '');
}

/** What axios makes a URL of. Callers without TypeScript put other things there than strings. */
export interface UrlParts {
  readonly baseURL?: unknown;
  readonly url?: unknown;
  readonly allowAbsoluteUrls?: unknown;
}

/** The URL as axios would put it together, but for `params`. */
export function fullUrl(parts: UrlParts): string {
  const url = String(parts.url ?? '');
  if (!isBehindBaseUrl(parts)) return url;
  const baseUrl = String(parts.baseURL);
  return url === '' ? baseUrl : `${baseUrl.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`;
}

/** For events: where a request goes, without query, fragment and user info. */
export function shownUrl(parts: UrlParts): string {
  return fullUrl(parts)
    .replace(/[?#].*$/s, '')
    .replace(/^([a-z][a-z\d+\-.]*:)?\/\/[^/\\]*@/i, '$1//');
}

/** Whether axios puts the baseURL in front: then nothing in `url` can change where the request goes. */
export function isBehindBaseUrl({ baseURL, url, allowAbsoluteUrls }: UrlParts): boolean {
  return Boolean(baseURL) && (allowAbsoluteUrls === false || !isAbsoluteUrl(url));
}

/** What axios takes for absolute. Most URLs are paths, and need no regular expression to tell. */
function isAbsoluteUrl(url: unknown): boolean {
  const text = String(url);
  return text.includes('//') && /^([a-z][a-z\d+\-.]*:)?\/\//i.test(text);
}
