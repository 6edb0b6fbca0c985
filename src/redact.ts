import { isRecord } from './json.ts';

/** Below this, replacing would garble the text and hide nothing: a secret that short is none. */
const SHORTEST_SECRET = 4;

/** The text without the secrets, in whatever encoding a URL or a form gives them; one line, not too long. */
export function redact(text: string, secrets: Iterable<string>): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret.length < SHORTEST_SECRET) continue;
    for (const form of new Set([
      secret,
      encodeURIComponent(secret),
      formEncoded(secret),
      jsonEncoded(secret),
    ])) {
      clean = clean.replaceAll(form, '[redacted]');
    }
  }
  return clean;
}

/** A run this long is a token, a key or a digest, whosever it is: words and host names are shorter. */
const TOKEN_LIKE = /[A-Za-z0-9_+/~-]{24,}=*/g;

/**
 * What a server or a library wrote, made fit for a message: without secrets, control characters, length. A store may
 * quote a token that this process has never seen, so whatever looks like one goes too.
 */
export function quotable(text: string, secrets: Iterable<string>): string {
  // Control characters would let a server write lines of its own into our users' logs.
  const line = redact(text, secrets)
    .replace(TOKEN_LIKE, '[redacted]')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

/**
 * A stranger's error reduced to what may be shown: name, message, `code`. Its other properties are left behind: an
 * AxiosError holds the sent form, a Redis client's error the command with the token in it.
 */
export function safeError(error: unknown, secrets: Iterable<string>): Error {
  const known = [...secrets];
  const source = isRecord(error) ? error : { message: String(error) };
  const message = typeof source.message === 'string' ? source.message : '';
  const inner = Array.isArray(source.errors)
    ? source.errors.map((each) => safeError(each, known).message)
    : [];
  const clean = new Error(quotable(message || inner.join('; ') || 'unknown error', known));
  // The frames from here tell nothing, and the stranger's own stack repeats its message.
  clean.stack = `${clean.name}: ${clean.message}`;
  if (typeof source.code === 'string') Object.assign(clean, { code: quotable(source.code, known) });
  return clean;
}

function formEncoded(secret: string): string {
  return new URLSearchParams([['', secret]]).toString().slice(1);
}

function jsonEncoded(secret: string): string {
  return JSON.stringify(secret).slice(1, -1);
}
