import { describe, expect, test } from 'vitest';
import type { FormReply } from '../../../src/token/endpoint/form-post.ts';
import {
  concernsClient,
  isAnswerLost,
  type TokenOutcome,
  tokenOutcome,
} from '../../../src/token/endpoint/token-endpoint.ts';

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

const STATUSES = [200, 400, 401, 429, 503] as const;

/** What a reply means, as far as it decides on what follows. */
type Reading =
  /** The server wants to be left alone (E1). */
  | { readonly kind: 'rate-limited'; readonly toldMs: number | undefined }
  /** It passes: the mint is tried again (E6). */
  | { readonly kind: 'fault' }
  /** A no, for good (E7). */
  | { readonly kind: 'refused'; readonly refusal: { readonly error: string | undefined } }
  /** A success status without a token. */
  | { readonly kind: 'unusable' };

const limited = (toldMs: number | undefined): Reading => ({ kind: 'rate-limited', toldMs });
const fault: Reading = { kind: 'fault' };
const unusable: Reading = { kind: 'unusable' };
const refused = (error?: string): Reading => ({ kind: 'refused', refusal: { error } });

const UNTOLD = limited(undefined);
const TOLD_2_S = limited(2_000);
const TOLD_3_S = limited(3_000);

interface Row {
  readonly body: unknown;
  readonly retryAfter?: string;
  /** At 200, 400, 401, 429, 503. */
  readonly readings: readonly [Reading, Reading, Reading, Reading, Reading];
}

const always = (reading: Reading): Row['readings'] => [reading, reading, reading, reading, reading];

const ROWS: readonly Row[] = [
  { body: { error: 'rate_limit_exceeded', retry_after: 2 }, readings: always(TOLD_2_S) },
  { body: { error: 'rate_limit_exceeded', retry_after: 2 }, retryAfter: '3', readings: always(TOLD_3_S) },
  { body: { error: 'rate_limit_exceeded' }, retryAfter: '3', readings: always(TOLD_3_S) },
  { body: { error: 'rate_limit_exceeded' }, readings: always(UNTOLD) },
  { body: 'Too Many Requests', readings: [unusable, refused(), refused(), UNTOLD, fault] },
  { body: '', readings: [unusable, refused(), refused(), UNTOLD, fault] },
  {
    body: '<html>try later</html>',
    retryAfter: '3',
    readings: [unusable, refused(), refused(), TOLD_3_S, TOLD_3_S],
  },
  // Without its `error` nobody promised what the number means.
  { body: { retry_after: 2 }, readings: [unusable, refused(), refused(), TOLD_2_S, fault] },
  { body: { error: { reason: 'x' } }, readings: [unusable, refused(), refused(), UNTOLD, fault] },
  { body: { error: 'server_error' }, readings: [fault, fault, fault, UNTOLD, fault] },
  {
    body: { error: 'server_error' },
    retryAfter: '3',
    readings: [fault, fault, fault, TOLD_3_S, TOLD_3_S],
  },
  { body: { error: 'invalid_token_reuse' }, readings: [fault, fault, fault, UNTOLD, fault] },
  ...[
    'invalid_client',
    'unauthorized_client',
    'invalid_scope',
    'unsupported_grant_type',
    'invalid_request',
    'invalid_grant',
  ].map((error) => ({ body: { error }, readings: always(refused(error)) })),
  {
    body: { error: 'on_holiday' },
    readings: [refused('on_holiday'), refused('on_holiday'), refused('on_holiday'), UNTOLD, fault],
  },
];

describe('a reply means what its "error" says, else what its status says (E1, E6, E7)', () => {
  const cases = ROWS.flatMap(({ body, retryAfter, readings }) =>
    STATUSES.map((status, index) => ({ status, body, retryAfter, reading: readings[index] as Reading })),
  );
  const title = ({ status, body, retryAfter = '' }: (typeof cases)[number]) =>
    `${status} ${JSON.stringify(body)} ${retryAfter}`;

  test.each(cases.map((each) => [title(each), each] as const))('%s', (_, each) => {
    const reply: FormReply = {
      kind: 'reply',
      status: each.status,
      header: (name) => (name === 'retry-after' ? each.retryAfter : undefined),
      body: typeof each.body === 'string' ? each.body : JSON.stringify(each.body),
    };
    expect(tokenOutcome(reply, REQUEST)).toMatchObject(each.reading);
  });
});

describe('a status without words (E1, E6)', () => {
  const outcomeOf = (status: number, body: string | undefined = '') =>
    tokenOutcome({ kind: 'reply', status, header: () => undefined, body }, REQUEST);

  test.each([
    [199, 'refused'],
    [200, 'unusable'],
    [299, 'unusable'],
    [300, 'refused'],
    [428, 'refused'],
    [429, 'rate-limited'],
    [430, 'refused'],
    [408, 'fault'],
    [421, 'fault'],
    [425, 'fault'],
    [498, 'refused'],
    [499, 'fault'],
    [500, 'fault'],
    [503, 'fault'],
  ])('%d: %s', (status, kind) => {
    expect(outcomeOf(status).kind).toBe(kind);
  });

  test('an empty "error" is none', () => {
    expect(outcomeOf(200, '{"error":"","access_token":"a"}').kind).toBe('token');
  });

  test('a reply that was too large to read says so', () => {
    const reply: FormReply = { kind: 'reply', status: 200, header: () => undefined, body: undefined };
    expect(tokenOutcome(reply, REQUEST)).toEqual({
      kind: 'unusable',
      status: 200,
      reason: 'it is larger than 64 KiB',
    });
  });

  test.each([
    [502, '', 'status 502'],
    [400, '{"error":"server_error"}', '"server_error", status 400'],
  ])('a fault says what it was: %d %s', (status, body, what) => {
    expect(outcomeOf(status, body)).toMatchObject({
      kind: 'fault',
      what,
      status,
      cause: new Error(`The server answered ${what}.`),
    });
  });
});

