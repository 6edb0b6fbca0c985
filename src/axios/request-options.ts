import { invalidOption } from '../errors.ts';
import { isPlain } from '../json.ts';
import { type ScopeInput, scopeKey } from '../token/endpoint/scope.ts';
import { givenOptions, resolveDuration, resolveScope } from '../validation.ts';

/** What a single request may say about its token. */
export interface PayuAuthRequestOptions {
  /** Another scope for this request. */
  readonly scope?: ScopeInput;
  /** Another limit in milliseconds for all the waiting of this request. */
  readonly maxWaitMs?: number;
  /** False: send exactly once, whatever comes back. */
  readonly replay?: boolean;
}

declare module 'axios' {
  interface AxiosRequestConfig {
    /** axios-payu-auth: options for this request's token; `false` leaves the request alone. */
    payuAuth?: false | PayuAuthRequestOptions;
  }
}

/** The same options, checked. */
export interface ResolvedRequestOptions {
  readonly scopeKey: string;
  readonly maxWaitMs: number;
  readonly replay: 'allowed' | 'disabled';
}

/**
 * Checks the options of one request.
 *
 * @throws TypeError with `code: 'ERR_INVALID_OPTION'`; the request is not sent.
 */
export function resolveRequestOptions(
  options: PayuAuthRequestOptions,
  usual: ResolvedRequestOptions,
): ResolvedRequestOptions {
  if (!isPlain(options)) {
    throw invalidOption('payuAuth', 'must be false or { scope?, maxWaitMs?, replay? }.');
  }
  const known = ['scope', 'maxWaitMs', 'replay'];
  const { scope, maxWaitMs, replay = true } = givenOptions('payuAuth.', options, known);
  if (typeof replay !== 'boolean') throw invalidOption('payuAuth.replay', 'must be true or false.');
  return {
    scopeKey: scope === undefined ? usual.scopeKey : scopeKey(resolveScope('payuAuth.scope', scope)),
    maxWaitMs:
      maxWaitMs === undefined ? usual.maxWaitMs : resolveDuration('payuAuth.maxWaitMs', maxWaitMs, 0),
    replay: replay ? 'allowed' : 'disabled',
  };
}
