import { type Hosts, invalidOption } from './hosts.ts';

/** A declared method and path, ready to be compared with requests. */
export interface ApiRoute {
  readonly method: string;
  /** What the user wrote, for messages. */
  readonly label: string;
  readonly origins: readonly string[];
  readonly matches: (method: string, url: URL) => boolean;
}

/**
 * Reads `api('get', '/merchant/getAccountDetail')`.
 *
 * The path may be the whole path on a host (`/payout/merchant/getAccountDetail`), relative to a product
 * (`/merchant/getAccountDetail`, `/`), or an absolute URL. A trailing slash makes no difference, because
 * axios writes one or not depending on how `baseURL` and `url` are divided. Without a query any query fits;
 * with one, the same parameters must come, in any order.
 */
export function apiRoute(method: string, path: string, hosts: Hosts): ApiRoute {
  const absolute = /^https?:\/\//i.test(path);
  const wanted = new URL(absolute ? path : path.replace(/^\/*/, '/'), 'https://any.invalid');
  const bases = hosts.apiBases.filter((base) => !absolute || base.origin === wanted.origin);
  if (bases.length === 0) throw noHost(path, absolute);
  const wantedMethod = method.toUpperCase();
  const wantedPath = withoutTrailingSlash(wanted.pathname);
  const wantedQuery = sortedQuery(wanted);
  return {
    method: wantedMethod,
    label: `${wantedMethod} ${path}`,
    origins: [...new Set(bases.map((base) => base.origin))],
    matches: (actualMethod, url) =>
      actualMethod.toUpperCase() === wantedMethod &&
      bases.some((base) => base.origin === url.origin && isPathOf(base.prefix, url.pathname)) &&
      (wantedQuery === '' || wantedQuery === sortedQuery(url)),
  };

  function isPathOf(prefix: string, actual: string): boolean {
    const actualPath = withoutTrailingSlash(actual);
    return actualPath === wantedPath || (!absolute && actualPath === prefix + wantedPath);
  }
}

function withoutTrailingSlash(path: string): string {
  return path.replace(/\/+$/, '');
}

function sortedQuery(url: URL): string {
  const query = new URLSearchParams(url.search);
  query.sort();
  return query.toString();
}

function noHost(path: string, absolute: boolean): TypeError {
  return invalidOption(
    absolute
      ? `"${path}" is on none of the environment's API hosts: give its origin in "apiHosts"`
      : `"${path}" has no host: a custom environment has no API hosts of its own, give them in "apiHosts"`,
  );
}
