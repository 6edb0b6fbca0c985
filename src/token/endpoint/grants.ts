import { gotInstead } from '../../json.ts';
import { scopeKey } from './scope.ts';

/** A secret, or how to get it each time one is needed (a vault, a rotated file). */
export type Secret = string | (() => string | Promise<string>);

/**
 * How access tokens are got (RFC 6749 §4).
 *
 * A grant in a variable of its own needs `as const` or `satisfies Grant`: else TypeScript takes its `type` for any string.
 */
// The usual grant stands last: of several that fit equally, TypeScript's messages are about the last.
export type Grant =
  | {
      readonly type: 'custom';
      /** The `grant_type` that PayU shared with you. */
      readonly grantType: string;
      readonly clientId?: string;
      readonly clientSecret?: Secret;
      /** Further form parameters; each value may be a secret. */
      readonly parameters?: Readonly<Record<string, Secret>>;
    }
  | {
      readonly type: 'password';
      /** Registered mobile number or e-mail address. */
      readonly username: string;
      readonly password: Secret;
      /** Default: PayU's public client id of the environment. */
      readonly clientId?: string;
      readonly clientSecret?: Secret;
    }
  | {
      readonly type: 'refresh_token';
      readonly refreshToken: Secret;
      /** Default: PayU's public client id of the environment. */
      readonly clientId?: string;
      readonly clientSecret?: Secret;
    }
  | { readonly type: 'client_credentials'; readonly clientId: string; readonly clientSecret: Secret };

/** A grant in wire names, with its client id. Secrets may still be functions. */
export interface WireGrant {
  readonly type: Grant['type'];
  readonly grantType: string;
  readonly clientId: string | undefined;
  /** Parameters that are no secret: `username`. */
  readonly open: Readonly<Record<string, string>>;
  /** Parameters that are secrets: `client_secret`, `password`, `refresh_token`, a custom grant's own. */
  readonly secret: Readonly<Record<string, Secret>>;
}

/** As they were when asked for one mint. */
export type AskedSecrets = Readonly<Record<string, string>>;

const NONE: WireGrant['open'] = Object.freeze({});

/** The option that a secret parameter comes from, for messages. */
export function optionOf({ type }: Pick<WireGrant, 'type'>, parameter: string): string {
  if (parameter === 'client_secret') return 'grant.clientSecret';
  if (type === 'custom') return `grant.parameters.${parameter}`;
  return parameter === 'refresh_token' ? 'grant.refreshToken' : `grant.${parameter}`;
}

export function wireGrant(grant: Grant, clientId: string | undefined): WireGrant {
  const clientSecret: WireGrant['secret'] =
    grant.clientSecret === undefined ? NONE : { client_secret: grant.clientSecret };
  // Written out: an object that is put together by spreads has a shape of its own, and takes as much memory again.
  const wire = (secret: WireGrant['secret'], grantType: string = grant.type, open = NONE): WireGrant => ({
    type: grant.type,
    grantType,
    clientId,
    open,
    secret,
  });
  switch (grant.type) {
    case 'client_credentials':
      return wire({ client_secret: grant.clientSecret });
    case 'password':
      return wire({ ...clientSecret, password: grant.password }, grant.type, { username: grant.username });
    case 'refresh_token':
      return wire({ ...clientSecret, refresh_token: grant.refreshToken });
    case 'custom':
      return wire({ ...clientSecret, ...grant.parameters }, grant.grantType);
    default:
      throw grant satisfies never;
  }
}

/** The rule that a secret's value breaks, or undefined if it can be sent. Names no value. */
export function secretFault(value: unknown): string | undefined {
  if (typeof value !== 'string') {
    return `must be a string, or a function that returns one or a promise of one; ${gotInstead(value)}`;
  }
  if (value === '') return 'must not be empty: check that the variable it comes from is set';
  if (value !== value.trim()) {
    return 'must not begin or end with white space, such as a line break from a file: trim it';
  }
  return textFault(value);
}

/**
 * The fault of a text that shells, .env files, templates and copied pages leave behind, and no credential has. UTF-8 is no
 * fault: RFC 6749 forbids it in secrets and allows it in passwords (appendix A), and servers take both.
 */
export function textFault(value: string): string | undefined {
  if (/^(["'`]).*\1$/s.test(value)) {
    return 'must not begin and end with a quotation mark, as a value of an .env file may: leave the marks out';
  }
  if (/\$\{[^}]*\}|\{\{.*\}\}|^<.*>$|^(?:undefined|null|\[object ?\w+\])$/.test(value)) {
    return 'holds a placeholder that nobody filled in, of a shell, a template or a variable that is not set: give the value itself';
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x08\x0A-\x1F\x7F]/.test(value)) {
    return 'holds a control character, such as a line break, which RFC 6749 does not allow (appendix A): take it out';
  }
  if (/[\u200B\u2060\uFEFF]/.test(value)) {
    return 'holds a character that can not be seen, as copied text may: type that place anew';
  }
  if (/\p{Surrogate}/u.test(value))
    return 'holds half of a character: it was cut, or read in a wrong encoding';
  return undefined;
}

/** Form of the primary grant: exactly the documented parameters, a refresh without `scope`, and none that is empty (F1). */
export function primaryForm(
  grant: WireGrant,
  secrets: AskedSecrets,
  scope: readonly string[],
): URLSearchParams {
  return form({
    ...secrets,
    ...grant.open,
    grant_type: grant.grantType,
    client_id: grant.clientId,
    scope: grant.grantType === 'refresh_token' ? undefined : scopeKey(scope),
  });
}

/**
 * Form of the refresh grant. The client authenticates as it did for the primary grant: with a secret only if it is
 * confidential. Without `scope`, as PayU documents it: a server that granted less than was asked refuses to widen it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
 */
export function refreshForm(grant: WireGrant, secrets: AskedSecrets, refreshToken: string): URLSearchParams {
  return form({
    grant_type: 'refresh_token',
    client_id: grant.clientId,
    client_secret: secrets.client_secret,
    refresh_token: refreshToken,
  });
}

/** Form of a revocation: PayU takes the client in the body and the token, nothing else. */
export function revokeForm(grant: WireGrant, secrets: AskedSecrets, token: string): URLSearchParams {
  return form({ client_id: grant.clientId, client_secret: secrets.client_secret, token });
}

function form(parameters: Readonly<Record<string, string | undefined>>): URLSearchParams {
  const filled = Object.entries(parameters).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return new URLSearchParams(filled);
}
