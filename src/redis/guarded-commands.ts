import type { CircuitBreaker } from './circuit-breaker.ts';
import type { RedisCommands } from './redis-client.ts';
import { RedisStoreError } from './redis-store-error.ts';

/** Commands that reject soon, and with errors that hold no argument of theirs. */
export class GuardedCommands {
  readonly #commands: RedisCommands;
  readonly #breaker: CircuitBreaker;
  readonly #timeoutMs: number;

  constructor(
    commands: RedisCommands,
    parts: { readonly breaker: CircuitBreaker; readonly timeoutMs: number },
  ) {
    this.#commands = commands;
    this.#breaker = parts.breaker;
    this.#timeoutMs = parts.timeoutMs;
  }

  /** Whether Redis failed a moment ago and is not asked now. */
  get isPaused(): boolean {
    return this.#breaker.isPaused;
  }

  get(key: string): Promise<unknown> {
    return this.#run(
      () => this.#commands.get(key),
      () => {},
    );
  }

  /** `onLate` gets the reply of a script that ran after we had stopped waiting for it. */
  eval(
    script: string,
    parameters: { readonly keys: readonly string[]; readonly values: readonly string[] },
    onLate: (reply: unknown) => void = () => {},
  ): Promise<unknown> {
    return this.#run(() => this.#commands.eval(script, parameters.keys, parameters.values), onLate);
  }

  /** Sends a script to a Redis that has just answered, though late; nobody waits for what becomes of it. */
  evalUnawaited(
    script: string,
    parameters: { readonly keys: readonly string[]; readonly values: readonly string[] },
  ): void {
    this.#commands.eval(script, parameters.keys, parameters.values).catch(() => {});
  }

  #run(command: () => Promise<unknown>, onLate: (reply: unknown) => void): Promise<unknown> {
    if (!this.#breaker.mayPass()) {
      return Promise.reject(
        new RedisStoreError(
          'paused',
          'Redis failed a moment ago and is left alone. See the error before this one.',
        ),
      );
    }
    return new Promise((resolve, reject) => {
      let isSettled = false;
      const giveUp = () => {
        if (isSettled) return;
        isSettled = true;
        this.#breaker.failed();
        reject(
          new RedisStoreError('timeout', `Redis did not answer within "timeoutMs" (${this.#timeoutMs} ms).`),
        );
      };
      // After a stall of this very process the timer is due before the reply that has long arrived is read: the
      // immediate lets that one be read first. Who waits for a token keeps the process alive, this timer does not.
      const timer = setTimeout(() => setImmediate(giveUp), this.#timeoutMs).unref();
      const settle = (outcome: () => void) => {
        clearTimeout(timer);
        isSettled = true;
        outcome();
      };
      command().then(
        (reply) => {
          if (isSettled) return onLate(reply);
          this.#breaker.answered();
          settle(() => resolve(reply));
        },
        (error: unknown) => {
          if (isSettled) return;
          const failure = withoutArguments(error);
          if (failure.reason === 'refused') this.#breaker.answered();
          else this.#breaker.failed();
          settle(() => reject(failure));
        },
      );
    });
  }
}

/** The server's own errors begin with a word in capitals; those of the clients and of the network do not. */
const SERVER_ERROR = /^([A-Z][A-Z0-9_]{1,30}) /;
const NETWORK_ERROR = /^E[A-Z]{2,20}$/;

/** Says what happened in our own words: the rest of the client's message may quote the command. */
function withoutArguments(error: unknown): RedisStoreError {
  const { message, code } = Object(error) as { message?: unknown; code?: unknown };
  const answer = SERVER_ERROR.exec(String(message))?.[1];
  if (answer !== undefined) return new RedisStoreError('refused', `Redis answered with the error ${answer}.`);
  const detail = typeof code === 'string' && NETWORK_ERROR.test(code) ? ` (${code})` : '';
  return new RedisStoreError('unreachable', `Redis could not be reached${detail}. Is the client connected?`);
}
