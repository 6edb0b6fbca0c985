/**
 * Events to metrics, with prom-client. Copy it, make it once, and ask it for a listener per merchant:
 *
 *     const listenerFor = countPayuAuth(registry);
 *     createPayuAuth({ …, onEvent: listenerFor('merchant-101') })
 *
 * The merchant is a label: fine for hundreds. With many thousands, pass the same name for all of them. All other labels
 * have few values: no URL, no message. For OpenTelemetry: examples/opentelemetry.ts.
 */
import { isPayuAuthError, type PayuAuthEvent } from 'axios-payu-auth';
import { Counter, Histogram, type Registry } from 'prom-client';

export function countPayuAuth(registry: Registry): (merchant: string) => (event: PayuAuthEvent) => void {
  const registers = [registry];
  const mints = new Histogram({
    name: 'payu_auth_mint_duration_seconds',
    help: 'Token requests to PayU that brought a token, by grant and cause.',
    labelNames: ['merchant', 'grant', 'cause'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const failures = new Counter({
    name: 'payu_auth_mint_failures_total',
    help: 'Mints that failed, by error code and cause. Alert on it.',
    labelNames: ['merchant', 'code', 'cause'],
    registers,
  });
  const rateLimits = new Counter({
    name: 'payu_auth_rate_limits_total',
    help: 'Rate limits of PayU, by who answered with them.',
    labelNames: ['merchant', 'source'],
    registers,
  });
  const replays = new Counter({
    name: 'payu_auth_replays_total',
    help: 'API requests that were sent again, by cause.',
    labelNames: ['merchant', 'cause'],
    registers,
  });
  const oddities = new Counter({
    name: 'payu_auth_oddities_total',
    help: 'Replays skipped, tokens withheld, scopes missing, stores that failed.',
    labelNames: ['merchant', 'event', 'reason'],
    registers,
  });

  return (merchant) => (event) => {
    switch (event.type) {
      case 'token-minted':
        return mints.observe({ merchant, grant: event.grant, cause: event.cause }, event.durationMs / 1_000);
      case 'token-failed':
        return failures.inc({ merchant, code: codeOf(event.error), cause: event.cause });
      case 'rate-limited':
        return rateLimits.inc({ merchant, source: event.source });
      case 'request-replayed':
        return replays.inc({ merchant, cause: event.cause });
      case 'replay-skipped':
      case 'token-withheld':
        return oddities.inc({ merchant, event: event.type, reason: event.reason });
      case 'scope-missing':
        return oddities.inc({ merchant, event: event.type, reason: event.missing.join(' ') });
      case 'store-failed':
        return oddities.inc({ merchant, event: event.type, reason: event.operation });
      default:
        // The compiler's word that no event was forgotten; a later version may bring new ones all the same.
        event satisfies never;
    }
  };
}

function codeOf(error: Error): string {
  return isPayuAuthError(error) ? error.code : error.name;
}
