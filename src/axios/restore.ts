import { errorMonitor } from 'node:events';
import type { AxiosError, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { redact } from '../redact.ts';
import { isNodeStream, isWebStream } from './bodies/response-body.ts';
import { hide, hideWire, withHiddenRequest } from './conceal.ts';
import { copyConfig, isOurs } from './sent-config.ts';

/** What a caller must not get back, and what it gets instead: its own config. */
export interface SentRequest {
  readonly config: InternalAxiosRequestConfig;
  /** Undefined, as the token is, if the call went without one. */
  readonly headerValue: string | undefined;
  readonly token: string | undefined;
  /** True if the adapter was given as a function, as mocks are. False for axios' own. */
  readonly adapterIsUsers: boolean;
}

/** So many errors within one are cleaned. A getter may give another one each time. */
const MOST_ERRORS = 10_000;

/** Makes a response look as if the token had never been in its config. */
export function restoreResponse(received: AxiosResponse, request: SentRequest): AxiosResponse {
  const response = request.adapterIsUsers ? received : withHiddenRequest(received);
  restoreInPlace(response, request);
  return response;
}

/** Axios puts this response into later errors: a transformResponse that throws, a body that is no JSON. */
function restoreInPlace(response: AxiosResponse, request: SentRequest): void {
  restoreConfig(response, request);
  hideWire(response);
  cleanLaterErrors(response, request);
}

/** Cleans the error of a stream that breaks later: axios puts config and request into it. */
function cleanLaterErrors(response: AxiosResponse, request: SentRequest): void {
  const { data } = response;
  const { maxContentLength = -1 } = request.config;
  if (isNodeStream(data)) data.on(errorMonitor, (error) => restoreError(error, request));
  // A web stream gets an error of axios only from a limit, and shows it only to its reader.
  if (!isWebStream(data) || maxContentLength < 0) return;
  const reader = data.getReader();
  const pull = async (controller: ReadableStreamDefaultController) => {
    const { done, value } = await reader.read().catch((error) => {
      throw restoreError(error, request);
    });
    if (done) controller.close();
    else controller.enqueue(value);
  };
  // Nothing is read before it is asked for.
  response.data = new ReadableStream(
    { pull, cancel: (reason) => reader.cancel(reason) },
    { highWaterMark: 0 },
  );
}

/**
 * Cleans an error of the adapter, and its causes: no config with the token, no enumerable `request`, no token in texts.
 * Up to axios 1.16, the cause of a fetch adapter's error holds the sent config as well.
 */
export function restoreError(error: unknown, request: SentRequest): unknown {
  // What is added to a set while it is walked comes last.
  const all = new Set([error]);
  for (const each of all) {
    if (all.size > MOST_ERRORS) break;
    if (typeof each !== 'object' || each === null) continue;
    const holder = each as Partial<AxiosError> & { errors?: unknown };
    // Each by itself: a getter that throws, or a frozen object, must not prevent the other steps.
    attempt(() => restoreConfig(holder, request));
    attempt(() => hide(holder, 'request'));
    attempt(() => holder.response && restoreInPlace(holder.response, request));
    attempt(() => redactTexts(holder, request.token));
    attempt(() => all.add(holder.cause));
    attempt(() => Array.isArray(holder.errors) && holder.errors.forEach(all.add, all));
  }
  return error;
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
  if (headerValue === undefined || typeof headers !== 'object' || headers === null) return false;
  return Object.values(headers).includes(headerValue);
}

/** All texts of an error: some of Node.js' have an `input` that was no URL, or a `rawPacket` that was no answer. */
function redactTexts(holder: Partial<AxiosError>, token: string | undefined): void {
  if (token === undefined) return;
  const texts = holder as Record<string, unknown>;
  let isTold = false;
  const clean = (name: string): void =>
    attempt(() => {
      const text = texts[name];
      const shown = withoutToken(text, token);
      if (shown === text) return;
      isTold = true;
      texts[name] = shown;
    });
  for (const name of Object.getOwnPropertyNames(holder)) if (name !== 'stack') clean(name);
  // It is long, and repeats the message: encodings are looked for only where the message has one.
  if (isTold || holder.stack?.includes(token)) clean('stack');
}

function withoutToken(value: unknown, token: string): unknown {
  if (typeof value === 'string') return redact(value, [token]);
  if (!Buffer.isBuffer(value)) return value;
  const text = value.toString('latin1');
  const shown = redact(text, [token]);
  return shown === text ? value : Buffer.from(shown, 'latin1');
}

/** Cleaning an error never throws another one (A8). */
function attempt(step: () => unknown): void {
  try {
    step();
  } catch {
    // What can't be read or changed stays as it is.
  }
}
