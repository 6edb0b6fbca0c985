import type { InternalAxiosRequestConfig } from 'axios';
import { isLoopback, parseUrl } from '../url.ts';
import { isAxiosSince } from './adapter.ts';

type Proxied = Pick<InternalAxiosRequestConfig, 'proxy'>;

/**
 * Whether axios' http adapter would hand the request, and the token with it, to a proxy in the clear (G5). A plain
 * request to this machine takes no proxy from the environment, so only the caller's own counts for it, by where that is.
 * One for https is tunnelled since axios 1.16.1; before, each proxy reads it.
 */
export function isReadByProxy(origin: string, { proxy }: Proxied): boolean {
  if (proxy === false) return false;
  if (origin.startsWith('http:')) return Boolean(proxy) && !isLoopback(hostOfProxy(proxy as object));
  // From here on https is tunnelled.
  if (isAxiosSince(16, 1)) return false;
  return Boolean(proxy) || isProxiedByEnvironment(origin, process.env);
}

function hostOfProxy(proxy: { hostname?: unknown; host?: unknown }): string {
  const host = String(proxy.hostname || proxy.host);
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host.toLowerCase();
}

/** As axios reads `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`. Networks such as `10.0.0.0/8` match no name. */
export function isProxiedByEnvironment(
  origin: string,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  const setting = (name: string) => env[name] || env[name.toUpperCase()] || '';
  const url = parseUrl(origin);
  if (url === undefined || !(setting(`${url.protocol.slice(0, -1)}_proxy`) || setting('all_proxy')))
    return false;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const exempt = setting('no_proxy').toLowerCase();
  if (exempt === '*') return false;
  return !exempt.split(/[,\s]+/).some((entry) => {
    const [, name = '', at = port] = /^(.+?)(?::(\d+))?$/.exec(entry) ?? [];
    if (name === '' || at !== port) return false;
    return /^[.*]/.test(name) ? url.hostname.endsWith(name.replace(/^\*/, '')) : url.hostname === name;
  });
}
