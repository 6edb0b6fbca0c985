import { AnswerCount } from './answer-count.ts';
import type { HandedOutTokens, TokenReply } from './handed-out-tokens.ts';
import type { Ledger } from './ledger.ts';
import type { SeenRequest } from './nock-listener.ts';
import { complaintReply, isMockReply, type MockAnswer, type MockReply } from './reply.ts';
import { type FormRequest, redactForm, revokeFormProblems, tokenFormProblems } from './token-form.ts';

/** One request to the token or the revocation endpoint, as the test may see it. */
export interface OAuthRequest {
  /** The form's fields. Secrets read `[redacted]`; tokens that the kit handed out are shown. */
  readonly form: Readonly<Record<string, string>>;
  /** What it was answered with; `undefined` if its connection broke. */
  readonly status: number | undefined;
}

/** One declared answer of an OAuth endpoint. */
export interface OAuthMock {
  /** For messages: `token()`, `tokenError('invalid_client')`. */
  readonly label: string;
  readonly grantType?: string;
  readonly outcome: (form: URLSearchParams) => MockAnswer;
}

/** The mocks of one OAuth endpoint, used in the order in which they were declared. */
export class OAuthMocks {
  readonly answers: AnswerCount;
  readonly requests: OAuthRequest[] = [];
  readonly #endpoint: 'token' | 'revoke';
  readonly #tokens: HandedOutTokens;
  readonly #ledger: Ledger;
  readonly #queue: OAuthMock[] = [];

  constructor(endpoint: 'token' | 'revoke', tokens: HandedOutTokens, ledger: Ledger) {
    this.#endpoint = endpoint;
    this.#tokens = tokens;
    this.#ledger = ledger;
    this.answers = new AnswerCount(`${endpoint} requests`);
  }

  declare(mock: OAuthMock): void {
    this.#queue.push(mock);
  }

  pending(): string[] {
    return this.#queue.map(({ label }) => label);
  }

  answer(request: SeenRequest): MockAnswer {
    const seen = formRequest(request);
    const outcome = this.#outcome(request, seen);
    this.requests.push({
      form: redactForm(seen, (value) => this.#tokens.isOurs(value)),
      status: outcome.kind === 'reply' ? (outcome.reply.status ?? 200) : undefined,
    });
    return outcome;
  }

  #outcome(request: SeenRequest, seen: FormRequest): MockAnswer {
    const mock = this.#queue.shift();
    const where = `${request.method} ${request.url.origin}${request.url.pathname}`;
    const form = new URLSearchParams(seen.body);
    if (mock === undefined) {
      this.#ledger.addUnexpected(`${where} (${describeForm(form)})`);
      return complaint(`unexpected ${this.#endpoint} request: no mock is left for it, declare one more`);
    }
    const problems = this.#endpoint === 'token' ? tokenFormProblems(seen) : revokeFormProblems(seen);
    const grantType = form.get('grant_type');
    if (mock.grantType !== undefined && grantType !== mock.grantType) {
      problems.push(`"grant_type" must be "${mock.grantType}" for ${mock.label}, but was "${grantType}"`);
    }
    if (problems.length === 0) return mock.outcome(form);
    this.#ledger.addProblem(`${where}, taken by ${mock.label}: ${problems.join('; ')}`);
    return complaint(problems.join('; '));
  }
}

/** The outcome of `token(reply?)`. */
export function tokenOutcome(
  reply: TokenReply | MockReply | undefined,
  form: URLSearchParams,
  tokens: HandedOutTokens,
): MockAnswer {
  if (reply === undefined || !isMockReply(reply)) {
    return { kind: 'reply', reply: tokens.mint(reply ?? {}, form) };
  }
  tokens.note(reply);
  return { kind: 'reply', reply };
}

function complaint(message: string): MockAnswer {
  return { kind: 'reply', reply: complaintReply(message) };
}

function describeForm(form: URLSearchParams): string {
  const grantType = form.get('grant_type');
  const scope = form.get('scope');
  const parts = [grantType && `grant_type ${grantType}`, scope && `scope ${scope}`];
  return parts.filter(Boolean).join(', ') || 'no grant_type';
}

function formRequest({ headers, url, body }: SeenRequest): FormRequest {
  return {
    contentType: headers['content-type'] ?? '',
    authorization: headers.authorization,
    search: url.search,
    // nock parses JSON: a body that is no string was no form.
    body: typeof body === 'string' ? body : '',
  };
}
