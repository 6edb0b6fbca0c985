import { test } from 'vitest';
import { scenarioNamed } from './scenarios.ts';
import { replay } from './support/explore.ts';
import type { Event } from './support/scenario.ts';

/** Orders that broke a rule, or were taken for it, shrunk: the scenario, and the events after its prelude. */
const FOUND: Readonly<Record<string, readonly [scenario: string, script: readonly Event[]]>> = {
  'invalidate() while a renewal runs in the background mints nothing for nobody (C5)': [
    'by hand',
    ['call #3', 'invalidate @A'],
  ],
  'revoke() while a renewal runs in the background mints nothing for nobody (C5)': [
    'by hand',
    ['call #3', 'revoke @A'],
  ],
  'two processes hold different tokens, then all are revoked: no call is lost (D3)': [
    'two processes, then a revocation',
    ['call #3', 'token @A', 'sibling', 'revoke-all'],
  ],
  'a renewal while a call is under way, then all tokens are revoked: no call is lost (D3)': [
    'a renewal in the background, then a revocation',
    ['call #3', 'token @A', 'revoke-all'],
  ],
  'the failure of a try is told although its caller leaves before the next one (C3)': [
    'a token endpoint in trouble',
    ['call #1', 'token-reset @A', 'abort #1'],
  ],
  'a clock that is set back in a back-off lengthens no wait (T1)': [
    'a wall clock that steps while calls wait',
    ['call #2', 'token-503 @A', 'wall-1h'],
  ],
  'a request that was sent is seen through although its caller leaves (C3)': [
    'impatient callers',
    ['call #1', 'token-lost @A'],
  ],
  'a found token stays found when a renewal in the background brings it once more (D3)': [
    'a server that reuses tokens, and one that revokes them',
    [
      ...['call #1', 'call #2', 'token-dead @A', 'api #1', 'token @A', 'window', 'api #2'],
      ...['token-same @A', 'revoke-all'],
    ],
  ],
};

test.each(Object.entries(FOUND))('%s', async (_, [scenario, script]) => {
  await replay(scenarioNamed(scenario), script);
});