describe("the server's own words in a refusal", () => {
  test.each([
    ['a short name', 'invalid_scope'],
    ['a long name', 'unsupported_response_type_of_client'],
    ['a name that nobody has heard of', 'merchant_account_is_blocked_for_payouts'],
  ])('keep the error: %s', (_, error) => {
    expect(refusalOf({ error })).toEqual({ status: 400, error, errorDescription: undefined, isJson: true });
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

/** What is decided on is the word as it came, what is shown is redacted: a parameter may be a word, too (E7). */
describe('a secret that is part of a word of the protocol', () => {
  const outcomeOf = (secrets: readonly string[], body: object, status = 401) =>
    tokenOutcome(
      { kind: 'reply', status, header: () => undefined, body: JSON.stringify(body) },
      { ...REQUEST, secrets },
    );
  const PARTS = ['client', 'invalid', 'grant', 'scope', 'request', 'token', 'unauthorized_client'];

  test.each(
    [
      'invalid_client',
      'unauthorized_client',
      'invalid_scope',
      'unsupported_grant_type',
      'invalid_request',
      'invalid_grant',
      'invalid_token',
    ].flatMap((error) => PARTS.map((part) => [error, part] as const)),
  )('%s beside "%s": refused by that name, and shown by it', (error, part) => {
    const outcome = outcomeOf([part], { error });
    expect(outcome).toMatchObject({ kind: 'refused', refusal: { error } });
    expect(outcome.kind === 'refused' && concernsClient(outcome.refusal)).toBe(/_client$/.test(error));
  });

  test.each([
    ['rate_limit_exceeded', 'rate', 'rate-limited'],
    ['server_error', 'server', 'fault'],
    ['temporarily_unavailable', 'temporarily', 'fault'],
    ['invalid_token_reuse', 'reuse', 'fault'],
  ])('%s beside "%s": %s', (error, part, kind) => {
    expect(outcomeOf([part], { error }).kind).toBe(kind);
  });

  test('any other word is shown without it, and so is the description', () => {
    const body = { error: 'unknown_client_type', error_description: 'no client of this type' };
    expect(outcomeOf(['client'], body)).toMatchObject({
      refusal: { error: 'unknown_[redacted]_type', errorDescription: 'no [redacted] of this type' },
    });
  });

  test('a word that only redaction would make is none', () => {
    const outcome = outcomeOf(['x_'], { error: 'x_invalid_client' });
    expect(outcome.kind === 'refused' && concernsClient(outcome.refusal)).toBe(false);
  });

  test('a word that every object has by a polluted prototype is none (G6)', () => {
    Object.assign(Object.prototype, { error: 'invalid_client', error_description: 'polluted' });
    try {
      expect(outcomeOf([], {}, 404)).toEqual({
        kind: 'refused',
        refusal: { status: 404, error: undefined, errorDescription: undefined, isJson: true },
      });
    } finally {
      const polluted: { error?: unknown; error_description?: unknown } = Object.prototype;
      delete polluted.error;
      delete polluted.error_description;
    }
  });

  test('an empty one is none', () => {
    expect(outcomeOf([], { error: '', error_description: '' }, 404)).toMatchObject({
      refusal: { status: 404, error: undefined, errorDescription: undefined, isJson: true },
    });
  });
});

describe('may the server have given a token that never arrived? (F2)', () => {
  const fault = (what: string, status?: number): TokenOutcome => ({
    kind: 'fault',
    what,
    status,
    cause: new Error(what),
  });
  test.each<[boolean, string, TokenOutcome]>([
    [true, 'a timeout', fault('no answer within 10000 ms ("tokenTimeoutMs")')],
    [true, 'a reset', fault('read ECONNRESET')],
    [true, 'a broken pipe', fault('write EPIPE')],
    [true, 'a gateway without a usable answer', fault('status 502', 502)],
    [true, 'a gateway without any answer', fault('status 504', 504)],
    [true, 'a 2xx that can not be read', { kind: 'unusable', status: 200, reason: 'it is empty' }],
    [false, 'a port that nobody listens at', fault('connect ECONNREFUSED 10.0.0.1:443')],
    [false, 'the same, as fetch tells it', fault('fetch failed: connect ECONNREFUSED ::1:443')],
    [false, 'a host that cannot be found', fault('getaddrinfo ENOTFOUND a.example')],
    [false, 'a resolver that does not answer', fault('getaddrinfo EAI_AGAIN a.example')],
    [false, 'no route', fault('connect EHOSTUNREACH 10.0.0.1:443')],
    [false, 'a 500', fault('status 500', 500)],
    [false, 'a 503', fault('status 503', 503)],
    [false, 'a rate limit', { kind: 'rate-limited', toldMs: 1_000 }],
  ])('%s: %s', (expected, _, outcome) => {
    expect(isAnswerLost(outcome)).toBe(expected);
  });
});
