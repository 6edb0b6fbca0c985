import { AnswerCount } from './answer-count.ts';
import type { ApiRoute } from './api-route.ts';
import type { HandedOutTokens } from './handed-out-tokens.ts';
import type { Ledger } from './ledger.ts';
import type { SeenRequest } from './nock-listener.ts';
import { connectionError, type MockAnswer, type MockReply } from './reply.ts';
import { redacted } from './token-form.ts';

/** One API request that a mock answered, as the test may see it. */
export interface ApiRequest {
  readonly method: string;
  readonly url: string;
  readonly query: Readonly<Record<string, string>>;
  /** Lower-case names. A token is shown if the kit handed it out, and reads `[redacted]` otherwise. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed if it was JSON; else a string. */
  readonly body: unknown;
  /** The token it carried, without `Bearer`; `undefined` if none, or none that the kit knows. */
  readonly token: string | undefined;
  /** What it was answered with; `undefined` if its connection broke, or while the answer is still to come. */
  readonly status: number | undefined;
}

/** Which token a request must carry: one that was handed out, any at all, or none. */
export type TokenRule = 'handed-out' | 'any' | 'none';

/** Where the API expects the token; as the option `header` of `createPayuAuth`. */
export interface TokenHeader {
  readonly name: string;
  readonly prefix?: string;
}

/** One declared answer of an API. */
export interface ApiMock {
  readonly label: string;
  readonly route: ApiRoute;
  readonly tokenRule: TokenRule;
  readonly outcome: (request: ApiRequest, url: URL) => MockAnswer | Promise<MockAnswer>;
}

/** The mocks of the APIs: a request takes the first declared one that fits and is not used yet. */
export class ApiMocks {
  readonly answers: AnswerCount = new AnswerCount('API requests');
  readonly requests: ApiRequest[] = [];
  readonly #header: { readonly name: string; readonly prefix: string };
  readonly #tokens: HandedOutTokens;
  readonly #ledger: Ledger;
  readonly #queue: ApiMock[] = [];

  constructor(header: TokenHeader, tokens: HandedOutTokens, ledger: Ledger) {
    // Trimmed, as `createPayuAuth` reads it.
    this.#header = { name: header.name, prefix: (header.prefix ?? 'Bearer').trim() };
    this.#tokens = tokens;
    this.#ledger = ledger;
  }

  declare(mock: ApiMock): void {
    this.#queue.push(mock);
  }

  pending(): string[] {
    return this.#queue.map(({ label }) => label);
  }

  claims(method: string, url: URL): boolean {
    return this.#queue.some(({ route }) => route.matches(method, url));
  }

  async answer(seen: SeenRequest): Promise<MockAnswer> {
    const { method, url } = seen;
    const at = this.#queue.findIndex(({ route }) => route.matches(method, url));
    const mock = this.#queue.splice(at, at < 0 ? 0 : 1)[0];
    // Two requests at once may both have been told that the one mock left is theirs.
    if (mock === undefined) return refuse(this.unexpected(method, url));
    const token = this.#tokenOf(seen);
    const problem = this.#tokenProblem(token, mock.tokenRule);
    if (problem !== undefined) {
      this.#ledger.addProblem(`${describe(method, url)}, taken by ${mock.label}: ${problem}`);
      return refuse(`${describe(method, url)}: ${problem}`);
    }
    const index = this.requests.push(this.#request(seen, token)) - 1;
    const request = this.requests[index] as ApiRequest;
    const outcome = await mock.outcome(request, url);
    const status = outcome.kind === 'reply' ? (outcome.reply.status ?? 200) : undefined;
    this.requests[index] = { ...request, status };
    return outcome;
  }

  /** Notes a request that no mock fits, and returns what to tell its sender. */
  unexpected(method: string, url: URL): string {
    this.#ledger.addUnexpected(describe(method, url));
    const left = this.#queue.length === 0 ? 'no API mock is left' : `left are: ${this.pending().join(', ')}`;
    return `unexpected request ${describe(method, url)}; ${left}`;
  }

  #tokenOf({ headers }: SeenRequest): string | undefined {
    const value = headers[this.#header.name.toLowerCase()];
    const { prefix } = this.#header;
    if (prefix === '' || value === undefined) return value;
    return value.startsWith(`${prefix} `) ? value.slice(prefix.length + 1) : undefined;
  }

  #tokenProblem(token: string | undefined, rule: TokenRule): string | undefined {
    const { name, prefix } = this.#header;
    const form = `"${name}: ${prefix === '' ? '' : `${prefix} `}<token>"`;
    if (rule === 'none') return token === undefined ? undefined : `it must carry no token, but has ${form}`;
    if (token === undefined) return `it carries no token; ${form} is missing`;
    if (rule === 'any') return undefined;
    if (this.#tokens.isRevoked(token)) return 'its token was revoked';
    if (this.#tokens.isAccessToken(token)) return undefined;
    return `its token was not handed out by this kit (${this.#tokens.describe()}); for one obtained elsewhere, call acceptToken()`;
  }

  #request({ method, url, headers, body }: SeenRequest, token: string | undefined): ApiRequest {
    const known = token !== undefined && this.#tokens.isAccessToken(token);
    const hide = ([name, value]: [string, string]): [string, string] =>
      secretHeaders.has(name) || name === this.#header.name.toLowerCase()
        ? [name, known && value.endsWith(token) ? value : redacted]
        : [name, value];
    return {
      method,
      url: url.href,
      query: Object.fromEntries(url.searchParams),
      headers: Object.fromEntries(Object.entries(headers).map(hide)),
      body,
      token: known ? token : undefined,
      status: undefined,
    };
  }
}

/** An answer that a test gives as data or works out from the request. */
export type ApiReply = MockReply | ((request: ApiRequest) => MockReply | Promise<MockReply>);

const secretHeaders = new Set(['authorization', 'proxy-authorization', 'cookie', 'x-partner-token']);

// An error of the connection and not an answer: no client takes it for one of the API's own refusals.
function refuse(message: string): MockAnswer {
  return { kind: 'fault', error: connectionError(`mockPayu: ${message}`, 'ERR_MOCK_PAYU') };
}

function describe(method: string, url: URL): string {
  return `${method} ${url.href}`;
}
