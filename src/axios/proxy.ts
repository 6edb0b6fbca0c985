import http from 'node:http';
import type { AxiosRequestConfig } from 'axios';
import { isLoopback, isPlainLoopback, parseUrl } from '../url.ts';
import { isAxiosSince } from './adapter.ts';

/**
 * Whether axios' http adapter would hand the request, and its token, to a proxy in the clear (G5). Plain requests go to
 * this machine and take no proxy from the environment: for them only a proxy of the caller's own on another machine
 * counts. Requests for https are read by every proxy, as axios does not tunnel them (before 1.16.1).
 */
export function isReadByProxy(origin: string, { proxy }: AxiosRequestConfig): boolean {
  if (proxy === false) return false;
  if (origin.startsWith('http:')) return Boolean(proxy) && !isLoopback(hostIn(proxy as object));
  return Boolean(proxy) || isProxiedByEnvironment(origin, process.env);
}

/** Where undici keeps the dispatcher of all fetches. The second name is that of its version 8, in Node.js 26. */
const DISPATCHERS = /* @__PURE__ */ ['undici.globalDispatcher.1', 'undici.globalDispatcher.2'].map((name) =>
  Symbol.for(name),
);

/**
 * The same for a fetch. Node.js itself may use the environment's proxy (NODE_USE_ENV_PROXY, undici's
 * `setGlobalDispatcher`), and hands it plain requests in the clear. A caller's own dispatcher is left alone.
 */
export function isFetchedByProxy(origin: string, { fetchOptions }: AxiosRequestConfig): boolean {
  const isOfEnvironment = DISPATCHERS.some(
    (symbol) => (globalThis as Record<symbol, unknown>)[symbol]?.constructor?.name === 'EnvHttpProxyAgent',
  );
  if (!isOfEnvironment || (fetchOptions && 'dispatcher' in fetchOptions)) return false;
  return isPlainLoopback(origin) && isProxiedByEnvironment(origin, process.env);
}

/**
 * Whether this agent uses the environment's proxy by itself (NODE_USE_ENV_PROXY). Before 1.21, axios does not prevent
 * that where `proxy` is false.
 */
export function isAgentOfEnvironment(agent: unknown): boolean {
  const { options } = (agent || http.globalAgent) as { options?: { proxyEnv?: unknown } };
  return Boolean(options?.proxyEnv);
}

/** The host of a proxy, or of a request's options, as a URL spells it. */
export function hostIn(holder: { readonly hostname?: unknown; readonly host?: unknown }): string {
  const host = String(holder.hostname || holder.host);
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host.toLowerCase();
}

/** Reads `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` as axios does. A network such as `10.0.0.0/8` matches no name. */
export function isProxiedByEnvironment(
  origin: string,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  // Up to 1.13, axios asks npm's settings first. npm hands them to each script that it runs.
  const npms = (...names: string[]) => (isAxiosSince(14, 0) ? [] : names.map((name) => `npm_config_${name}`));
  const setting = (...names: string[]) =>
    names.flatMap((name) => [env[name], env[name.toUpperCase()]]).find(Boolean) ?? '';
  const url = parseUrl(origin);
  const ofScheme = `${url?.protocol.slice(0, -1)}_proxy`;
  if (url === undefined || !setting(...npms(ofScheme, 'proxy'), ofScheme, 'all_proxy')) return false;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const exempt = setting(...npms('no_proxy'), 'no_proxy').toLowerCase();
  if (exempt === '*') return false;
  return !exempt.split(/[,\s]+/).some((entry) => {
    const [, name = '', at = port] = /^(.+?)(?::(\d+))?$/.exec(entry) ?? [];
    if (name === '' || at !== port) return false;
    return /^[.*]/.test(name) ? url.hostname.endsWith(name.replace(/^\*/, '')) : url.hostname === name;
  });
}
