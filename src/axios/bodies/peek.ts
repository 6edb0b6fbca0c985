import { finished, type Readable } from 'node:stream';
import type { AxiosError, AxiosResponse } from 'axios';
import { isRecord, parseUntrustedJson } from '../../json.ts';
import { inTime, type WaitBounds } from '../cancellation.ts';
import { copyOf } from './copied-stream.ts';
import { discardBody, isBlob, isBytes, isNodeStream, isWebStream } from './response-body.ts';

/** The most that is looked at of an API's response. */
export const MOST_PEEKED_BYTES: number = 64 * 1024;

/** What broke off while it was read ahead. Nobody knows what it would have said (D8). */
export const BROKEN_OFF: unique symbol = Symbol('axios-payu-auth.broken-off');

/** Whether a body ended for want of its connection, and not by a limit of the caller's, or as it can't be decompressed. */
export function isLostConnection(error: unknown): boolean {
  const { isAxiosError, code, cause } = Object(error) as Partial<AxiosError>;
  return (
    !isAxiosError && !/^(?:Z_|ZSTD_|ERR__ERROR)/.test(code ?? (cause as Partial<AxiosError>)?.code ?? '')
  );
}

/**
 * The body as a JSON value; undefined if it is no JSON, too large or too slow. It works with every `responseType`: of a
 * stream that was looked into, the caller gets another one with the same bytes.
 */
export async function peekJson(response: AxiosResponse, bounds: WaitBounds): Promise<unknown> {
  const text = await peekText(response, MOST_PEEKED_BYTES, bounds);
  if (typeof text !== 'string') return text;
  // Where its connection ends, a body of HTTP/2 ends as if it were whole (D8). Only the stream's code tells.
  return Object(response.request).rstCode > 0 ? BROKEN_OFF : parseUntrustedJson(text);
}

/** The body as text; undefined if it is too large or slow. A body that the adapter has parsed already stays as it is. */
export async function peekText(
  response: AxiosResponse,
  mostBytes: number,
  bounds: WaitBounds,
): Promise<unknown> {
  const { data } = response;
  if (typeof data === 'string') return data.length <= mostBytes ? data : undefined;
  if (isBytes(data)) return data.byteLength <= mostBytes ? new TextDecoder().decode(data) : undefined;
  if (isBlob(data)) return data.size <= mostBytes ? data.text?.().catch(() => undefined) : undefined;
  if (!isNodeStream(data) && !isWebStream(data)) return isRecord(data) ? data : undefined;
  const bytes = await readAhead(response, data, mostBytes, bounds);
  return Buffer.isBuffer(bytes) ? new TextDecoder().decode(bytes) : bytes;
}

/** The whole of a stream; undefined if it is too large or slow. Whoever reads it all will hear of its breaking as well. */
async function readAhead(
  response: AxiosResponse,
  data: Readable | ReadableStream<Uint8Array>,
  mostBytes: number,
  bounds: WaitBounds,
): Promise<Buffer | typeof BROKEN_OFF | undefined> {
  const chunks: Buffer[] = [];
  let leftBytes = mostBytes;
  let stop = () => {};
  const reading = new Promise<boolean>((resolve, reject) => {
    const take = (chunk: Uint8Array) => {
      const taken = Buffer.from(chunk);
      chunks.push(taken);
      leftBytes -= taken.length;
      if (leftBytes < 0) resolve(false);
    };
    if (isNodeStream(data)) {
      response.data = likeMessage(copyOf(data, chunks), data);
      data.on('data', take);
      finished(data, { writable: false }, (error) => (error == null ? resolve(true) : reject(error)));
      stop = () => {
        data.off('data', take);
        data.pause?.();
      };
    } else {
      const [looked, rest] = data.tee();
      response.data = rest;
      const reader = looked.getReader();
      const read = async () => {
        for (let next = await reader.read(); !next.done; next = await reader.read()) take(next.value);
        resolve(true);
      };
      read().catch(reject);
      stop = () => void reader.cancel().catch(() => {});
    }
  });
  try {
    const isWhole = await inTime(
      reading.catch((error) => isLostConnection(error) && BROKEN_OFF),
      bounds,
    );
    return isWhole === true ? Buffer.concat(chunks) : isWhole || undefined;
  } catch (reason) {
    discardBody(response);
    throw reason;
  } finally {
    stop();
  }
}

/** What a Node response offers besides its bytes. Left out are `socket`, `client` and `req`, which lead to the token. */
const OF_A_MESSAGE = /* @__PURE__ */ [
  'statusCode statusMessage headers headersDistinct rawHeaders trailers trailersDistinct rawTrailers',
  'httpVersion httpVersionMajor httpVersionMinor complete aborted',
].flatMap((names) => names.split(' '));

/** Gives a stream the properties of the message that it replaces, also trailers that come later (E1). */
export function likeMessage(stream: Readable, message: Readable): Readable {
  for (const name of OF_A_MESSAGE) {
    if (!(name in message)) continue;
    Object.defineProperty(stream, name, {
      get: () => (message as unknown as Record<string, unknown>)[name],
      enumerable: true,
      configurable: true,
    });
  }
  return stream;
}
