import type { Readable } from 'node:stream';
import type { Clock } from '../../time/clock.ts';
import { anyOf, type Cancellation, Ending, NEVER, sleep, unlessCancelled } from '../../time/wait.ts';
import { asNodeStream, asWebStream, type ByteSource, nodeSource, webSource } from './byte-source.ts';

/** What limits the look at a body. */
export interface PeekLimit {
  readonly clock: Clock;
  /** After this long the caller gets the body as it is. */
  readonly limitMs: number;
  /** The caller's. It ends the look with its reason, and gives the body up. */
  readonly cancellation?: Cancellation | undefined;
  /** Comes when the auth is closed. The caller gets the body as it is, as it was received already. */
  readonly closed?: Ending | undefined;
}

/** The beginning of a stream, and the stream as it was. */
export interface Peeked {
  /** The whole body; undefined if it was too large or too slow, or failed. */
  readonly bytes: Uint8Array | undefined;
  /** Replaces the stream. To destroy it destroys the stream. */
  readonly whole: Readable | ReadableStream<Uint8Array>;
}

/** Reads ahead in a stream. Returns another stream of the same kind, with the same bytes. */
export async function peekStream(
  stream: Readable | ReadableStream<Uint8Array>,
  mostBytes: number,
  limit: PeekLimit,
): Promise<Peeked> {
  const source = 'getReader' in stream ? webSource(stream) : nodeSource(stream);
  const ahead = new ReadAhead(source);
  const isWhole = await ahead.readSome(mostBytes, limit);
  const bytes = isWhole ? Buffer.concat(ahead.chunks) : undefined;
  return {
    bytes,
    whole: 'getReader' in stream ? asWebStream(ahead) : likeMessage(asNodeStream(ahead), stream),
  };
}

/** A source whose beginning was read, and that can be read once more from the beginning. */
export class ReadAhead implements ByteSource {
  readonly chunks: Uint8Array[] = [];
  readonly #source: ByteSource;
  #isEnough = false;
  /** Whether the source has come to its end. */
  #reading: Promise<boolean> = Promise.resolve(false);

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Reads until the end or a limit. True at the end. A failure of the source is kept for whoever reads it all. */
  async readSome(mostBytes: number, limit: PeekLimit): Promise<boolean> {
    const { clock, limitMs, cancellation = NEVER, closed = NEVER } = limit;
    this.#reading = this.#readWhileWanted(mostBytes);
    const isOver = new Ending(() => new Error('over'));
    const enough = sleep(clock, limitMs, anyOf([closed, isOver]), 'ref');
    const whole = Promise.race([this.#reading, enough.then(() => false)]).catch(() => false);
    try {
      return await unlessCancelled(whole, cancellation);
    } catch (reason) {
      this.stop();
      throw reason;
    } finally {
      isOver.come();
      this.#isEnough = true;
    }
  }

  /** What was read, then the rest. */
  async next(): Promise<Uint8Array | undefined> {
    // A read that was under way at the deadline comes first, or its failure.
    const isAtEnd = this.chunks.length === 0 && (await this.#reading);
    return this.chunks.shift() ?? (isAtEnd ? undefined : this.#source.next());
  }

  stop(): void {
    this.#source.stop();
  }

  async #readWhileWanted(mostBytes: number): Promise<boolean> {
    let bytes = 0;
    while (bytes <= mostBytes && !this.#isEnough) {
      const chunk = await this.#source.next();
      if (chunk === undefined) return true;
      this.chunks.push(chunk);
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
function likeMessage(stream: Readable, message: Readable): Readable {
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
