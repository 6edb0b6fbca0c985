import type { PayuAuthOptions, Secret } from '../../../src/index.ts';
import type { ServerRules } from './model-server.ts';

/**
 * What may happen, as a script names it: `call #1`, `token @A`, `revoke-all`. The word before the space is the kind;
 * `#` is followed by a call's number, `@` by an auth's name.
 */
export type Event = string;

export type EventKind =
  | 'call'
  | 'abort'
  /** The API answers as it stands: 200, or 401 for a token that is dead now. */
  | 'api'
  /** The API took the token before it died; the answer comes only now. */
  | 'api-late-ok'
  | 'api-429'
  | 'api-500'
  /** Done, and the connection breaks before the answer. */
  | 'api-reset'
  /** The token endpoint answers as it stands: a token, or a refusal of a dead refresh token. */
  | 'token'
  /** A reusing server: the token that is alive, once more. */
  | 'token-same'
  /** Revoked between the server's answer and its arrival. */
  | 'token-dead'
  | 'token-refused'
  | 'token-odd-refusal'
  | 'token-dead-refresh'
  | 'token-503'
  | 'token-408'
  | 'token-limited'
  | 'token-untold'
  /** Told to wait for eleven days. */
  | 'token-limited-long'
  | 'token-point-in-time'
  | 'token-garbage'
  /** Never processed. */
  | 'token-reset'
  /** Processed; the answer never comes. */
  | 'token-lost'
  /** The answer lies in the socket while the process stands still for longer than any limit. */
  | 'token-after-stall'
  /** Time passes until the next timer fires. */
  | 'timer'
  /** Time passes until the newest token is inside its renew-ahead window. */
  | 'window'
  | 'expire'
  | 'wall+1h'
  | 'wall-1h'
  /** The server revokes all access tokens. */
  | 'revoke-all'
  /** And all refresh tokens. */
  | 'revoke-all-too'
  | 'invalidate'
  | 'revoke'
  | 'set-token'
  | 'set-refresh'
  | 'close'
  /** Another process that shares the store has renewed. */
  | 'sibling'
  | 'store-go'
  | 'store-fail';

export interface AuthSetup {
  readonly grant: 'client_credentials' | 'password';
  /** Auths of one client may share tokens; those of two must not. */
  readonly clientId: string;
  readonly options?: Partial<Pick<PayuAuthOptions, 'renewAheadMs' | 'tokenAttempts' | 'rateLimitRetries'>>;
  /** By how much this process' wall clock is ahead of the others'. */
  readonly clockAheadMs?: number;
  /** Of a client_credentials grant. */
  readonly secret?: Secret;
}

export interface CallSetup {
  readonly auth: string;
  readonly via: 'request' | 'getToken';
  readonly maxWaitMs: number;
  readonly replay: 'allowed' | 'disabled';
  /** Default: a string. */
  readonly body?: FormData;
}

/** A small world, and what may happen in it. */
export interface Scenario {
  readonly name: string;
  readonly auths: Readonly<Record<string, AuthSetup>>;
  /** `held`: shared, and each operation waits for an event. `notices`: shared, cool-downs and refusals too. */
  readonly store: 'own' | 'shared' | 'held' | 'notices';
  readonly calls: readonly CallSetup[];
  readonly server: ServerRules;
  /** What has happened before, always. */
  readonly prelude: readonly Event[];
  /** How often each kind of event may happen in one order. */
  readonly events: Readonly<Partial<Record<EventKind, number>>>;
  /** How many events are chosen; what follows comes to its end by itself, without any trouble. */
  readonly depth: number;
  /** How long to wait before the last calls: by then each gate must be open. */
  readonly calmMs: number;
  /** Nothing happens here that may cost a call: only its own abort, a closed auth, or `maxWaitMs` that was really waited. */
  readonly losesNoCall: boolean;
}
