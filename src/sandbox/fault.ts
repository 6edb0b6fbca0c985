import { check, invalid } from './validate.ts';

const withProcessed = 'processed';

/**
 * A way to go wrong. Where `processed` is true the request takes its effect (a payment is made)
 * although the caller never learns of it; `latency`, `reset-after-read`, `truncated-json`,
 * `reset-in-body` and `hang-in-body` always process it, the others never do.
 */
export type Fault =
  /** The proper answer, late by so many milliseconds of real time. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** No answer, until the client gives up. */
  | { readonly kind: 'hang'; readonly processed?: boolean }
  /** The connection is reset before the body was read. */
  | { readonly kind: 'reset-before-read' }
  /** The connection is reset after the request was processed: the money may have moved. */
  | { readonly kind: 'reset-after-read' }
  /** Head and half the body of the proper answer, then a reset. */
  | { readonly kind: 'reset-in-body' }
  /** Head and half the body of the proper answer, then silence. */
  | { readonly kind: 'hang-in-body' }
  /** Any status, such as 502; body default `json`: `server_error`. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly body?: 'json' | 'text' | 'html' | 'none';
      readonly processed?: boolean;
    }
  /** An OAuth error body; status default: the status style's. */
  | { readonly kind: 'oauth-error'; readonly error: string; readonly status?: number }
  /** A login page. */
  | { readonly kind: 'html-200'; readonly processed?: boolean }
  | { readonly kind: 'empty-200'; readonly processed?: boolean }
  /** The proper answer, cut off after half its characters, with a Content-Length that fits. */
  | { readonly kind: 'truncated-json' }
  /** Bytes that are not HTTP. */
  | { readonly kind: 'garbage'; readonly processed?: boolean }
  | {
      readonly kind: 'redirect';
      readonly location: string;
      readonly status?: number;
      readonly processed?: boolean;
    };

/** The properties of each kind besides `kind` itself: also the list of known kinds. */
const properties: { readonly [K in Fault['kind']]: readonly string[] } = {
  latency: ['ms'],
  hang: [withProcessed],
  'reset-before-read': [],
  'reset-after-read': [],
  'reset-in-body': [],
  'hang-in-body': [],
  status: ['status', 'body', withProcessed],
  'oauth-error': ['error', 'status'],
  'html-200': [withProcessed],
  'empty-200': [withProcessed],
  'truncated-json': [],
  garbage: [withProcessed],
  redirect: ['location', 'status', withProcessed],
};

/** The fault itself, if it is one; a `TypeError` that says what is wrong otherwise. */
export function checkFault(value: unknown): Fault {
  const fault = check.object('fault', value);
  // Object.keys of a literal typed by the union gives exactly its members.
  const kinds = Object.keys(properties) as readonly Fault['kind'][];
  const kind = check.oneOf('fault.kind', fault.kind, kinds);
  check.keys('fault', fault, ['kind', ...properties[kind]]);
  if (kind === 'latency') check.integer('fault.ms', fault.ms, { min: 0, max: 2 ** 31 - 1 });
  if (kind === 'redirect') check.header('fault.location', 'location', fault.location);
  if (kind === 'oauth-error') check.text('fault.error', fault.error);
  if (kind === 'status' || fault.status !== undefined) checkStatus('fault.status', fault.status);
  if (fault.body !== undefined) check.oneOf('fault.body', fault.body, ['json', 'text', 'html', 'none']);
  if (fault.processed !== undefined && typeof fault.processed !== 'boolean') {
    throw invalid('fault.processed', 'must be true or false');
  }
  // Each property was checked above against its kind.
  return fault as unknown as Fault;
}

/** 1xx statuses are no answers, and Node.js would refuse to send a number outside of 100 to 999. */
export function checkStatus(name: string, value: unknown): number {
  return check.integer(name, value, { min: 200, max: 599 });
}
