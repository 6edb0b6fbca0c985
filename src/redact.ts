import { echoes } from './echo.ts';

/** Shorter ones are no secrets: replacing them would garble the text and hide nothing. */
const SHORTEST_SECRET = 4;

/** The text without the secrets, in whatever encoding it repeats them. */
export function redact(text: string, secrets: Iterable<string>): string {
  const hidden = [...secrets].filter(({ length }) => length >= SHORTEST_SECRET);
  let clean = '';
  let read = 0;
  for (const { start, end } of echoes(text, hidden)) {
    if (start >= read) clean += `${text.slice(read, start)}${REDACTED}`;
    read = Math.max(read, end);
  }
  return clean + text.slice(read);
}

const REDACTED = '[redacted]';

/** A host that Node.js names by itself, with dots or without. */
const NAMED_HOST = /(?<=\b(?:getaddrinfo|connect|query\w+) E[A-Z_]+ |\bHost: )[\w.-]+/;
/** A domain name outside a URL's user info: small letters between dots, and at the end. No token looks like this. */
const DOMAIN = /(?<![\w-]|\w\.)(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+[a-z]{2,18}(?![\w-]|[^\s/]*@)/;
/** A run this long is a token, a key or a digest: words are shorter. */
const TOKEN_LIKE = /(?<token>[\w+~-][\w+/~-]{23,}=*)/;
const HOSTS_AND_TOKENS = /* @__PURE__ */ new RegExp(
  /* @__PURE__ */ [NAMED_HOST, DOMAIN, TOKEN_LIKE].map(({ source }) => source).join('|'),
  'g',
);

/** A run of words: the names of scopes, errors and codes. They stay: without them a failure can't be understood. */
const WORDS = /^(?:[a-z]{1,15}(?:_[a-z]{1,15})+|[A-Z]{1,15}\d{0,2}(?:_[A-Z]{1,15}\d{0,2})+)$/;

/** More of a text is not looked at, as the search for hosts may take the square of its length. */
const MOST_READ = 4_096;

/**
 * What a server or a library wrote, made fit for a message: shortened, without secrets and control characters. A store
 * may quote a token that this process has never seen, so all that looks like a token goes too; names of hosts stay.
 */
export function quotable(text: string, secrets: Iterable<string>): string {
  const read = redact(text.slice(0, MOST_READ), secrets);
  // Where the text was cut, a secret may have been cut, too.
  const safe = text.length > MOST_READ ? read.slice(0, read.length / 2) : read;
  // Control characters would let a server write lines of its own into our users' logs.
  const line = safe
    .replace(HOSTS_AND_TOKENS, (run, token?: string) =>
      token === undefined || WORDS.test(run) ? run : REDACTED,
    )
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

/** How far the causes of an error are followed. */
const DEEPEST_CAUSE = 5;

/**
 * A foreign error reduced to what may be shown: its message, those of its causes, and `code`. Its other properties are
 * dropped: an AxiosError holds the sent form, a Redis client's error the command with the token in it.
 */
export function safeError(error: unknown, secrets: Iterable<string>): Error {
  const known = [...secrets];
  const words = quotable(wordsOf(error, 0), known);
  const clean = new Error(withCodes(words, error) || 'unknown error');
  // The frames from here tell nothing, and the foreign stack repeats the message.
  clean.stack = `${clean.name}: ${clean.message}`;
  const code = read(error, 'code');
  if (typeof code === 'string') Object.assign(clean, { code: isCode(code) ? code : quotable(code, known) });
  return clean;
}

/** The message of an error, then what its causes add: that of happy eyeballs is empty, that of fetch says next to nothing. */
function wordsOf(error: unknown, depth: number): string {
  if (depth > DEEPEST_CAUSE || (error === undefined && depth > 0)) return '';
  const isObject = (typeof error === 'object' && error !== null) || typeof error === 'function';
  const message = isObject ? read(error, 'message') : String(error);
  const errors = read(error, 'errors');
  const all = [
    typeof message === 'string' ? message : '',
    Array.isArray(errors)
      ? errors
          .slice(0, DEEPEST_CAUSE)
          .map((each) => wordsOf(each, depth + 1))
          .join('; ')
      : '',
    wordsOf(read(error, 'cause'), depth + 1),
  ];
  return all.reduce((said, more) =>
    more === '' || said.includes(more) ? said : said === '' ? more : `${said}: ${more}`,
  );
}

/** Adds the code of the network or of TLS if the words lack it: people search for it. */
function withCodes(words: string, error: unknown): string {
  const code = read(error, 'code');
  if (!isCode(code) || /^ERR_(?!TLS|SSL)/.test(code) || words.includes(code)) return words;
  return words === '' ? code : `${words} (${code})`;
}

/** A property of a thrown value; undefined if it can't be read. */
function read(error: unknown, name: string): unknown {
  try {
    return (error as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  } catch {
    return undefined;
  }
}

/** The same with the foreign frames: a report of an unforeseen error needs them. */
export function safeErrorWithFrames(error: unknown, secrets: Iterable<string>): Error {
  const clean = safeError(error, secrets);
  const stack = read(error, 'stack');
  const frames = typeof stack === 'string' ? stack.split('\n') : [];
  clean.stack = [clean.stack, ...frames.filter((line) => /^ +at [^\n]+:\d+\)?$/.test(line))].join('\n');
  return clean;
}

/** What classes of errors look like: `VaultError`. Secrets do not. */
const ERROR_NAME = /^[A-Z][A-Za-z]{0,40}(?:Error|Exception)$/;

/** What codes look like: `ECONNREFUSED`, `ERR_HTTP2_ERROR`. Secrets do not. */
function isCode(code: unknown): code is string {
  return typeof code === 'string' && /^[A-Z]{2,20}\d?(?:_[A-Z]{1,20}\d?){0,8}$/.test(code);
}

/**
 * An error of a function that gives a secret, without its message: that may quote the secret, which we have not seen yet
 * and so can't take out.
 */
export function wordlessError(error: unknown): Error {
  const name = read(error, 'name');
  const code = read(error, 'code');
  const kind = typeof name === 'string' && ERROR_NAME.test(name) ? name : 'error';
  const known = isCode(code) ? { code } : {};
  const clean = new Error(
    `${kind}${known.code === undefined ? '' : ` ${known.code}`}, not quoted as it may tell the secret`,
  );
  clean.stack = `${clean.name}: ${clean.message}`;
  return Object.assign(clean, known);
}
