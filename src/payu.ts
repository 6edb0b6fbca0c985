import { createHash } from 'node:crypto';
import { invalidOption } from './errors.ts';

/** One of PayU's environments: its accounts server, and the hosts of its APIs. */
export interface PayuEnvironment {
  readonly tokenUrl: string;
  readonly revokeUrl: string;
  /** Origins of the APIs; the token may be sent to these. */
  readonly origins: readonly string[];
}

function accountsServer(host: string): { readonly tokenUrl: string; readonly revokeUrl: string } {
  return { tokenUrl: `https://${host}/oauth/token`, revokeUrl: `https://${host}/oauth/revoke` };
}

/** PayU's two environments, as documented. */
export const environments: { readonly test: PayuEnvironment; readonly production: PayuEnvironment } = {
  test: {
    ...accountsServer('uat-accounts.payu.in'),
    origins: [
      'https://uatoneapi.payu.in', // Payouts, Payment Links
      'https://test.payumoney.com', // Payouts in older samples
      'https://uat-partner.payu.in', // Partner
      'https://uat-onepayuonboarding.payu.in', // Bank verification
      'https://bbps-sb.payu.in', // BBPS
    ],
  },
  production: {
    ...accountsServer('accounts.payu.in'),
    origins: [
      'https://payout.payumoney.com', // Payouts
      'https://oneapi.payu.in', // Payment Links
      'https://partner.payu.in', // Partner
      'https://onboarding.payu.in', // Bank verification; the documents disagree
      'https://onepayuonboarding.payu.in',
    ],
  },
};

/** PayU's public client ids of the password grant: one for all merchants. They have no secret. */
export const publicClientIds: { readonly test: string; readonly production: string } = {
  test: '6f8bb4951e030d4d7349e64a144a534778673585f86039617c167166e9154f7e',
  production: 'ccbb70745faad9c06092bb5c79bfd919b6f45fd454f34619d83920893e90ae6b',
};

/** The documented scopes, by product. PayU may know others: every option takes any string. */
export const scopes = {
  payouts: {
    /** All of the Payouts API: account details, transfers, their status. */
    create: 'create_payout_transactions',
  },
  paymentLinks: {
    /** Create a payment link. */
    create: 'create_payment_links',
    /** Change a link's status and expiry. */
    update: 'update_payment_links',
    /** Get one link or all, share a link. */
    read: 'read_payment_links',
  },
  partner: {
    /** Refer a merchant, verify the link, get and update the merchant. */
    referMerchant: 'refer_merchant',
    /** Send the one-time password of the merchant's sign-in. */
    sendSignInOtp: 'send_sign_in_otp',
    /** Verify the one-time password of the merchant's sign-in. */
    verifySignInOtp: 'verify_sign_in_otp',
    /** E-sign of the merchant's agreement. */
    manageAgreement: 'client_manage_agreement',
    /** The merchant's KYC details. */
    manageKycDetails: 'client_manage_kyc_details',
    /** Add the merchant's bank details. */
    createBankDetails: 'create_bank_details',
    /** Penny verification of the bank account. */
    userToken: 'user_token',
    /** Create a payment link for the merchant. */
    createPaymentLinks: 'create_payment_links',
  },
  bbps: {
    /** Fetch a customer's bill. */
    readBills: 'read_bills',
    /** Pay a bill. */
    createTransactions: 'create_transactions',
    /** List billers. */
    readBillers: 'read_billers',
    /** List biller categories. */
    readBillerCategories: 'read_biller_categories',
    /** Status of a payment. */
    readTransactions: 'read_transactions',
    /** Recharge plans. */
    readPlans: 'read_plans',
  },
  bankVerification: {
    /** Verify a bank account. */
    verifyBankAccount: 'verify_bank_account',
  },
} as const;

/**
 * The `hash` of PayU's general API: lower-case hex of `sha512(key|command|var1|salt)` over UTF-8. `var1` is hashed
 * as it is, also where it holds `|` or JSON.
 *
 * @throws TypeError with `code: 'ERR_INVALID_OPTION'` where `key`, `command` or `salt` is missing.
 * @example
 * const hash = commandHash({ key, command: 'verify_payment', var1: transactionId, salt });
 */
export function commandHash(input: {
  readonly key: string;
  readonly command: string;
  readonly var1?: string;
  readonly salt: string;
}): string {
  const { key, command, var1 = '', salt } = Object(input) as typeof input;
  for (const [name, value] of Object.entries({ key, command, salt })) {
    if (typeof value !== 'string' || value === '') throw invalidOption(name, 'must be a non-empty string.');
  }
  if (typeof var1 !== 'string')
    throw invalidOption('var1', 'must be a string: JSON.stringify an object yourself.');
  return createHash('sha512').update(`${key}|${command}|${var1}|${salt}`, 'utf8').digest('hex');
}
