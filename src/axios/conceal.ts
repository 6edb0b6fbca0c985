import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { isNodeStream } from './bodies/response-body.ts';

/**
 * Hides the request of a response. Also for calls that went without a token: by its agent, their request leads to the
 * sockets of all other calls (G2).
 */
export function concealRequest(received: AxiosResponse, adapterIsUsers: boolean): AxiosResponse {
  const response = adapterIsUsers ? received : withHiddenRequest(received);
  // Axios puts this response into errors of its own: a transformResponse that throws, a JSON text that is none.
  hideWire(response);
  return response;
}

/**
 * The same for agents: those of the caller's stand in its config, the global ones in each request of the process, and
 * they keep sockets with all that was sent on them.
 */
export function concealSockets({
  httpAgent,
  httpsAgent,
}: Pick<InternalAxiosRequestConfig, 'httpAgent' | 'httpsAgent'>): void {
  for (const agent of [httpAgent, httpsAgent]) {
    if (typeof agent !== 'object' || agent === null) continue;
    for (const property of ['sockets', 'freeSockets', 'requests']) hide(agent, property);
  }
}

/** Cheaper than to hide a property that is there. Nobody else holds a response of axios' own adapters. */
function withHiddenRequest({ request, ...rest }: AxiosResponse): AxiosResponse {
  return Object.defineProperty(rest as AxiosResponse, 'request', {
    value: request,
    writable: true,
    configurable: true,
  });
}

/** What of a response leads to its socket: `request`, and the properties of Node's streams of HTTP/1 and HTTP/2. */
export function hideWire(response: AxiosResponse): void {
  hide(response, 'request');
  const { data } = response;
  if (!isNodeStream(data)) return;
  for (const property of ['socket', 'client', 'req']) hide(data, property);
  // One of HTTP/2 is its request as well, with the sent headers, and a session with those of other calls.
  if ('sentHeaders' in data) for (const symbol of Object.getOwnPropertySymbols(data)) hide(data, symbol);
}

/** Sockets and their buffers hold the header as it went over the wire: there for who asks, not for who prints. */
export function hide(holder: object, property: PropertyKey): void {
  // Looked at first: asking for descriptors would double what the library costs a call over an adapter without any.
  if ((holder as Readonly<Record<PropertyKey, unknown>>)[property] === undefined) return;
  if (Object.prototype.propertyIsEnumerable.call(holder, property)) {
    Reflect.defineProperty(holder, property, NOT_ENUMERABLE);
  }
}

const NOT_ENUMERABLE: PropertyDescriptor = { enumerable: false };
