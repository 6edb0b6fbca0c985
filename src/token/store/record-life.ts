import { type Instant, later } from '../../time/instant.ts';
import type { TokenRecord } from './token-store.ts';

/** When a token that was just minted ends: counted from the moment its token request was sent (B1). */
export function endOfMinted({ obtainedAt, expiresAt }: TokenRecord, sentAt: Instant): Instant {
  return later(sentAt, expiresAt - obtainedAt);
}

/**
 * When a token found in a store ends. Whoever wrote the record may have another clock: of it only the difference counts,
 * as the most that may be left (T3).
 */
export function endOfFound({ obtainedAt, expiresAt }: TokenRecord, now: Instant): Instant {
  return later(now, Math.min(expiresAt - now.wallMs, expiresAt - obtainedAt));
}
