import { Readable } from 'node:stream';
import { isNodeStream } from './response-body.ts';

/**
 * Another stream with the same bytes, for who must not get the given one. It follows events, as axios does: a stream is at
 * its end before it closes, and may break while nobody reads on. Nothing is done before the copy is read, and `begun`,
 * which was read before, comes first.
 */
export function copyOf(data: Readable, begun: unknown[] = []): Readable {
  let isWanted = false;
  let hasEnded = data.readableEnded;
  /** How the stream broke or closed. Whoever reads the copy hears of it then, as it listens only then. */
  let broken: { readonly error: Error | undefined } | undefined;
  const copy = new Readable({
    highWaterMark: data.readableHighWaterMark,
    objectMode: data.readableObjectMode ?? false,
    read() {
      if (begun.length > 0) return void copy.push(begun.shift());
      if (hasEnded) return void copy.push(null);
      if (broken !== undefined) return void copy.destroy(broken.error);
      if (!isWanted) data.on('data', forward);
      isWanted = true;
      // Also one that its owner has paused, as pipe() does.
      data.resume?.();
    },
    destroy(error, done) {
      // One that has ended is its owner's: the other half of a socket may be in use.
      if (!hasEnded) data.destroy?.(error ?? undefined);
      done(error);
    },
  });
  const forward = (chunk: unknown) => {
    try {
      if (!copy.push(chunk)) data.pause?.();
    } catch (error) {
      // The adapter throws at a chunk that can't be sent.
      copy.destroy(error as Error);
    }
  };
  const breakOff = (error?: Error) => {
    broken ??= { error };
    if (isWanted && !hasEnded) copy.destroy(broken.error);
  };
  data.on('end', () => {
    hasEnded = true;
    if (isWanted) copy.push(null);
  });
  data.on('error', breakOff);
  data.on('close', () => breakOff());
  return copy;
}

/**
 * The body for the adapter: instead of a stream, a copy. A stream keeps the request that it was piped into. The caller gets
 * its own stream back in `config.data`, and printing that would print the token (G2).
 */
export function unlinked(data: unknown): unknown {
  // Axios knows a form of npm's form-data by its methods, and such a form keeps no request.
  if (!isNodeStream(data) || 'getHeaders' in data) return data;
  // By it, fetch refuses a stream that had another reader, or is gone.
  const readableDidRead = { get: () => data.readableDidRead || data.destroyed };
  return Object.defineProperty(copyOf(data), 'readableDidRead', readableDidRead);
}
