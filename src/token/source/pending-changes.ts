/**
 * Changes by hand of one token, on their way into the store: one after the other, and before any mint looks into the
 * store again (C5).
 */
export class PendingChanges {
  #underWay = 0;
  #last: Promise<unknown> = Promise.resolve();

  get isEmpty(): boolean {
    return this.#underWay === 0;
  }

  /** Settles when all of them are carried out; never rejects. */
  get carriedOut(): Promise<unknown> {
    return this.#last;
  }

  async carryOut<T>(change: () => Promise<T>): Promise<T> {
    this.#underWay++;
    const done = this.#last.then(change);
    this.#last = done.catch(() => {});
    try {
      return await done;
    } finally {
      this.#underWay--;
    }
  }
}
