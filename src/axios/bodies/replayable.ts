import type { InternalAxiosRequestConfig } from 'axios';
import type { WaitBounds } from '../cancellation.ts';
import { type FrozenBody, freezeForm, freezeNpmForm } from './freeze.ts';
import { isBlob, isBytes, tagOf } from './response-body.ts';

/** Whether a request body can be sent a second time with the same bytes (D6). */
export type RequestBody =
  /** Yes, as it is. */
  | { readonly kind: 'repeatable' }
  /** Yes, once it was turned into bytes. Each encoding of a form would choose another boundary. */
  | { readonly kind: 'freezable'; readonly freeze: (bounds: WaitBounds) => Promise<FrozenBody | undefined> }
  /** No: a stream, or something unknown. */
  | { readonly kind: 'once' };

/** The npm package `form-data`, as far as we look at it. */
export interface NpmFormData {
  getBoundary(): string;
  getHeaders(): Readonly<Record<string, string>>;
  /** Of each part its header, its content, and a function that writes what is behind it. */
  readonly _streams: readonly unknown[];
}

type ConfigOfBody = Pick<InternalAxiosRequestConfig, 'data' | 'headers'> & {
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
  const contentType = String(config.headers.getContentType?.() ?? '');
  return { kind: 'freezable', freeze: (bounds) => freezeForm(data as FormData, contentType, bounds) };
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
