import type { AxiosHeaders, InternalAxiosRequestConfig } from 'axios';

/** Marks a config that the library made for an attempt, so that the caller gets its own back. */
const OURS: unique symbol = Symbol('axios-payu-auth.attempt');

export type Changes = {
  [K in keyof InternalAxiosRequestConfig]?: InternalAxiosRequestConfig[K] | undefined;
};

/** A copy of the config, for an attempt that needs one of its own. */
export function asOurs(config: InternalAxiosRequestConfig, changes: Changes): InternalAxiosRequestConfig {
  return Object.assign(copyConfig(config, changes), { [OURS]: true });
}

/** A copy with the same prototype: axios keeps none under a config, against polluted ones. */
export function copyConfig(config: InternalAxiosRequestConfig, changes: Changes): InternalAxiosRequestConfig {
  return Object.assign(Object.create(Object.getPrototypeOf(config)), config, changes);
}

export function isOurs(config: object): boolean {
  return OURS in config;
}

/** The adapter writes into the headers it is given (User-Agent, Content-Length, a boundary): each attempt gets its own. */
export function copyHeaders(headers: AxiosHeaders): AxiosHeaders {
  // Ten times cheaper than the constructor, which would parse each of them; and the class of the caller's own axios.
  const Headers = headers.constructor as new () => AxiosHeaders;
  return Object.assign(new Headers(), headers);
}

/** Removes a header, however it is spelt. */
export function deleteHeader(headers: object | undefined, name: string): void {
  for (const key of Object.keys(headers ?? {})) {
    if (key.toLowerCase() === name.toLowerCase()) delete (headers as Record<string, unknown>)[key];
  }
}
