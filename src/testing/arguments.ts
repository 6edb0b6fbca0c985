import type { ApiReply, TokenHeader, TokenRule } from './api-mock.ts';
import type { TokenReply } from './handed-out-tokens.ts';
import { invalidOption } from './hosts.ts';
import type { ApiMockOptions, MockPayuOptions } from './kit.ts';
import { isMockReply, type MockFault, type MockReply, type RateLimitOptions } from './reply.ts';

/** What axios has a method for. */
const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** All names of an object; the compiler asks for each. */
type Names<T> = Readonly<Record<keyof T, true>>;

const MOCK_REPLY: Names<MockReply> = { status: true, headers: true, body: true };
const TOKEN_REPLY: Names<TokenReply> = {
  accessToken: true,
  expiresInSeconds: true,
  scope: true,
  refreshToken: true,
  tokenType: true,
  extra: true,
};
const RATE_LIMIT: Names<RateLimitOptions> = { retryAfter: true, via: true, status: true };
const CONNECTION_FAULT: Names<Extract<MockFault, { code: string }>> = { code: true, message: true };
const API_OPTIONS: Names<ApiMockOptions> = { token: true };
const KIT_OPTIONS: Names<MockPayuOptions> = { environment: true, apiHosts: true, header: true };
const ENVIRONMENT: Names<Extract<MockPayuOptions['environment'], object>> = {
  tokenUrl: true,
  revokeUrl: true,
};
const HEADER: Names<TokenHeader> = { name: true, prefix: true };

/**
 * Checks at run time of what types promise, for tests in plain JavaScript: a misspelt name would mock something else
 * than the test means, and pass.
 */
export class Arguments {
  readonly #call: string;

  /** `call` is named in messages: `token()`. */
  constructor(call: string) {
    this.#call = call;
  }

  text(name: string, value: unknown, example: string): void {
    if (typeof value !== 'string' || value === '') this.#refuse(name, `must be a text, such as "${example}"`);
  }

  count(value: unknown): void {
    if (!Number.isSafeInteger(value) || Number(value) < 0) {
      this.#refuse('count', 'must be a whole number, 0 or more');
    }
  }

  route(method: unknown, path: unknown): void {
    if (typeof method !== 'string' || !METHODS.includes(method.toUpperCase())) {
      this.#refuse('method', 'must be an HTTP method, such as "get"');
    }
    // An empty one stands for the product itself.
    if (typeof path !== 'string') this.#refuse('path', 'must be a text, such as "/v2/payment"');
  }

  tokenReply(reply: TokenReply | MockReply | undefined): void {
    if (reply === undefined) return;
    this.#object('reply', reply, "{ accessToken: '…' }");
    this.#names('reply', reply, isMockReply(reply) ? MOCK_REPLY : TOKEN_REPLY);
    if (isMockReply(reply)) this.#wire(reply);
  }

  reply(reply: MockReply | undefined): void {
    if (reply === undefined) return;
    this.#object('reply', reply, '{ status: 200, body: {} }');
    this.#names('reply', reply, MOCK_REPLY);
    this.#wire(reply);
  }

  apiReply(reply: ApiReply | undefined): void {
    if (typeof reply === 'function') return;
    if (reply !== undefined && !isObject(reply)) {
      this.#refuse(
        'reply',
        'must be an object or a function that returns one, such as { status: 200, body: {} }',
      );
    }
    this.reply(reply);
  }

  apiOptions(options: ApiMockOptions): void {
    this.#object('options', options, "{ token: 'none' }");
    this.#names('options', options, API_OPTIONS);
    this.#oneOf('token', options.token, ['handed-out', 'any', 'none'] satisfies readonly TokenRule[]);
  }

  errorOptions(options: { readonly status?: number }): void {
    this.#object('options', options, '{ status: 400 }');
    this.#names('options', options, { status: true });
    this.#status(options.status);
  }

  rateLimit(options: RateLimitOptions): void {
    this.#object('options', options, '{ retryAfter: 60 }');
    this.#names('options', options, RATE_LIMIT);
    const { retryAfter, via, status } = options;
    // A text may be nonsense on purpose: what a server writes is not ours to choose.
    const isTold = typeof retryAfter === 'string' || (typeof retryAfter === 'number' && retryAfter >= 0);
    if (retryAfter !== undefined && !isTold) {
      this.#refuse('retryAfter', 'must be a number of seconds, 0 or more; or a text, sent as it stands');
    }
    this.#oneOf('via', via, ['body', 'header', 'both']);
    this.#status(status);
  }

  fault(fault: MockFault): void {
    this.#object('fault', fault, "{ code: 'ECONNRESET' } or { status: 502 }");
    if ('status' in fault) {
      this.#names('fault', fault, MOCK_REPLY);
      this.#wire(fault);
      return;
    }
    if (!('code' in fault)) this.#refuse('fault', 'must have a "code" or a "status"');
    this.#names('fault', fault, CONNECTION_FAULT);
    this.text('code', fault.code, 'ECONNRESET');
  }

  kitOptions(options: MockPayuOptions): void {
    this.#object('options', options, '{ environment: "test" }');
    this.#names('options', options, KIT_OPTIONS);
    const { environment, apiHosts = [], header } = options;
    if (isObject(environment)) this.#names('environment', environment, ENVIRONMENT);
    if (!Array.isArray(apiHosts))
      this.#refuse('apiHosts', 'must be a list, such as ["https://uat-partner.payu.in"]');
    if (header === undefined) return;
    this.#object('header', header, "{ name: 'X-Partner-Token' }");
    this.#names('header', header, HEADER);
    this.text('header.name', header.name, 'X-Partner-Token');
    if (header.prefix !== undefined && typeof header.prefix !== 'string') {
      this.#refuse('header.prefix', 'must be a text, such as "Bearer", or "" for the bare token');
    }
  }

  #object(name: string, value: unknown, example: string): void {
    if (!isObject(value)) this.#refuse(name, `must be an object, such as ${example}`);
  }

  #names(name: string, value: object, known: Readonly<Record<string, true>>): void {
    const unknown = Object.keys(value).find((each) => !Object.hasOwn(known, each));
    if (unknown === undefined) return;
    this.#refuse(unknown, `is not known in "${name}"; known are: ${Object.keys(known).join(', ')}`);
  }

  #oneOf(name: string, value: unknown, allowed: readonly string[]): void {
    if (value === undefined || allowed.includes(String(value))) return;
    this.#refuse(name, `must be one of ${allowed.map((each) => `"${each}"`).join(', ')}`);
  }

  #wire({ status, body }: MockReply): void {
    this.#status(status);
    if (!canBeSent(body))
      this.#refuse('body', 'must be a text, or what JSON can hold; bytes can not be mocked');
  }

  #status(status: unknown): void {
    if (status === undefined || (Number.isInteger(status) && Number(status) >= 100 && Number(status) <= 599))
      return;
    this.#refuse('status', 'must be a status code, such as 401');
  }

  #refuse(name: string, rule: string): never {
    throw invalidOption(`${this.#call === '' ? '' : `${this.#call}: `}"${name}" ${rule}`);
  }
}

function canBeSent(body: unknown): boolean {
  if (body === undefined) return true;
  try {
    return !ArrayBuffer.isView(body) && JSON.stringify(body) !== undefined;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
