/** One payment with all that PayU asks for. */
export function payment(merchantRefId: string, amount = 1): Readonly<Record<string, string | number>> {
  return {
    merchantRefId,
    amount,
    batchId: '1',
    purpose: 'salary',
    paymentType: 'IMPS',
    beneficiaryName: 'Asha Rao',
    beneficiaryAccountNumber: '51234567890',
    beneficiaryIfscCode: 'HDFC0001234',
  };
}
