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
      else {
        if (!isWanted) {
          source.on('data', (chunk: unknown) => {
            if (!copy.push(chunk)) source.pause?.();
          });
        }
        isWanted = true;
        // Also one that its owner has paused, as pipe() does.
        source.resume?.();
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
  const end = () => {
    hasEnded = true;
    copy.push(null);
  };
  if (source.readableEnded) end();
  else source.on('end', end);
  source.on('error', breakOff);
  source.on('close', () => breakOff());
  // By these, fetch refuses a stream that had another reader.
  for (const name of ['readableDidRead', 'readableAborted'] as const) {
    Object.defineProperty(copy, name, { get: () => source[name] });
  }
  return copy;
}
