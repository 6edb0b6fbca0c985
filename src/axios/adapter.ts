import axios, { type AxiosAdapter, getAdapter, type InternalAxiosRequestConfig } from 'axios';

type AdapterOption = InternalAxiosRequestConfig['adapter'];

/** Its second argument makes `env.fetch` count. Axios has types for it since 1.21. */
const resolve = getAdapter as (adapter: AdapterOption, config: InternalAxiosRequestConfig) => AxiosAdapter;

/** The adapter that axios would call for this config (A3). */
export function resolveAdapter(adapter: AdapterOption, config: InternalAxiosRequestConfig): AxiosAdapter {
  if (typeof adapter === 'function') return adapter;
  return resolve(adapter || axios.defaults.adapter, config);
}

/** Whether this adapter was given as a function, alone or in a list. Adapters that are given by name are axios' own. */
export function isUsers(adapter: AxiosAdapter, { adapter: given }: InternalAxiosRequestConfig): boolean {
  return given === adapter || (Array.isArray(given) && given.includes(adapter));
}

/** An adapter of axios' own; undefined in a bundle or a runtime without it. There is a fetch adapter for each `env.fetch`. */
export function ownAdapter(
  name: 'http' | 'fetch',
  config = {} as InternalAxiosRequestConfig,
): AxiosAdapter | undefined {
  try {
    return resolve(name, config);
  } catch {
    return undefined;
  }
}

/** Whether the installed axios is 1.`minor`.`patch` or later. A mock of axios has no version, and counts as later. */
export function isAxiosSince(minor: number, patch: number): boolean {
  const parts = (axios.VERSION ?? '2').split('.').map((part) => Number.parseInt(part, 10));
  const [major = 0, installed = 0, installedPatch = 0] = parts;
  if (major !== 1) return major > 1;
  return installed > minor || (installed === minor && installedPatch >= patch);
}
