import type { AxiosHeaders } from 'axios';

/** The header that carries the token. What it takes is kept for the token of the last call: mostly the next one's. */
export class TokenHeader {
  readonly name: string;
  readonly #prefix: string;
  #token: string | undefined;
  #value = '';
  /** What headers with a trace inherit. */
  #traced: object | undefined;

  constructor(name: string, prefix: string) {
    this.name = name;
    this.#prefix = prefix;
  }

  value(token: string): string {
    if (token !== this.#token) {
      this.#token = token;
      this.#value = this.#prefix + token;
      this.#traced = undefined;
    }
    return this.#value;
  }

  /**
   * The same headers with a trace of the token's: there for who asks by name, and not for who prints, serialises or
   * copies them. It is inherited: a hidden property of each one's own would cost more than all else of a call.
   */
  traceOn(headers: AxiosHeaders, token: string): AxiosHeaders {
    const value = this.value(token);
    this.#traced ??= Object.create(Object.getPrototypeOf(headers), {
      [this.name]: { value, writable: true, configurable: true },
    }) as object;
    // The prototype of headers that are there could be changed as well, for twice the price.
    return Object.assign(Object.create(this.#traced), headers);
  }
}
