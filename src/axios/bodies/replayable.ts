/** A request body, by whether it can be sent a second time with the same bytes (D6). */
export type RequestBody =
  /** As it is. */
  | { readonly kind: 'repeatable' }
  /** After it was turned into bytes: each encoding of a form would pick another boundary. */
  | { readonly kind: 'freezable'; readonly freeze: () => Promise<FrozenBody> }
  /** A stream, or something that we do not know. */
  | { readonly kind: 'once' };

/** The bytes of a form, and the content type that tells their boundary. */
export interface FrozenBody {
  readonly bytes: Buffer;
  readonly contentType: string;
}

/** The npm package `form-data`, as far as we look at it. */
interface NpmFormData {
  getBuffer(): Buffer;
  getHeaders(): Readonly<Record<string, string>>;
  readonly _streams: readonly unknown[];
}

const REPEATABLE: RequestBody = { kind: 'repeatable' };
const ONCE: RequestBody = { kind: 'once' };

/** Classifies the body as it comes to the adapter: behind all of the user's transforms. */
export function classifyBody(data: unknown, contentType: string | undefined): RequestBody {
  if (data === undefined || data === null || typeof data === 'string') return REPEATABLE;
  if (ArrayBuffer.isView(data)) return REPEATABLE;
  if (isNpmFormData(data)) {
    const contentTypeOf = () => data.getHeaders()['content-type'] ?? 'multipart/form-data';
    return {
      kind: 'freezable',
      freeze: async () => ({ bytes: data.getBuffer(), contentType: contentTypeOf() }),
    };
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
      return { kind: 'freezable', freeze: () => freezeForm(data as FormData, contentType) };
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

async function freezeForm(form: FormData, contentType: string | undefined): Promise<FrozenBody> {
  const encoded = new Response(form);
  const bytes = Buffer.from(await encoded.arrayBuffer());
  const own = encoded.headers.get('content-type') ?? '';
  // Of a form by another library than the platform's, all it knows is how to print "[object FormData]".
  if (!own.startsWith('multipart/form-data')) throw new TypeError('Not a FormData of this platform.');
  const wanted = boundaryOf(contentType);
  if (wanted === undefined || contentType === undefined) return { bytes, contentType: own };
  return { bytes: replaceBoundary(bytes, boundaryOf(own) as string, wanted), contentType };
}

function boundaryOf(contentType: string | undefined): string | undefined {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType ?? '') ?? [];
  return quoted ?? plain;
}

/** The encoder picks a boundary that does not occur in any part, so each occurrence is a boundary. */
function replaceBoundary(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(`--${from}`, `--${to}`), 'latin1');
}
