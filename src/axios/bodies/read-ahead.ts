import type { Readable } from 'node:stream';
import type { Clock } from '../../time/clock.ts';
import { type Cancellation, type Ending, NEVER, unlessCancelled } from '../../time/wait.ts';
import { asNodeStream, asWebStream, type ByteSource, nodeSource, webSource } from './byte-source.ts';

/** What ends the look at a body early. */
export interface PeekLimit {
  readonly clock: Clock;
  /** Then it goes on as it is. */
  readonly limitMs: number;
  /** The caller's: rejects with its reason, and gives the body up. */
  readonly cancellation?: Cancellation | undefined;
  /** The auth was closed: what was received still belongs to the caller, so the body goes on as it is. */
  readonly closed?: Ending | undefined;
}

/** The beginning of a stream, and the stream as it was. */
export interface Peeked {
  /** All of it; undefined where it was larger or slower than we look, or failed. */
  readonly bytes: Uint8Array | undefined;
  /** To be read in place of the stream. Giving it up gives the stream up. */
  readonly whole: Readable | ReadableStream<Uint8Array>;
}

/** Reads ahead in a stream, of the kind of which it returns another with the same bytes. */
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

/** A source of which the beginning was read, and which can be read again from the beginning, once. */
export class ReadAhead implements ByteSource {
  readonly chunks: Uint8Array[] = [];
  readonly #source: ByteSource;
  #isEnough = false;
  /** Whether the source has come to its end. */
  #reading: Promise<boolean> = Promise.resolve(false);

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Reads until the end, the limit or the deadline. A source that fails is told to who reads it all, not here. */
  async readSome(mostBytes: number, limit: PeekLimit): Promise<boolean> {
    this.#reading = this.#readWhileWanted(mostBytes);
    const reading = this.#reading.catch(() => false);
    const { promise: enough, settle } = deadline(limit);
    try {
      return await unlessCancelled(Promise.race([reading, enough]), limit.cancellation ?? NEVER);
    } catch (reason) {
      this.stop();
      throw reason;
    } finally {
      settle();
      this.#isEnough = true;
    }
  }

  /** What was read, then the rest. */
  async next(): Promise<Uint8Array | undefined> {
    // A read that was under way at the deadline comes first, and so does what it failed with.
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

/** Resolves, with false, when there was enough time; to be settled in any case. */
function deadline({ clock, limitMs, closed }: PeekLimit): { promise: Promise<boolean>; settle: () => void } {
  let settle = () => {};
  const promise = new Promise<boolean>((resolve) => {
    const cancelTimer = clock.timer(limitMs, () => settle(), 'ref');
    const unsubscribe = closed === undefined ? () => {} : closed.subscribe(() => settle());
    settle = () => {
      cancelTimer();
      unsubscribe();
      resolve(false);
    };
  });
  if (closed?.hasCome) settle();
  return { promise, settle };
}

/** What a Node response offers to its reader besides the bytes; `socket`, `client` and `req` lead to the token. */
const OF_A_MESSAGE = [
  ...[
    'statusCode',
    'statusMessage',
    'headers',
    'headersDistinct',
    'rawHeaders',
    'trailers',
    'trailersDistinct',
  ],
  ...['rawTrailers', 'httpVersion', 'httpVersionMajor', 'httpVersionMinor', 'complete', 'aborted'],
];

/** Lets the stream offer what the one offers that it stands for, trailers that come later included (E1). */
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
