/** A JSON object, as opposed to a list, null or a scalar. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field that a body or a record itself holds: what a polluted `Object.prototype` adds is nobody's word (G6). */
export function fieldOf(source: unknown, name: string): unknown {
  return isRecord(source) && Object.hasOwn(source, name) ? source[name] : undefined;
}

/** An object, or an ES module, whose properties are its contents. Those of a Map, a URLSearchParams or an AbortSignal are not. */
export function isPlain(value: unknown): value is JsonObject {
  return /^\[object (?:Object|Module)\]$/.test(Object.prototype.toString.call(value));
}

/** The value of a text; undefined if it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The same for untrusted text: without `__proto__` at any depth, so that no later merge is poisoned. */
export function parseUntrustedJson(text: string): unknown {
  try {
    return JSON.parse(text, (name, value) => (name === '__proto__' ? undefined : value));
  } catch {
    return undefined;
  }
}

/** Whether JSON has `__proto__` anywhere: no honest server sends that. */
export function isPoisoned(text: string): boolean {
  let isFound = false;
  JSON.parse(text, (name, value) => {
    if (name === '__proto__') isFound = true;
    return value;
  });
  return isFound;
}

/** What a value is, in words for a message that must not show the value itself: it may be a secret. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'string') return value.trim() === '' ? 'an empty string' : 'a string';
  if (value instanceof Promise) return 'a promise';
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'an object';
  return `a ${typeof value}`;
}

/** What was given instead, for a message about an option: nothing at all is mostly a variable that nobody set. */
export function gotInstead(value: unknown): string {
  const got = kindOf(value);
  const isUnset = value === undefined || got === 'an empty string';
  return `got ${got}${isUnset ? ': check that the variable it comes from is set' : ''}`;
}
