import type { MockReply } from './reply.ts';

/** What a token reply should hold instead of the defaults; `null` leaves a field out of the reply. */
export interface TokenReply {
  /** Default: `access_token_1`, `access_token_2`, … in the order of use. */
  readonly accessToken?: string;
  /** Default 7200. Sent as it is, so that a string or nonsense is possible. */
  readonly expiresInSeconds?: number | string | null;
  /** Default: as requested. */
  readonly scope?: string | null;
  /** Default: `refresh_token_1`, … for the grants `password` and `refresh_token`, none for the others. */
  readonly refreshToken?: string | null;
  /** Default `Bearer`. */
  readonly tokenType?: string | null;
  /** Further fields of the reply, under their wire names: `user_uuid`, `mid`, … */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Makes tokens with speaking names, and knows which ones it, or a fixture, gave away. */
export class HandedOutTokens {
  readonly #accessTokens = new Set<string>();
  readonly #refreshTokens = new Set<string>();
  readonly #revoked = new Set<string>();
  #accessCount = 0;
  #refreshCount = 0;

  /** Also accept a token that was obtained elsewhere. */
  accept(accessToken: string): void {
    this.#accessTokens.add(accessToken);
    this.#revoked.delete(accessToken);
  }

  /** No API takes it any more, until it is handed out again. */
  revoke(token: string): void {
    this.#revoked.add(token);
  }

  isAccessToken(value: string): boolean {
    return this.#accessTokens.has(value);
  }

  isRevoked(value: string): boolean {
    return this.#revoked.has(value);
  }

  isOurs(value: string): boolean {
    return this.#accessTokens.has(value) || this.#refreshTokens.has(value);
  }

  /** The names given away so far, for messages. */
  describe(): string {
    return this.#accessTokens.size === 0 ? 'none so far' : [...this.#accessTokens].join(', ');
  }

  /** A fixture is sent word for word; its tokens count as handed out. */
  note(reply: MockReply): void {
    const body = reply.body as { access_token?: unknown; refresh_token?: unknown } | null | undefined;
    if (typeof body !== 'object' || body === null) return;
    if (typeof body.access_token === 'string') this.accept(body.access_token);
    if (typeof body.refresh_token === 'string') this.#refreshTokens.add(body.refresh_token);
  }

  /** The reply to one token request, as Doorkeeper writes it. */
  mint(reply: TokenReply, form: URLSearchParams): MockReply {
    const refreshable = ['password', 'refresh_token'].includes(form.get('grant_type') ?? '');
    const fields = {
      access_token: reply.accessToken ?? `access_token_${++this.#accessCount}`,
      token_type: or(reply.tokenType, 'Bearer'),
      expires_in: or(reply.expiresInSeconds, 7200),
      refresh_token: or(reply.refreshToken, refreshable ? `refresh_token_${++this.#refreshCount}` : null),
      scope: or(reply.scope, form.get('scope')),
      created_at: Math.floor(Date.now() / 1000),
      ...reply.extra,
    };
    const present = Object.entries(fields).filter(([, value]) => value !== null);
    const minted = {
      status: 200,
      headers: { 'cache-control': 'no-store' },
      body: Object.fromEntries(present),
    };
    this.note(minted);
    return minted;
  }
}

// Not `??`: null is an answer here.
function or<T>(given: T | undefined, usual: T): T {
  return given === undefined ? usual : given;
}
