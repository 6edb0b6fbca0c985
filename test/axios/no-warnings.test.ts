import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { atOnce, fulfilled, startHarness } from '../support/harness.ts';

test('50 calls that wait for an API at once: Node.js suspects no leak of listeners', async () => {
  const warnings: string[] = [];
  const note = (warning: Error) => warnings.push(warning.name);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  const { payouts, sandbox, clock, eventsOf } = await startHarness();
  sandbox.rateLimit(50, { on: 'api', retryAfter: 60 });

  const results = atOnce(50, () => payouts.get('/merchant/getAccountDetail'));
  while (eventsOf('rate-limited').length < 50) await nextTurn();
  await nextTurn();
  clock.advance(66_000);

  expect(fulfilled(await results)).toBe(50);
  expect(warnings).toEqual([]);
});
