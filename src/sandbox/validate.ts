import { validateHeaderName, validateHeaderValue } from 'node:http';

/** A wrong option or control: the name in quotes, then the rule it breaks. */
export function invalid(name: string, rule: string): TypeError {
  return Object.assign(new TypeError(`"${name}" ${rule}`), { code: 'ERR_INVALID_OPTION' });
}

interface Bounds {
  readonly min: number;
  readonly max?: number;
}

/**
 * Checks at run time of what types promise: the same controls are reached from plain JavaScript
 * and, as JSON, over HTTP.
 */
export const check = {
  text(name: string, value: unknown): string {
    if (typeof value !== 'string' || value === '') throw invalid(name, 'must be a non-empty string');
    return value;
  },

  /** A header that Node.js would refuse to send only once a request has come. */
  header(name: string, header: string, value: unknown): string {
    const text = check.text(name, value);
    try {
      validateHeaderName(header);
      validateHeaderValue(header, text);
    } catch {
      throw invalid(name, 'must be a header that can be sent');
    }
    return text;
  },

  integer(name: string, value: unknown, { min, max = Number.MAX_SAFE_INTEGER }: Bounds): number {
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
      const upTo = max === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${max}`;
      throw invalid(name, `must be a whole number, at least ${min}${upTo}`);
    }
    return value as number;
  },

  /** Seconds, or null for a token that never expires. */
  life(name: string, value: unknown): number | null {
    if (value === null) return null;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      throw invalid(name, 'must be a number of seconds, 0 or more, or null for a token that never expires');
    }
    return value;
  },

  oneOf<const T>(name: string, value: unknown, allowed: readonly T[]): T {
    const found = allowed.find((one) => one === value);
    if (found === undefined) {
      throw invalid(name, `must be one of ${allowed.map((one) => JSON.stringify(one)).join(', ')}`);
    }
    return found;
  },

  texts(name: string, value: unknown): readonly string[] {
    const isText = (one: unknown): one is string => typeof one === 'string' && one !== '';
    if (!Array.isArray(value) || !value.every(isText)) {
      throw invalid(name, 'must be a list of non-empty strings');
    }
    return value;
  },

  object(name: string, value: unknown): Readonly<Record<string, unknown>> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw invalid(name, 'must be an object');
    }
    // A checked object; its properties stay unknown until each is checked in turn.
    return value as Readonly<Record<string, unknown>>;
  },

  /** A misspelt key would otherwise be a control that silently does nothing. */
  keys(name: string, value: Readonly<Record<string, unknown>>, allowed: readonly string[]): void {
    for (const key of Object.keys(value)) {
      if (!allowed.includes(key)) {
        throw invalid(name, `has an unknown property "${key}"; known are ${allowed.join(', ')}`);
      }
    }
  },
};
