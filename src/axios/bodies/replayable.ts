import type { InternalAxiosRequestConfig } from 'axios';
import { inTime, type WaitBounds } from '../cancellation.ts';
import { isBlob, isBytes, tagOf } from './response-body.ts';

/** Whether a request body can be sent a second time with the same bytes (D6). */
export type RequestBody =
  /** Yes, as it is. */
  | { readonly kind: 'repeatable' }
  /** Yes, once it was turned into bytes. Each encoding of a form would choose another boundary. */
  | { readonly kind: 'freezable'; readonly freeze: (bounds: WaitBounds) => Promise<FrozenBody | undefined> }
  /** No: a stream, or something unknown. */
  | { readonly kind: 'once' };

/** A form as bytes, and its headers. The content type holds the boundary. */
export interface FrozenBody {
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** A larger form is sent once, as it is. A replay is not worth two copies of a large file in memory. */
export const MOST_FROZEN_BYTES: number = 16 * 1024 * 1024;

/** The npm package `form-data`, as far as we look at it. */
interface NpmFormData {
  getBoundary(): string;
  getHeaders(): Readonly<Record<string, string>>;
  /** Of each part its header, its content, and a function that writes what is behind it. */
  readonly _streams: readonly unknown[];
}

type ConfigOfBody = Pick<InternalAxiosRequestConfig, 'data'> & {
  /** Known to axios since 1.15. */
  readonly formDataHeaderPolicy?: unknown;
};

const REPEATABLE: RequestBody = { kind: 'repeatable' };
const ONCE: RequestBody = { kind: 'once' };

/** Classifies a body as it reaches the adapter, after the user's transforms. */
export function classifyBody(config: ConfigOfBody): RequestBody {
  const { data } = config;
  // Whatever is no object can't change; axios sends 0 and false as no body.
  if (Object(data) !== data) return REPEATABLE;
  if (isNpmFormData(data)) {
    return { kind: 'freezable', freeze: async () => freezeNpmForm(data, config.formDataHeaderPolicy) };
  }
  if (typeof (data as Partial<NpmFormData>).getHeaders === 'function') return ONCE;
  if (isBytes(data) || isBlob(data) || tagOf(data) === '[object URLSearchParams]') return REPEATABLE;
  if (tagOf(data) !== '[object FormData]') return ONCE;
  return { kind: 'freezable', freeze: (bounds) => freezeForm(data as FormData, bounds) };
}

/** A form without streams, also such as a function is to give. One that was sent as a stream before has no parts left. */
function isNpmFormData(data: unknown): data is NpmFormData {
  const form = data as Partial<NpmFormData>;
  return (
    typeof form.getBoundary === 'function' &&
    typeof form.getHeaders === 'function' &&
    Array.isArray(form._streams) &&
    form._streams.length > 0 &&
    form._streams.every((part, index) =>
      index % 3 === 2 ? typeof part === 'function' : typeof part === 'string' || Buffer.isBuffer(part),
    )
  );
}

/** Encodes a form. Undefined if it is too large or takes too long (D6). Rejects if the caller cancels. */
async function freezeForm(form: FormData, bounds: WaitBounds): Promise<FrozenBody | undefined> {
  if (sizeOf(form.values?.() ?? []) > MOST_FROZEN_BYTES) return undefined;
  const encoded = new Response(form);
  const type = encoded.headers.get('content-type') ?? '';
  // A FormData of another library than the platform's is printed as "[object FormData]".
  if (!type.startsWith('multipart/form-data')) return undefined;
  const bytes = await inTime(encoded.arrayBuffer(), bounds);
  if (bytes === undefined || bytes.byteLength > MOST_FROZEN_BYTES) return undefined;
  return { bytes: Buffer.from(bytes), headers: { 'Content-Type': type } };
}

/**
 * The same for a form of npm's form-data without streams. Its own headers go with it, as axios sends them. Not by its
 * `getBuffer()`, which writes a line break too many behind a header of the caller's own.
 */
function freezeNpmForm(form: NpmFormData, headerPolicy: unknown): FrozenBody | undefined {
  if (sizeOf(form._streams) > MOST_FROZEN_BYTES) return undefined;
  const headers = Object.entries({ ...form.getHeaders() }).filter(
    ([name]) => headerPolicy !== 'content-only' || /^content-(?:type|length)$/i.test(name),
  );
  const parts = form._streams.map((part) =>
    Buffer.isBuffer(part) ? part : Buffer.from(typeof part === 'string' ? part : '\r\n'),
  );
  const bytes = Buffer.concat([...parts, Buffer.from(`--${form.getBoundary()}--\r\n`)]);
  return { bytes, headers: Object.fromEntries(headers) };
}

/** About how many bytes the parts will take. Reads none of them. */
function sizeOf(parts: Iterable<unknown>): number {
  let bytes = 0;
  for (const part of parts) {
    const { size, length } = Object(part) as { size?: unknown; length?: unknown };
    bytes += Number(typeof part === 'function' ? 0 : (size ?? length ?? 0));
  }
  return bytes;
}
