import {
  type PayoutStatus,
  type PayoutStep,
  payoutStatuses,
  payoutSteps,
  type SandboxPayment,
} from './payment-ledger.ts';
import { check, invalid } from './validate.ts';
import type { World } from './world.ts';

/** Which payment is meant, and what the status check says of it besides its status. */
export interface MovePaymentOptions {
  /** Where several merchants have used the reference. Default: all of them. */
  readonly merchantId?: string;
  /** `txnSubStatus`, such as `REVERSED`. Default: null. */
  readonly txnSubStatus?: string;
  /** `msg`, such as why it failed. Default: null. */
  readonly msg?: string;
}

/** What a test may do to payments. */
export interface PaymentControls {
  /** All payments that were taken, oldest first; a reference is there at most once for each merchant. */
  payments(): readonly SandboxPayment[];
  /** Sets what the status check says of a payment from now on. Throws a `TypeError` if there is no such payment. */
  movePayment(merchantRefId: string, txnStatus: PayoutStatus, options?: MovePaymentOptions): void;
  /**
   * What the status checks of each payment that is taken from now on show, one after the other; the last one stays.
   * `UNLISTED` shows nothing, although the payment was taken. Start: the option `paymentCourse`.
   */
  setPaymentCourse(course: readonly PayoutStep[]): void;
}

export const movePaymentKeys: readonly string[] = ['merchantId', 'txnSubStatus', 'msg'];

export function createPaymentControls({ payments }: World): PaymentControls {
  return {
    payments: () => payments.all(),
    movePayment(merchantRefId, txnStatus, options = {}) {
      check.text('merchantRefId', merchantRefId);
      const step = check.oneOf('txnStatus', txnStatus, payoutStatuses);
      check.keys('options', { ...options }, movePaymentKeys);
      for (const [name, value] of Object.entries(options)) check.text(name, value);
      const { merchantId, txnSubStatus = null, msg = null } = options;
      const moved = payments.move(
        (one) =>
          one.merchantRefId === merchantRefId && (merchantId === undefined || one.merchantId === merchantId),
        { step, txnSubStatus, msg },
      );
      if (moved === 0) throw invalid('merchantRefId', 'must be the reference of a payment that was taken');
    },
    setPaymentCourse(course) {
      payments.course = checkCourse('course', course);
    },
  };
}

export function checkCourse(name: string, course: unknown): readonly PayoutStep[] {
  const steps = check.texts(name, course).map((step) => check.oneOf(name, step, payoutSteps));
  if (steps.length === 0) throw invalid(name, 'must not be empty');
  return steps;
}
