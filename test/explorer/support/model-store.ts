import type { TokenRecord, TokenStore } from '../../../src/token/store/token-store.ts';

type Operation = () => TokenRecord | undefined;

interface HeldOperation {
  readonly go: () => void;
  readonly fail: () => void;
}

/** A store that two processes share. Prompt, or each operation waits until an event lets it go or fail. */
export class ModelStore implements TokenStore {
  readonly sharesNotices: boolean;
  readonly #isHeld: boolean;
  readonly #records = new Map<string, TokenRecord>();
  readonly #held: HeldOperation[] = [];
  readonly #locks = new Map<string, Promise<void>>();
  readonly #noteActivity: () => void;

  constructor(how: 'prompt' | 'held', sharesNotices: boolean, noteActivity: () => void) {
    this.#isHeld = how === 'held';
    this.sharesNotices = sharesNotices;
    this.#noteActivity = noteActivity;
  }

  get heldOperations(): number {
    return this.#held.length;
  }

  /** Lets the oldest operation that waits go, or fail. */
  release(how: 'go' | 'fail'): void {
    this.#held.shift()?.[how]();
  }

  /** The records that hold a token, with their keys. */
  tokenRecords(): readonly (readonly [string, TokenRecord])[] {
    return [...this.#records].filter(([, { accessToken }]) => accessToken !== '');
  }

  /** As another process writes. */
  write(key: string, record: TokenRecord): void {
    this.#records.set(key, record);
  }

  get(key: string): Promise<TokenRecord | undefined> {
    return this.#operation(() => this.#records.get(key));
  }

  async set(key: string, record: TokenRecord): Promise<void> {
    await this.#operation(() => {
      this.#records.set(key, record);
      return undefined;
    });
  }

  async delete(key: string): Promise<void> {
    await this.#operation(() => {
      this.#records.delete(key);
      return undefined;
    });
  }

  async withLock<T>(key: string, task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (signal.aborted) throw signal.reason;
    const before = this.#locks.get(key) ?? Promise.resolve();
    let release = () => {};
    const isOver = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#locks.set(
      key,
      before.then(() => isOver),
    );
    try {
      await aborting(before, signal);
      return await task();
    } finally {
      release();
    }
  }

  #operation(operation: Operation): Promise<TokenRecord | undefined> {
    this.#noteActivity();
    if (!this.#isHeld) return Promise.resolve().then(operation);
    return new Promise((resolve, reject) => {
      this.#held.push({
        go: () => resolve(operation()),
        fail: () => reject(new Error('the store is down')),
      });
    });
  }
}

function aborting(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    wait.then(() => {
      signal.removeEventListener('abort', leave);
      resolve();
    });
  });
}
