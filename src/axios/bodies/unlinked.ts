import { Readable } from 'node:stream';
import { isNodeStream } from './response-body.ts';

/**
 * The body for the adapter: instead of a stream, another one with the same bytes. A stream keeps the request that it was
 * piped into. The caller gets its own stream back in `config.data`, and printing that would print the token (G2).
 *
 * The copy follows events, as axios does: a stream is at its end before it closes, and may break while nobody reads on.
 */
export function unlinked(data: unknown): unknown {
  // Axios knows a form of npm's form-data by its methods, and such a form keeps no request.
  if (!isNodeStream(data) || 'getHeaders' in data) return data;
  let isWanted = false;
  let hasEnded = false;
  /** How the stream broke or closed. The adapter hears of it when it reads, as it listens only then. */
  let broken: { readonly error: Error | undefined } | undefined;
  const copy = new Readable({
    highWaterMark: data.readableHighWaterMark,
    objectMode: data.readableObjectMode ?? false,
    read() {
      if (broken !== undefined && !hasEnded) return void copy.destroy(broken.error);
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
  const end = () => {
    hasEnded = true;
    copy.push(null);
  };
  if (data.readableEnded) end();
  else data.on('end', end);
  data.on('error', breakOff);
  data.on('close', () => breakOff());
  // By it, fetch refuses a stream that had another reader, or is gone.
  Object.defineProperty(copy, 'readableDidRead', { get: () => data.readableDidRead || data.destroyed });
  return copy;
}
