declare module 'axios-token-interceptor' {
  import type { InternalAxiosRequestConfig } from 'axios';

  interface Cache<T> {
    (): Promise<T>;
    reset(): void;
  }

  function tokenProvider<T>(options: {
    readonly getToken: () => Promise<T>;
    readonly headerFormatter?: (token: T) => string;
  }): (config: InternalAxiosRequestConfig) => Promise<InternalAxiosRequestConfig>;

  namespace tokenProvider {
    function tokenCache<T>(
      getToken: () => Promise<T>,
      options: { readonly getMaxAge: (token: T) => number },
    ): Cache<T>;
  }

  export = tokenProvider;
}
