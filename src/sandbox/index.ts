/**
 * A PayU of your own for end-to-end tests: a real HTTP server on loopback with PayU's OAuth
 * endpoints, the shape of its APIs, faults on demand, and counters of what it saw.
 *
 * @module
 */
export type {
  HoldOptions,
  IssuedToken,
  IssueTokenOptions,
  RateLimitOptions,
  RawReply,
  RevokeAllOptions,
  SandboxControls,
  TargetOptions,
} from './controls.ts';
export type { Fault } from './fault.ts';
export type { Hold, HoldProcess } from './hold.ts';
export type { StatusStyle } from './oauth-errors.ts';
export type { SandboxClient, SandboxCustomGrant, SandboxOptions } from './options.ts';
export type { MovePaymentOptions, PaymentControls } from './payment-controls.ts';
export type { PaymentRequest, PayoutStatus, PayoutStep, SandboxPayment } from './payment-ledger.ts';
export type { RateLimitReply } from './rate-limit.ts';
export type { Sandbox } from './sandbox.ts';
export { documentedScopes } from './scopes.ts';
export { startSandbox } from './start-sandbox.ts';
export type { SandboxStats } from './stats.ts';
export type { RefreshRotation } from './token-ledger.ts';
export type { TokenReplyShape } from './token-reply.ts';
export type { RequestKind, SandboxRequest } from './traffic.ts';
