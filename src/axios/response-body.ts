import { Readable } from 'node:stream';
import type { AxiosResponse } from 'axios';
import type { Clock } from '../backoff/clock.ts';
import { isRecord, parseUntrustedJson } from '../json.ts';

/** The most that is looked at of a response's body. */
export const MOST_PEEKED_BYTES: number = 64 * 1024;
/** How long a streamed body may take to be looked at; then it goes to the caller as it is. */
const PEEK_LIMIT_MS = 5_000;

/**
 * The body as a JSON value, or undefined where it is none, or too large or too slow to tell. Whatever `responseType`:
 * what was read of a stream is put back, so that the caller sees the response whole.
 */
export async function peekJson(response: AxiosResponse, clock: Clock): Promise<unknown> {
  const text = await peekText(response, clock);
  return typeof text === 'string' ? parseUntrustedJson(text) : text;
}

/** The body as text; as it is where an adapter parsed it already. */
async function peekText(response: AxiosResponse, clock: Clock): Promise<unknown> {
  const { data } = response;
  if (typeof data === 'string') return data.length <= MOST_PEEKED_BYTES ? data : undefined;
  if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) {
    return data.byteLength <= MOST_PEEKED_BYTES ? new TextDecoder().decode(data as ArrayBuffer) : undefined;
  }
  if (data instanceof Blob) return data.size <= MOST_PEEKED_BYTES ? data.text() : undefined;
  if (isNodeStream(data) || isWebStream(data)) {
    const bytes = await peekStream(response, clock);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }
  return isRecord(data) ? data : undefined;
}

/** Lets go of a response that nobody will read, so that its connection is free again (D7). */
export function discardBody(response: AxiosResponse): void {
  const { data } = response;
  if (isNodeStream(data)) {
    // Errors of a stream that was given up concern nobody.
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

/** Reads ahead in a stream and puts a new one in its place. Resolves with all of it, or undefined where there is more. */
async function peekStream(response: AxiosResponse, clock: Clock): Promise<Uint8Array | undefined> {
  const stream = response.data as Readable | ReadableStream<Uint8Array>;
  const ahead = new ReadAhead(stream[Symbol.asyncIterator]());
  const isWhole = await ahead.readSome(clock);
  const whole = Readable.from(ahead.all(), { objectMode: false });
  response.data = isNodeStream(stream) ? whole : Readable.toWeb(whole);
  return isWhole ? Buffer.concat(ahead.chunks) : undefined;
}

/** A stream of which the beginning was read, and which can be read again from the beginning, once. */
class ReadAhead {
  readonly chunks: Uint8Array[] = [];
  readonly #source: AsyncIterator<Uint8Array | string>;
  #isEnough = false;
  /** Whether the source came to its end. */
  #reading: Promise<boolean> = Promise.resolve(false);

  constructor(source: AsyncIterator<Uint8Array | string>) {
    this.#source = source;
  }

  /** Reads until the end, the limit or the deadline. A source that fails is told to who reads it all, not here. */
  async readSome(clock: Clock): Promise<boolean> {
    this.#reading = this.#readWhileWanted();
    let cancelTimer = () => {};
    const tooSlow = new Promise<boolean>((resolve) => {
      cancelTimer = clock.timer(PEEK_LIMIT_MS, () => resolve(false), 'awaited');
    });
    const isWhole = await Promise.race([this.#reading.catch(() => false), tooSlow]);
    cancelTimer();
    this.#isEnough = true;
    return isWhole;
  }

  /** What was read, then the rest. Who stops early gives up the source as well. */
  async *all(): AsyncGenerator<Uint8Array> {
    let isAtEnd = false;
    try {
      let index = 0;
      for (; index < this.chunks.length; index++) yield this.chunks[index] as Uint8Array;
      isAtEnd = await this.#reading;
      // The read that was under way at the deadline has come in meanwhile.
      for (; index < this.chunks.length; index++) yield this.chunks[index] as Uint8Array;
      while (!isAtEnd) {
        const chunk = await this.#readOne();
        if (chunk === undefined) isAtEnd = true;
        else yield chunk;
      }
    } finally {
      if (!isAtEnd) await this.#source.return?.();
    }
  }

  async #readWhileWanted(): Promise<boolean> {
    let bytes = 0;
    while (bytes <= MOST_PEEKED_BYTES && !this.#isEnough) {
      const chunk = await this.#readOne();
      if (chunk === undefined) return true;
      this.chunks.push(chunk);
      bytes += chunk.byteLength;
    }
    return false;
  }

  async #readOne(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#source.next();
    if (done) return undefined;
    return typeof value === 'string' ? Buffer.from(value) : value;
  }
}
