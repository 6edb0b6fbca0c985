import type { AxiosRequestConfig, AxiosResponse } from 'axios';
import { isNodeStream } from './bodies/response-body.ts';

/**
 * Hides the lists of agents, and of a dispatcher of undici's: they keep what was sent, or is under way. The caller's stand in
 * its config, and Node's global agents in each request of the process.
 */
export function concealSockets({ httpAgent, httpsAgent, fetchOptions }: AxiosRequestConfig): void {
  const fetchedBy = Object(fetchOptions) as { readonly agent?: unknown; readonly dispatcher?: unknown };
  for (const agent of [httpAgent, httpsAgent, fetchedBy.agent]) {
    for (const property of ['sockets', 'freeSockets', 'requests']) hide(Object(agent), property);
  }
  hideSymbols(Object(fetchedBy.dispatcher));
}

/** A copy, which is cheaper than to hide a property. Nobody else holds a response of axios' own adapters. */
export function withHiddenRequest({ request, ...rest }: AxiosResponse): AxiosResponse {
  return Object.defineProperty(rest as AxiosResponse, 'request', {
    value: request,
    writable: true,
    configurable: true,
  });
}

/**
 * Hides what leads to the socket: `request`, and some properties of Node's streams for HTTP/1 and HTTP/2. Calls without a
 * token need it as well: their request leads to its agent, and the agent to the sockets of all other calls (G2).
 */
export function hideWire(response: AxiosResponse): void {
  hide(response, 'request');
  const { data } = response;
  if (!isNodeStream(data)) return;
  for (const property of ['socket', 'client', 'req']) hide(data, property);
  // A stream for HTTP/2 is also its own request: it holds the sent headers, and a session with those of other calls.
  if ('sentHeaders' in data) hideSymbols(data);
}

function hideSymbols(holder: object): void {
  for (const symbol of Object.getOwnPropertySymbols(holder)) hide(holder, symbol);
}

/** Makes a property not enumerable: code can still read it by name, but nothing prints or serialises it. */
export function hide(holder: object, property: PropertyKey): void {
  // Most holders lack the property, and a plain read costs less than a descriptor.
  if ((holder as Readonly<Record<PropertyKey, unknown>>)[property] === undefined) return;
  const own = Object.getOwnPropertyDescriptor(holder, property);
  if (!own?.enumerable) return;
  // To change three properties of a stream in place costs 4 µs: V8 builds a new shape for each. This way costs 2 µs.
  if (Object.isExtensible(holder)) Reflect.deleteProperty(holder, property);
  Reflect.defineProperty(holder, property, { ...own, enumerable: false });
}
