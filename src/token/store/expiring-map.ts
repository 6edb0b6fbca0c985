/** Entries that are looked at for death on each insertion: more than one, so that the dead can't outnumber the born. */
const SWEPT_PER_INSERT = 4;

/**
 * A Map that forgets its dead entries bit by bit: each insertion looks at a few others, so that no call ever pays
 * for a sweep of all, and look-up stays constant-time.
 */
export class ExpiringMap<V> {
  readonly #entries = new Map<string, V>();
  readonly #isDead: (value: V) => boolean;
  #sweep: IterableIterator<[string, V]> | undefined;

  constructor(isDead: (value: V) => boolean) {
    this.#isDead = isDead;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    if (!this.#entries.has(key)) this.#forgetSome();
    this.#entries.set(key, value);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  values(): Iterable<V> {
    return this.#entries.values();
  }

  entries(): Iterable<[string, V]> {
    return this.#entries.entries();
  }

  #forgetSome(): void {
    for (let looked = 0; looked < SWEPT_PER_INSERT; looked++) {
      this.#sweep ??= this.#entries.entries();
      const next = this.#sweep.next();
      if (next.done) {
        this.#sweep = undefined;
        return;
      }
      if (this.#isDead(next.value[1])) this.#entries.delete(next.value[0]);
    }
  }
}
