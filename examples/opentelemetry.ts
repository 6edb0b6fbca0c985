/**
 * Events to metrics, with OpenTelemetry. Copy it, and call it once, where your SDK is set up:
 *
 *     const stop = meterPayuAuth(metrics.getMeter('payu'));
 *
 * It listens on the diagnostics channel, and so hears every auth of this process, whoever made it. Where each merchant
 * has an auth of its own and is to be told apart, pass a listener as `onEvent` instead: examples/prom-client.ts shows it.
 * All attributes have few values: no URL, no message.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Meter } from '@opentelemetry/api';
import { isPayuAuthError, type PayuAuthEvent } from 'axios-payu-auth';

const CHANNEL = 'axios-payu-auth:event';

/** Counts until the function that it returns is called. */
export function meterPayuAuth(meter: Meter): () => void {
  const mints = meter.createHistogram('payu_auth.mint.duration', {
    unit: 's',
    description: 'Token requests to PayU that brought a token, by grant and cause.',
  });
  const failures = meter.createCounter('payu_auth.mint.failures', {
    description: 'Mints that failed, by error code and cause. Alert on it.',
  });
  const rateLimits = meter.createCounter('payu_auth.rate_limits', {
    description: 'Rate limits of PayU, by who answered with them.',
  });
  const replays = meter.createCounter('payu_auth.replays', {
    description: 'API requests that were sent again, by cause.',
  });
  const oddities = meter.createCounter('payu_auth.oddities', {
    description: 'Replays skipped, tokens withheld, scopes missing, stores that failed.',
  });

  const count: (event: PayuAuthEvent) => void = (event) => {
    switch (event.type) {
      case 'token-minted':
        return mints.record(event.durationMs / 1_000, { grant: event.grant, cause: event.cause });
      case 'token-failed':
        return failures.add(1, { code: codeOf(event.error), cause: event.cause });
      case 'rate-limited':
        return rateLimits.add(1, { source: event.source });
      case 'request-replayed':
        return replays.add(1, { cause: event.cause });
      case 'replay-skipped':
      case 'token-withheld':
        return oddities.add(1, { event: event.type, reason: event.reason });
      case 'scope-missing':
        return oddities.add(1, { event: event.type, reason: event.missing.join(' ') });
      case 'store-failed':
        return oddities.add(1, { event: event.type, reason: event.operation });
      default:
        // The compiler's word that no event was forgotten; a later version may bring new ones all the same.
        event satisfies never;
    }
  };

  const listener = (message: unknown): void => count(message as PayuAuthEvent);
  subscribe(CHANNEL, listener);
  return () => unsubscribe(CHANNEL, listener);
}

function codeOf(error: Error): string {
  return isPayuAuthError(error) ? error.code : error.name;
}
