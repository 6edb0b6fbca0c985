import type { FaultPlan } from './fault-plan.ts';
import type { Holds } from './hold.ts';
import type { SandboxClient } from './options.ts';
import type { PaymentLedger } from './payment-ledger.ts';
import type { Settings } from './settle.ts';
import type { Statistics } from './stats.ts';
import type { TokenLedger } from './token-ledger.ts';
import type { TokenReplyShape } from './token-reply.ts';
import type { RequestLog } from './traffic.ts';

/** A token request between its arrival and its answer; what races are decided by. */
export interface Flight {
  clientId?: string;
  refreshToken?: string;
}

/** A payment link, as the Payment Links API hands it out. */
export interface PaymentLink {
  readonly invoiceNumber: string;
  readonly subAmount: unknown;
  readonly description: unknown;
  readonly paymentLink: string;
  active: boolean;
  expiryDate: unknown;
}

/** All that one sandbox remembers; nothing of it is shared with another one. */
export interface World {
  readonly settings: Settings;
  readonly clients: Map<string, SandboxClient>;
  readonly ledger: TokenLedger;
  readonly stats: Statistics;
  readonly log: RequestLog;
  readonly plan: FaultPlan;
  readonly holds: Holds;
  readonly flights: Set<Flight>;
  /** Whose token the password grant gives. */
  readonly userUuid: string;
  readonly payments: PaymentLedger;
  /** For a payment that comes without a reference. */
  readonly makeReference: () => string;
  /** By merchant, then by invoice number. */
  readonly links: Map<string | undefined, Map<string, PaymentLink>>;
  replyShape: readonly TokenReplyShape[];
}
