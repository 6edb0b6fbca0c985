import http from 'node:http';
import type { InternalAxiosRequestConfig } from 'axios';
import { isLoopback, isPlainLoopback, parseUrl } from '../url.ts';
import { isAxiosSince } from './adapter.ts';

type Proxied = Pick<InternalAxiosRequestConfig, 'proxy'>;
type Fetched = Pick<InternalAxiosRequestConfig, 'fetchOptions'>;

/**
 * Whether axios' http adapter would hand the request, and the token with it, to a proxy in the clear (G5). A plain
 * request to this machine takes no proxy from the environment, so only the caller's own counts for it, by where that is.
 * One for https is tunnelled since axios 1.16.1; before, each proxy reads it.
 */
export function isReadByProxy(origin: string, { proxy }: Proxied): boolean {
  if (proxy === false) return false;
  if (origin.startsWith('http:')) return Boolean(proxy) && !isLoopback(hostIn(proxy as object));
  // From here on https is tunnelled.
  if (isAxiosSince(16, 1)) return false;
  return Boolean(proxy) || isProxiedByEnvironment(origin, process.env);
}

/** Where undici keeps what fetch hands its requests to: the second name is for its version 8, that of Node.js 26. */
const DISPATCHERS = ['undici.globalDispatcher.1', 'undici.globalDispatcher.2'].map((name) =>
  Symbol.for(name),
);

/**
 * The same for a fetch: Node.js may hand it to the environment's proxy by itself (NODE_USE_ENV_PROXY, undici's
 * `setGlobalDispatcher`), and a plain request in the clear. A dispatcher of the caller's own is the caller's.
 */
export function isFetchedByProxy(origin: string, { fetchOptions }: Fetched): boolean {
  const isOfEnvironment = DISPATCHERS.some(
    (symbol) => (globalThis as Record<symbol, unknown>)[symbol]?.constructor?.name === 'EnvHttpProxyAgent',
  );
  if (!isOfEnvironment || (fetchOptions && 'dispatcher' in fetchOptions)) return false;
  return isPlainLoopback(origin) && isProxiedByEnvironment(origin, process.env);
}

/**
 * Whether Node.js itself hands to the environment's proxy what this agent sends (NODE_USE_ENV_PROXY). Before 1.21, axios
 * leaves it so where `proxy` is false.
 */
export function isAgentOfEnvironment(agent: unknown): boolean {
  const { options } = (agent || http.globalAgent) as { options?: { proxyEnv?: unknown } };
  return Boolean(options?.proxyEnv);
}

/** The host in a proxy, or in the options of a request, as it stands in a URL. */
export function hostIn(holder: { readonly hostname?: unknown; readonly host?: unknown }): string {
  const host = String(holder.hostname || holder.host);
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
