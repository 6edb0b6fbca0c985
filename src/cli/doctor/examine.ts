import { isPayuAuthError } from '../../index.ts';
import { explain, hostOf, rateLimited } from '../explain.ts';
import { type Finding, mend, note, ok } from '../finding.ts';
import type { Settings } from '../settings.ts';
import { type ApiQuestion, apiFinding } from './api.ts';
import { clockFinding } from './clock-offset.ts';
import type { Answer, Probe } from './probe.ts';
import { proxyFindings, proxyInForce } from './proxy.ts';
import { publicIdFinding, tokenUrlOf } from './public-id.ts';

export interface Wishes {
  /** Send the credentials to PayU's other environment too, where this one does not know them. */
  readonly askOtherEnvironment: boolean;
  /** One GET to an API with the token. */
  readonly api: ApiQuestion | undefined;
}

/** Why there is no token for these settings. */
type Explain = (error: unknown, asked: Settings) => Finding;

/** Looks at everything, beginning with what costs nothing, and reports each finding at once. */
export async function* examine(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
  probe: Probe,
  wishes: Wishes,
): AsyncGenerator<Finding> {
  yield note('environment', `${hostOf(settings)}, grant ${settings.grant.type}`);
  const mixUp = publicIdFinding(settings);
  if (mixUp !== undefined) {
    yield mixUp;
    return;
  }
  yield* proxyFindings(tokenUrlOf(settings), env);
  const why: Explain = (error, asked) => explain(error, asked, proxyInForce(tokenUrlOf(asked), env));
  const answer = await probe.ask(settings);
  if (probe.sighting !== undefined) yield clockFinding(probe.sighting);
  switch (answer.kind) {
    case 'rate-limited':
      yield rateLimited(answer.retryAt);
      return;
    case 'failed':
      yield* failureFindings(answer.error, settings, probe, wishes, why);
      return;
    case 'token':
      yield* tokenFindings(answer, settings);
      // Before another token is asked for: a server may revoke this one then.
      yield await whatTheApiSays(answer, settings, env, wishes);
      // Asking a second time with a user's grant would use up a refresh token, or count as a sign-in.
      if (settings.grant.type === 'client_credentials') {
        yield await reuseFinding(answer.token.value, settings, probe, why);
      }
      return;
    default:
      throw answer satisfies never;
  }
}

async function* failureFindings(
  error: unknown,
  settings: Settings,
  probe: Probe,
  wishes: Wishes,
  why: Explain,
): AsyncGenerator<Finding> {
  const refusal = isPayuAuthError(error) && error.code === 'ERR_TOKEN_REFUSED' ? refusalOf(error) : undefined;
  const scopes = scopesOf(settings);
  if (refusal === 'invalid_scope' && scopes.length > 1 && settings.grant.type !== 'refresh_token') {
    yield* scopeFindings(scopes, settings, probe, why);
    return;
  }
  yield why(error, settings);
  if (refusal === 'invalid_client') yield* otherEnvironmentFindings(settings, probe, wishes);
}

function refusalOf(error: object): unknown {
  return 'error' in error ? error.error : undefined;
}

/** Which of several scopes it is that PayU does not allow. */
async function* scopeFindings(
  scopes: readonly string[],
  settings: Settings,
  probe: Probe,
  why: Explain,
): AsyncGenerator<Finding> {
  for (const [index, scope] of scopes.entries()) {
    if (probe.left === 0) {
      yield note(
        'scope',
        `not asked, to spare PayU: ${scopes.slice(index).join(' ')}; run again with these in PAYU_SCOPE`,
      );
      return;
    }
    const answer = await probe.ask({ ...settings, scope });
    if (answer.kind === 'rate-limited') {
      yield rateLimited(answer.retryAt);
      return;
    }
    yield answer.kind === 'token'
      ? ok('scope', `${scope} is allowed`)
      : why(answer.error, { ...settings, scope });
  }
}

/** Credentials of one environment in the other are the usual mix-up; only PayU can tell. */
async function* otherEnvironmentFindings(
  settings: Settings,
  probe: Probe,
  { askOtherEnvironment }: Wishes,
): AsyncGenerator<Finding> {
  const { environment } = settings;
  if (typeof environment !== 'string') return;
  const other = environment === 'test' ? 'production' : 'test';
  if (!askOtherEnvironment) {
    yield note(
      'environment',
      `do they belong to ${other}? To find out, run again with --ask-other-environment`,
    );
    return;
  }
  const answer = await probe.ask({ ...settings, environment: other });
  // Any refusal but this one comes after the credentials were found right (RFC 6749 section 5.2).
  const isKnown =
    answer.kind === 'token' ||
    (answer.kind === 'failed' &&
      isPayuAuthError(answer.error) &&
      /^(invalid_scope|unauthorized_client)$/.test(String(refusalOf(answer.error))));
  yield isKnown
    ? mend(
        'environment',
        `these credentials belong to ${other}`,
        `set PAYU_ENVIRONMENT=${other}, or use the credentials of ${environment}`,
      )
    : note('environment', `${other} does not take these credentials either`);
}

function* tokenFindings(
  { token }: Extract<Answer, { kind: 'token' }>,
  settings: Settings,
): Generator<Finding> {
  const lifeSeconds = Math.round((token.expiresAt.getTime() - token.obtainedAt.getTime()) / 1_000);
  yield ok('credentials', `they are right: the token that came lives another ${lifeSeconds} s`);
  for (const scope of scopesOf(settings)) {
    yield token.scope.includes(scope)
      ? ok('scope', `${scope} is allowed`)
      : mend(
          'scope',
          `${scope} was asked for and not granted`,
          'correct PAYU_SCOPE, or ask PayU to enable it',
        );
  }
}

async function whatTheApiSays(
  { token }: Extract<Answer, { kind: 'token' }>,
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
  { api }: Wishes,
): Promise<Finding> {
  return api === undefined
    ? note(
        'api',
        "none was asked, so the merchant id and the addresses that PayU allows are not checked; for that, add --api URL and --header 'name: value'",
      )
    : apiFinding(api, token, settings, proxyInForce(api.url.href, env));
}

async function reuseFinding(value: string, settings: Settings, probe: Probe, why: Explain): Promise<Finding> {
  const again = await probe.ask(settings);
  switch (again.kind) {
    case 'rate-limited':
      return rateLimited(again.retryAt);
    case 'failed':
      return why(again.error, settings);
    case 'token':
      return note(
        'reuse',
        again.token.value === value
          ? 'the server reuses tokens: each request gets the running one, with what is left of its life'
          : 'the server makes a new token each time it is asked',
      );
    default:
      throw again satisfies never;
  }
}

function scopesOf({ scope }: Settings): readonly string[] {
  return [...new Set(scope.split(/\s+/).filter((each) => each !== ''))];
}
