import axios, {
  type AxiosAdapter,
  type AxiosInstance,
  type AxiosRequestConfig,
  type AxiosResponse,
} from 'axios';
import { describe, expectTypeOf, test } from 'vitest';
import {
  type AccessToken,
  type AnyPayuAuthError,
  type AuthStatus,
  bbpsTokenRefused,
  type ClosedError,
  commandHash,
  createPayuAuth,
  environments,
  type Grant,
  isPayuAuthError,
  type MaybePromise,
  MemoryTokenStore,
  type MintCause,
  type PayuAuth,
  type PayuAuthError,
  type PayuAuthErrorCode,
  type PayuAuthEvent,
  type PayuAuthOptions,
  type PayuAuthRequestOptions,
  type PayuEnvironment,
  publicClientIds,
  type RateLimitedError,
  type ScopeInput,
  type Secret,
  scopes,
  type TokenRecord,
  type TokenRefusedError,
  type TokenResponseError,
  type TokenStore,
  type TokenUnavailableError,
} from '../../src/index.ts';

// The compiler does the checking (`tsc -p .`); the bodies run, too, where they can.

/** The names of the properties that can be written to. */
type Writable<T> = {
  [K in keyof T]-?: (<X>() => X extends { [P in K]: T[P] } ? 1 : 2) extends <X>() => X extends {
    -readonly [P in K]: T[P];
  }
    ? 1
    : 2
    ? K
    : never;
}[keyof T];

const grant: Grant = { type: 'client_credentials', clientId: 'id', clientSecret: 'secret' };
const options: PayuAuthOptions = { environment: 'test', grant, scope: scopes.payouts.create };

describe('options', () => {
  test('what must be given, and what may be', () => {
    type Required = { [K in keyof PayuAuthOptions]-?: undefined extends PayuAuthOptions[K] ? never : K };
    expectTypeOf<Required[keyof PayuAuthOptions]>().toEqualTypeOf<'environment' | 'grant' | 'scope'>();
    expectTypeOf<keyof PayuAuthOptions>().toEqualTypeOf<
      | 'environment'
      | 'grant'
      | 'scope'
      | 'origins'
      | 'header'
      | 'renewAheadMs'
      | 'defaultLifeMs'
      | 'tokenTimeoutMs'
      | 'maxWaitMs'
      | 'tokenAttempts'
      | 'rateLimitRetries'
      | 'isTokenRefused'
      | 'store'
      | 'http'
      | 'onEvent'
      | 'allowInsecureHttp'
    >();
  });

  test('environment: two names, or URLs', () => {
    expectTypeOf<PayuAuthOptions['environment']>().toEqualTypeOf<
      'test' | 'production' | { readonly tokenUrl: string; readonly revokeUrl?: string }
    >();
    // @ts-expect-error there is no such environment
    createOnly({ ...options, environment: 'live' });
    // @ts-expect-error "tokenUrl" must be given
    createOnly({ ...options, environment: { revokeUrl: 'https://a.example' } });
  });

  test('grants: four, each with its own properties', () => {
    expectTypeOf<Grant['type']>().toEqualTypeOf<
      'client_credentials' | 'password' | 'refresh_token' | 'custom'
    >();
    expectTypeOf<Secret>().toEqualTypeOf<string | (() => string | Promise<string>)>();
    createOnly({ ...options, grant: { type: 'password', username: 'u', password: async () => 'p' } });
    createOnly({ ...options, grant: { type: 'refresh_token', refreshToken: () => 'r' } });
    createOnly({
      ...options,
      grant: { type: 'custom', grantType: 'g', parameters: { a: 'b', c: () => 'd' } },
    });
    // @ts-expect-error client credentials need a secret
    createOnly({ ...options, grant: { type: 'client_credentials', clientId: 'id' } });
    // @ts-expect-error a password grant needs a password
    createOnly({ ...options, grant: { type: 'password', username: 'u' } });
    // @ts-expect-error another grant's property
    createOnly({ ...options, grant: { type: 'refresh_token', refreshToken: 'r', username: 'u' } });
  });

  test('scope: a text or a list, from constants or not', () => {
    expectTypeOf<ScopeInput>().toEqualTypeOf<string | readonly string[]>();
    expectTypeOf(scopes.payouts.create).toEqualTypeOf<'create_payout_transactions'>();
    createOnly({ ...options, scope: [scopes.paymentLinks.create, 'another'] as const });
    // @ts-expect-error a number is no scope
    createOnly({ ...options, scope: 1 });
  });

  test('http: those of axios that make the transport, and no other', () => {
    expectTypeOf<NonNullable<PayuAuthOptions['http']>>().toEqualTypeOf<
      Pick<
        AxiosRequestConfig,
        'adapter' | 'proxy' | 'httpAgent' | 'httpsAgent' | 'family' | 'lookup' | 'socketPath'
      >
    >();
    // @ts-expect-error headers are the library's own business
    createOnly({ ...options, http: { headers: {} } });
  });

  test('functions', () => {
    expectTypeOf<NonNullable<PayuAuthOptions['isTokenRefused']>>().toEqualTypeOf<
      (response: AxiosResponse) => boolean
    >();
    expectTypeOf(bbpsTokenRefused).toExtend<NonNullable<PayuAuthOptions['isTokenRefused']>>();
    expectTypeOf<NonNullable<PayuAuthOptions['onEvent']>>().toEqualTypeOf<(event: PayuAuthEvent) => void>();
  });

  test('an unknown option, or one that is there and undefined, is refused', () => {
    // @ts-expect-error misspelt
    createOnly({ ...options, renewAhead: 1 });
    // @ts-expect-error left out is not undefined
    createOnly({ ...options, maxWaitMs: undefined });
  });

  test('nothing can be written to', () => {
    expectTypeOf<Writable<PayuAuthOptions>>().toBeNever();
    expectTypeOf<Writable<AccessToken>>().toBeNever();
    expectTypeOf<Writable<TokenRecord>>().toBeNever();
    expectTypeOf<Writable<PayuAuthRequestOptions>>().toBeNever();
    expectTypeOf<Writable<PayuEnvironment>>().toBeNever();
    expectTypeOf<Writable<Extract<PayuAuthOptions['environment'], object>>>().toBeNever();
    expectTypeOf<Writable<NonNullable<PayuAuthOptions['header']>>>().toBeNever();
    expectTypeOf<Writable<Extract<Grant, { type: 'client_credentials' }>>>().toBeNever();
    expectTypeOf<Writable<Extract<Grant, { type: 'password' }>>>().toBeNever();
    expectTypeOf<Writable<Extract<Grant, { type: 'refresh_token' }>>>().toBeNever();
    expectTypeOf<Writable<Extract<Grant, { type: 'custom' }>>>().toBeNever();
    // The means of this very test.
    expectTypeOf<Writable<{ readonly a: 1; b: 2; c?: 3 }>>().toEqualTypeOf<'b' | 'c'>();
  });
});

