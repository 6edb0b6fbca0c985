/** All scopes that PayU documents, by product: what a sandbox lets a client ask for unless told otherwise. */
export const documentedScopes: readonly string[] = [
  // Payouts
  'create_payout_transactions',
  // Payment Links
  'create_payment_links',
  'update_payment_links',
  'read_payment_links',
  // Partner Integration (which shares `create_payment_links`)
  'refer_merchant',
  'send_sign_in_otp',
  'verify_sign_in_otp',
  'client_manage_agreement',
  'client_manage_kyc_details',
  'create_bank_details',
  'user_token',
  // BBPS
  'read_bills',
  'create_transactions',
  'read_billers',
  'read_biller_categories',
  'read_transactions',
  'read_plans',
  // Bank account verification
  'verify_bank_account',
];

/** The scope names in a `scope` parameter, in the order asked, each once. */
export function scopeList(text: string): readonly string[] {
  return [...new Set(text.split(' ').filter((name) => name !== ''))];
}

/** Equal for two lists exactly if they hold the same set of scopes. */
export function scopeSetKey(scope: readonly string[]): string {
  return [...new Set(scope)].sort().join(' ');
}
