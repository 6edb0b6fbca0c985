import { errorMonitor } from 'node:events';
import type { AxiosError, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { redact } from '../redact.ts';
import { asWebStream, webSource } from './bodies/byte-source.ts';
import { isNodeStream, isWebStream } from './bodies/response-body.ts';
import { concealRequest, hide, hideWire } from './conceal.ts';
import { copyConfig, isOurs } from './sent-config.ts';

/** What a caller must not get back (token and header), and what it gets instead: its own config. */
export interface SentRequest {
  readonly config: InternalAxiosRequestConfig;
  readonly headerValue: string;
  readonly token: string;
  /** True if the adapter was given as a function. False for axios' own. */
  readonly adapterIsUsers: boolean;
}

/** How far the causes of an error are followed. */
const DEEPEST_CAUSE = 10;

/** Makes a response look as if the token had never been in its config. */
export function restoreResponse(received: AxiosResponse, request: SentRequest): AxiosResponse {
  restoreConfig(received, request);
  const response = concealRequest(received, request.adapterIsUsers);
  cleanLaterErrors(response, request.config, request);
  return response;
}

/** Cleans the error of a stream that breaks later: axios puts config and request into it. */
export function cleanLaterErrors(
  response: AxiosResponse,
  { maxContentLength = -1 }: InternalAxiosRequestConfig,
  request: SentRequest | undefined,
): void {
  const { data } = response;
  if (isNodeStream(data)) data.on(errorMonitor, (error) => restoreError(error, request));
  // A web stream gets an error of axios only from a limit, and shows it only to its reader.
  if (!isWebStream(data) || data.locked || maxContentLength < 0) return;
  const source = webSource(data);
  const clean = (error: unknown) => {
    throw restoreError(error, request);
  };
  response.data = asWebStream({ next: () => source.next().catch(clean), stop: source.stop });
}

/**
 * Cleans an error of the adapter, and its causes: no config with the token, no enumerable `request`, no token in texts.
 * Up to axios 1.16, the cause of a fetch adapter's error holds the sent config as well.
 *
 * @param request What was sent; undefined if the call went without a token.
 */
export function restoreError(error: unknown, request: SentRequest | undefined): unknown {
  const seen = new Set<unknown>();
  const clean = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || seen.has(value) || depth > DEEPEST_CAUSE) return;
    seen.add(value);
    const holder = value as Partial<AxiosError> & { errors?: unknown };
    // Each by itself: a getter that throws, or a frozen object, must not prevent the other steps.
    for (const step of [
      () => request && restoreConfig(holder, request),
      () => hide(holder, 'request'),
      () => restoreInner(holder, request),
      () => request && redactTexts(holder, request.token),
      () => clean(holder.cause, depth + 1),
      () => {
        if (Array.isArray(holder.errors)) for (const each of holder.errors) clean(each, depth + 1);
      },
    ]) {
      attempt(step);
    }
  };
  clean(error, 0);
  return error;
}

/** The response of an error. */
function restoreInner({ response, config }: Partial<AxiosError>, request: SentRequest | undefined): void {
  if (typeof response !== 'object' || response === null) return;
  if (request !== undefined) restoreConfig(response, request);
  hideWire(response);
  if (config) cleanLaterErrors(response, config, request);
}

function restoreConfig(holder: { config?: unknown }, request: SentRequest): void {
  const config = holder.config as InternalAxiosRequestConfig | undefined;
  if (typeof config !== 'object' || config === null || config === request.config) return;
  const isOwn = isOurs(config);
  if (!isOwn && !carriesToken(config.headers, request)) return;
  // Axios, or a mock, may keep it.
  if (isOwn && carriesToken(config.headers, request)) config.headers = request.config.headers;
  const { headers, adapter, data } = request.config;
  attempt(() => {
    holder.config = isOwn ? request.config : copyConfig(config, { headers, adapter, data });
  });
}

function carriesToken(headers: unknown, { headerValue }: SentRequest): boolean {
  return typeof headers === 'object' && headers !== null && Object.values(headers).includes(headerValue);
}

/** All texts of an error: some of Node.js' have an `input` that was no URL, or a `hostname`. */
function redactTexts(holder: Partial<AxiosError>, token: string): void {
  const texts = holder as Record<string, unknown>;
  let isTold = false;
  const clean = (name: string): void =>
    attempt(() => {
      const text = texts[name];
      const shown = typeof text === 'string' ? redact(text, [token]) : text;
      if (shown === text) return;
      isTold = true;
      texts[name] = shown;
    });
  for (const name of Object.getOwnPropertyNames(holder)) if (name !== 'stack') clean(name);
  // It is long, and repeats the message: encodings are looked for only where the message has one.
  if (isTold || holder.stack?.includes(token)) clean('stack');
}

/** Cleaning an error never throws another one (A8). */
function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // What can't be read or changed stays as it is.
  }
}