describe('the auth', () => {
  test('its methods', () => {
    expectTypeOf(createPayuAuth).toEqualTypeOf<(options: PayuAuthOptions) => PayuAuth>();
    expectTypeOf<keyof PayuAuth>().toEqualTypeOf<
      | 'attach'
      | 'getToken'
      | 'status'
      | 'setToken'
      | 'invalidate'
      | 'revoke'
      | 'close'
      | typeof Symbol.asyncDispose
    >();
    expectTypeOf<PayuAuth>().toExtend<AsyncDisposable>();
    expectTypeOf<ReturnType<PayuAuth['getToken']>>().resolves.toEqualTypeOf<AccessToken>();
    expectTypeOf<ReturnType<PayuAuth['attach']>>().toEqualTypeOf<() => void>();
  });

  test('an instance of axios can be attached, and nothing else', () => {
    const attach = (auth: PayuAuth): void => {
      auth.attach(axios);
      auth.attach(axios.create(), { scope: ['a'], origins: ['https://a.example'] });
      // @ts-expect-error fetch has no interceptors
      auth.attach(fetch);
      // @ts-expect-error there is no such option
      auth.attach(axios, { header: { name: 'X' } });
    };
    expectTypeOf(attach).toBeFunction();
    expectTypeOf<AxiosInstance>().toExtend<Parameters<PayuAuth['attach']>[0]>();
  });

  test('a status', () => {
    expectTypeOf<ReturnType<PayuAuth['status']>>().toEqualTypeOf<AuthStatus>();
    expectTypeOf<AuthStatus>().toEqualTypeOf<{
      readonly token: 'fresh' | 'renewing' | 'expired' | 'missing';
      readonly expiresAt?: Date;
      readonly blocked?: { readonly by: 'rate-limit' | 'outage' | 'refusal'; readonly until: Date };
      readonly lastFailure?: {
        readonly at: Date;
        readonly code: PayuAuthErrorCode;
        readonly message: string;
      };
    }>();
    expectTypeOf<Parameters<PayuAuth['getToken']>[0]>().toEqualTypeOf<
      { readonly scope?: ScopeInput; readonly signal?: AbortSignal; readonly maxWaitMs?: number } | undefined
    >();
  });

  test('a token', () => {
    expectTypeOf<AccessToken>().toEqualTypeOf<{
      readonly value: string;
      readonly scope: readonly string[];
      readonly obtainedAt: Date;
      readonly expiresAt: Date;
      readonly extra: Readonly<Record<string, unknown>>;
    }>();
  });
});

