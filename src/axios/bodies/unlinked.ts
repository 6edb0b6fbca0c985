import { Readable } from 'node:stream';
import { isNodeStream } from './response-body.ts';

/**
 * The body for the adapter: instead of a stream, another one with the same bytes. A stream keeps the request that it was
 * piped into. The caller gets its own stream back in `config.data`, and printing that would print the token (G2).
 *
 * The copy listens for errors at once, as the caller's stream may break while its call still waits for a token.
 */
export function unlinked(data: unknown): unknown {
  // Axios knows a form of npm's form-data by its methods, and such a form keeps no request.
  if (!isNodeStream(data) || 'getHeaders' in data) return data;
  return unlinkedStream(data);
}

function unlinkedStream(source: Readable): Readable {
  let isWanted = false;
  let hasEnded = false;
  /** How the stream broke or closed. The adapter hears of it when it reads, as it listens only then. */
  let broken: { readonly error: Error | undefined } | undefined;
  const copy = new Readable({
    highWaterMark: source.readableHighWaterMark,
    objectMode: source.readableObjectMode ?? false,
    read() {
      if (broken !== undefined && !hasEnded) return void copy.destroy(broken.error);
      if (!isWanted) source.on('data', forward);
      isWanted = true;
      // Also one that its owner has paused, as pipe() does.
      source.resume?.();
    },
    destroy(error, done) {
      if (!hasEnded) source.destroy?.(error ?? undefined);
      done(error);
    },
  });
  const forward = (chunk: unknown) => {
    if (!copy.push(chunk)) source.pause?.();
  };
  const breakOff = (error?: Error) => {
    broken ??= { error };
    if (isWanted && !hasEnded) copy.destroy(broken.error);
  };
  const end = () => {
    hasEnded = true;
    copy.push(null);
  };
  if (source.readableEnded) end();
  else source.on('end', end);
  source.on('error', breakOff);
  source.on('close', () => breakOff());
  // By it, fetch refuses a stream that had another reader, or is gone.
  Object.defineProperty(copy, 'readableDidRead', { get: () => source.readableDidRead || source.destroyed });
  return copy;
}
