import type { Readable } from 'node:stream';
import type { AxiosResponse } from 'axios';
import { isRecord } from '../../json.ts';

/** Gives up a response that nobody will read, so that its connection is free again (D7). */
export function discardBody({ data }: AxiosResponse): void {
  if (isNodeStream(data)) {
    // It may break once it was given up.
    data.on('error', () => {});
    data.destroy?.();
  } else if (isWebStream(data)) data.cancel().catch(() => {});
}

export function isNodeStream(data: unknown): data is Readable {
  return isRecord(data) && typeof data.pipe === 'function' && typeof data.on === 'function';
}

/** One that has no reader yet. */
export function isWebStream(data: unknown): data is ReadableStream<Uint8Array> {
  return (
    isRecord(data) &&
    typeof data.getReader === 'function' &&
    typeof data.cancel === 'function' &&
    data.locked !== true
  );
}

export function isBytes(data: unknown): data is ArrayBuffer | Uint8Array<ArrayBuffer> {
  return ArrayBuffer.isView(data) || tagOf(data) === '[object ArrayBuffer]';
}

export function isBlob(data: unknown): data is Blob {
  return tagOf(data) === '[object Blob]' || tagOf(data) === '[object File]';
}

/** A test runner has the same class in several realms. */
export function tagOf(data: unknown): string {
  return Object.prototype.toString.call(data);
}
