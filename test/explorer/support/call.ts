import { isAxiosError, isCancel } from 'axios';
import { isPayuAuthError } from '../../../src/errors.ts';
import { SECRET_SHAPE } from './model-server.ts';
import type { CallSetup } from './scenario.ts';

/** One time that a call was sent to the API. */
export interface ApiSend {
  readonly token: string;
  readonly order: number;
  /** Of the token request that brought the token, as far as the auth's own had brought it by then; else 0. */
  readonly mintedOrder: number;
  readonly startedAt: number;
  /** Whether the token was alive when the request arrived. */
  readonly wasAlive: boolean;
  answer: number | 'reset' | 'aborted' | undefined;
  answeredOrder: number;
  answeredAt: number;
}

/** A call of a scenario: what it is, and what has become of it. */
export interface Call extends CallSetup {
  readonly number: number;
  readonly controller: AbortController;
  readonly startedAt: number;
  readonly startedOrder: number;
  readonly sends: ApiSend[];
  outcome: 'pending' | 'fulfilled' | 'rejected';
  endedAt: number;
  result: unknown;
}

/** The request that is in the API's hands, if there is one. */
export function atApi(call: Call): ApiSend | undefined {
  const last = call.sends.at(-1);
  return last?.answer === undefined ? last : undefined;
}

/** What callers that can't be told apart have in common. */
export function sameness(call: Call): string {
  const sends = call.sends.map(({ token, answer }) => `${token}:${answer}`).join();
  return `${call.auth} ${call.via} ${call.maxWaitMs} ${call.replay} ${call.startedAt} ${call.outcome} ${sends}`;
}

export interface Surroundings {
  readonly isClosed: boolean;
  readonly losesNoCall: boolean;
}

/** The rule that a call broke, if any. */
export function whatIsWrong(call: Call, surroundings: Surroundings): string | undefined {
  return wrongSends(call) ?? wrongEnd(call, surroundings);
}

function wrongSends(call: Call): string | undefined {
  const { sends } = call;
  if (call.replay === 'disabled' && sends.length > 1) return `was sent ${sends.length} times and must not be`;
  for (const [index, { answer, token }] of sends.slice(0, -1).entries()) {
    if (answer !== 401 && answer !== 429) return `was sent again after ${answer ?? 'no answer'}`;
    if (answer === 401 && sends[index + 1]?.token === token) return 'was replayed with the refused token';
  }
  const refusals = sends.slice(0, -1).filter(({ answer }) => answer === 401);
  if (sends.length - 1 - refusals.length > 2) return 'was retried too often after rate limits';
  if (refusals.length > 2) return `was sent ${sends.length} times`;
  const [first] = refusals;
  const second = sends[sends.indexOf(first as ApiSend) + 1];
  if (refusals.length === 2 && (second?.mintedOrder ?? 0) > (first?.answeredOrder ?? 0)) {
    return 'was sent a third time, after a token that was minted for it (D3)';
  }
  return undefined;
}

/** Time that the API had the request in its hands is no wait of ours. */
function waitedMs(call: Call): number {
  const atApiMs = call.sends.reduce((sum, { startedAt, answeredAt }) => sum + answeredAt - startedAt, 0);
  return call.endedAt - call.startedAt - atApiMs;
}

function wrongEnd(call: Call, { isClosed, losesNoCall }: Surroundings): string | undefined {
  const { outcome, result, maxWaitMs } = call;
  if (outcome === 'pending') return undefined;
  if (waitedMs(call) > maxWaitMs) return `waited ${waitedMs(call)} ms and was allowed ${maxWaitMs}`;
  if (outcome === 'fulfilled') return undefined;
  if (SECRET_SHAPE.test(`${String(result)} ${JSON.stringify(result)}`)) return `leaks: ${String(result)}`;
  if (isCancel(result)) return call.controller.signal.aborted ? undefined : 'was cancelled by nobody';
  if (isPayuAuthError(result) && result.code === 'ERR_CLOSED') {
    return isClosed ? undefined : 'rejects as closed, and is not';
  }
  if (!isPayuAuthError(result) && !isAxiosError(result)) return `rejects with ${String(result)}`;
  if (isAxiosError(result) && call.sends.at(-1)?.answer === undefined) return 'rejects without an answer';
  const isLost = losesNoCall && waitedMs(call) < maxWaitMs;
  return isLost ? `was lost: ${String(result)}` : undefined;
}
