import { expect, it, onTestFinished } from 'vitest';
import { createPayuAuth, MemoryTokenStore, type PayuAuthEvent } from '../../src/index.ts';
import { RedisStoreError, type RedisStoreFailure } from '../../src/redis/index.ts';
import { startSandbox } from '../../src/sandbox/index.ts';

/** A store of whose errors an auth knows nothing, as it knows nothing of the Redis store's. */
class FailingStore extends MemoryTokenStore {
  readonly #failure: RedisStoreError;

  constructor(failure: RedisStoreError) {
    super();
    this.#failure = failure;
  }

  override set(): never {
    throw this.#failure;
  }
}

it.each<[RedisStoreFailure, string]>([
  ['timeout', 'ERR_REDIS_TIMEOUT'],
  ['unreachable', 'ERR_REDIS_UNREACHABLE'],
  ['paused', 'ERR_REDIS_PAUSED'],
  ['refused', 'ERR_REDIS_REFUSED'],
  ['unreadable', 'ERR_REDIS_UNREADABLE'],
  ['superseded', 'ERR_REDIS_SUPERSEDED'],
  ['lock-lost', 'ERR_REDIS_LOCK_LOST'],
])('%s: the store-failed event tells it by the code %s', async (reason, code) => {
  const sandbox = await startSandbox();
  onTestFinished(() => sandbox.close());
  const { environment, clientId, clientSecret } = sandbox;
  const events: PayuAuthEvent[] = [];
  const auth = createPayuAuth({
    environment,
    grant: { type: 'client_credentials', clientId, clientSecret },
    scope: 'create_payout_transactions',
    store: new FailingStore(new RedisStoreError(reason, 'It failed.')),
    onEvent: (event) => events.push(event),
  });
  await auth.getToken();
  await auth.close();
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'store-failed', error: expect.objectContaining({ code }) }),
  );
});
