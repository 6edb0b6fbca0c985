import type { Readable } from 'node:stream';
import type { AxiosResponse } from 'axios';
import { isRecord, parseUntrustedJson } from '../../json.ts';
import type { WaitBounds } from '../cancellation.ts';
import { asNodeStream, asWebStream, nodeSource, webSource } from './byte-source.ts';
import { likeMessage, ReadAhead } from './read-ahead.ts';

/** The most that is looked at of a response's body. */
export const MOST_PEEKED_BYTES: number = 64 * 1024;

/**
 * The body as a JSON value; undefined if it is no JSON, too large or too slow. It works with every `responseType`: what
 * was read of a stream is put back, so the caller gets the whole response.
 */
export async function peekJson(response: AxiosResponse, bounds: WaitBounds): Promise<unknown> {
  const text = await peekText(response, bounds);
  return typeof text === 'string' ? parseUntrustedJson(text) : text;
}

/** The body as text. A body that the adapter has parsed already stays as it is. */
async function peekText(response: AxiosResponse, bounds: WaitBounds): Promise<unknown> {
  const { data } = response;
  if (typeof data === 'string') return data.length <= MOST_PEEKED_BYTES ? data : undefined;
  if (isBytes(data)) return data.byteLength <= MOST_PEEKED_BYTES ? new TextDecoder().decode(data) : undefined;
  if (isBlob(data)) return data.size <= MOST_PEEKED_BYTES ? data.text() : undefined;
  if (!isNodeStream(data) && !isWebStream(data)) return isRecord(data) ? data : undefined;
  const isWeb = isWebStream(data);
  const ahead = new ReadAhead(isWeb ? webSource(data) : nodeSource(data));
  const bytes = await ahead.readAll(MOST_PEEKED_BYTES, bounds);
  response.data = isWeb ? asWebStream(ahead) : likeMessage(asNodeStream(ahead), data);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** Gives up a response that nobody will read, so that its connection is free again (D7). */
export function discardBody(response: AxiosResponse): void {
  const { data } = response;
  if (isNodeStream(data)) {
    // Nobody listens to a stream that was given up, and an error would end the process.
    data.on('error', () => {});
    data.destroy();
  } else if (isWebStream(data)) {
    if (!data.locked) data.cancel().catch(() => {});
  }
}

export function isNodeStream(data: unknown): data is Readable {
  return isRecord(data) && typeof data.pipe === 'function' && typeof data.on === 'function';
}

export function isWebStream(data: unknown): data is ReadableStream<Uint8Array> {
  return isRecord(data) && typeof data.getReader === 'function' && typeof data.cancel === 'function';
}

export function isBytes(data: unknown): data is ArrayBuffer | Uint8Array<ArrayBuffer> {
  return ArrayBuffer.isView(data) || tagOf(data) === '[object ArrayBuffer]';
}

export function isBlob(data: unknown): data is Blob {
  return tagOf(data) === '[object Blob]' || tagOf(data) === '[object File]';
}

/** A test runner has the same class in several realms. */
export function tagOf(data: unknown): string {
  return Object.prototype.toString.call(data);
}
