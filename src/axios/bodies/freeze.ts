import { webSource } from './byte-source.ts';
import { type PeekLimit, ReadAhead } from './read-ahead.ts';
import type { NpmFormData } from './replayable.ts';

/** A form as bytes, and the headers that go with it: the content type tells its boundary. */
export interface FrozenBody {
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** A larger form is sent as it is, once: two copies of a large file are no price for a replay. */
export const MOST_FROZEN_BYTES: number = 16 * 1024 * 1024;

/**
 * Encodes a form. Undefined where it can't be encoded within the limit, or is too large (D6). Rejects as the limit's
 * cancellation does.
 */
export async function freezeForm(
  form: FormData,
  contentType: string | undefined,
  limit: PeekLimit,
): Promise<FrozenBody | undefined> {
  if (sizeOf(form.values?.() ?? []) > MOST_FROZEN_BYTES) return undefined;
  const encoded = new Response(form);
  const own = encoded.headers.get('content-type') ?? '';
  // Of a form by another library than the platform's, all it knows is how to print "[object FormData]".
  if (!own.startsWith('multipart/form-data') || encoded.body === null) return undefined;
  const ahead = new ReadAhead(webSource(encoded.body));
  if (!(await ahead.readSome(MOST_FROZEN_BYTES, limit))) {
    ahead.stop();
    return undefined;
  }
  const bytes = Buffer.concat(ahead.chunks);
  const wanted = boundaryOf(contentType);
  if (wanted === undefined || contentType === undefined) return { bytes, headers: { 'Content-Type': own } };
  return {
    bytes: replaceBoundary(bytes, boundaryOf(own) as string, wanted),
    headers: { 'Content-Type': contentType },
  };
}

/**
 * The same for a form of npm's form-data without streams. Its own headers go with it, as axios sends them.
 *
 * @param headerPolicy Axios' `formDataHeaderPolicy`.
 */
export function freezeNpmForm(form: NpmFormData, headerPolicy: unknown): FrozenBody | undefined {
  if (sizeOf(form._streams) > MOST_FROZEN_BYTES) return undefined;
  const headers = Object.entries({ ...form.getHeaders() }).filter(
    ([name]) => headerPolicy !== 'content-only' || /^content-(?:type|length)$/i.test(name),
  );
  return { bytes: form.getBuffer(), headers: Object.fromEntries(headers) };
}

/** Without reading any of it: about what the parts will take. */
function sizeOf(parts: Iterable<unknown>): number {
  let bytes = 0;
  for (const part of parts) {
    const { size, length } = Object(part) as { size?: unknown; length?: unknown };
    bytes += Number(typeof part === 'function' ? 0 : (size ?? length ?? 0));
  }
  return bytes;
}

function boundaryOf(contentType: string | undefined): string | undefined {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType ?? '') ?? [];
  return quoted ?? plain;
}

/** The encoder picks a boundary that does not occur in any part, so each occurrence is a boundary. */
function replaceBoundary(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(`--${from}`, `--${to}`), 'latin1');
}
