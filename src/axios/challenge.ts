/** A challenge of a `WWW-Authenticate` header. Names are in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
/** A parameter, or a single word: an auth-scheme, or the token68 after one. Each takes a whole run, so no header is slow to read. */
const ELEMENT = new RegExp(
  `(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"?|(${TOKEN}))|([\\w!#$%&'*+.^\`|~/-]+=*)|(,)`,
  'g',
);

/**
 * The challenges of a `WWW-Authenticate` header. One field may hold several.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  let mayBeToken68 = false;
  for (const [, name, quoted, value, word, comma] of header.matchAll(ELEMENT)) {
    const current = challenges.at(-1);
    if (name !== undefined && current !== undefined) {
      current.parameters[name.toLowerCase()] = value ?? (quoted as string).replace(/\\(.)/g, '$1');
    } else if (word !== undefined && !mayBeToken68) {
      challenges.push({ scheme: word.toLowerCase(), parameters: {} });
    }
    mayBeToken68 = word !== undefined && !mayBeToken68;
    if (comma !== undefined) mayBeToken68 = false;
  }
  return challenges;
}
