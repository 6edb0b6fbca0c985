import type { Fault } from './fault.ts';
import type { Random } from './random.ts';
import type { RateLimitReply } from './rate-limit.ts';
import type { Reply } from './reply.ts';
import type { RequestKind } from './traffic.ts';

/** What happens to a request instead of, or besides, its proper answer. */
export type Interruption =
  | { readonly kind: 'rate-limit'; readonly limit: RateLimitReply }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'reply'; readonly reply: Reply };

/** Which requests a plan is about. */
export interface Target {
  readonly on: RequestKind;
  /** Only paths that begin with this; undefined: all. */
  readonly path: string | undefined;
}

interface Counted {
  readonly target: Target;
  readonly interruption: Interruption;
  left: number;
}

interface Shared {
  readonly target: Target;
  readonly interruption: Interruption;
  readonly share: number;
}

/** What the next requests will meet: counted plans first, in the order in which they were made, then shares. */
export class FaultPlan {
  #counted: Counted[] = [];
  #shared: Shared[] = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  next(count: number, target: Target, interruption: Interruption): void {
    if (count > 0) this.#counted.push({ target, interruption, left: count });
  }

  share(share: number, target: Target, interruption: Interruption): void {
    this.#shared.push({ target, interruption, share });
  }

  take(kind: RequestKind, path: string): Interruption | undefined {
    const counted = this.#counted.find(({ target }) => matches(target, kind, path));
    if (counted !== undefined) {
      counted.left -= 1;
      if (counted.left === 0) this.#counted = this.#counted.filter((one) => one !== counted);
      return counted.interruption;
    }
    const shared = this.#shared.find(
      ({ target, share }) => matches(target, kind, path) && this.#random() < share,
    );
    return shared?.interruption;
  }

  clear(): void {
    this.#counted = [];
    this.#shared = [];
  }
}

export function matches(target: Target, kind: RequestKind, path: string): boolean {
  return target.on === kind && (target.path === undefined || path.startsWith(target.path));
}
