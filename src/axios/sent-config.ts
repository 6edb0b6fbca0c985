import type { AxiosHeaders, InternalAxiosRequestConfig } from 'axios';

/** Marks a config that the library has made for an attempt. The caller gets its own back instead. */
const OURS: unique symbol = Symbol('axios-payu-auth.attempt');

export type Changes = {
  [K in keyof InternalAxiosRequestConfig]?: InternalAxiosRequestConfig[K] | undefined;
};

/** A marked copy of the config, for one attempt. */
export function asOurs(config: InternalAxiosRequestConfig, changes: Changes): InternalAxiosRequestConfig {
  return Object.assign(copyConfig(config, changes), { [OURS]: true });
}

/** A copy with the same prototype. Axios gives a config none, against a polluted one, but a hidden `hasOwnProperty`. */
export function copyConfig(config: InternalAxiosRequestConfig, changes: Changes): InternalAxiosRequestConfig {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(config)), config, changes);
  const asking = Object.getOwnPropertyDescriptor(config, 'hasOwnProperty');
  return asking === undefined ? copy : Object.defineProperty(copy, 'hasOwnProperty', asking);
}

export function isOurs(config: object): boolean {
  return OURS in config;
}

/** A copy for one attempt. The adapter writes into its headers: User-Agent, Content-Length, a boundary. */
export function copyHeaders(headers: AxiosHeaders): AxiosHeaders {
  // The constructor would parse each header, which costs ten times as much. The class is that of the caller's axios.
  const Headers = headers.constructor as new () => AxiosHeaders;
  return Object.assign(new Headers(), headers);
}

/** The names by which headers of any kind hold this one, in upper or lower case. */
export function namesOf(headers: object | null | undefined, name: string): readonly string[] {
  const lower = name.toLowerCase();
  return Object.keys(headers ?? {}).filter(
    (key) => key.length === name.length && key.toLowerCase() === lower,
  );
}

export function deleteHeader(headers: object | undefined, name: string): void {
  for (const key of namesOf(headers, name)) delete (headers as Record<string, unknown>)[key];
}
