import type { IncomingHttpHeaders } from 'node:http';

/** Which half of the server a request is for: the token endpoint, the revocation endpoint, or an API. */
export type RequestKind = 'token' | 'revoke' | 'api';

/** A request as it arrived, whole. */
export interface Received {
  readonly kind: RequestKind;
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly rawBody: Buffer;
}

/** One line of the sandbox's request log. */
export interface SandboxRequest {
  readonly kind: RequestKind;
  readonly method: string;
  /** Path and query as they were sent. */
  readonly path: string;
  /** Names in lower case, as Node.js gives them. */
  readonly headers: IncomingHttpHeaders;
  readonly rawBody: Buffer;
  /** The token the request carried, in `Authorization` or `X-Partner-Token`. */
  readonly token: string | undefined;
  /** The status answered; undefined as long as none was: parked, reset, hung. */
  readonly status: number | undefined;
  /** When it arrived, in milliseconds of the sandbox's clock. */
  readonly at: number;
}

/** What the server itself may still fill in. */
export interface LogEntry extends SandboxRequest {
  rawBody: Buffer;
  status: number | undefined;
}

/** The newest requests, up to a limit; a long run must not fill the memory. */
export class RequestLog {
  #entries: LogEntry[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(entry: LogEntry): void {
    this.#entries.push(entry);
    // Trimmed in bulk: a shift on each request would cost more than the request.
    if (this.#entries.length >= this.#limit * 2 + 1) this.#entries = this.newest();
  }

  newest(): LogEntry[] {
    return this.#limit === 0 ? [] : this.#entries.slice(-this.#limit);
  }

  clear(): void {
    this.#entries = [];
  }
}

/** The token in `Authorization: Bearer …`, or in `X-Partner-Token` with or without the scheme. */
export function tokenOf(headers: IncomingHttpHeaders): string | undefined {
  const partner = headers['x-partner-token'];
  if (typeof partner === 'string') return partner.replace(/^bearer +/i, '');
  return bearerOf(headers);
}

/** The token of the `Bearer` scheme, whose name is case-insensitive (RFC 9110 §11.1). */
export function bearerOf(headers: IncomingHttpHeaders): string | undefined {
  return /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
}
