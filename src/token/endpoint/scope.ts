import { gotInstead } from '../../json.ts';

/** One scope, or several: in a list, or in one string with spaces between. */
export type ScopeInput = string | readonly string[];

/** What no scope may hold. RFC 6749 §3.3 allows the separators of lists, forms and URLs, but none of PayU's has one. */
const FAULTS: readonly (readonly [RegExp, string])[] = [
  [/[,;|+]|%20/, 'with another separator: separate scopes by spaces, or give a list'],
  [/^["'`]|["'`]$/, 'with a quotation mark, as a value of an .env file may have: leave it out'],
  [/\$\{|\{\{|^<|^(?:undefined|null|\[object)$/, 'a placeholder that nobody filled in: give the scope'],
  [/[^\x21\x23-\x5B\x5D-\x7E]/, 'which has a character that no scope may have (RFC 6749 section 3.3)'],
];

/** The scopes as a sorted set, so that order and duplicates do not matter. */
export function scopeSet(input: ScopeInput): readonly string[] {
  const parts = typeof input === 'string' ? [input] : input;
  return [...new Set(parts.flatMap((part) => part.split(/\s+/)).filter((part) => part !== ''))].sort();
}

/** What the scope parameter holds, and what tells one set of scopes from another. */
export function scopeKey(scope: readonly string[]): string {
  return scope.join(' ');
}

/** The rule that this value breaks, or undefined for a scope. */
export function scopeFault(input: unknown): string | undefined {
  const parts: readonly unknown[] = Array.isArray(input) && input.length > 0 ? input : [input];
  // An empty one among others is a variable that nobody set: the token would lack a scope.
  const wrong = parts.findIndex((part) => typeof part !== 'string' || part.trim() === '');
  const rule = 'must be a scope such as scopes.payouts.create, or a non-empty list of them';
  if (wrong >= 0) return `${rule}; ${gotInstead(parts[wrong])}`;
  for (const [pattern, fault] of FAULTS) {
    const part = scopeSet(parts as readonly string[]).find((each) => pattern.test(each));
    if (part !== undefined) return `holds ${JSON.stringify(part)}, ${fault}`;
  }
  return undefined;
}

/** The scopes that were asked for and not granted. */
export function missingScopes(asked: readonly string[], granted: readonly string[]): readonly string[] {
  return asked.filter((scope) => !granted.includes(scope));
}
