import { safeError } from '../../redact.ts';
import type { Clock } from '../../time/clock.ts';
import { abortWith, type Cancellation, NEVER, withinLimit } from '../../time/wait.ts';

export const LARGEST_REPLY_BYTES: number = 64 * 1024;

export type FormReply =
  | {
      readonly kind: 'reply';
      readonly status: number;
      readonly header: (name: string) => string | undefined;
      /** The body as text; undefined where it was larger than {@link LARGEST_REPLY_BYTES}. */
      readonly body: string | undefined;
    }
  /** No reply: the network, a timeout. The error is fit to be shown. */
  | { readonly kind: 'no-reply'; readonly error: Error };

/** Parameters that are no secret. Without them a message would no longer say what it is about. */
const OPEN_PARAMETERS = ['grant_type', 'client_id', 'scope'];

/** A shorter value in a URL is no gateway's key. */
const SHORTEST_KEY = 8;

/** The values of a form, and of the query it goes to, that no message may hold. */
export function secretsIn(form: URLSearchParams, url: string): readonly string[] {
  const inQuery = [...new URL(url).searchParams.values()].filter(({ length }) => length >= SHORTEST_KEY);
  return [...form]
    .flatMap(([name, value]) => (OPEN_PARAMETERS.includes(name) ? [] : [value]))
    .concat(inQuery);
}

export interface PostParts {
  readonly clock: Clock;
  readonly post: FormPost;
  readonly tokenTimeoutMs: number;
}

/**
 * Sends a form once, follows no redirect, and rejects only when the signal aborts. The token half knows no HTTP client: it
 * is given one of these. `onHead` hears of a reply before its body.
 */
export type FormPost = (
  url: string,
  form: URLSearchParams,
  signal: AbortSignal,
  onHead?: (head: HeardReply) => void,
) => Promise<FormReply>;

type HeardReply = Extract<FormReply, { kind: 'reply' }>;

/**
 * One POST within `tokenTimeoutMs`, whatever the transport does. Rejects only when cancelled. Neither timer nor sockets
 * keep the process alive; a caller that awaits the reply does.
 */
export async function postWithin(
  { clock, post, tokenTimeoutMs: limitMs }: PostParts,
  url: string,
  form: URLSearchParams,
  cancellation: Cancellation = NEVER,
): Promise<FormReply> {
  const already = cancellation.reason();
  if (already !== undefined) throw already;
  const sending = new AbortController();
  const tooLate = safeError(`no answer within ${limitMs} ms ("tokenTimeoutMs")`, []);
  // A body that is cut off, broken or late takes nothing from what the status says by itself: above all, to wait (E2).
  let telling: HeardReply | undefined;
  const onHead = (head: HeardReply) => {
    if (head.status === 429 || head.status >= 500) telling = head;
  };
  try {
    const answered = post(url, form, sending.signal, onHead);
    const reply = await withinLimit(answered, { clock, limitMs, cancellation }, () => tooLate);
    return reply.kind === 'no-reply' ? (telling ?? reply) : reply;
  } catch (error) {
    abortWith(sending, error);
    if (error === tooLate) return telling ?? { kind: 'no-reply', error: tooLate };
    throw error;
  }
}
