import type { Readable } from 'node:stream';
import type { AxiosError } from 'axios';
import { inTime, type WaitBounds } from '../cancellation.ts';
import type { ByteSource } from './byte-source.ts';

/** What broke off while it was read ahead. Nobody knows what it would have said (D8). */
export const BROKEN_OFF: unique symbol = Symbol('axios-payu-auth.broken-off');

/** Whether a body ended for want of its connection, and not by a limit of the caller's, or as it can't be decompressed. */
export function isLostConnection(error: unknown): boolean {
  const { isAxiosError, code, cause } = Object(error) as Partial<AxiosError>;
  return (
    !isAxiosError && !/^(?:Z_|ZSTD_|ERR__ERROR)/.test(code ?? (cause as Partial<AxiosError>)?.code ?? '')
  );
}

/** A source whose beginning was read, and that can be read once more from the beginning. */
export class ReadAhead implements ByteSource {
  readonly #chunks: Uint8Array[] = [];
  readonly #source: ByteSource;
  #isEnough = false;
  /** Whether the source has come to its end. */
  #reading: Promise<boolean> = Promise.resolve(false);

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** The whole; undefined if it is too large or slow. Whoever reads it all will hear of its breaking as well. */
  async readAll(mostBytes: number, bounds: WaitBounds): Promise<Buffer | typeof BROKEN_OFF | undefined> {
    this.#reading = this.#readWhileWanted(mostBytes);
    try {
      const lost = (error: unknown) => isLostConnection(error) && BROKEN_OFF;
      const isWhole = await inTime(this.#reading.catch(lost), bounds);
      return isWhole === true ? Buffer.concat(this.#chunks) : isWhole || undefined;
    } catch (reason) {
      this.stop();
      throw reason;
    } finally {
      this.#isEnough = true;
    }
  }

  /** What was read, then the rest. */
  async next(): Promise<Uint8Array | undefined> {
    // A read that was under way at the deadline comes first, or its failure.
    const isAtEnd = this.#chunks.length === 0 && (await this.#reading);
    return this.#chunks.shift() ?? (isAtEnd ? undefined : this.#source.next());
  }

  stop(error?: Error): void {
    this.#source.stop(error);
  }

  async #readWhileWanted(mostBytes: number): Promise<boolean> {
    let bytes = 0;
    while (bytes <= mostBytes && !this.#isEnough) {
      const chunk = await this.#source.next();
      if (chunk === undefined) return true;
      this.#chunks.push(chunk);
      bytes += chunk.byteLength;
    }
    return false;
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
