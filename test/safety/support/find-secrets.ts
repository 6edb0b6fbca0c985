import { inspect } from 'node:util';

/** How deep properties are followed; deeper than anything that axios or this library builds. */
const DEEPEST = 40;

/**
 * Where a value shows one of the secrets: by message, stack, cause, JSON, inspection, or any enumerable property, in
 * whatever encoding. What a person, a logger or an error tracker would see of it.
 */
export function findSecrets(value: unknown, secrets: readonly string[]): readonly string[] {
  const needle = needleFor(secrets);
  const found: string[] = [];
  /** Names and short values come again and again. */
  const clean = new Set<string>();
  const look = (where: string, text: unknown): void => {
    if (typeof text !== 'string' || clean.has(text)) return;
    if (needle.test(text)) found.push(where);
    else if (text.length < 100) clean.add(text);
  };
  look(
    'String()',
    attempt(() => String(value)),
  );
  look(
    'JSON.stringify',
    attempt(() => JSON.stringify(value)),
  );
  look(
    'util.inspect',
    inspect(value, {
      depth: Number.POSITIVE_INFINITY,
      showHidden: false,
      maxArrayLength: null,
      maxStringLength: null,
    }),
  );
  walk('', value, look, new Set(), 0);
  return [...new Set(found)];
}

/** The forms in which a secret may come back: as it is, in a URL, a form, JSON, base64; and its beginning alone. */
function spellings(secret: string): readonly string[] {
  const form = new URLSearchParams([['', secret]]).toString().slice(1);
  const base64 = Buffer.from(secret)
    .toString('base64')
    .replace(/.{0,3}=*$/, '');
  const whole = [secret, encodeURIComponent(secret), form, JSON.stringify(secret).slice(1, -1), base64];
  return [...whole, secret.slice(0, 12)].filter((each) => each.length >= 6);
}

const NEEDLES = new WeakMap<readonly string[], RegExp>();

/** Finds any spelling of the secrets. One that contains another need not be looked for: most calls look through thousands. */
function needleFor(secrets: readonly string[]): RegExp {
  const known = NEEDLES.get(secrets);
  if (known !== undefined) return known;
  const all = [...new Set(secrets.flatMap(spellings))];
  const least = all.filter((text) => !all.some((other) => other !== text && text.includes(other)));
  const escaped = least.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  const needle = new RegExp(escaped.length === 0 ? '(?!)' : escaped.join('|'));
  NEEDLES.set(secrets, needle);
  return needle;
}

function walk(
  path: string,
  value: unknown,
  look: (where: string, text: unknown) => void,
  seen: Set<unknown>,
  depth: number,
): void {
  if (typeof value === 'string' || typeof value === 'symbol') look(path || 'value', String(value));
  if (
    ((typeof value !== 'object' || value === null) && typeof value !== 'function') ||
    seen.has(value) ||
    depth > DEEPEST
  )
    return;
  seen.add(value);
  if (ArrayBuffer.isView(value))
    look(path, Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1'));
  const inner = (name: string, each: unknown): void => walk(`${path}.${name}`, each, look, seen, depth + 1);
  if (value instanceof Map || value instanceof Set) {
    for (const [key, each] of value.entries()) {
      inner('key', key);
      inner(String(attempt(() => String(key))), each);
    }
  }
  if (value instanceof Error) {
    // Not enumerable by themselves, and what everybody prints.
    for (const name of ['name', 'message', 'stack', 'cause'] as const)
      inner(
        name,
        attempt(() => value[name]),
      );
    inner('errors', (value as { errors?: unknown }).errors);
  }
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function')
    inner(
      'toJSON()',
      attempt(() => toJSON.call(value)),
    );
  // With what is inherited, and with getters: `for … in` is how loggers copy.
  for (const name in value) {
    // Scratch memory of zlib: it shows whatever lay there before.
    if (name === '_outBuffer') continue;
    look(`${path} (a name)`, name);
    inner(
      name,
      attempt(() => (value as Record<string, unknown>)[name]),
    );
  }
  for (const symbol of Object.getOwnPropertySymbols(value)) {
    if (Object.prototype.propertyIsEnumerable.call(value, symbol)) {
      inner(
        symbol.toString(),
        attempt(() => (value as Record<symbol, unknown>)[symbol]),
      );
    }
  }
}

function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    // What can't be read can't be shown.
    return undefined;
  }
}
