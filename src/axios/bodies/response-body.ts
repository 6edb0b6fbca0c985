import type { Readable } from 'node:stream';
import type { AxiosResponse } from 'axios';
import { isRecord, parseUntrustedJson } from '../../json.ts';
import type { WaitBounds } from '../cancellation.ts';
import { asNodeStream, asWebStream, type ByteSource, nodeSource, webSource } from './byte-source.ts';
import { BROKEN_OFF, likeMessage, ReadAhead } from './read-ahead.ts';

/** The most that is looked at of a response's body. */
export const MOST_PEEKED_BYTES: number = 64 * 1024;

/**
 * The body as a JSON value; undefined if it is no JSON, too large or too slow. It works with every `responseType`: what
 * was read of a stream is put back, so the caller gets the whole response.
 */
export async function peekJson(response: AxiosResponse, bounds: WaitBounds): Promise<unknown> {
  const text = await peekText(response, bounds);
  if (typeof text !== 'string') return text;
  // Where its connection ends, a body of HTTP/2 ends as if it were whole (D8). Only the stream's code tells.
  return Object(response.request).rstCode > 0 ? BROKEN_OFF : parseUntrustedJson(text);
}

/** The body as text. A body that the adapter has parsed already stays as it is. */
async function peekText(response: AxiosResponse, bounds: WaitBounds): Promise<unknown> {
  const { data } = response;
  if (typeof data === 'string') return data.length <= MOST_PEEKED_BYTES ? data : undefined;
  if (isBytes(data)) return data.byteLength <= MOST_PEEKED_BYTES ? new TextDecoder().decode(data) : undefined;
  if (isBlob(data)) return data.size <= MOST_PEEKED_BYTES ? data.text() : undefined;
  const source = sourceOf(data);
  if (source === undefined) return isRecord(data) ? data : undefined;
  const ahead = new ReadAhead(source);
  const bytes = await ahead.readAll(MOST_PEEKED_BYTES, bounds);
  response.data = isNodeStream(data) ? likeMessage(asNodeStream(ahead), data) : asWebStream(ahead);
  return Buffer.isBuffer(bytes) ? new TextDecoder().decode(bytes) : bytes;
}

/** Gives up a response that nobody will read, so that its connection is free again (D7). */
export function discardBody(response: AxiosResponse): void {
  sourceOf(response.data)?.stop();
}

/** The chunks of a streamed body; undefined for any other body, and for a stream that has a reader. */
export function sourceOf(data: unknown): ByteSource | undefined {
  if (isNodeStream(data)) return nodeSource(data);
  return isWebStream(data) && !data.locked ? webSource(data) : undefined;
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
