/** An http or https origin, normalised: upper case, IDN, default ports. Undefined where it is none, or more than one. */
export function normaliseOrigin(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, origin, pathname, search, hash, username, password } = new URL(text);
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

/** The origin of an instance's baseURL, which the token may always be sent to; undefined where it has none. */
export function originOf(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : undefined;
}

/** What axios takes for absolute: everything else is combined with the baseURL. */
export function isAbsoluteUrl(url: string): boolean {
  return /^([a-z][a-z\d+\-.]*:)?\/\//i.test(url);
}
