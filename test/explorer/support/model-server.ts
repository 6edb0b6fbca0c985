/** What of the server a scenario chooses. */
export interface ServerRules {
  readonly lifeSeconds: number;
  /** What becomes of a refresh token that is used: it stays, dies when the new access token is first used, or dies at once. */
  readonly rotation: 'none' | 'with-grace' | 'at-once';
  /** Whether each mint kills the client's earlier access tokens. */
  readonly revokesPrevious: boolean;
  /** What the API's 401 says in `WWW-Authenticate`. */
  readonly challenge: string;
  /** `broken`: each refresh is answered with a 500, whatever the token. */
  readonly refreshes: 'answered' | 'broken';
}

export interface ModelReply {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Issued {
  readonly client: string;
  readonly value: string;
  readonly expiresAt: number;
  /** The refresh token that dies with the first use of this access token. */
  endsRefreshToken: string | undefined;
  isRevoked: boolean;
}

/** No secret of a model server looks otherwise. */
export const SECRET_SHAPE: RegExp = /(?:acc|ref)\.\d+\.token|s3cret/;

/** A server in memory: what PayU's does with tokens, without HTTP and in no time. */
export class ModelServer {
  readonly #rules: ServerRules;
  readonly #nowMs: () => number;
  readonly #access = new Map<string, Issued>();
  readonly #liveRefreshTokens = new Set<string>();
  #count = 0;

  constructor(rules: ServerRules, nowMs: () => number) {
    this.#rules = rules;
    this.#nowMs = nowMs;
  }

  /** Processes a token request as a server does that has no trouble. */
  answer(form: URLSearchParams): ModelReply {
    const client = form.get('client_id') ?? '';
    const grant = form.get('grant_type');
    if (grant === 'client_credentials') return this.#granted(client, undefined);
    if (grant === 'password') return this.#granted(client, this.#newRefreshToken());
    if (this.#rules.refreshes === 'broken') return { status: 500, body: '<html>', headers: {} };
    const used = form.get('refresh_token') ?? '';
    if (!this.#liveRefreshTokens.has(used)) return oauthError(400, 'invalid_grant');
    return this.#granted(client, this.#rotated(used), used);
  }

  /** A token that is alive, as a server gives it that reuses them; undefined where there is none. */
  sameAgain(form: URLSearchParams): ModelReply | undefined {
    const live = [...this.#access.values()].filter(
      ({ client, value }) => client === form.get('client_id') && this.accepts(value),
    );
    const newest = live.at(-1);
    if (newest === undefined) return undefined;
    return granted(newest.value, Math.round((newest.expiresAt - this.#nowMs()) / 1_000), undefined);
  }

  /** Whether an API takes this token now. */
  accepts(value: string): boolean {
    const issued = this.#access.get(value);
    return issued !== undefined && !issued.isRevoked && this.#nowMs() < issued.expiresAt;
  }

  /** An API took this token. */
  used(value: string): void {
    const issued = this.#access.get(value);
    if (issued?.endsRefreshToken === undefined) return;
    this.#liveRefreshTokens.delete(issued.endsRefreshToken);
    issued.endsRefreshToken = undefined;
  }

  get hasLiveTokens(): boolean {
    return [...this.#access.keys()].some((value) => this.accepts(value));
  }

  /** When the newest token that is alive expires. */
  get expiresAt(): number | undefined {
    return [...this.#access.values()].filter(({ value }) => this.accepts(value)).at(-1)?.expiresAt;
  }

  revokeAccessTokens(): void {
    for (const issued of this.#access.values()) issued.isRevoked = true;
  }

  revokeRefreshTokens(): void {
    this.#liveRefreshTokens.clear();
  }

  revoke(value: string): void {
    const issued = this.#access.get(value);
    if (issued !== undefined) issued.isRevoked = true;
    this.#liveRefreshTokens.delete(value);
  }

  #granted(client: string, refreshToken: string | undefined, used?: string): ModelReply {
    if (this.#rules.revokesPrevious) {
      for (const issued of this.#access.values()) if (issued.client === client) issued.isRevoked = true;
    }
    const value = `acc.${++this.#count}.token`;
    const endsRefreshToken = this.#rules.rotation === 'with-grace' ? used : undefined;
    const expiresAt = this.#nowMs() + this.#rules.lifeSeconds * 1_000;
    this.#access.set(value, { client, value, expiresAt, endsRefreshToken, isRevoked: false });
    return granted(value, this.#rules.lifeSeconds, refreshToken);
  }

  #newRefreshToken(): string {
    const value = `ref.${++this.#count}.token`;
    this.#liveRefreshTokens.add(value);
    return value;
  }

  #rotated(used: string): string {
    if (this.#rules.rotation === 'none') return used;
    if (this.#rules.rotation === 'at-once') this.#liveRefreshTokens.delete(used);
    return this.#newRefreshToken();
  }
}

function granted(value: string, expiresIn: number, refreshToken: string | undefined): ModelReply {
  const body = {
    access_token: value,
    token_type: 'Bearer',
    expires_in: expiresIn,
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
  };
  return { status: 200, body: JSON.stringify(body), headers: {} };
}

export function oauthError(status: number, error: string, more: object = {}): ModelReply {
  return { status, body: JSON.stringify({ error, ...more }), headers: {} };
}
