import { letAnswersArrive } from './turns.ts';

interface Waiter {
  readonly count: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Counts answers of one endpoint and lets tests wait for the n-th. */
export class AnswerCount {
  readonly #what: string;
  #answered = 0;
  #waiters: Waiter[] = [];

  constructor(what: string) {
    this.#what = what;
  }

  add(): void {
    this.#answered += 1;
    const due = this.#waiters.filter(({ count }) => count <= this.#answered);
    this.#waiters = this.#waiters.filter(({ count }) => count > this.#answered);
    for (const { resolve } of due) resolve();
  }

  async reached(count: number): Promise<void> {
    if (this.#answered < count) {
      await new Promise<void>((resolve, reject) => {
        this.#waiters.push({ count, resolve, reject });
      });
    }
    await letAnswersArrive();
  }

  /** Ends all waiting: nothing will come any more. */
  close(): void {
    for (const { count, reject } of this.#waiters.splice(0)) {
      reject(
        new Error(
          `mockPayu: restore() was called while a test waited for ${count} ${this.#what}; ${this.#answered} came`,
        ),
      );
    }
  }
}
