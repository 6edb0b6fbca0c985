import { type ApiMock, ApiMocks, type ApiReply, type ApiRequest } from './api-mock.ts';
import { apiRoute } from './api-route.ts';
import { Arguments } from './arguments.ts';
import { fixtures } from './fixtures/fixtures.ts';
import { HandedOutTokens, type TokenReply } from './handed-out-tokens.ts';
import { type Hosts, invalidOption, isPayu, resolveHosts } from './hosts.ts';
import type { ApiMockOptions, MockPayu, MockPayuOptions } from './kit.ts';
import { Ledger } from './ledger.ts';
import type { Nock } from './load-nock.ts';
import { NockListener, type SeenRequest } from './nock-listener.ts';
import { type OAuthMock, OAuthMocks, type OAuthRequest, tokenOutcome } from './oauth-mock.ts';
import {
  faultAnswer,
  type MockAnswer,
  type MockFault,
  type MockReply,
  type RateLimitOptions,
  rateLimitReply,
} from './reply.ts';
import { refusedReply, tokenErrorReply, usualReply } from './usual-replies.ts';

/** The kit behind `mockPayu`: declares mocks, and hands each request to the one that it is for. */
export class MockPayuKit implements MockPayu {
  readonly #hosts: Hosts;
  readonly #ledger = new Ledger();
  readonly #tokens = new HandedOutTokens();
  readonly #token = new OAuthMocks('token', this.#tokens, this.#ledger);
  readonly #revoke = new OAuthMocks('revoke', this.#tokens, this.#ledger);
  readonly #api: ApiMocks;
  readonly #listener: NockListener;
  #isRestored = false;

