import type { InternalAxiosRequestConfig } from 'axios';
import { type FrozenBody, freezeForm, freezeNpmForm } from './freeze.ts';
import type { PeekLimit } from './read-ahead.ts';

/** A request body, by whether it can be sent a second time with the same bytes (D6). */
export type RequestBody =
  /** As it is. */
  | { readonly kind: 'repeatable' }
  /** After it was turned into bytes: each encoding of a form would pick another boundary. */
  | { readonly kind: 'freezable'; readonly freeze: (limit: PeekLimit) => Promise<FrozenBody | undefined> }
  /** A stream, or something that we do not know. */
  | { readonly kind: 'once' };

/** The npm package `form-data`, as far as we look at it. */
export interface NpmFormData {
  getBuffer(): Buffer;
  getHeaders(): Readonly<Record<string, string>>;
  readonly _streams: readonly unknown[];
}

type ConfigOfBody = Pick<InternalAxiosRequestConfig, 'data' | 'headers'> & {
  /** Known to axios since 1.15. */
  readonly formDataHeaderPolicy?: unknown;
};

const REPEATABLE: RequestBody = { kind: 'repeatable' };
const ONCE: RequestBody = { kind: 'once' };

/** Classifies the body of a config as it comes to the adapter: behind all of the user's transforms. */
export function classifyBody(config: ConfigOfBody): RequestBody {
  const { data } = config;
  if (data === undefined || data === null || typeof data === 'string') return REPEATABLE;
  if (ArrayBuffer.isView(data)) return REPEATABLE;
  if (isNpmFormData(data)) {
    return { kind: 'freezable', freeze: async () => freezeNpmForm(data, config.formDataHeaderPolicy) };
  }
  if (typeof (data as Partial<NpmFormData>).getHeaders === 'function') return ONCE;
  // By tag, not by class: in a test runner the same classes come from several realms.
  switch (Object.prototype.toString.call(data)) {
    case '[object ArrayBuffer]':
    case '[object Blob]':
    case '[object File]':
    case '[object URLSearchParams]':
      return REPEATABLE;
    case '[object FormData]':
      return {
        kind: 'freezable',
        freeze: (limit) => freezeForm(data as FormData, contentTypeOf(config), limit),
      };
    default:
      return ONCE;
  }
}

/** Without streams, its parts are strings and buffers; functions write what stands between them. */
function isNpmFormData(data: unknown): data is NpmFormData {
  const form = data as Partial<NpmFormData>;
  return (
    typeof form.getBuffer === 'function' &&
    typeof form.getHeaders === 'function' &&
    Array.isArray(form._streams) &&
    form._streams.every(
      (part) => typeof part === 'string' || typeof part === 'function' || Buffer.isBuffer(part),
    )
  );
}

function contentTypeOf({ headers }: ConfigOfBody): string | undefined {
  const contentType = headers.getContentType?.();
  return typeof contentType === 'string' ? contentType : undefined;
}
