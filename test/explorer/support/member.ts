import axios, { type AxiosInstance, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import type { PayuAuthEvent } from '../../../src/events.ts';
import { createPayuAuthIn, type PayuAuth } from '../../../src/payu-auth.ts';
import type { Clock } from '../../../src/time/clock.ts';
import type { TokenStore } from '../../../src/token/store/token-store.ts';
import { GateModel } from '../../properties/support/gate-model.ts';
import type { ManualClock } from '../../support/manual-clock.ts';
import type { AuthSetup } from './scenario.ts';

export const SCOPE = 'create_payout_transactions';
export const TOKEN_URL = 'https://accounts.example.com/oauth/token';
export const REVOKE_URL = 'https://accounts.example.com/oauth/revoke';

/** An auth, its client, and what it may know. */
export interface Member {
  readonly name: string;
  readonly setup: AuthSetup;
  readonly auth: PayuAuth;
  readonly client: AxiosInstance;
  readonly gate: GateModel;
  /** Tokens that were taken out of use by hand → the order from which on no new call may carry them. */
  readonly banned: Map<string, number>;
  /** Results of token requests up to this order no longer count. */
  supersededOrder: number;
  isClosed: boolean;
  /** Faults that pass by themselves, since the last answer. */
  faults: number;
  /** More than a fault or two: calls may be lost. */
  hadTrouble: boolean;
  /** A token request failed, and no event has told of it yet. */
  owesEvent: boolean;
  /** Mints that a refused token was given as the cause of. */
  mintsForRefusals: number;
}

export interface Transports {
  readonly api: (member: Member, config: InternalAxiosRequestConfig) => Promise<AxiosResponse>;
  readonly token: (member: Member, config: InternalAxiosRequestConfig) => Promise<AxiosResponse>;
  readonly heard: (member: Member, event: PayuAuthEvent) => void;
}

export function createMember(
  name: string,
  setup: AuthSetup,
  clock: ManualClock,
  store: TokenStore | undefined,
  transports: Transports,
): Member {
  const { clientId } = setup;
  const auth = createPayuAuthIn(
    { clock: skewed(clock, setup.clockAheadMs ?? 0), random: () => 0.5 },
    {
      environment: { tokenUrl: TOKEN_URL, revokeUrl: REVOKE_URL },
      grant:
        setup.grant === 'password'
          ? { type: 'password', clientId, username: 'merchant', password: 's3cret' }
          : { type: 'client_credentials', clientId, clientSecret: setup.secret ?? 's3cret' },
      scope: SCOPE,
      http: { adapter: (config) => transports.token(member, config) },
      onEvent: (event) => transports.heard(member, event),
      ...(store === undefined ? {} : { store }),
      ...setup.options,
    },
  );
  const client = axios.create({
    baseURL: 'https://api.example.com',
    adapter: (config: InternalAxiosRequestConfig) => transports.api(member, config),
  });
  auth.attach(client);
  const member: Member = {
    name,
    setup,
    auth,
    client,
    gate: new GateModel(setup.options?.tokenAttempts),
    banned: new Map(),
    supersededOrder: 0,
    isClosed: false,
    faults: 0,
    hadTrouble: false,
    owesEvent: false,
    mintsForRefusals: 0,
  };
  return member;
}

/** The clock of a process on another machine: the same durations, another time of day. */
function skewed(clock: ManualClock, aheadMs: number): Clock {
  if (aheadMs === 0) return clock;
  return {
    now: () => clock.now() + aheadMs,
    steadyMs: () => clock.steadyMs(),
    timer: (...timer) => clock.timer(...timer),
    limit: (...limit) => clock.limit(...limit),
  };
}
