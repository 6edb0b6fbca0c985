/** Entries that are looked at for death on each insertion: more than one, so that the dead can't outnumber the born. */
const SWEPT_PER_INSERT = 4;

/**
 * A Map that forgets its dead entries bit by bit: each insertion looks at a few others, so that no call ever pays
 * for a sweep of all, and look-up stays constant-time.
 */
export class ExpiringMap<V> extends Map<string, V> {
  readonly #isDead: (value: V) => boolean;
  #sweep: IterableIterator<[string, V]> | undefined;

  constructor(isDead: (value: V) => boolean) {
    super();
    this.#isDead = isDead;
  }

  override set(key: string, value: V): this {
    if (!this.has(key)) this.#forgetSome();
    return super.set(key, value);
  }

  #forgetSome(): void {
    for (let looked = 0; looked < SWEPT_PER_INSERT; looked++) {
      this.#sweep ??= this.entries();
      const next = this.#sweep.next();
      if (next.done) {
        this.#sweep = undefined;
        return;
      }
      if (this.#isDead(next.value[1])) this.delete(next.value[0]);
    }
  }
}
