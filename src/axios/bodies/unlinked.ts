import { Readable } from 'node:stream';
import { isNodeStream } from './response-body.ts';

/**
 * The body as it is handed to an adapter: the same bytes, but of a stream that does not know where it is piped. A stream
 * of Node, or of any library, keeps the request that it was piped into; the caller's own stream comes back to it in
 * `config.data`, and whoever prints that would print the token (G2).
 *
 * Errors are listened for at once: the caller's stream may break while its call still waits for a token.
 */
export function unlinked(data: unknown): unknown {
  // A form of npm's form-data is known to axios by its methods, and keeps nothing.
  if (!isNodeStream(data) || 'getHeaders' in data) return data;
  return unlinkedStream(data);
}

function unlinkedStream(source: Readable): Readable {
  let isWanted = false;
  let hasEnded = false;
  /** How the stream broke or closed, to be told to the adapter that reads it, as it listens only then. */
  let broken: { readonly error: Error | undefined } | undefined;
  const copy = new Readable({
    highWaterMark: source.readableHighWaterMark,
    objectMode: source.readableObjectMode ?? false,
    read() {
      if (broken !== undefined && !hasEnded) copy.destroy(broken.error);
      else if (isWanted) source.resume?.();
      else {
        isWanted = true;
        source.on('data', (chunk: unknown) => {
          if (!copy.push(chunk)) source.pause?.();
        });
      }
    },
    destroy(error, done) {
      if (!hasEnded) source.destroy?.(error ?? undefined);
      done(error);
    },
  });
  const breakOff = (error?: Error) => {
    broken ??= { error };
    if (isWanted && !hasEnded) copy.destroy(broken.error);
  };
  source.on('end', () => {
    hasEnded = true;
    copy.push(null);
  });
  source.on('error', breakOff);
  source.on('close', () => breakOff());
  return copy;
}
