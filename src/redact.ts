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
/** But for names of scopes and errors, which are words: without them a refusal can't be understood. */
const WORDS = /^[a-z]{1,15}(?:_[a-z]{1,15})+$/;

/**
 * What a server or a library wrote, made fit for a message: without secrets, control characters, length. A store may
 * quote a token that this process has never seen, so whatever looks like one goes too.
 */
export function quotable(text: string, secrets: Iterable<string>): string {
  // Control characters would let a server write lines of its own into our users' logs.
  const line = redact(text, secrets)
    .replace(TOKEN_LIKE, (run) => (WORDS.test(run) ? run : '[redacted]'))
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

/** The same with the stranger's frames: where nobody foresaw the error, they are what a report needs. */
export function safeErrorWithFrames(error: unknown, secrets: Iterable<string>): Error {
  const clean = safeError(error, secrets);
  const stack = isRecord(error) && typeof error.stack === 'string' ? error.stack : '';
  const frames = stack.split('\n').filter((line) => /^ +at [^\n]+:\d+\)?$/.test(line));
  clean.stack = [clean.stack, ...frames].join('\n');
  return clean;
}

/** What classes of errors and codes look like: `VaultError`, `ECONNREFUSED`. Secrets do not. */
const ERROR_NAME = /^[A-Z][A-Za-z]{0,40}(?:Error|Exception)$/;
const ERROR_CODE = /^[A-Z][A-Z_]{2,40}$/;

/**
 * An error of a function that handles a secret, without its words: they may quote that very secret, which nobody here
 * has seen yet and could take out.
 */
export function wordlessError(error: unknown): Error {
  const { name, code } = isRecord(error) ? error : {};
  const kind = typeof name === 'string' && ERROR_NAME.test(name) ? name : 'error';
  const known = typeof code === 'string' && ERROR_CODE.test(code) ? { code } : {};
  const clean = new Error(
    `${kind}${known.code === undefined ? '' : ` ${known.code}`}, not quoted as it may tell the secret`,
  );
  clean.stack = `${clean.name}: ${clean.message}`;
  return Object.assign(clean, known);
}

function formEncoded(secret: string): string {
  return new URLSearchParams([['', secret]]).toString().slice(1);
}

function jsonEncoded(secret: string): string {
  return JSON.stringify(secret).slice(1, -1);
}
