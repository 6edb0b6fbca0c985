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
