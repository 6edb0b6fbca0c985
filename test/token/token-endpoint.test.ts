import { describe, expect, test } from 'vitest';
import type { FormReply } from '../../src/token/form-post.ts';
import { tokenOutcome } from '../../src/token/token-endpoint.ts';

const REQUEST = {
  scope: ['create_payout_transactions'],
  sentAt: 0,
  receivedAt: 0,
  defaultLifeMs: 1_000,
  secrets: ['client-secret-1'],
};

function refusalOf(body: object) {
  const reply: FormReply = {
    kind: 'reply',
    status: 400,
    header: () => undefined,
    body: JSON.stringify(body),
  };
  const outcome = tokenOutcome(reply, REQUEST);
  return outcome.kind === 'refused' ? outcome.refusal : undefined;
}

describe("the server's own words in a refusal", () => {
  test.each([
    ['a short name', 'invalid_scope'],
    ['a long name', 'unsupported_response_type_of_client'],
    ['a name that nobody has heard of', 'merchant_account_is_blocked_for_payouts'],
  ])('keep the error: %s', (_, error) => {
    expect(refusalOf({ error })).toEqual({ status: 400, error, errorDescription: undefined });
  });

  test.each([
    ['a scope, however long', 'The scope create_payout_transactions is not allowed.'],
    ['a host', 'Use https://uat-accounts.payu.in instead.'],
  ])('keep %s', (_, description) => {
    const refusal = refusalOf({ error: 'invalid_scope', error_description: description });
    expect(refusal?.errorDescription).toBe(description);
  });

  test.each([
    ['our secret', 'No client-secret-1 here', 'No [redacted] here'],
    ['a token in hexadecimal', `Token ${'0a9f'.repeat(16)} is dead`, 'Token [redacted] is dead'],
    ['a token of letters', `Token ${'aBcD'.repeat(8)} is dead`, 'Token [redacted] is dead'],
    ['a token with underscores', `Token ${'aB3_'.repeat(8)} is dead`, 'Token [redacted] is dead'],
    ['a token of small letters alone', `Token ${'abcd'.repeat(8)} is dead`, 'Token [redacted] is dead'],
    ['a line of its own', 'wrong\r\nINFO all is well', 'wrong INFO all is well'],
  ])('do not keep %s', (_, description, expected) => {
    const refusal = refusalOf({ error: 'invalid_scope', error_description: description });
    expect(refusal?.errorDescription).toBe(expected);
  });

  test.each([[undefined], [7], [{ reason: 'x' }], [['a']]])(
    'that are none are left out: %j',
    (description) => {
      expect(
        refusalOf({ error: 'invalid_scope', error_description: description })?.errorDescription,
      ).toBeUndefined();
    },
  );
});
