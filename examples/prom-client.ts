/**
 * Events to metrics, with prom-client. Copy it, and pass the result as `onEvent`:
 *
 *     createPayuAuth({ …, onEvent: countPayuAuth(registry) })
 *
 * With OpenTelemetry the same switch calls `counter.add(1, labels)` and `histogram.record(seconds, labels)` of a meter
 * from `@opentelemetry/api`. All labels have few values: no URL, no merchant, no message.
 */
import { isPayuAuthError, type PayuAuthEvent } from 'axios-payu-auth';
import { Counter, Histogram, type Registry } from 'prom-client';

export function countPayuAuth(registry: Registry): (event: PayuAuthEvent) => void {
  const registers = [registry];
  const mints = new Histogram({
    name: 'payu_auth_mint_duration_seconds',
    help: 'Token requests to PayU that brought a token, by grant and cause.',
    labelNames: ['grant', 'cause'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const failures = new Counter({
    name: 'payu_auth_mint_failures_total',
    help: 'Mints that failed, by error code and cause. Alert on it.',
    labelNames: ['code', 'cause'],
    registers,
  });
  const rateLimits = new Counter({
    name: 'payu_auth_rate_limits_total',
    help: 'Rate limits of PayU, by who answered with them.',
    labelNames: ['source'],
    registers,
  });
  const replays = new Counter({
    name: 'payu_auth_replays_total',
    help: 'API requests that were sent again, by cause.',
    labelNames: ['cause'],
    registers,
  });
  const oddities = new Counter({
    name: 'payu_auth_oddities_total',
    help: 'Replays skipped, tokens withheld, scopes missing, stores that failed.',
    labelNames: ['event', 'reason'],
    registers,
  });

  return (event) => {
    switch (event.type) {
      case 'token-minted':
        return mints.observe({ grant: event.grant, cause: event.cause }, event.durationMs / 1_000);
      case 'token-failed':
        return failures.inc({ code: codeOf(event.error), cause: event.cause });
      case 'rate-limited':
        return rateLimits.inc({ source: event.source });
      case 'request-replayed':
        return replays.inc({ cause: event.cause });
      case 'replay-skipped':
      case 'token-withheld':
        return oddities.inc({ event: event.type, reason: event.reason });
      case 'scope-missing':
        return oddities.inc({ event: event.type, reason: event.missing.join(' ') });
      case 'store-failed':
        return oddities.inc({ event: event.type, reason: event.operation });
      default:
        // The compiler's word that no event was forgotten; a later version may bring new ones all the same.
        event satisfies never;
    }
  };
}

function codeOf(error: Error): string {
  return isPayuAuthError(error) ? error.code : error.name;
}
