import type { AxiosHeaders } from 'axios';

/** The header that carries the token. It remembers what it made for the last token, as the next call mostly has the same. */
export class TokenHeader {
  readonly name: string;
  readonly #prefix: string;
  #token: string | undefined;
  #value = '';
  /** The prototype of headers with a trace. It inherits from their class, and each copy of axios has a class of its own. */
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
   * The same headers with a trace of the token's: code can read it by name, but nothing prints, serialises or copies it.
   * The trace is inherited, as to define a hidden property on each would cost more than everything else in a call.
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
    // To change the prototype of the given headers instead would cost twice as much.
    const traced = Object.assign(Object.create(this.#traced), headers);
    // For axios, a header that is undefined is absent.
    if (traced[this.name] === undefined) delete traced[this.name];
    return traced;
  }
}
