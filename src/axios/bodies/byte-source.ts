import { Readable } from 'node:stream';

/** Chunks of bytes: what a Node stream and a web stream have in common. */
export interface ByteSource {
  /** The next chunk; undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
  /** Frees the connection, also during a read. An iterator's `return` would wait for that read. */
  stop(): void;
}

export function nodeSource(stream: Readable): ByteSource {
  const iterator: AsyncIterator<Uint8Array | string> = stream[Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await iterator.next();
      if (done) return undefined;
      return typeof value === 'string' ? Buffer.from(value) : value;
    },
    stop() {
      // Nobody listens to a stream that was given up, and an error would end the process.
      stream.on('error', () => {});
      stream.destroy();
    },
  };
}

export function webSource(stream: ReadableStream<Uint8Array>): ByteSource {
  const reader = stream.getReader();
  return {
    async next() {
      const { done, value } = await reader.read();
      return done ? undefined : value;
    },
    stop: () => void reader.cancel().catch(() => {}),
  };
}

export function asNodeStream(source: ByteSource): Readable {
  return new Readable({
    read() {
      source.next().then(
        (chunk) => this.push(chunk ?? null),
        (error: Error) => this.destroy(error),
      );
    },
    destroy(error, done) {
      source.stop();
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
