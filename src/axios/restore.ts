import { errorMonitor } from 'node:events';
import type { AxiosError, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { redact } from '../redact.ts';
import { asWebStream, webSource } from './byte-source.ts';
import { isNodeStream, isWebStream } from './response-body.ts';
import { isOurs } from './sent-config.ts';

/** What must be gone from what a caller gets back, and what stands in its place: its own config. */
export interface SentRequest {
  readonly config: InternalAxiosRequestConfig;
  readonly headerValue: string;
  readonly token: string;
  /** The adapter was given as a function; else it is one of axios' own. */
  readonly adapterIsUsers: boolean;
}

/** How far the causes of an error are followed. */
const DEEPEST_CAUSE = 10;

/** Gives a response back as if the token had never been in its config. */
export function restoreResponse(received: AxiosResponse, request: SentRequest): AxiosResponse {
  restoreConfig(received, request);
  const response = request.adapterIsUsers ? received : withHiddenRequest(received);
  // Axios puts this response into errors of its own: a transformResponse that throws, a JSON text that is none.
  hideWire(response);
  // A stream that breaks later does so with an error of axios, which holds all that others hold.
  const { data } = response;
  if (isNodeStream(data)) data.on(errorMonitor, (error) => restoreError(error, request));
  else if (isWebStream(data) && !data.locked && isLimited(request.config))
    response.data = withCleanErrors(data, request);
  return response;
}

/** Without a limit, no error of a web stream is one of axios. */
function isLimited({ maxContentLength = -1 }: InternalAxiosRequestConfig): boolean {
  return maxContentLength > -1;
}

/** A web stream tells nobody of its errors but who reads it. */
function withCleanErrors(
  stream: ReadableStream<Uint8Array>,
  request: SentRequest,
): ReadableStream<Uint8Array> {
  const source = webSource(stream);
  return asWebStream({
    next: () =>
      source.next().catch((error: unknown) => {
        throw restoreError(error, request);
      }),
    stop: source.stop,
  });
}

/**
 * Cleans an error of the adapter: no config with the token, no enumerable `request`, no token in texts, down its
 * causes. On axios up to 1.16 the fetch adapter's error holds the sent config once more in its cause.
 */
export function restoreError(error: unknown, request: SentRequest): unknown {
  const seen = new Set<unknown>();
  const clean = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || seen.has(value) || depth > DEEPEST_CAUSE) return;
    seen.add(value);
    const holder = value as Partial<AxiosError> & { errors?: unknown };
    restoreConfig(holder, request);
    hide(holder, 'request');
    if (holder.response !== undefined && holder.response !== null) {
      restoreConfig(holder.response, request);
      hideWire(holder.response);
    }
    redactTexts(holder, request.token);
    clean(holder.cause, depth + 1);
    if (Array.isArray(holder.errors)) for (const each of holder.errors) clean(each, depth + 1);
  };
  clean(error, 0);
  return error;
}

function restoreConfig(holder: { config?: unknown }, request: SentRequest): void {
  const config = holder.config as InternalAxiosRequestConfig | undefined;
  if (typeof config !== 'object' || config === null || config === request.config) return;
  const isOwn = isOurs(config);
  if (!isOwn && !carriesToken(config.headers, request)) return;
  // Axios may hold on to it.
  if (isOwn) config.headers = request.config.headers;
  unlessFrozen(() => {
    holder.config = isOwn
      ? request.config
      : { ...config, headers: request.config.headers, adapter: request.config.adapter };
  });
}

function carriesToken(headers: unknown, { headerValue }: SentRequest): boolean {
  return typeof headers === 'object' && headers !== null && Object.values(headers).includes(headerValue);
}

/** Cheaper than to hide a property that is there. Nobody else holds a response of axios' own adapters. */
function withHiddenRequest({ request, ...rest }: AxiosResponse): AxiosResponse {
  return Object.defineProperty(rest as AxiosResponse, 'request', {
    value: request,
    writable: true,
    configurable: true,
  });
}

/** What of a response leads to its socket: `request`, and the properties of Node's IncomingMessage. */
function hideWire(response: AxiosResponse): void {
  hide(response, 'request');
  if (!isNodeStream(response.data)) return;
  for (const property of ['socket', 'client', 'req']) hide(response.data, property);
}

/** Sockets and their buffers hold the header as it went over the wire: there for who asks, not for who prints. */
function hide(holder: object, property: string): void {
  // Looked at first: asking for descriptors would double what the library costs a call over an adapter without any.
  if ((holder as Readonly<Record<string, unknown>>)[property] === undefined) return;
  if (Object.prototype.propertyIsEnumerable.call(holder, property)) {
    Reflect.defineProperty(holder, property, NOT_ENUMERABLE);
  }
}

const NOT_ENUMERABLE: PropertyDescriptor = { enumerable: false };

function redactTexts(holder: { message?: unknown; stack?: unknown }, token: string): void {
  for (const name of ['message', 'stack'] as const) {
    const text = holder[name];
    if (typeof text !== 'string' || !text.includes(token)) continue;
    unlessFrozen(() => {
      holder[name] = redact(text, [token]);
    });
  }
}

/** Of a frozen error nothing can be changed; the caller gets it as it is. */
function unlessFrozen(change: () => void): void {
  try {
    change();
  } catch {
    // See above.
  }
}