describe('a request', () => {
  test('takes payuAuth', () => {
    expectTypeOf<AxiosRequestConfig['payuAuth']>().toEqualTypeOf<
      false | PayuAuthRequestOptions | undefined
    >();
    expectTypeOf<PayuAuthRequestOptions>().toEqualTypeOf<{
      readonly scope?: ScopeInput;
      readonly maxWaitMs?: number;
      readonly replay?: boolean;
    }>();
    const request = (client: AxiosInstance): Promise<unknown>[] => [
      client.get('/', { payuAuth: false }),
      client.get('/', { payuAuth: { scope: scopes.paymentLinks.read, maxWaitMs: 1, replay: false } }),
      // @ts-expect-error true says nothing
      client.get('/', { payuAuth: true }),
      // @ts-expect-error misspelt
      client.get('/', { payuAuth: { scopes: [] } }),
    ];
    expectTypeOf(request).toBeFunction();
  });

  test('an adapter sees it too', () => {
    const adapter: AxiosAdapter = async (config) => {
      expectTypeOf(config.payuAuth).toEqualTypeOf<false | PayuAuthRequestOptions | undefined>();
      throw new Error('not used');
    };
    expectTypeOf(adapter).toBeFunction();
  });
});

describe('events', () => {
  test('a closed union: a switch over all types is exhaustive', () => {
    const named = (event: PayuAuthEvent): string => {
      switch (event.type) {
        case 'token-minted':
          expectTypeOf(event.cause).toEqualTypeOf<MintCause>();
          return `${event.grant} ${event.scope.join()} ${event.durationMs} ${event.expiresInMs} ${event.sameToken}`;
        case 'token-failed':
          expectTypeOf(event.cause).toEqualTypeOf<MintCause>();
          return event.error.message;
        case 'rate-limited':
          expectTypeOf(event.source).toEqualTypeOf<'token-endpoint' | 'api'>();
          return `${event.delayMs} ${event.retryAt.toISOString()}`;
        case 'request-replayed':
          expectTypeOf(event.cause).toEqualTypeOf<'token-refused' | 'rate-limited'>();
          return `${event.attempt} ${event.method} ${event.url}`;
        case 'replay-skipped':
          expectTypeOf(event.reason).toEqualTypeOf<
            | 'body-not-replayable'
            | 'same-token'
            | 'insufficient-scope'
            | 'renewals-paused'
            | 'disabled'
            | 'other-scheme'
          >();
          return event.reason;
        case 'token-withheld':
          expectTypeOf(event.reason).toEqualTypeOf<
            'origin' | 'insecure-http' | 'basic-auth' | 'own-header'
          >();
          return event.origin;
        case 'scope-missing':
          return event.missing.join();
        case 'store-failed':
          expectTypeOf(event.operation).toEqualTypeOf<'get' | 'set' | 'delete' | 'lock'>();
          return event.error.message;
        default:
          return event satisfies never;
      }
    };
    expectTypeOf(named).parameter(0).toEqualTypeOf<PayuAuthEvent>();
    expectTypeOf<MintCause>().toEqualTypeOf<'missing' | 'expired' | 'renew-ahead' | 'refused'>();
  });

  test('a switch that leaves one out does not compile', () => {
    const unnamed = (event: PayuAuthEvent): void => {
      if (event.type === 'scope-missing') return;
      // @ts-expect-error there are others
      event satisfies never;
    };
    expectTypeOf(unnamed).toBeFunction();
  });
});

