import { asNodeStream, nodeSource } from './byte-source.ts';
import { isNodeStream } from './response-body.ts';

/**
 * The body for the adapter: instead of a stream, another one with the same bytes. A stream keeps the request that it was
 * piped into. The caller gets its own stream back in `config.data`, and printing that would print the token (G2).
 */
export function unlinked(data: unknown): unknown {
  // Axios knows a form of npm's form-data by its methods, and such a form keeps no request.
  if (!isNodeStream(data) || 'getHeaders' in data) return data;
  const { readableObjectMode: objectMode = false, readableHighWaterMark: highWaterMark } = data;
  const copy = asNodeStream(nodeSource(data), { objectMode, highWaterMark });
  // By it, fetch refuses a stream that had another reader, or is gone.
  Object.defineProperty(copy, 'readableDidRead', { get: () => data.readableDidRead || data.destroyed });
  return copy;
}
