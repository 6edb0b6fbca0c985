import type { AxiosHeaders } from 'axios';

/** The header that carries the token. What it takes is kept for the token of the last call: mostly the next one's. */
export class TokenHeader {
  readonly name: string;
  readonly #prefix: string;
  #token: string | undefined;
  #value = '';
  /** What headers with a trace inherit; from the class that they had, as each copy of axios has one. */
  #traced: object | undefined;
  #headersClass: unknown;

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
    const headersClass = Object.getPrototypeOf(headers);
    if (this.#traced === undefined || this.#headersClass !== headersClass) {
      this.#headersClass = headersClass;
      this.#traced = Object.create(headersClass, {
        [this.name]: { value, writable: true, configurable: true },
      }) as object;
    }
    // The prototype of headers that are there could be changed as well, for twice the price.
    const traced = Object.assign(Object.create(this.#traced), headers);
    // A header that is there as undefined is absent to axios.
    if (traced[this.name] === undefined) delete traced[this.name];
    return traced;
  }
}
