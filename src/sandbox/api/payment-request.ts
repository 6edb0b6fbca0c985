import type { PaymentRequest } from '../payment-ledger.ts';
import { fieldsOf } from './access.ts';

/** What PayU answers for one payment that it does not take. */
export interface PaymentProblem {
  readonly batchId: string;
  readonly merchantRefId: string | null;
  readonly error: string;
  /** PayU's own numbers, such as 1002 for a reference that was used before. */
  readonly code: readonly number[];
}

export type PaymentReading =
  | { readonly kind: 'payment'; readonly payment: PaymentRequest }
  | { readonly kind: 'refused'; readonly problem: PaymentProblem };

type Fields = Readonly<Record<string, unknown>>;
type Check = (fields: Fields) => boolean;

/** Each mandatory field in PayU's order, with the number and the words of its refusal. */
const checks: readonly (readonly [code: number, error: string, isRight: Check])[] = [
  [
    1001,
    'merchant ref id can have 40 characters at most. ',
    ({ merchantRefId }) => hasRightLength(merchantRefId),
  ],
  [1003, 'batch id can not be empty. ', ({ batchId }) => textOf(batchId) !== ''],
  [1004, 'beneficiary account number can not be empty. ', hasAccount],
  [
    1005,
    'beneficiary ifsc code can not be empty. ',
    (fields) => isUpi(fields) || textOf(fields.beneficiaryIfscCode) !== '',
  ],
  [1022, 'beneficiary ifsc code is not valid. ', hasRightIfsc],
  [1006, 'amount is not valid. ', ({ amount }) => isAmount(amount)],
  [1007, 'beneficiary name can not be empty. ', hasNameIfNeeded],
  [1010, 'purpose can not be empty. ', ({ purpose }) => textOf(purpose) !== ''],
  [1011, 'payment type is not valid. ', ({ paymentType }) => PAYMENT_TYPES.includes(textOf(paymentType))],
];

const PAYMENT_TYPES: readonly string[] = ['IMPS', 'UPI', 'NEFT', 'RTGS'];

/** Reads one element of the list that a payment request is. */
export function readPayment(element: unknown, makeReference: () => string): PaymentReading {
  const fields = fieldsOf(element);
  const failed = checks.filter(([, , isRight]) => !isRight(fields));
  if (failed.length > 0) {
    const error = failed.map(([, words]) => words).join('');
    return {
      kind: 'refused',
      problem: problemOf(
        fields,
        error,
        failed.map(([code]) => code),
      ),
    };
  }
  const { batchId, amount, purpose, paymentType, beneficiaryName } = fields;
  return {
    kind: 'payment',
    payment: {
      merchantRefId: textOf(fields.merchantRefId) || makeReference(),
      batchId: textOf(batchId),
      amount: Number(amount),
      purpose: textOf(purpose),
      paymentType: textOf(paymentType),
      beneficiaryName: textOf(beneficiaryName) || null,
    },
  };
}

/** The refusal of a reference that this merchant has used before. */
export function duplicate({ batchId, merchantRefId }: PaymentRequest): PaymentProblem {
  return { batchId, merchantRefId, error: 'DUPLICATE MERCHANT REF ID', code: [1002] };
}

function problemOf(fields: Fields, error: string, code: readonly number[]): PaymentProblem {
  return {
    batchId: textOf(fields.batchId),
    merchantRefId: textOf(fields.merchantRefId) || null,
    error,
    code,
  };
}

/** JSON may hold a reference as a number. */
function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}

function hasRightLength(merchantRefId: unknown): boolean {
  return textOf(merchantRefId).length <= 40;
}

function isUpi({ paymentType }: Fields): boolean {
  return paymentType === 'UPI';
}

/** Documents give no number for a missing `vpa`: it has that of the account. */
function hasAccount(fields: Fields): boolean {
  return isUpi(fields)
    ? /^[^@\s]+@[^@\s]+$/.test(textOf(fields.vpa))
    : textOf(fields.beneficiaryAccountNumber) !== '';
}

function hasRightIfsc(fields: Fields): boolean {
  const ifsc = textOf(fields.beneficiaryIfscCode);
  return isUpi(fields) || ifsc === '' || /^[A-Z]{4}0[A-Z0-9]{6}$/.test(ifsc);
}

/** Documents ask for it in NEFT transfers alone. */
function hasNameIfNeeded({ paymentType, beneficiaryName }: Fields): boolean {
  return paymentType !== 'NEFT' || textOf(beneficiaryName) !== '';
}

/** Rupees, with two decimals at most. */
function isAmount(amount: unknown): boolean {
  const rupees = typeof amount === 'string' ? Number(amount) : amount;
  return typeof rupees === 'number' && rupees > 0 && Number(rupees.toFixed(2)) === rupees;
}
