import { isAxiosError, isCancel } from 'axios';
import { isPayuAuthError } from '../../../src/errors.ts';
import type { SandboxRequest } from '../../../src/sandbox/index.ts';
import type { Member, World } from './world.ts';

export const MAX_WAIT_MS = 120_000;
const RATE_LIMIT_RETRIES = 2;

/** Something that was begun and must come to an end. */
export interface Call {
  readonly id: number;
  readonly what: string;
  readonly member: Member;
  readonly scope: string;
  readonly startedAt: number;
  /** How long the process had stood still until then. */
  readonly startedStalledMs: number;
  readonly startedOrder: number;
  readonly maxWaitMs: number;
  /** It can't or must not be sent a second time. */
  readonly isOnce: boolean;
  /** Fetch follows no redirect of a stream but by 303: a network error, as with bare axios. */
  readonly canNotFollow: boolean;
  readonly controller: AbortController;
  readonly mustSucceed: boolean;
  readonly mayMeetFaults: () => boolean;
  outcome: 'pending' | 'fulfilled' | 'rejected';
  result?: unknown;
  endedAt?: number;
  /** Time that was spent in the API's hands, and not in waits of ours. */
  sentMs?: number;
  /** Time in which the process stood still, beside that. */
  stalledMs?: number;
}

/** The rule that a call broke so far, by what it came to and by what the server saw of it. */
export function whatIsWrong(call: Call, sends: readonly SandboxRequest[], world: World): string | undefined {
  return wrongSends(call, sends, world) ?? wrongTokens(call, sends, world) ?? wrongEnd(call);
}

function wrongSends(call: Call, sends: readonly SandboxRequest[], world: World): string | undefined {
  if (call.isOnce && sends.length > 1) return `was sent ${sends.length} times and must not be`;
  if (sends.length > 3 + RATE_LIMIT_RETRIES) return `was sent ${sends.length} times`;
  const followed = sends.slice(0, -1);
  const odd = followed.find(({ status }) => status !== 401 && status !== 429 && status !== 400);
  if (odd !== undefined) return `was sent again after ${odd.status ?? 'no answer'}`;
  const refusals = followed.filter(({ status }) => status === 401).length;
  if (refusals > 2) return `was replayed ${refusals} times for a refused token`;
  const second = sends[followed.findIndex(({ status }) => status === 401) + 1]?.token;
  if (refusals === 2 && !world.wasFound(call, second)) {
    return 'was replayed again after a token that was minted for it (D3)';
  }
  if (followed.length - refusals > RATE_LIMIT_RETRIES) return 'was retried too often after rate limits';
  const [first] = sends;
  const changed = sends.find(
    ({ rawBody, headers, method, path, status }) =>
      // A body counts as far as it was read: after a reset it is not known.
      status !== undefined &&
      first?.status !== undefined &&
      !(
        rawBody.equals(first.rawBody) &&
        headers['content-type'] === first.headers['content-type'] &&
        method === first.method &&
        path === first.path
      ),
  );
  return changed === undefined ? undefined : 'was replayed with other bytes';
}

function wrongTokens(call: Call, sends: readonly SandboxRequest[], world: World): string | undefined {
  const { member, scope, startedOrder } = call;
  for (const [index, { token, status }] of sends.entries()) {
    if (token === undefined) return 'went out without a token';
    const next = sends[index + 1]?.token;
    if (status === 401 && next === token) return 'was replayed with the token that was refused';
    if (!ownTokens(member, scope, world).some((values) => values?.has(token))) {
      return 'carries a token of somebody else, or for another scope';
    }
    const bannedAt = member.banned.get(scope)?.get(token);
    const isStrict = !world.setup.reuseTokens && world.setup.store !== 'failing';
    if (isStrict && bannedAt !== undefined && bannedAt < startedOrder) {
      return 'carries a token that was taken out of use before it began';
    }
  }
  return undefined;
}

/** With a shared store, what one merchant's auth was given may be used by the other. */
function ownTokens(member: Member, scope: string, world: World): (ReadonlySet<string> | undefined)[] {
  const names =
    world.setup.store === 'shared' && member.name !== 'user'
      ? (['merchant', 'sibling'] as const)
      : [member.name];
  return names.map((name) => world.member(name).values.get(scope));
}

function wrongEnd(call: Call): string | undefined {
  const { outcome, result, startedAt, endedAt = 0, sentMs = 0, stalledMs = 0, maxWaitMs } = call;
  if (outcome === 'pending') return undefined;
  const waitedMs = endedAt - startedAt - sentMs - stalledMs;
  if (waitedMs > maxWaitMs) return `waited ${waitedMs} ms and was allowed ${maxWaitMs}`;
  if (outcome === 'fulfilled') return undefined;
  if (call.mustSucceed) return `failed although nothing is wrong any more: ${String(result)}`;
  if (isCancel(result)) return call.controller.signal.aborted ? undefined : 'was cancelled by nobody';
  if (isPayuAuthError(result)) {
    const isClosed = result.code === 'ERR_CLOSED';
    return isClosed && !call.member.isClosed ? 'rejects as closed, and is not' : undefined;
  }
  if (!isAxiosError(result)) return `rejects with ${String(result)}`;
  if (result.response !== undefined || call.mayMeetFaults()) return undefined;
  if (call.canNotFollow && result.code === 'ERR_NETWORK') return undefined;
  return `rejects with ${result.code} (${result.message}) although no fault was planned`;
}
