/** A part of a text, in code units. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A text as somebody reads it who undoes its escapes. */
interface Reading {
  readonly text: string;
  /** Where each code unit, and the end, stands in the text as it came; undefined where nothing was undone. */
  readonly places?: readonly number[];
}

/** Escapes within escapes are undone so often: a URL in JSON, a form in a URL. */
const DEEPEST_ESCAPE = 2;

/** Each by itself: a secret may hold what another one takes for an escape. */
const ESCAPES: readonly (readonly [mark: string, escapes: RegExp])[] = [
  // Percent-encoding, one character of UTF-8 each.
  ['%', /%[c-f][\da-f](?:%[89ab][\da-f]){1,3}|%[0-7][\da-f]/gi],
  // HTML entities.
  ['&', /&#(?:x[\da-f]{1,8}|\d{1,9});?|&(?:amp|lt|gt|quot|apos);?/gi],
  // JSON and JavaScript.
  ['\\', /\\u[\da-f]{4}|\\x[\da-f]{2}|\\["'\\/]/gi],
];

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/**
 * Where a text repeats one of the secrets: as it is, percent-encoded, as HTML entities, in JSON's escapes, in hex, or in
 * base64, there also as a part, as `Basic` credentials have it (G2). In the order of the text; ranges may overlap.
 */
export function echoes(text: string, secrets: readonly string[]): readonly Range[] {
  const found: Range[] = [];
  for (const reading of readings(text)) {
    const { places } = reading;
    const place = (index: number) => places?.[index] ?? index;
    const add = (start: number, end: number) => found.push({ start: place(start), end: place(end) });
    for (const secret of secrets) search(reading.text, secret, add);
  }
  return found.sort((one, other) => one.start - other.start);
}

/** In a form a `+` is a space, elsewhere it is a `+`. */
function readings(text: string): readonly Reading[] {
  const read = withoutEscapes({ text }, DEEPEST_ESCAPE);
  if (!text.includes('+')) return read;
  return [...read, ...withoutEscapes({ text: text.replaceAll('+', ' ') }, DEEPEST_ESCAPE)];
}

/** The text as it is, and with escapes undone in whatever order. */
function withoutEscapes(reading: Reading, depth: number): readonly Reading[] {
  const undone = depth === 0 ? [] : ESCAPES.flatMap((each) => undo(...each, reading) ?? []);
  return [reading, ...undone.flatMap((each) => withoutEscapes(each, depth - 1))];
}

/** Undefined where there are none. */
function undo(mark: string, escapes: RegExp, { text, places }: Reading): Reading | undefined {
  if (!text.includes(mark)) return undefined;
  let read = '';
  let end = 0;
  const cameFrom: number[] = [];
  const copyUntil = (next: number) => {
    read += text.slice(end, next);
    for (; end < next; end++) cameFrom.push(places?.[end] ?? end);
  };
  for (const { 0: sequence, index } of text.matchAll(escapes)) {
    copyUntil(index);
    const character = unescaped(sequence);
    read += character;
    for (let unit = 0; unit < character.length; unit++) cameFrom.push(places?.[index] ?? index);
    end = index + sequence.length;
  }
  if (end === 0) return undefined;
  copyUntil(text.length);
  cameFrom.push(places?.[end] ?? end);
  return { text: read, places: cameFrom };
}

function unescaped(sequence: string): string {
  if (sequence.startsWith('%')) return Buffer.from(sequence.replaceAll('%', ''), 'hex').toString();
  const digits = sequence.match(/(?<=x|\\u)[\da-f]+/i)?.[0];
  const code = digits === undefined ? Number.parseInt(sequence.slice(2), 10) : Number.parseInt(digits, 16);
  if (sequence.startsWith('\\')) return digits === undefined ? sequence.slice(1) : String.fromCharCode(code);
  if (Number.isNaN(code)) return NAMED[sequence.replace(/\W/g, '').toLowerCase()] ?? sequence;
  return code > 0x10_ff_ff ? sequence : String.fromCodePoint(code);
}

function search(text: string, secret: string, add: (start: number, end: number) => void): void {
  if (text.length < secret.length) return;
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  for (const each of [secret, hex, hex.toUpperCase()]) findAll(text, each, add);
  for (const offset of [0, 1, 2]) {
    const base64 = certainBase64(bytes, offset);
    const base64url = base64.replaceAll('+', '-').replaceAll('/', '_');
    for (const each of new Set([base64, base64url])) {
      findAll(text, each, (start, end) => {
        // The characters at the edges hold bits of the secret, too.
        const edge = /^[\w+/-]?(?:=|%3d){0,2}/i.exec(text.slice(end, end + 7))?.[0].length ?? 0;
        add(offset === 0 ? start : Math.max(0, start - 1), end + edge);
      });
    }
  }
}

/** What the base64 of any text has where these bytes stand in it, so many bytes behind a multiple of three. */
function certainBase64(bytes: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
  return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
}

function findAll(text: string, needle: string, add: (start: number, end: number) => void): void {
  for (let start = text.indexOf(needle); start !== -1; start = text.indexOf(needle, start + needle.length)) {
    add(start, start + needle.length);
  }
}
