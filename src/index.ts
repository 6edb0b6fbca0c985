export type { AttachableClient } from './axios/attach.ts';
export type { TokenHttpOptions } from './axios/form-transport.ts';
export { bbpsTokenRefused } from './axios/refusal.ts';
export type { PayuAuthRequestOptions } from './axios/request-options.ts';
export {
  type AnyPayuAuthError,
  ClosedError,
  isPayuAuthError,
  PayuAuthError,
  type PayuAuthErrorCode,
  type PayuAuthErrorDetails,
  RateLimitedError,
  TokenRefusedError,
  TokenResponseError,
  TokenUnavailableError,
} from './errors.ts';
export type { MintCause, PayuAuthEvent } from './events.ts';
export type { PayuAuthOptions } from './options/options.ts';
export { commandHash, environments, type PayuEnvironment, publicClientIds, scopes } from './payu.ts';
export { type AccessToken, type AuthStatus, createPayuAuth, type PayuAuth } from './payu-auth.ts';
export type { Grant, Secret } from './token/endpoint/grants.ts';
export type { ScopeInput } from './token/endpoint/scope.ts';
export { MemoryTokenStore } from './token/store/memory-token-store.ts';
export type { MaybePromise, TokenRecord, TokenStore } from './token/store/token-store.ts';
