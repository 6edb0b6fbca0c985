/** Ten years: a reply that says more is not believed (B1). */
const LONGEST_LIFE_MS = 10 * 365.25 * 24 * 60 * 60 * 1_000;

/**
 * Life in milliseconds from a reply's `expires_in` (PayU's tables also spell it `expire_in`). Numeric strings count;
 * absent, negative or malformed values mean the default life: never eternal, and never a mint per call (B1).
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.1
 */
export function lifeMs(expiresIn: unknown, expireIn: unknown, defaultLifeMs: number): number {
  const seconds = lifeSeconds(expiresIn) ?? lifeSeconds(expireIn);
  return Math.min(seconds === undefined ? defaultLifeMs : seconds * 1_000, LONGEST_LIFE_MS);
}

function lifeSeconds(value: unknown): number | undefined {
  // At least PayU's samples are numbers; other servers of the field send strings.
  const seconds = typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : value;
  return typeof seconds === 'number' && seconds >= 0 ? seconds : undefined;
}
