/**
 * What was decided by hand about one token, on its way into the store: one after the other, and before any mint looks
 * into the store again (C5).
 */
export class Decisions {
  #underWay = 0;
  #last: Promise<unknown> = Promise.resolve();

  get areUnderWay(): boolean {
    return this.#underWay > 0;
  }

  /** Settles when all of them are carried out; never rejects. */
  get carriedOut(): Promise<unknown> {
    return this.#last;
  }

  async carryOut<T>(decision: () => Promise<T>): Promise<T> {
    this.#underWay++;
    const done = this.#last.then(decision);
    this.#last = done.catch(() => {});
    try {
      return await done;
    } finally {
      this.#underWay--;
    }
  }
}
