import { systemClock } from '../time/clock.ts';
import { heardLimit } from '../time/limit.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import { isSlotMoving, withoutArguments } from './client-errors.ts';
import type { RunScript, ScriptCall } from './redis-client.ts';
import { RedisStoreError } from './redis-store-error.ts';

export interface Hooks {
  /** A script ran, or may run, after we or the client had stopped waiting for it. */
  readonly onLate?: () => void;
  /** The script may have run before, and is sent again: its reply tells nothing about the first time. */
  readonly onRepeat?: () => void;
}

/** While the slot of a key is on its way to another node. */
const SLOT_MOVING_PAUSE_MS = 25;

/** Runs scripts: they reject soon, and with errors that hold none of their arguments. */
export class GuardedCommands {
  readonly #run: RunScript;
  readonly #breaker: CircuitBreaker;
  readonly #timeoutMs: number;
  #unanswered = 0;

  constructor(run: RunScript, parts: { readonly breaker: CircuitBreaker; readonly timeoutMs: number }) {
    this.#run = run;
    this.#breaker = parts.breaker;
    this.#timeoutMs = parts.timeoutMs;
  }

  /** Whether Redis failed a moment ago and is not asked now. */
  get isPaused(): boolean {
    return this.#breaker.isPaused;
  }

  /** Whether a client has not answered yet about a script that we gave up: it waits for its connection. */
  get hasUnanswered(): boolean {
    return this.#unanswered > 0;
  }

  /** Rejects at once where Redis failed a moment ago. */
  eval(call: ScriptCall, hooks: Hooks = {}): Promise<unknown> {
    if (this.#breaker.tryPass()) return this.evalAnyway(call, hooks);
    return Promise.reject(
      new RedisStoreError(
        'paused',
        'Redis failed a moment ago and is left alone. See the error before this one.',
      ),
    );
  }

  /** Asks Redis also if it failed a moment ago: for work that nobody waits for, or that can't wait a few seconds. */
  async evalAnyway(call: ScriptCall, { onLate = ignore, onRepeat = ignore }: Hooks = {}): Promise<unknown> {
    let pass: (value: CommandResult) => void = ignore;
    const passed = new Promise<CommandResult>((resolve) => {
      pass = resolve;
    });
    const limit = heardLimit(systemClock, this.#timeoutMs, () => pass({ kind: 'passed' }), 'unref');
    try {
      for (;;) {
        const stallsBefore = limit.stalls();
        const answer = resultOf(this.#run(call));
        const outcome = await Promise.race([answer, passed]);
        if (outcome.kind === 'passed') throw this.#giveUp(answer, onLate);
        if (outcome.kind === 'reply') {
          this.#breaker.answered();
          return outcome.reply;
        }
        if (isSlotMoving(outcome.error)) {
          await Promise.race([delay(SLOT_MOVING_PAUSE_MS), passed]);
          continue;
        }
        const failure = withoutArguments(outcome.error);
        // The client gave up while this very process stood still: nobody heard the answer (T2).
        const isUnheard = failure.reason === 'timeout' && limit.stalls() > stallsBefore;
        if (!isUnheard) {
          if (failure.reason !== 'refused') onLate();
          throw this.#failed(failure);
        }
        onRepeat();
      }
    } finally {
      limit.cancel();
    }
  }

  #giveUp(answer: Promise<CommandResult>, onLate: () => void): RedisStoreError {
    this.#unanswered++;
    void answer.then((outcome) => {
      this.#unanswered--;
      if (outcome.kind !== 'reply') return;
      this.#breaker.answered();
      onLate();
    });
    const rule = `Redis did not answer within "timeoutMs" (${this.#timeoutMs} ms).`;
    return this.#failed(new RedisStoreError('timeout', rule));
  }

  #failed(failure: RedisStoreError): RedisStoreError {
    if (failure.reason === 'refused') this.#breaker.answered();
    else this.#breaker.failed();
    return failure;
  }
}

/** The result of a script, or of the wait for it. */
type CommandResult =
  | { readonly kind: 'reply'; readonly reply: unknown }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'passed' };

function resultOf(answer: Promise<unknown>): Promise<CommandResult> {
  return answer.then(
    (reply): CommandResult => ({ kind: 'reply', reply }),
    (error: unknown): CommandResult => ({ kind: 'error', error }),
  );
}

function delay(delayMs: number): Promise<CommandResult> {
  return new Promise((resolve) => {
    setTimeout(() => resolve({ kind: 'passed' }), delayMs);
  });
}

function ignore(): void {}
