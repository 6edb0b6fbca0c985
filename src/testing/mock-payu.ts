import type { MockPayu, MockPayuOptions } from './kit.ts';
import { loadedNock, type NockOrError } from './load-nock.ts';
import { MockPayuKit } from './mock-payu-kit.ts';

/**
 * Mocks PayU's token endpoint and its Payouts and Payment Links APIs with nock.
 *
 * Checks each token request (form-encoded, `grant_type`, `scope`, no empty field, what the grant needs),
 * hands out `access_token_1`, `access_token_2`, …, and lets API requests pass only with one of these. A token
 * request that breaks a rule or that nobody declared is answered with `invalid_request` and the reason as
 * `error_description`, so that it fails at once; an API request breaks its connection with the reason as
 * message. `done()` lists all of it again. Nothing leaves the machine for the hosts it was given, and for PayU's of either
 * environment.
 *
 * **Fake timers.** Fake the clock and leave the rest of the event loop alone: with a fake `process.nextTick`,
 * Jest's default, no request of any kind ever ends. Wait for the answer before advancing: until it has
 * arrived nobody waits for the clock, so that a single advance before it is lost, and the test hangs (or the
 * advance runs into the time limit of the token request). The library adds up to 10 % to what PayU tells it
 * to wait.
 *
 * ```ts
 * vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
 * // Jest: jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'clearImmediate'] });
 *
 * kit.tokenRateLimited({ retryAfter: 60 }).token().api('get', '/merchant/getAccountDetail');
 * const response = payouts.get('/merchant/getAccountDetail');
 * await kit.waitForTokenRequests(1);            // the rate limit has arrived, the library waits
 * await vi.advanceTimersByTimeAsync(66_000);    // 60 s and 10 %
 * expect((await response).status).toBe(200);
 * ```
 *
 * Works with axios' http and fetch adapters. With axios 1.12.0 and 1.12.1 the fetch adapter keeps the `fetch` that
 * was there when axios was imported: import this module, or nock, before axios there, best in a setup file.
 * One kit per environment at a time.
 *
 * @throws TypeError with `code: 'ERR_INVALID_OPTION'` for wrong options and arguments; Error if nock is missing
 * (`ERR_NOCK_MISSING`), of another version than 14 (`ERR_NOCK_VERSION`) or not active, or if an earlier kit for
 * the same environment was not restored.
 *
 * @example
 * ```ts
 * import axios from 'axios';
 * import { createPayuAuth, scopes } from 'axios-payu-auth';
 * import { fixtures, mockPayu } from 'axios-payu-auth/testing';
 *
 * const kit = mockPayu({ environment: 'test' })
 *   .token()
 *   .unauthorized('post', '/v2/payment')
 *   .token()
 *   .api('post', '/v2/payment', fixtures.payouts.payment);
 * try {
 *   const auth = createPayuAuth({
 *     environment: 'test',
 *     grant: { type: 'client_credentials', clientId: 'id', clientSecret: 'secret' },
 *     scope: scopes.payouts.create,
 *   });
 *   const payouts = axios.create({ baseURL: 'https://uatoneapi.payu.in/payout' });
 *   auth.attach(payouts);
 *   await payouts.post('/v2/payment', [{ merchantRefId: '111' }]);
 *   kit.done();
 * } finally {
 *   kit.restore();
 * }
 * ```
 */
export function mockPayu(options: MockPayuOptions): MockPayu {
  return mockPayuWith(loadedNock, options);
}

/** `mockPayu` with nock given, or missing. */
export function mockPayuWith(loaded: NockOrError, options: MockPayuOptions): MockPayu {
  if (loaded.kind === 'error') throw loaded.error;
  return new MockPayuKit(loaded.nock, options);
}
