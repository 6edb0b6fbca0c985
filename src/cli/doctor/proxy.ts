import { isLoopback } from '../../url.ts';
import { type Finding, mend, note } from '../finding.ts';
import type { Surroundings } from '../surroundings.ts';

type Env = Surroundings['env'];

/** The proxy settings in force for this URL, by the rules of axios; values without credentials. */
export function proxyFindings(url: string, env: Env): readonly Finding[] {
  if (!URL.canParse(url)) return [];
  const { protocol, host } = new URL(url);
  const scheme = protocol.slice(0, -1);
  const proxy = setting(env, `${scheme}_proxy`) ?? setting(env, 'all_proxy');
  const exempt = setting(env, 'no_proxy');
  const exemptions = exempt === undefined ? '' : `; ${exempt.name}=${exempt.value}`;
  if (proxy === undefined) {
    return [note('proxy', `none is set for ${scheme}${exemptions}`)];
  }
  const shown = withoutCredentials(proxy.value, scheme);
  if (shown === undefined) {
    return [
      mend(
        'proxy',
        `the value of ${proxy.name} is no address`,
        `set ${proxy.name} to http://HOST:PORT, or unset it`,
      ),
    ];
  }
  const isExempt = exempt !== undefined && isExempted(new URL(url), exempt.value);
  const effect = isExempt ? `${host} is exempt from it` : `requests to ${host} go through it`;
  return [note('proxy', `${proxy.name}=${shown}: ${effect}${exemptions}`)];
}

/** Lower case comes first, and an empty value counts as none. */
function setting(env: Env, name: string): { readonly name: string; readonly value: string } | undefined {
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
