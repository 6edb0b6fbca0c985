import { isLoopback, isPlainLoopback } from '../../url.ts';
import { type Finding, mend, note } from '../finding.ts';
import type { Surroundings } from '../surroundings.ts';

type Env = Surroundings['env'];

/** The proxy that requests to a URL go through. */
export interface ProxyInForce {
  /** The variable that names it. */
  readonly name: string;
  /** Without credentials. */
  readonly address: string;
}

/** By the rules of axios; undefined without a proxy, and for a host that is exempt from it. */
export function proxyInForce(url: string, env: Env): ProxyInForce | undefined {
  // A plain request to this machine takes no proxy from the environment (G5).
  if (!URL.canParse(url) || isPlainLoopback(url)) return undefined;
  const { proxy, address, exempt } = settingsFor(new URL(url), env);
  if (proxy === undefined || address === undefined) return undefined;
  if (exempt !== undefined && isExempted(new URL(url), exempt.value)) return undefined;
  return { name: proxy.name, address };
}

/** The proxy settings for this URL; values without credentials. */
export function proxyFindings(url: string, env: Env): readonly Finding[] {
  if (!URL.canParse(url)) return [];
  const { host } = new URL(url);
  const { scheme, proxy, address, exempt } = settingsFor(new URL(url), env);
  const exemptions = exempt === undefined ? '' : `; ${exempt.name}=${exempt.value}`;
  if (proxy === undefined) {
    return [note('proxy', `none is set for ${scheme}${exemptions}`)];
  }
  if (address === undefined) {
    return [
      mend(
        'proxy',
        `the value of ${proxy.name} is no address`,
        `set ${proxy.name} to http://HOST:PORT, or unset it`,
      ),
    ];
  }
  const isExempt = proxyInForce(url, env) === undefined;
  const effect = isExempt ? `${host} is exempt from it` : `requests to ${host} go through it`;
  return [note('proxy', `${proxy.name}=${address}: ${effect}${exemptions}`)];
}

interface Setting {
  readonly name: string;
  readonly value: string;
}

function settingsFor(
  { protocol }: URL,
  env: Env,
): {
  readonly scheme: string;
  readonly proxy: Setting | undefined;
  readonly address: string | undefined;
  readonly exempt: Setting | undefined;
} {
  const scheme = protocol.slice(0, -1);
  const proxy = setting(env, `${scheme}_proxy`) ?? setting(env, 'all_proxy');
  const address = proxy === undefined ? undefined : withoutCredentials(proxy.value, scheme);
  return { scheme, proxy, address, exempt: setting(env, 'no_proxy') };
}

/** Lower case comes first, and an empty value counts as none. */
function setting(env: Env, name: string): Setting | undefined {
  const found = [name, name.toUpperCase()].find((each) => env[each]);
  return found === undefined ? undefined : { name: found, value: env[found] as string };
}

/** Scheme, host and port of a proxy: the rest may be a user name and a password. */
function withoutCredentials(value: string, scheme: string): string | undefined {
  const url = value.includes('://') ? value : `${scheme}://${value}`;
  if (!URL.canParse(url)) return undefined;
  const { protocol, host } = new URL(url);
  return host === '' ? undefined : `${protocol}//${host}`;
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/**
 * `NO_PROXY`: hosts, `.suffixes` and `*` wildcards, each perhaps with a port; loopback has many names. Networks such as
 * `10.0.0.0/8`, which axios knows too, match no host name: PayU's are names.
 */
export function isExempted({ protocol, host, hostname, port: given }: URL, noProxy: string): boolean {
  const port = given || DEFAULT_PORTS[protocol];
  return noProxy
    .toLowerCase()
    .split(/[,\s]/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === host) return true;
      const { name = '', at } = /^(?<name>.+?)(?::(?<at>\d+))?$/.exec(entry)?.groups ?? {};
      if (at !== undefined && at !== port) return false;
      if (/^[.*]/.test(name)) return hostname.endsWith(name.replace(/^\*/, ''));
      return hostname === name || (isLoopback(hostname) && isLoopback(name));
    });
}
