/** Where a payment stands, in the words of PayU's status check; `SUCCESS` and `FAILED` are final. */
export const payoutStatuses: readonly PayoutStatus[] = [
  'QUEUED',
  'IN_PROGRESS',
  'PENDING',
  'WAITING_FOR_RETRY',
  'SUCCESS',
  'FAILED',
];

export type PayoutStatus = 'QUEUED' | 'IN_PROGRESS' | 'PENDING' | 'WAITING_FOR_RETRY' | 'SUCCESS' | 'FAILED';

/** `UNLISTED`: the status check does not show the payment yet, as a server whose list lags behind. */
export type PayoutStep = 'UNLISTED' | PayoutStatus;

export const payoutSteps: readonly PayoutStep[] = ['UNLISTED', ...payoutStatuses];

/** What a payment's request says of it. */
export interface PaymentRequest {
  readonly merchantRefId: string;
  readonly batchId: string;
  /** In rupees. */
  readonly amount: number;
  readonly purpose: string;
  readonly paymentType: string;
  readonly beneficiaryName: string | null;
}

/** A payment that the sandbox has taken, once: the money is on its way, whatever the caller was told. */
export interface SandboxPayment extends PaymentRequest {
  /** The merchant of the client that paid; undefined for a client without one. */
  readonly merchantId: string | undefined;
  readonly txnId: number;
  readonly payuTransactionRefNo: string;
  /** What the next status check shows. */
  readonly step: PayoutStep;
  readonly txnSubStatus: string | null;
  readonly msg: string | null;
  /** When it was taken, and when it last moved, in milliseconds of the sandbox's clock. */
  readonly takenAt: number;
  readonly movedAt: number;
}

/** Another status, and what the status check says with it. */
export interface Move {
  readonly step: PayoutStep;
  readonly txnSubStatus: string | null;
  readonly msg: string | null;
}

interface Entry {
  payment: SandboxPayment;
  /** Steps that status checks will still take it through. */
  ahead: readonly PayoutStep[];
}

/** The payments of all merchants; a reference is taken once by each of them. */
export class PaymentLedger {
  /** What the status checks of a payment show, one after the other; the last one stays. */
  course: readonly PayoutStep[];
  readonly #now: () => number;
  readonly #entries: Entry[] = [];
  readonly #byReference = new Map<string, Entry>();

  constructor(now: () => number, course: readonly PayoutStep[]) {
    this.#now = now;
    this.course = course;
  }

  knows(merchantId: string | undefined, merchantRefId: string): boolean {
    return this.#byReference.has(keyOf(merchantId, merchantRefId));
  }

  /** A reference that the ledger does not know yet. */
  take(merchantId: string | undefined, request: PaymentRequest): void {
    const now = this.#now();
    const [step = 'QUEUED', ...ahead] = this.course;
    const txnId = 71_870 + this.#entries.length;
    const entry: Entry = {
      payment: {
        ...request,
        merchantId,
        txnId,
        payuTransactionRefNo: `PAYOUT${now}${txnId}`,
        step,
        txnSubStatus: null,
        msg: null,
        takenAt: now,
        movedAt: now,
      },
      ahead,
    };
    this.#entries.push(entry);
    this.#byReference.set(keyOf(merchantId, request.merchantRefId), entry);
  }

  /** Oldest first. */
  all(): readonly SandboxPayment[] {
    return this.#entries.map(({ payment }) => payment);
  }

  /** What a status check finds, newest first; each payment that is found goes one step on. */
  check(isFound: (payment: SandboxPayment) => boolean): readonly SandboxPayment[] {
    const found = this.#entries.filter(({ payment }) => isFound(payment));
    const shown = found.map(({ payment }) => payment).reverse();
    for (const entry of found) this.#stepOn(entry);
    return shown;
  }

  /** Puts payments where a test wants them, and ends their course; the result says how many there are. */
  move(isMeant: (payment: SandboxPayment) => boolean, to: Move): number {
    const meant = this.#entries.filter(({ payment }) => isMeant(payment));
    for (const entry of meant) {
      entry.payment = { ...entry.payment, ...to, movedAt: this.#now() };
      entry.ahead = [];
    }
    return meant.length;
  }

  #stepOn(entry: Entry): void {
    const [step, ...ahead] = entry.ahead;
    if (step === undefined) return;
    entry.payment = { ...entry.payment, step, movedAt: this.#now() };
    entry.ahead = ahead;
  }
}

function keyOf(merchantId: string | undefined, merchantRefId: string): string {
  return JSON.stringify([merchantId ?? null, merchantRefId]);
}
