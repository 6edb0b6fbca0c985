import { Readable } from 'node:stream';

/** Chunks of bytes: what a Node stream and a web stream have in common. */
export interface ByteSource {
  /** The next chunk; undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
  /** Frees the connection, also during a read. An iterator's `return` would wait for that read. */
  stop(error?: Error): void;
}

export function nodeSource(given: Readable): ByteSource {
  // An old or home-made stream has no iterator.
  const stream = Symbol.asyncIterator in given ? given : new Readable().wrap(given);
  // It may break before anybody reads it, and also once it was given up. Who reads it hears of that.
  stream.on('error', () => {});
  let iterator: AsyncIterator<Uint8Array | string> | undefined;
  return {
    async next() {
      iterator ??= stream[Symbol.asyncIterator]();
      return chunkOf(await iterator.next());
    },
    stop: (error) => void given.destroy?.(error),
  };
}

export function webSource(stream: ReadableStream<Uint8Array>): ByteSource {
  const reader = stream.getReader();
  return {
    next: async () => chunkOf(await reader.read()),
    stop: () => void reader.cancel().catch(() => {}),
  };
}

function chunkOf(read: IteratorResult<Uint8Array | string, unknown>): Uint8Array | undefined {
  if (read.done) return undefined;
  return typeof read.value === 'string' ? Buffer.from(read.value) : read.value;
}

export function asNodeStream(source: ByteSource): Readable {
  return new Readable({
    read() {
      source
        .next()
        .then((chunk) => void this.push(chunk ?? null))
        // One that was closed without an error closes this one in the same way. A reader may throw as well.
        .catch((error: NodeJS.ErrnoException) =>
          this.destroy(error.code === 'ERR_STREAM_PREMATURE_CLOSE' ? undefined : error),
        );
    },
    destroy(error, done) {
      source.stop(error ?? undefined);
      done(error);
    },
  });
}

export function asWebStream(source: ByteSource): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      async pull(controller) {
        const chunk = await source.next();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: () => source.stop(),
    },
    // Nothing is read before it is asked for.
    { highWaterMark: 0 },
  );
}
