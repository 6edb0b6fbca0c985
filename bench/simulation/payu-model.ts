import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import type { SimulatedClock } from './simulated-clock.ts';

/** What the token endpoint does with tokens that are alive (PayU's server can be set up either way). */
export type Minting = 'fresh' | 'reuse' | 'revoke-previous';

export interface Span {
  readonly from: number;
  readonly until: number;
}

export const LIFE_MS = 7_200_000;
export const MINT_MS = 300;
export const API_MS = 50;
const HOUR_MS = 3_600_000;

interface Token {
  readonly expiresAt: number;
  isRevoked: boolean;
}

/** PayU as far as tokens go: mints, reuses, revokes and checks them, in simulated time. */
export class PayuModel {
  /** Token requests by hour. */
  readonly tokenRequests: number[];
  /** The most token requests within one second. */
  busiestSecond = 0;
  readonly #clock: SimulatedClock;
  readonly #startsAt: number;
  readonly #minting: Minting;
  readonly #outages: readonly Span[];
  readonly #onRevoked: (value: string) => void;
  readonly #tokens = new Map<string, Token>();
  #newest: string | undefined;
  #minted = 0;
  #second = 0;
  #inSecond = 0;

  constructor(
    clock: SimulatedClock,
    options: {
      readonly minting: Minting;
      readonly hours: number;
      readonly outages: readonly Span[];
      readonly onRevoked: (value: string) => void;
    },
  ) {
    this.#clock = clock;
    this.#startsAt = clock.now();
    this.#minting = options.minting;
    this.#outages = options.outages;
    this.#onRevoked = options.onRevoked;
    this.tokenRequests = Array.from({ length: options.hours }, () => 0);
  }

  /** Stands in for the network between the library and the token endpoint. */
  readonly tokenEndpoint: AxiosAdapter = async (config) => {
    this.#count();
    const isOut = this.#outages.some(({ from, until }) => this.#elapsed >= from && this.#elapsed < until);
    await this.#clock.sleepUntil(this.#clock.now() + MINT_MS / 2);
    const reply = isOut ? undefined : this.#mint();
    await this.#clock.sleepUntil(this.#clock.now() + MINT_MS / 2);
    return reply === undefined
      ? response(config, 503, { error: 'server_error' })
      : response(config, 200, reply);
  };

  /** Whether an API would take it. */
  accepts(value: string): boolean {
    const token = this.#tokens.get(value);
    return token !== undefined && !token.isRevoked && this.#clock.now() < token.expiresAt;
  }

  /** An operator's doing, or a change of the client's secret: all tokens die at once. */
  revokeAll(): void {
    for (const [value, token] of this.#tokens) {
      if (token.isRevoked) continue;
      token.isRevoked = true;
      this.#onRevoked(value);
    }
  }

  get #elapsed(): number {
    return this.#clock.now() - this.#startsAt;
  }

  #count(): void {
    const hour = Math.min(this.tokenRequests.length - 1, Math.floor(this.#elapsed / HOUR_MS));
    this.tokenRequests[hour] = (this.tokenRequests[hour] ?? 0) + 1;
    const second = Math.floor(this.#elapsed / 1_000);
    this.#inSecond = second === this.#second ? this.#inSecond + 1 : 1;
    this.#second = second;
    this.busiestSecond = Math.max(this.busiestSecond, this.#inSecond);
  }

  #mint(): object {
    const held = this.#newest;
    if (this.#minting === 'reuse' && held !== undefined && this.accepts(held)) return this.#reply(held);
    const value = `token_${++this.#minted}`;
    this.#tokens.set(value, { expiresAt: this.#clock.now() + LIFE_MS, isRevoked: false });
    this.#newest = value;
    if (this.#minting === 'revoke-previous' && held !== undefined) {
      const previous = this.#tokens.get(held);
      if (previous !== undefined) previous.isRevoked = true;
      this.#onRevoked(held);
    }
    return this.#reply(value);
  }

  /** The rest of its life, rounded as PayU's server does. */
  #reply(value: string): object {
    const expiresAt = this.#tokens.get(value)?.expiresAt ?? 0;
    const expires_in = Math.round((expiresAt - this.#clock.now()) / 1_000);
    return { access_token: value, token_type: 'Bearer', expires_in };
  }
}

export function response(config: InternalAxiosRequestConfig, status: number, body: object): AxiosResponse {
  return { data: JSON.stringify(body), status, statusText: '', headers: {}, config, request: undefined };
}