describe('errors', () => {
  test('each has its code, and what it carries', () => {
    expectTypeOf<PayuAuthErrorCode>().toEqualTypeOf<
      'ERR_TOKEN_REFUSED' | 'ERR_RATE_LIMITED' | 'ERR_TOKEN_UNAVAILABLE' | 'ERR_TOKEN_RESPONSE' | 'ERR_CLOSED'
    >();
    expectTypeOf<TokenRefusedError>().toExtend<
      PayuAuthError & { readonly code: 'ERR_TOKEN_REFUSED'; readonly status: number }
    >();
    expectTypeOf<TokenRefusedError['error']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<TokenRefusedError['errorDescription']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Pick<RateLimitedError, 'code' | 'retryAt' | 'retryAfterMs'>>().toEqualTypeOf<{
      readonly code: 'ERR_RATE_LIMITED';
      readonly retryAt: Date;
      readonly retryAfterMs: number;
    }>();
    expectTypeOf<TokenUnavailableError['attempts']>().toEqualTypeOf<number>();
    expectTypeOf<TokenUnavailableError['status']>().toEqualTypeOf<number | undefined>();
    expectTypeOf<Pick<TokenResponseError, 'code' | 'status' | 'reason'>>().toEqualTypeOf<{
      readonly code: 'ERR_TOKEN_RESPONSE';
      readonly status: number;
      readonly reason: string;
    }>();
    expectTypeOf<ClosedError['code']>().toEqualTypeOf<'ERR_CLOSED'>();
  });

  test('isPayuAuthError narrows what was caught to the five classes', () => {
    const codeOf = (caught: unknown): PayuAuthErrorCode | undefined => {
      if (isPayuAuthError(caught)) {
        expectTypeOf(caught).toEqualTypeOf<AnyPayuAuthError>();
        return caught.code;
      }
      expectTypeOf(caught).toBeUnknown();
      return undefined;
    };
    expectTypeOf(codeOf).returns.toEqualTypeOf<PayuAuthErrorCode | undefined>();
    expectTypeOf<AnyPayuAuthError>().toEqualTypeOf<
      TokenRefusedError | RateLimitedError | TokenUnavailableError | TokenResponseError | ClosedError
    >();
    expectTypeOf<AnyPayuAuthError['code']>().toEqualTypeOf<PayuAuthErrorCode>();
  });

  test('then `code` narrows to the fields', () => {
    const told = (caught: unknown): string => {
      if (!isPayuAuthError(caught)) return 'another';
      expectTypeOf(caught.method).toEqualTypeOf<string | undefined>();
      expectTypeOf(caught.url).toEqualTypeOf<string | undefined>();
      switch (caught.code) {
        case 'ERR_TOKEN_REFUSED':
          expectTypeOf(caught).toEqualTypeOf<TokenRefusedError>();
          return `${caught.status} ${caught.error} ${caught.errorDescription}`;
        case 'ERR_RATE_LIMITED':
          return `${caught.retryAt.toISOString()} ${caught.retryAfterMs}`;
        case 'ERR_TOKEN_UNAVAILABLE':
          return `${caught.attempts} ${caught.status}`;
        case 'ERR_TOKEN_RESPONSE':
          return `${caught.status} ${caught.reason}`;
        case 'ERR_CLOSED':
          // @ts-expect-error it has no status
          return String(caught.status);
        default:
          return caught satisfies never;
      }
    };
    expectTypeOf(told).returns.toBeString();
    expectTypeOf<Writable<Pick<AnyPayuAuthError, 'method' | 'url' | 'code'>>>().toBeNever();
  });
});

describe('stores', () => {
  test('a class of the user may be one, synchronous or not', () => {
    class Own implements TokenStore {
      async get(): Promise<undefined> {}
      set(): void {}
      async delete(): Promise<void> {}
      withLock<T>(_key: string, task: () => Promise<T>): Promise<T> {
        return task();
      }
    }
    expectTypeOf<Own>().toExtend<TokenStore>();
    expectTypeOf<MemoryTokenStore>().toExtend<TokenStore>();
    expectTypeOf(new MemoryTokenStore().get('key')).toEqualTypeOf<TokenRecord | undefined>();
    expectTypeOf<ReturnType<TokenStore['get']>>().toEqualTypeOf<MaybePromise<TokenRecord | undefined>>();
  });
});

describe('constants and the hash', () => {
  test('are what they say', () => {
    expectTypeOf(environments).toEqualTypeOf<{
      readonly test: PayuEnvironment;
      readonly production: PayuEnvironment;
    }>();
    expectTypeOf(publicClientIds).toEqualTypeOf<{ readonly test: string; readonly production: string }>();
    expectTypeOf(commandHash).returns.toBeString();
    // @ts-expect-error the salt is missing
    const unsalted = (): string => commandHash({ key: 'k', command: 'c' });
    expectTypeOf(unsalted).toBeFunction();
  });
});

/** Types alone: nothing is created. */
function createOnly(_options: PayuAuthOptions): void {}