  constructor(nock: Nock, options: MockPayuOptions) {
    new Arguments('').kitOptions(options);
    this.#hosts = resolveHosts(options.environment, options.apiHosts ?? []);
    this.#api = new ApiMocks(options.header ?? { name: 'Authorization' }, this.#tokens, this.#ledger);
    this.#listener = new NockListener(nock, {
      claims: (method, url) => this.#isOAuth(method, url) || this.#api.claims(method, url),
      answer: (request) => this.#mocksFor(request).answer(request),
      answered: (request) => this.#mocksFor(request).answers.add(),
      unexpected: (method, url, whereTo) => this.#unexpected(method, url, whereTo),
    });
    this.#listen();
  }

  token(reply?: TokenReply | MockReply): this {
    this.#called('token()').tokenReply(reply);
    return this.#declareToken({
      label: 'token()',
      outcome: (form) => tokenOutcome(reply, form, this.#tokens),
    });
  }

  refresh(reply?: TokenReply | MockReply): this {
    this.#called('refresh()').tokenReply(reply);
    return this.#declareToken({
      label: 'refresh()',
      grantType: 'refresh_token',
      outcome: (form) => tokenOutcome(reply, form, this.#tokens),
    });
  }

  tokenError(error: string, options: { readonly status?: number } = {}): this {
    const given = this.#called('tokenError()');
    given.text('error', error, 'invalid_client');
    given.errorOptions(options);
    const outcome = replyWith(tokenErrorReply(error, options.status));
    return this.#declareToken({ label: `tokenError('${error}')`, outcome: () => outcome });
  }

  tokenRateLimited(options: RateLimitOptions = {}): this {
    this.#called('tokenRateLimited()').rateLimit(options);
    const outcome = replyWith(
      rateLimitReply(options, { via: 'body', status: fixtures.token.rateLimited.status }),
    );
    return this.#declareToken({ label: `tokenRateLimited(${shown(options)})`, outcome: () => outcome });
  }

  tokenFault(fault: MockFault): this {
    this.#called('tokenFault()').fault(fault);
    return this.#declareToken({
      label: `tokenFault(${JSON.stringify(fault)})`,
      outcome: () => faultAnswer(fault),
    });
  }

  revoke(reply: MockReply = fixtures.revoke.success): this {
    this.#called('revoke()').reply(reply);
    if (this.#hosts.revokeUrl === undefined) {
      throw invalidOption('"revoke" needs a URL: give "revokeUrl" in the custom environment');
    }
    this.#revoke.declare({
      label: 'revoke()',
      outcome: (form) => {
        if ((reply.status ?? 200) < 300) this.#tokens.revoke(form.get('token') ?? '');
        return replyWith(reply);
      },
    });
    return this;
  }

  api(method: string, path: string, reply?: ApiReply, options: ApiMockOptions = {}): this {
    const given = this.#called('api()');
    given.route(method, path);
    given.apiReply(reply);
    given.apiOptions(options);
    return this.#declareApi('api', method, path, {
      tokenRule: options.token ?? 'handed-out',
      outcome: async (request, url) => {
        if (typeof reply !== 'function') return replyWith(reply ?? usualReply(request.method, url));
        try {
          const answer = await reply(request);
          given.reply(answer);
          return replyWith(answer ?? usualReply(request.method, url));
        } catch (error) {
          // Code under test that catches errors must not swallow what the test asserts in here.
          this.#ledger.addProblem(
            `${request.method} ${request.url}: its reply function failed: ${String(error)}`,
          );
          throw error;
        }
      },
    });
  }

  unauthorized(method: string, path: string, reply?: MockReply): this {
    const given = this.#called('unauthorized()');
    given.route(method, path);
    given.reply(reply);
    return this.#declareApi('unauthorized', method, path, {
      // A refused token need not be one of the kit's: it may come from a store, or have been revoked.
      tokenRule: 'any',
      outcome: (_request, url) => replyWith(reply ?? refusedReply(url)),
    });
  }

  rateLimited(method: string, path: string, options: RateLimitOptions = {}): this {
    const given = this.#called('rateLimited()');
    given.route(method, path);
    given.rateLimit(options);
    const outcome = replyWith(rateLimitReply(options, { via: 'header', status: 429 }));
    return this.#declareApi('rateLimited', method, path, { tokenRule: 'handed-out', outcome: () => outcome });
  }

  apiFault(method: string, path: string, fault: MockFault): this {
    const given = this.#called('apiFault()');
    given.route(method, path);
    given.fault(fault);
    return this.#declareApi('apiFault', method, path, {
      tokenRule: 'handed-out',
      outcome: () => faultAnswer(fault),
    });
  }

  acceptToken(accessToken: string): this {
    this.#called('acceptToken()').text('accessToken', accessToken, 'token-1');
    this.#tokens.accept(accessToken);
    return this;
  }

  tokenRequests(): readonly OAuthRequest[] {
    return [...this.#token.requests];
  }

  revokeRequests(): readonly OAuthRequest[] {
    return [...this.#revoke.requests];
  }

  apiRequests(): readonly ApiRequest[] {
    return [...this.#api.requests];
  }

  async waitForTokenRequests(count: number): Promise<void> {
    this.#called('waitForTokenRequests()').count(count);
    await this.#token.answers.reached(count);
  }

  async waitForApiRequests(count: number): Promise<void> {
    this.#called('waitForApiRequests()').count(count);
    await this.#api.answers.reached(count);
  }

  done(): void {
    const pending = [...this.#token.pending(), ...this.#revoke.pending(), ...this.#api.pending()];
    this.#ledger.check(pending, this.#isRestored ? undefined : this.#listener.whyDeaf());
  }

  restore(): void {
    this.#isRestored = true;
    this.#listener.close();
    for (const { answers } of [this.#token, this.#revoke, this.#api]) answers.close();
  }

  [Symbol.dispose](): void {
    this.restore();
  }

  /** The arguments of a call that counts on the kit's answers. */
  #called(call: string): Arguments {
    if (this.#isRestored) {
      throw new Error(
        `mockPayu: ${call} on a kit that was restored: nothing would answer. Make a new kit, such as in beforeEach.`,
      );
    }
    return new Arguments(call);
  }

  #listen(): void {
    const { tokenUrl, revokeUrl, apiBases } = this.#hosts;
    if (this.#listener.isTaken(tokenUrl.origin, 'POST')) {
      this.#listener.close();
      throw new Error(
        `mockPayu: another kit still listens on ${tokenUrl.origin}: call its restore() in afterEach, so that it runs when a test fails, too`,
      );
    }
    this.#listener.listen(tokenUrl.origin, 'POST');
    if (revokeUrl !== undefined) this.#listener.listen(revokeUrl.origin, 'POST');
    // Claims nothing yet; but a host that nock knows is one that no stray request leaves the machine for.
    for (const { origin } of apiBases) this.#listener.listen(origin, 'GET');
  }

  #declareToken(mock: OAuthMock): this {
    this.#token.declare(mock);
    return this;
  }

  #declareApi(
    call: string,
    method: string,
    path: string,
    mock: Pick<ApiMock, 'tokenRule' | 'outcome'>,
  ): this {
    const route = apiRoute(method, path, this.#hosts);
    this.#api.declare({ label: `${call}: ${route.label}`, route, ...mock });
    for (const origin of route.origins) this.#listener.listen(origin, route.method);
    return this;
  }

  #mocksFor(request: SeenRequest): OAuthMocks | ApiMocks {
    if (this.#isAt(this.#hosts.tokenUrl, request)) return this.#token;
    if (this.#isAt(this.#hosts.revokeUrl, request)) return this.#revoke;
    return this.#api;
  }

  #isOAuth(method: string, url: URL): boolean {
    return [this.#hosts.tokenUrl, this.#hosts.revokeUrl].some((endpoint) =>
      this.#isAt(endpoint, { method, url }),
    );
  }

  #isAt(endpoint: URL | undefined, { method, url }: Pick<SeenRequest, 'method' | 'url'>): boolean {
    return method === 'POST' && endpoint?.origin === url.origin && endpoint.pathname === url.pathname;
  }

  #unexpected(method: string, url: URL, whereTo: 'nowhere' | 'the network'): string | undefined {
    const { tokenUrl, revokeUrl, apiBases } = this.#hosts;
    // What belongs into the form may stand in the query of an OAuth request gone wrong.
    const bare = new URL(url.pathname, url.origin);
    if (apiBases.some(({ origin }) => origin === url.origin))
      return this.#refused(`${this.#api.unexpected(method, url)}${this.#whyNotMocked()}`);
    if (url.origin === tokenUrl.origin || url.origin === revokeUrl?.origin) {
      const endpoints = [tokenUrl, revokeUrl].flatMap((endpoint) => endpoint?.pathname ?? []);
      this.#ledger.addUnexpected(`${method} ${bare.href}`);
      return this.#refused(
        `unexpected request ${method} ${bare.href}; this host answers POST ${endpoints.join(' and POST ')}${this.#whyNotMocked()}`,
      );
    }
    if (whereTo === 'nowhere' || !(isPayu(url) || this.#isDoubledSlash(url))) return undefined;
    this.#ledger.addUnexpected(`${method} ${bare.href}`);
    return this.#refused(
      isPayu(url)
        ? `unexpected request ${method} ${bare.href}: this host is PayU's, and none of this kit's; see "environment" and "apiHosts"`
        : `unexpected request to a host "${url.hostname}": does the path of its URL begin with two slashes?`,
    );
  }

  #refused(message: string): string {
    return `mockPayu: ${message}`;
  }

  /** nock.cleanAll() takes all interceptors away, and what they were to catch would reach the server. */
  #whyNotMocked(): string {
    const why = this.#listener.whyDeaf();
    return why === undefined ? '' : `; ${why}`;
  }

  /** For nock, what follows two slashes is a host: `https://accounts.payu.in//oauth/token` leads to `https://oauth/token`. */
  #isDoubledSlash({ protocol, hostname, port, pathname }: URL): boolean {
    const { tokenUrl, revokeUrl, apiBases } = this.#hosts;
    const products = apiBases
      .filter(({ prefix }) => prefix !== '')
      .map(({ origin, prefix }) => new URL(`${prefix}/`, origin));
    return [tokenUrl, ...(revokeUrl === undefined ? [] : [revokeUrl]), ...products].some(
      (each) =>
        port === '' && protocol === each.protocol && `/${hostname}${pathname}`.startsWith(each.pathname),
    );
  }
}

function shown(options: RateLimitOptions): string {
  return Object.keys(options).length === 0 ? '' : JSON.stringify(options);
}

function replyWith(reply: MockReply): MockAnswer {
  return { kind: 'reply', reply };
}
