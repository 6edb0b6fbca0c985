import type { TokenRecord } from '../../../src/token/store/token-store.ts';

export const NOW: number = Date.now();

/** `access_token_1` was obtained a second after `access_token_0`, and so on. */
export function recordNumber(n: number, more: Partial<TokenRecord> = {}): TokenRecord {
  return {
    accessToken: `access_token_${n}`,
    scope: ['create_payout_transactions'],
    obtainedAt: NOW + n * 1_000,
    expiresAt: NOW + 7_200_000,
    extra: { user_uuid: '11e8-5a8f' },
    ...more,
  };
}
